/**
 * Sessions that are open for writing: in which order things become durable, how many are open, who waits for whom.
 */
import assert from "node:assert/strict";
import { openStore } from "../../mod.ts";
import type { PortCall } from "../../src/testing/mod.ts";
import { appendMessages, hasCode, message, messages, simulatedTest, storeTest } from "./store_fixture.ts";

const ofLog = (method: PortCall["method"], name = "") => (call: PortCall) =>
  call.method === method && call.path.endsWith(`${name}.jsonl`);

simulatedTest("C11: the first append makes the key durable, then the log's name, then the record", async (bench) => {
  const chat = await bench.openSession();
  bench.port.takeCalls();
  await chat.append(message(0));
  assert.deepEqual(bench.port.takeCalls(), [
    "lock chat.lock",
    "unlink chat.meta.tmp",
    "unlink chat.log.tmp",
    "syncDirectory sessions",
    "unlink chat.meta.tmp",
    "create chat.meta.tmp",
    "write chat.meta.tmp",
    "syncData chat.meta.tmp",
    "rename chat.meta.tmp chat.meta.json",
    "syncDirectory sessions",
    "create chat.jsonl",
    "syncDirectory sessions",
    "write chat.jsonl",
    "syncData chat.jsonl",
  ]);
});

simulatedTest(
  "H10: every open for writing syncs the directory before its first acknowledgement",
  async (bench, machine) => {
    const chat = await bench.openSession();
    await appendMessages(chat, 0, 3);
    await chat.truncate(1);
    // Killed between the rename of a compaction and the sync of the directory.
    const gate = bench.port.holdNext((call) => call.method === "rename" && call.path.endsWith(".log.tmp"));
    const compacting = chat.compact();
    compacting.catch(() => undefined);
    await gate.reached;
    const next = machine.kill();
    await next.rename("/sessions/chat.log.tmp", "/sessions/chat.jsonl");
    const store = await openStore("/sessions", { fileSystem: next });
    await (await store.session("chat")).append(message(3));
    const after = await openStore("/sessions", { fileSystem: next.clone().crash(), readOnly: true });
    assert.deepEqual(await (await after.session("chat")).history(), messages(2, 4));
    gate.open();
    await assert.rejects(compacting);
  },
);

storeTest(
  "SessionStore keeps at most openSessionsMax sessions open, and every one can be read and written again",
  async (bench) => {
    const store = await bench.open({ openSessionsMax: 3 });
    const count = 12;
    for (let round = 0; round < 2; round++) {
      for (let index = 0; index < count; index++) await (await store.session(`s${index}`)).append(message(round));
    }
    await store.flush();
    assert.ok(bench.port.openFiles <= 3 * 2, `${bench.port.openFiles} files`);
    assert.ok(bench.port.openFilesMax <= 6 * 2, `${bench.port.openFilesMax} files`);
    for (let index = 0; index < count; index++) {
      assert.deepEqual(await (await store.session(`s${index}`)).history(), messages(0, 2));
    }
  },
);

simulatedTest(
  "SessionStore with openSessionsMax 8 and 200 sessions one after the other holds few files",
  async (bench) => {
    const store = await bench.open({ openSessionsMax: 8 });
    const sessions = await Promise.all(
      Array.from({ length: 200 }, async (_, index) => await store.session(`s${index}`)),
    );
    for (const chat of sessions) await chat.append(message(0));
    await store.flush();
    assert.ok(bench.port.openFiles <= 8 * 2, `${bench.port.openFiles} files`);
    assert.ok(bench.port.openFilesMax <= 12 * 2, `${bench.port.openFilesMax} files`);
    for (const chat of sessions) assert.deepEqual(await chat.history(), [message(0)]);
    for (const chat of sessions) assert.equal((await chat.append(message(1))).sequence, 1);
  },
);

simulatedTest(
  "SessionStore goes back to openSessionsMax after 200 sessions were written at the same moment",
  async (bench) => {
    const store = await bench.open({ openSessionsMax: 8 });
    await Promise.all(Array.from({ length: 200 }, async (_, index) => {
      await (await store.session(`s${index}`)).append(message(0));
    }));
    await store.flush();
    await store.flush();
    assert.ok(bench.port.openFiles <= 8 * 2, `${bench.port.openFiles} files`);
    for (let index = 0; index < 200; index++) {
      assert.deepEqual(await (await store.session(`s${index}`)).history(), [message(0)]);
    }
  },
);

simulatedTest(
  "An idle session that is closed to make room takes its buffered records with it, durably",
  async (bench, machine) => {
    const store = await bench.open({ openSessionsMax: 1, durability: "buffered" });
    await (await store.session("a")).append(message(0));
    await (await store.session("b")).append(message(0));
    await store.flush();
    const after = await openStore("/sessions", { fileSystem: machine.clone().crash(), readOnly: true });
    for (const key of ["a", "b"]) assert.deepEqual(await (await after.session(key)).history(), [message(0)]);
  },
);

simulatedTest(
  "I13: a flush rejects after an idle session could not be made durable when it was closed",
  async (bench) => {
    const store = await bench.open({ openSessionsMax: 1, durability: "buffered" });
    const chat = await store.session("a");
    await chat.append(message(0));
    bench.port.failNext(ofLog("syncData", "a"), "EIO");
    await (await store.session("b")).append(message(0));
    await assert.rejects(chat.flush(), hasCode("failed"));
    await assert.rejects(chat.append(message(1)), hasCode("failed"));
    assert.equal(chat.status, "failed");
    assert.ok(bench.eventTypes().includes("session-failed"));
    const again = await store.session("a");
    await again.append(message(1));
    await store.flush();
  },
);

simulatedTest("W8: a session whose sync hangs makes no other session wait", async (bench) => {
  const store = await bench.open({ openSessionsMax: 2 });
  const hung = await store.session("hung");
  await hung.append(message(0));
  const gate = bench.port.holdNext(ofLog("syncData", "hung"));
  const pending = hung.append(message(1));
  await gate.reached;
  for (let index = 0; index < 6; index++) {
    const chat = await store.session(`free ${index}`);
    await chat.append(message(0));
    await chat.truncate(0, { summary: "s" });
    await chat.compact();
    await chat.replace(messages(0, 2));
    assert.equal((await chat.history()).length, 2);
    assert.equal((await chat.tail(1)).records.length, 1);
  }
  assert.equal((await store.list()).length, 7);
  assert.equal(await store.has("hung"), true);
  assert.equal(await store.delete("free 0"), true);
  gate.open();
  assert.equal((await pending).sequence, 1);
});

simulatedTest("W8: a session whose opening hangs makes no other session wait", async (bench) => {
  const store = await bench.open();
  const gate = bench.port.holdNext((call) => call.method === "lock" && call.path.endsWith("hung.lock"));
  const pending = (await store.session("hung")).append(message(0));
  await gate.reached;
  assert.equal((await (await store.session("free")).append(message(0))).sequence, 0);
  await store.delete("free");
  gate.open();
  await pending;
});

simulatedTest(
  "A log is sealed at close when 64 KiB were appended, and an open that finds it sealed writes nothing but its lock",
  async (bench) => {
    const chat = await bench.openSession();
    for (let count = 0; count < 50; count++) await chat.append({ text: "x".repeat(4000) });
    await bench.closeAll();
    const { sealed } = (await bench.meta("chat")).holdfast;
    assert.ok(typeof sealed === "object" && sealed !== null && "bytes" in sealed);
    assert.equal(sealed.bytes, (await bench.read("chat.jsonl")).length);
    const store = await bench.open();
    const again = await store.session("chat");
    bench.port.takeCalls();
    const before = store.counters.bytesRead;
    const hold = await again.hold();
    assert.deepEqual(bench.port.takeCalls().filter((call) => !call.startsWith("unlink")), [
      "lock chat.lock",
      "syncDirectory sessions",
    ]);
    hold.release();
    await bench.closeAll();
    assert.ok(store.counters.bytesRead - before < 128 * 1024, "the log was not read whole");
  },
);

simulatedTest("A short session is not sealed at close: that would cost more than it saves", async (bench) => {
  const store = await bench.open({ preallocate: false });
  const chat = await store.session("chat");
  await appendMessages(chat, 0, 3);
  bench.port.takeCalls();
  await store.close();
  assert.deepEqual(bench.port.takeCalls(), []);
});

simulatedTest(
  "SessionStore.close() on a full disk succeeds: everything is durable without a seal (I14)",
  async (bench) => {
    const store = await bench.open();
    const chat = await store.session("chat");
    for (let count = 0; count < 20; count++) await chat.append({ text: "x".repeat(4000) });
    bench.port.failNext((call) => call.method === "write" && call.path.endsWith(".meta.tmp"), "ENOSPC");
    await store.close();
    const again = await bench.openSession();
    assert.equal((await again.history()).length, 20);
    await again.append(message(0));
  },
);

simulatedTest("I10: a second open changes nothing", async (bench, machine) => {
  const chat = await bench.openSession();
  await appendMessages(chat, 0, 3);
  await bench.closeAll();
  await bench.appendTo("chat.jsonl", '{"torn":');
  const images: number[] = [];
  for (let round = 0; round < 3; round++) {
    await (await bench.openSession()).truncate(100);
    await bench.closeAll();
    images.push(machine.diskImageHash());
  }
  assert.equal(images[1], images[0]);
  assert.equal(images[2], images[0]);
  assert.deepEqual(bench.eventTypes(), ["torn-tail"]);
});
