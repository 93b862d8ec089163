import assert from "node:assert/strict";
import { test } from "node:test";
import { Progress } from "../../src/cli/progress.ts";
import { TextStream } from "./in_process.ts";

async function shownAt(stream: TextStream, json: boolean, momentsMs: readonly number[]): Promise<string> {
  let nowMs = 0;
  const progress = new Progress(stream, json, () => nowMs);
  for (nowMs of momentsMs) await progress.update(() => `at ${nowMs}`);
  await progress.done();
  return stream.text;
}

test("Progress is silent in the first second", async () => {
  assert.equal(await shownAt(new TextStream({ isTerminal: true }), false, [0, 500, 999]), "");
});

test("Progress rewrites one line on a terminal, at most ten times a second, and takes it away", async () => {
  const text = await shownAt(new TextStream({ isTerminal: true }), true, [1000, 1050, 1100, 1150, 1200]);
  assert.equal(text, "\r\u001b[Kat 1000\r\u001b[Kat 1100\r\u001b[Kat 1200\r\u001b[K");
});

test("Progress writes a line now and then elsewhere, and none where output is for a program", async () => {
  assert.equal(await shownAt(new TextStream(), false, [1000, 2000, 5999, 6000, 7000]), "at 1000\nat 6000\n");
  assert.equal(await shownAt(new TextStream(), true, [1000, 9000]), "");
});
