import assert from "node:assert/strict";
import { test } from "node:test";
import { RecordIds } from "../../src/store/record_ids.ts";
import { refusals } from "../../src/store/session_limit.ts";
import { hasCode, message, messages, sequences, simulatedTest, storeTest } from "./store_fixture.ts";

const long = (n: number): { n: number; text: string } => ({ n, text: "x".repeat(1000) });

test("refusals(): what fits goes, in order, and a retry of what is there takes no room", () => {
  const ids = new RecordIds(10);
  ids.add("known", 0);
  const batch = (bytes: number, id?: string) => ({ texts: ["x".repeat(bytes)], ids: [id] });
  const limit = { path: "log", offset: 1000, bytesMax: 2000 };
  const refused = (...batches: ReturnType<typeof batch>[]): string =>
    refusals(batches, ids, limit).map((error) => error === null ? "+" : error.code).join(" ");
  assert.equal(refused(batch(500)), "+");
  assert.equal(refused(batch(800), batch(500), batch(10)), "+ too-large +");
  assert.equal(refused(batch(5000, "known"), batch(5000, "other")), "+ too-large");
});

storeTest("sessionBytesMax: an append beyond is refused with too-large, and everything else goes on", async (bench) => {
  const session = await bench.openSession("chat", { sessionBytesMax: 4096 });
  for (let n = 0; n < 3; n++) await session.append(long(n));
  await assert.rejects(session.append(long(3)), hasCode("too-large"));
  await assert.rejects(session.appendAll([long(3), message(3)]), hasCode("too-large"));
  assert.equal((await session.append(message(3))).sequence, 3, "what is small enough fits");
  assert.equal(session.status, "open");
  await assert.rejects(session.replace([long(0), long(1), long(2), long(3), long(4)]), hasCode("too-large"));
  assert.deepEqual(await sequences(session), [0, 1, 2, 3]);
  await session.truncate(1);
  await assert.rejects(session.append(long(4)), hasCode("too-large"));
  await session.compact();
  assert.equal((await session.append(long(4))).sequence, 4);
  assert.ok((await bench.base.stat(bench.path("chat.jsonl"))).size > 0);
});

simulatedTest("sessionBytesMax: of appends that go together those that fit are acknowledged", async (bench) => {
  const session = await bench.openSession("chat", { sessionBytesMax: 4096 });
  const results = await Promise.allSettled([0, 1, 2, 3, 4].map((n) => session.append(long(n))));
  assert.deepEqual(results.map(({ status }) => status), [
    "fulfilled",
    "fulfilled",
    "fulfilled",
    "rejected",
    "rejected",
  ]);
  assert.deepEqual(await session.history(), [long(0), long(1), long(2)]);
});

simulatedTest("sessionBytesMax: a blocking append is refused as well, and takes no other with it", async (bench) => {
  const session = await bench.openSession("chat", { sessionBytesMax: 4096 });
  using _ = await session.hold();
  for (let n = 0; n < 3; n++) await session.append(long(n));
  const waiting = session.append(message(3));
  assert.throws(() => session.appendTextAllSync([JSON.stringify(long(4))]), hasCode("too-large"));
  assert.equal((await waiting).sequence, 3);
  assert.deepEqual(session.appendTextAllSync([JSON.stringify(message(4))]), [{ sequence: 4, duplicate: false }]);
});

simulatedTest("sessionBytesMax: what is larger already is read, truncated and compacted", async (bench) => {
  const before = await bench.openSession("chat");
  for (let n = 0; n < 10; n++) await before.append(long(n));
  await bench.closeAll();
  const session = await bench.openSession("chat", { sessionBytesMax: 5000 });
  assert.equal((await session.history()).length, 10);
  await assert.rejects(session.append(message(0)), hasCode("too-large"));
  await session.truncate(2);
  await session.compact();
  assert.equal((await session.append(message(0))).sequence, 10);
});

simulatedTest("selfCompaction: the writer compacts its log behind the truncation that makes it due", async (bench) => {
  const session = await bench.openSession("chat", { selfCompaction: { deadLinesMin: 3 } });
  for (const record of messages(0, 8)) await session.append(record);
  await session.truncate(5);
  assert.deepEqual(await sequences(session, { all: true }), [0, 1, 2, 3, 4, 5, 6, 7], "less than half is hidden");
  await session.truncate(2, { summary: "six" });
  assert.deepEqual(await sequences(session, { all: true }), [6, 7]);
  assert.equal(session.summary, "six");
  assert.equal((await session.append(message(8))).sequence, 8);
  // A log of which only the last line is left, hidden, has nothing to give.
  await session.truncate(0);
  assert.deepEqual(await sequences(session, { all: true }), [8]);
});

simulatedTest("selfCompaction keeps what it removes where the store keeps an archive", async (bench) => {
  const session = await bench.openSession("chat", {
    archive: true,
    selfCompaction: { deadLinesMin: 1, deadShareMin: 0 },
  });
  for (const record of messages(0, 6)) await session.append(record);
  await session.truncate(2);
  assert.deepEqual(await bench.names("/chat.archive"), ["0-3.jsonl"]);
  assert.deepEqual(await sequences(session, { all: true }), [0, 1, 2, 3, 4, 5]);
});

simulatedTest("sessionBytesMax and selfCompaction are checked", async (bench) => {
  await assert.rejects(bench.open({ sessionBytesMax: 10 }), RangeError);
  await assert.rejects(bench.open({ selfCompaction: { deadShareMin: 2 } }), RangeError);
  await assert.rejects(bench.open({ selfCompaction: { deadLinesMin: 0 } }), RangeError);
});
