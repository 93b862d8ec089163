/**
 * Reading from the newest record to the oldest, and from any number on, at the cost of what is taken.
 */
import assert from "node:assert/strict";
import fc from "../properties.ts";
import { type RecordsBackOptions, type Session } from "../../mod.ts";
import { message, simulatedTest, storeTest } from "./store_fixture.ts";

async function back(session: Session, options: RecordsBackOptions = {}): Promise<number[]> {
  const sequences: number[] = [];
  for await (const { sequence } of session.recordsBack(options)) sequences.push(sequence);
  return sequences;
}

async function forth(session: Session, all = false): Promise<number[]> {
  const sequences: number[] = [];
  for await (const { sequence } of session.records({ all })) sequences.push(sequence);
  return sequences;
}

storeTest("Session.recordsBack() gives what records() gives, backwards", async (bench) => {
  const chat = await bench.openSession();
  assert.deepEqual(await back(chat), []);
  await chat.appendAll(Array.from({ length: 1_000 }, (_, number) => message(number)));
  for (let number = 1_000; number < 1_020; number++) await chat.append({ text: "x".repeat(20_000), number });
  await chat.truncate(900);
  assert.deepEqual(await back(chat), (await forth(chat)).reverse());
  assert.deepEqual(await back(chat, { all: true }), (await forth(chat, true)).reverse());
  assert.deepEqual(await back(chat, { before: 500, limit: 3 }), [499, 498, 497]);
  assert.deepEqual(await back(chat, { before: 121 }), [120]);
  assert.deepEqual(await back(chat, { before: 120 }), []);
  assert.deepEqual(await back(chat, { before: 2, all: true }), [1, 0]);
  assert.deepEqual(await back(chat, { limit: 0 }), []);
  assert.deepEqual(await back(chat, { before: 10_000, limit: 2 }), [1_019, 1_018]);
  await assert.rejects(back(chat, { before: -1 }), RangeError);
  await assert.rejects(back(chat, { limit: 0.5 }), RangeError);
});

simulatedTest("Session.recordsBack() and records() agree for any mix of sizes and batches", async (bench) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom(1, 1, 1, 3, 40), fc.constantFrom(10, 300, 9_000)), { maxLength: 40 }),
      fc.nat(400),
      fc.uuid(),
      async (parts, before, key) => {
        const store = await bench.open();
        const chat = await store.session(key);
        for (const [count, bytes] of parts) {
          await chat.appendAll(Array.from({ length: count }, () => ({ text: "x".repeat(bytes) })));
        }
        const all = await forth(chat);
        assert.deepEqual(await back(chat), all.toReversed());
        assert.deepEqual(await back(chat, { before }), all.filter((sequence) => sequence < before).reverse());
        const from: number[] = [];
        for await (const { sequence } of chat.records({ from: before })) from.push(sequence);
        assert.deepEqual(from, all.filter((sequence) => sequence >= before));
        await store.close();
      },
    ),
    { numRuns: 25 },
  );
});

simulatedTest("Session.recordsBack() reads lines of picoclaw's, which carry no numbers", async (bench) => {
  const lines = Array.from({ length: 3_000 }, (_, number) => JSON.stringify(message(number)));
  const store = await bench.open();
  await bench.write("old.jsonl", `${lines.join("\n")}\n`);
  const chat = await store.session("old");
  assert.deepEqual(await back(chat), (await forth(chat)).reverse());
  assert.deepEqual(await back(chat, { before: 1_500, limit: 2 }), [1_499, 1_498]);
  await chat.append(message(3_000));
  assert.deepEqual(await back(chat, { limit: 2 }), [3_000, 2_999]);
});

simulatedTest(
  "Session.records() from a number reads neither what is in front nor most of what is behind, sealed or not",
  async (bench) => {
    const writer = await bench.open();
    const chat = await writer.session("chat");
    for (let part = 0; part < 20; part++) {
      await chat.appendAll(Array.from({ length: 500 }, (_, number) => message(part * 500 + number)));
    }
    const { bytes } = await chat.info();
    for (const isSealed of [false, true]) {
      if (isSealed) await writer.close();
      const store = isSealed ? await bench.open({ readOnly: true }) : writer;
      const session = await store.session("chat");
      for (const from of [4_321, 9_990, 17, 4_321]) {
        const before = store.counters.bytesRead;
        for await (const { sequence } of session.records({ from, limit: 1 })) assert.equal(sequence, from);
        for await (const { sequence } of session.recordsBack({ before: from, limit: 1 })) {
          assert.equal(sequence, from - 1);
        }
        const read = store.counters.bytesRead - before;
        assert.ok(read < 600 * 1024 && read < bytes * 1.2, `${read} bytes of ${bytes} read for ${from}, ${isSealed}`);
      }
    }
  },
);
