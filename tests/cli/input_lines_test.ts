import assert from "node:assert/strict";
import { test } from "node:test";
import { inputLines, untilAborted } from "../../src/cli/input_lines.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

async function* chunksOf(bytes: Uint8Array, length: number): AsyncIterableIterator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += length) yield bytes.slice(offset, offset + length);
}

async function linesOf(source: AsyncIterable<Uint8Array>): Promise<[number, string | null, boolean][]> {
  const lines: [number, string | null, boolean][] = [];
  for await (const { number, bytes, terminated } of inputLines(source)) {
    lines.push([number, bytes === null ? null : decoder.decode(bytes), terminated]);
  }
  return lines;
}

test("inputLines numbers lines as an editor does, however the bytes are cut", async () => {
  const bytes = encoder.encode("one\n\n\ntwo\r\n \t\r\nz\u2028ä\n\nlast");
  for (let length = 1; length <= bytes.length; length++) {
    assert.deepEqual(await linesOf(chunksOf(bytes, length)), [
      [1, "one", true],
      [4, "two\r", true],
      [6, "z\u2028ä", true],
      [8, "last", false],
    ], `chunks of ${length}`);
  }
});

test("inputLines reports a line over 10 MiB by number, without its bytes, and goes on", async () => {
  const bytes = new Uint8Array(11 * 1024 * 1024).fill(0x61);
  bytes[1] = 0x0a;
  bytes[bytes.length - 2] = 0x0a;
  assert.deepEqual(await linesOf(chunksOf(bytes, 100_000)), [[1, "a", true], [2, null, true], [3, "a", false]]);
});

test("inputLines of nothing, and of blank lines only, is nothing", async () => {
  assert.deepEqual(await linesOf(chunksOf(new Uint8Array(), 1)), []);
  assert.deepEqual(await linesOf(chunksOf(encoder.encode("\n \n\r\n"), 2)), []);
});

test("untilAborted ends while it waits for more", async () => {
  const controller = new AbortController();
  const waiting: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({
      next() {
        controller.abort();
        return new Promise(() => {});
      },
    }),
  };
  assert.deepEqual(await linesOf(untilAborted(waiting, controller.signal)), []);
});

test("untilAborted keeps no piece that was taken: a long input takes no more memory than a short one", async () => {
  const taken: WeakRef<Uint8Array>[] = [];
  async function* pieces(): AsyncIterableIterator<Uint8Array> {
    for (let count = 0; count < 4_000; count++) {
      // Half a gigabyte, so that each runtime collects in between; a weak reference ends with a turn of the event loop.
      if (count % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
      const piece = new Uint8Array(128 * 1024);
      taken.push(new WeakRef(piece));
      yield piece;
    }
  }
  for await (const piece of untilAborted(pieces(), new AbortController().signal)) assert.equal(piece.length, 131_072);
  const gone = taken.filter((piece) => piece.deref() === undefined).length;
  assert.ok(gone > 0, "not one of 4,000 pieces was let go");
});
