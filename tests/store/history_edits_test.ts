/**
 * Truncation, replace and compaction: none loses what was not meant, none brings anything back.
 */
import assert from "node:assert/strict";
import { openStore, type Session } from "../../mod.ts";
import type { SimulatedFileSystem } from "../../src/testing/mod.ts";
import { appendMessages, hasCode, message, messages, sequences, simulatedTest, storeTest } from "./store_fixture.ts";

/** Session `chat` after a power cut that keeps only what was synced. */
async function afterPowerCut(machine: SimulatedFileSystem): Promise<Session> {
  const store = await openStore("/sessions", { fileSystem: machine.clone().crash(), readOnly: true });
  return await store.session("chat");
}

storeTest("Session.truncate() hides all but the last records, in one commit with the summary", async (bench) => {
  const chat = await bench.openSession();
  await appendMessages(chat, 0, 6);
  await chat.truncate(2, { summary: "the first four" });
  assert.deepEqual(await chat.history(), messages(4, 6));
  assert.equal(chat.summary, "the first four");
  assert.deepEqual(await sequences(chat, { all: true }), [0, 1, 2, 3, 4, 5]);
  const meta = await bench.meta("chat");
  assert.equal(meta["skip"], 4);
  assert.equal(meta["count"], 6);
  assert.equal(meta.holdfast["first"], 4);
  await bench.closeAll();
  const again = await bench.openSession();
  assert.deepEqual(await again.history(), messages(4, 6));
  assert.equal(again.summary, "the first four");
});

simulatedTest("Session.truncate() keeps 0, all, more than there are, and what asOf says", async (bench) => {
  const cases: [number, number | undefined, number[]][] = [
    [0, undefined, []],
    [1, undefined, [7]],
    [6, undefined, [2, 3, 4, 5, 6, 7]],
    [7, undefined, [2, 3, 4, 5, 6, 7]],
    [Number.MAX_SAFE_INTEGER, undefined, [2, 3, 4, 5, 6, 7]],
    [0, 5, [6, 7]],
    [2, 5, [4, 5, 6, 7]],
    [9, 5, [2, 3, 4, 5, 6, 7]],
    [0, -1, [2, 3, 4, 5, 6, 7]],
    [0, 1, [2, 3, 4, 5, 6, 7]],
    [0, 7, []],
    [3, 100, [5, 6, 7]],
  ];
  for (const [index, [keep, asOf, expected]] of cases.entries()) {
    const chat = await bench.openSession(`case ${index}`);
    await appendMessages(chat, 0, 8);
    await chat.truncate(6);
    await chat.truncate(keep, asOf === undefined ? {} : { asOf });
    assert.deepEqual(await sequences(chat), expected, `keep ${keep} as of ${asOf}`);
    assert.deepEqual(await chat.append(message(8)), { sequence: 8, duplicate: false });
    assert.deepEqual(await sequences(chat), [...expected, 8]);
  }
});

simulatedTest(
  "Session.truncate() that changes nothing writes nothing; of a session without files it makes none",
  async (bench) => {
    const store = await bench.open();
    const chat = await store.session("chat");
    await chat.truncate(0);
    await chat.truncate(5);
    await chat.replace([]);
    assert.deepEqual(await chat.compact(), { removed: 0, bytesBefore: 0, bytesAfter: 0, archived: 0 });
    assert.deepEqual((await bench.names()).filter((name) => !name.endsWith(".lock")), []);
    await appendMessages(chat, 0, 3);
    bench.port.takeCalls();
    await chat.truncate(3);
    await chat.truncate(4, { summary: "" });
    assert.deepEqual(bench.port.takeCalls(), []);
    await chat.truncate(3, { summary: "new" });
    assert.equal(bench.port.takeCalls().filter((call) => call.startsWith("rename")).length, 1);
    assert.deepEqual(await chat.history(), messages(0, 3));
  },
);

simulatedTest(
  "W10, #704: a summariser that races with the main loop loses nothing that it has not summarised",
  async (bench) => {
    const chat = await bench.openSession();
    await appendMessages(chat, 0, 20);
    const known: number[] = [];
    for await (const { sequence } of chat.records()) known.push(sequence);
    const asOf = known.at(-1) ?? -1;
    const keep = 4;
    // The model takes its time; meanwhile the main loop goes on.
    await appendMessages(chat, 20, 30);
    const pending = chat.append(message(30));
    await Promise.all([chat.truncate(keep, { asOf, summary: "up to 15" }), pending, chat.append(message(31))]);
    assert.deepEqual(await chat.history(), messages(16, 32));
    assert.equal(chat.summary, "up to 15");
    // A second summariser that began before the first one ended knows less: it brings nothing back.
    await chat.truncate(keep, { asOf: 10, summary: "stale" });
    assert.deepEqual(await chat.history(), messages(16, 32));
  },
);

simulatedTest("#704: appends, truncations and compactions at the same time lose nothing (I2, I3)", async (bench) => {
  const chat = await bench.openSession();
  const summarise = async (): Promise<void> => {
    for (let round = 0; round < 10; round++) {
      const { firstSequence, records } = await chat.tail(1);
      if (firstSequence === null || records.length === 0) continue;
      await chat.truncate(3, { asOf: firstSequence, summary: `round ${round}` });
      await chat.compact();
    }
  };
  const write = async (): Promise<void> => await appendMessages(chat, 0, 100);
  await Promise.all([write(), summarise()]);
  const history = await chat.history();
  assert.ok(history.length >= 3);
  assert.deepEqual(history, messages(100 - history.length, 100), "the active records are the last ones, without a gap");
  assert.equal((await chat.verify()).ok, true);
});

storeTest("Session.replace() gives the new records new numbers, and sets the summary with them", async (bench) => {
  const chat = await bench.openSession();
  await appendMessages(chat, 0, 3);
  await chat.setSummary("old");
  await chat.replace(messages(10, 12), { summary: "new" });
  assert.deepEqual(await chat.history(), messages(10, 12));
  assert.deepEqual(await sequences(chat, { all: true }), [3, 4]);
  assert.equal(chat.summary, "new");
  await chat.replace(messages(20, 21));
  assert.equal(chat.summary, "new");
  assert.deepEqual(await chat.append(message(21)), { sequence: 6, duplicate: false });
  await bench.closeAll();
  const again = await bench.openSession();
  assert.deepEqual(await again.history(), messages(20, 22));
  assert.equal(again.summary, "new");
  assert.equal((await again.verify()).ok, true);
  assert.equal((await bench.meta("chat"))["skip"], 0);
});

simulatedTest("Session.replace([]) is a truncation: numbers go on (B1)", async (bench) => {
  const chat = await bench.openSession();
  await appendMessages(chat, 0, 3);
  await chat.replace([], { summary: "nothing" });
  assert.deepEqual(await chat.history(), []);
  assert.equal(chat.summary, "nothing");
  assert.equal((await chat.append(message(3))).sequence, 3);
  assert.deepEqual(await chat.history(), [message(3)]);
});

simulatedTest("Session.replace() of a session that is not there makes it", async (bench) => {
  const chat = await bench.openSession();
  await chat.replace(messages(0, 2), { summary: "s" });
  await bench.closeAll();
  const again = await bench.openSession();
  assert.deepEqual(await again.history(), messages(0, 2));
  assert.equal(again.summary, "s");
});

simulatedTest("Session.replace() and truncate() are durable when they resolve (I1, I8)", async (bench, machine) => {
  const chat = await bench.openSession();
  await appendMessages(chat, 0, 5);
  await chat.truncate(2, { summary: "s" });
  let after = await afterPowerCut(machine);
  assert.deepEqual(await after.history(), messages(3, 5));
  assert.equal(after.summary, "s");
  await chat.replace(messages(10, 12), { summary: "t" });
  after = await afterPowerCut(machine);
  assert.deepEqual(await after.history(), messages(10, 12));
  assert.equal(after.summary, "t");
  await chat.compact();
  await chat.append(message(12));
  assert.deepEqual(await (await afterPowerCut(machine)).history(), messages(10, 13));
});

storeTest("Session.compact() removes what is hidden; the result is equivalent (I9)", async (bench) => {
  const chat = await bench.openSession("chat", { preallocate: false });
  await appendMessages(chat, 0, 10);
  await chat.truncate(4, { summary: "s" });
  const before = await bench.read("chat.jsonl");
  const result = await chat.compact();
  const after = await bench.read("chat.jsonl");
  assert.deepEqual(result, { removed: 6, bytesBefore: before.length, bytesAfter: after.length, archived: 0 });
  assert.deepEqual(await chat.history(), messages(6, 10));
  assert.deepEqual(await sequences(chat, { all: true }), [6, 7, 8, 9]);
  assert.equal(chat.summary, "s");
  const meta = await bench.meta("chat");
  assert.deepEqual([meta["skip"], meta["count"], meta.holdfast["first"]], [0, 4, 6]);
  assert.equal((await chat.append(message(10))).sequence, 10);
  await bench.closeAll();
  const again = await bench.openSession();
  assert.deepEqual(await again.history(), messages(6, 11));
  assert.equal((await again.verify()).ok, true);
});

simulatedTest(
  "B1: compact() keeps the last record, hidden, so that no number is used again, also after the loss of the meta",
  async (bench) => {
    const chat = await bench.openSession();
    await appendMessages(chat, 0, 3);
    await chat.truncate(0);
    await chat.compact();
    assert.deepEqual(await chat.history(), []);
    assert.deepEqual(await sequences(chat, { all: true }), [2]);
    assert.equal((await bench.meta("chat"))["skip"], 1);
    await bench.closeAll();
    await bench.base.unlink(bench.path("chat.meta.json"));
    const again = await bench.openSession();
    assert.equal((await again.append(message(3))).sequence, 3);
    assert.deepEqual(bench.eventTypes(), ["meta-rebuilt"]);
  },
);

simulatedTest("B1: numbers go on after truncate(0), compaction, reopening and more of the same", async (bench) => {
  let next = 0;
  for (let round = 0; round < 4; round++) {
    const chat = await bench.openSession();
    for (let count = 0; count <= round; count++) assert.equal((await chat.append(message(next))).sequence, next++);
    if (round % 2 === 0) await chat.truncate(0);
    await chat.compact();
    await chat.compact();
    await bench.closeAll();
  }
});

simulatedTest("Session.compact() of what is compact already writes nothing", async (bench) => {
  const chat = await bench.openSession();
  await appendMessages(chat, 0, 5);
  await chat.compact();
  await chat.truncate(2);
  await chat.compact();
  await chat.append(message(5));
  bench.port.takeCalls();
  const { length } = await bench.read("chat.jsonl");
  assert.deepEqual(await chat.compact(), { removed: 0, bytesBefore: length, bytesAfter: length, archived: 0 });
  assert.deepEqual(bench.port.takeCalls(), []);
});

simulatedTest(
  "H12: a replace that failed leaves its summary tied to its own log, not to the next record of that number",
  async (bench) => {
    const store = await bench.open();
    const chat = await store.session("chat");
    await appendMessages(chat, 0, 3);
    bench.port.failNext((call) => call.method === "rename" && call.path.endsWith(".log.tmp"), "EIO");
    await assert.rejects(chat.replace(messages(10, 12), { summary: "stale" }), hasCode("failed"));
    const again = await store.session("chat");
    assert.equal(again.summary, "");
    assert.equal((await again.append(message(3))).sequence, 3);
    assert.ok(bench.eventTypes().includes("replace-discarded"));
    await again.truncate(1);
    await again.compact();
    await bench.closeAll();
    const last = await bench.openSession();
    assert.equal(last.summary, "");
    assert.deepEqual(await last.history(), [message(3)]);
  },
);

simulatedTest(
  "H12: a replace whose meta could not be finished counts all the same, also for readers and picoclaw's fields",
  async (bench) => {
    const store = await bench.open();
    const chat = await store.session("chat");
    await appendMessages(chat, 0, 3);
    let metas = 0;
    bench.port.onCall = (call) => {
      const isSecond = call.method === "write" && call.path.endsWith(".meta.tmp") && ++metas === 2;
      if (isSecond) throw Object.assign(new Error("full"), { code: "ENOSPC" });
    };
    await chat.replace(messages(10, 12), { summary: "new" });
    bench.port.onCall = null;
    assert.deepEqual(bench.eventTypes(), ["replace-pending"]);
    assert.equal(chat.summary, "new");
    const reader = await (await bench.open({ readOnly: true })).session("chat");
    assert.equal(reader.summary, "new");
    assert.deepEqual(await reader.history(), messages(10, 12));
    await bench.closeAll();
    const again = await bench.openSession();
    assert.equal(again.summary, "new");
    await again.append(message(12));
    assert.deepEqual(bench.eventTypes(), ["replace-pending", "replace-finished"]);
    assert.equal((await bench.meta("chat")).holdfast["replacing"], undefined);
    assert.deepEqual(await again.history(), messages(10, 13));
  },
);

simulatedTest(
  "Session.replace() and compact() that run out of space leave everything as it was (I14)",
  async (bench) => {
    const chat = await bench.openSession();
    await appendMessages(chat, 0, 4);
    await chat.truncate(2, { summary: "s" });
    for (const temporary of [".log.tmp", ".meta.tmp"]) {
      const full = () =>
        bench.port.failNext((call) => call.method === "write" && call.path.endsWith(temporary), "ENOSPC");
      full();
      await assert.rejects(chat.replace(messages(10, 12), { summary: "t" }), hasCode("disk-full"), temporary);
      full();
      await assert.rejects(chat.compact(), hasCode("disk-full"), temporary);
      bench.port.onCall = null;
      assert.deepEqual(await sequences(chat, { all: true }), [0, 1, 2, 3]);
      assert.equal(chat.summary, "s");
      assert.deepEqual((await bench.names()).filter((name) => name.endsWith(".tmp")), []);
    }
    await chat.append(message(4));
    assert.deepEqual(await chat.history(), messages(2, 5));
    assert.deepEqual(bench.eventTypes(), []);
  },
);

simulatedTest("Session.repair() sets damaged lines aside, and says what it found (I11)", async (bench) => {
  const chat = await bench.openSession();
  await appendMessages(chat, 0, 4);
  await bench.closeAll();
  const text = await bench.text("chat.jsonl");
  await bench.write("chat.jsonl", text.replace("message 1", "massage 1"));
  const again = await bench.openSession();
  const report = await again.repair();
  assert.equal(report.before.ok, false);
  assert.equal(report.before.damaged.length, 1);
  assert.equal(report.after.ok, true);
  assert.equal(report.removed, 1);
  assert.deepEqual(await sequences(again), [0, 2, 3]);
  assert.equal((await bench.names("/chat.quarantine")).length, 1);
  assert.deepEqual(bench.eventTypes(), ["quarantined"]);
  assert.equal((await again.append(message(4))).sequence, 4);
});
