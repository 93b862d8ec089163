import assert from "node:assert/strict";
import { test } from "node:test";
import { RecordStream } from "../../src/store/record_stream.ts";

interface Source {
  stream: RecordStream<number, string>;
  taken: number;
  ended: boolean;
}

function streamOf(groups: readonly (readonly number[])[], signal?: AbortSignal): Source {
  const source = { taken: 0, ended: false };
  async function* give(): AsyncGenerator<readonly number[], void> {
    try {
      for (const group of groups) {
        source.taken++;
        if (group[0] === -1) throw new RangeError("damage");
        yield await Promise.resolve(group);
      }
    } finally {
      source.ended = true;
    }
  }
  return Object.assign(source, { stream: new RecordStream(give(), String, signal) });
}

test("RecordStream gives every member of every group, in order, and reads a group when it is wanted", async () => {
  const source = streamOf([[1, 2], [], [3], [4, 5]]);
  const { stream } = source;
  assert.deepEqual(await stream.next(), { done: false, value: "1" });
  await stream.next();
  assert.equal(source.taken, 1);
  const rest: string[] = [];
  for await (const entry of stream) rest.push(entry);
  assert.deepEqual(rest, ["3", "4", "5"]);
  assert.deepEqual(await stream.next(), { done: true, value: undefined });
});

test("RecordStream.next() called several times at once gives each its own, in order", async () => {
  const { stream } = streamOf([[1, 2], [3]]);
  const results = await Promise.all([stream.next(), stream.next(), stream.next(), stream.next()]);
  assert.deepEqual(results.map(({ value }) => value), ["1", "2", "3", undefined]);
});

test("RecordStream gives back what it reads from when it is left, and gives nothing more", async () => {
  const source = streamOf([[1, 2], [3]]);
  for await (const entry of source.stream) if (entry === "1") break;
  assert.equal(source.ended, true);
  assert.equal((await source.stream.next()).done, true);
  const thrown = streamOf([[1, 2]]);
  await thrown.stream.next();
  await assert.rejects(thrown.stream.throw(new SyntaxError("mine")), SyntaxError);
  assert.equal(thrown.ended, true);
});

test("RecordStream gives what stands in front of damage, then the error, then nothing", async () => {
  const { stream } = streamOf([[1, 2], [-1], [3]]);
  assert.equal((await stream.next()).value, "1");
  assert.equal((await stream.next()).value, "2");
  await assert.rejects(stream.next(), RangeError);
  assert.equal((await stream.next()).done, true);
});

test("RecordStream ends between two members of a group when the signal is aborted", async () => {
  const controller = new AbortController();
  const source = streamOf([[1, 2, 3]], controller.signal);
  await source.stream.next();
  controller.abort();
  assert.equal((await source.stream.next()).done, true);
  assert.equal(source.ended, true);
});
