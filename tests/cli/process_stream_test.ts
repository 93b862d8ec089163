import assert from "node:assert/strict";
import { test } from "node:test";
import { ProcessStream } from "../../src/cli/process_stream.ts";
import type { StandardOutput } from "../../src/fs/runtime_standard_streams.ts";

/** A stream whose reader is the test. */
class FakeStream implements StandardOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly written: { text: string; done: (error?: Error | null) => void }[] = [];
  onError: (error: Error) => void = () => {};

  constructor(options: { isTTY?: boolean; columns?: number } = {}) {
    Object.assign(this, options);
  }

  write(text: string, done: (error?: Error | null) => void): boolean {
    this.written.push({ text, done });
    return true;
  }

  on(_event: "error", listener: (error: Error) => void): void {
    this.onError = listener;
  }
}

test("ProcessStream.write waits for a reader that is 64 KiB behind, and goes on when it has caught up", async () => {
  const fake = new FakeStream();
  const stream = new ProcessStream(fake);
  await stream.write("small");
  let wrote = false;
  const writing = stream.write("x".repeat(70_000)).then(() => wrote = true);
  await Promise.resolve();
  assert.equal(wrote, false);
  for (const { done } of fake.written) done();
  await writing;
  await stream.drained();
});

test("ProcessStream goes quiet when the reader has gone, and lets nobody wait", async () => {
  const fake = new FakeStream();
  const stream = new ProcessStream(fake);
  const writing = stream.write("x".repeat(70_000));
  fake.onError(new Error("EPIPE"));
  await writing;
  assert.equal(stream.closed, true);
  await stream.write("more");
  await stream.drained();
  assert.equal(fake.written.length, 1);
});

test("ProcessStream knows the terminal's width, and takes 80 where there is none", () => {
  assert.equal(new ProcessStream(new FakeStream({ isTTY: true, columns: 132 })).columns, 132);
  assert.equal(new ProcessStream(new FakeStream({ isTTY: true, columns: 0 })).columns, 80);
  assert.equal(new ProcessStream(new FakeStream()).columns, 80);
  assert.equal(new ProcessStream(new FakeStream()).isTerminal, false);
});
