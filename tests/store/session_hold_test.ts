import assert from "node:assert/strict";
import { hasCode, message, simulatedTest } from "./store_fixture.ts";

simulatedTest("Session.hold() opens a session, makes its log, and flushSync can write at once", async (bench) => {
  const store = await bench.open();
  const chat = await store.session("chat");
  assert.equal(chat.status, "idle");
  const hold = await chat.hold();
  assert.equal(chat.status, "open");
  assert.deepEqual(await chat.history(), []);
  const pending = chat.append(message(0));
  chat.flushSync();
  assert.equal((await pending).sequence, 0);
  assert.deepEqual(chat.appendTextAllSync(['{"n":1}', '{"n":2}']).map(({ sequence }) => sequence), [1, 2]);
  assert.deepEqual(await chat.history(), [message(0), { n: 1 }, { n: 2 }]);
  hold.release();
  hold.release();
});

simulatedTest("Session.hold({ mustExist }) makes no session, and holds one that is there", async (bench) => {
  const chat = await bench.openSession();
  await assert.rejects(chat.hold({ mustExist: true }), hasCode("not-found"));
  assert.deepEqual((await bench.names()).filter((name) => name.startsWith("chat.") && name !== "chat.lock"), []);
  await chat.append(message(0));
  using _ = await chat.hold({ mustExist: true });
  assert.equal(chat.status, "open");
});

simulatedTest("a held session is not closed for want of room; a released one is", async (bench) => {
  const store = await bench.open({ openSessionsMax: 2 });
  const held = await store.session("held");
  const hold = await held.hold();
  for (let number = 0; number < 5; number++) await (await store.session(`${number}`)).append(message(number));
  assert.equal(held.status, "open");
  {
    using _ = await held.hold();
    hold.release();
    await (await store.session("5")).append(message(5));
    assert.equal(held.status, "open");
  }
  for (let number = 0; number < 3; number++) await (await store.session(`${number}`)).append(message(number));
  await store.flush();
  assert.equal(held.status, "idle");
  await held.append(message(9));
  assert.equal(held.status, "open");
});

simulatedTest("Session.appendTextAllSync() that is refused leaves nothing behind, now or later", async (bench) => {
  const store = await bench.open({ recordBytesMax: 100 });
  const chat = await store.session("chat");
  assert.throws(() => chat.appendTextAllSync(['{"n":0}']), hasCode("io"), "it is not open");
  await chat.append({ n: 1 });
  assert.throws(() => chat.appendTextAllSync([`{"text":"${"x".repeat(200)}"}`]), hasCode("too-large"));
  assert.throws(() => chat.appendTextAllSync(["[]"]), TypeError);
  const gate = bench.port.holdNext((call) => call.method === "rename" && call.path.endsWith(".log.tmp"));
  const replacing = chat.replace([{ n: 9 }]);
  await gate.reached;
  assert.throws(() => chat.appendTextAllSync(['{"n":2}']), hasCode("io"));
  gate.open();
  await replacing;
  assert.deepEqual(chat.appendTextAllSync(['{"n":3}']).map(({ sequence }) => sequence), [2]);
  assert.deepEqual(await chat.history(), [{ n: 9 }, { n: 3 }]);
  await store.close();
  assert.throws(() => chat.appendTextAllSync(['{"n":4}']), hasCode("closed"));
});

simulatedTest("Session.hold() of a session that somebody else writes is refused", async (bench) => {
  const one = await bench.open();
  using _ = await (await one.session("chat")).hold();
  const other = await (await bench.open()).session("chat");
  await assert.rejects(other.hold(), hasCode("locked"));
});
