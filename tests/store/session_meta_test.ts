/**
 * The meta file: facts, and what becomes of a log whose meta is empty, damaged or gone (W4, I12).
 */
import assert from "node:assert/strict";
import { appendMessages, message, messages, simulatedTest, StoreBench, storeTest } from "./store_fixture.ts";

storeTest("Session.update() and setSummary() set facts that stay", async (bench) => {
  const store = await bench.open();
  const chat = await store.session("chat");
  await chat.append(message(0));
  const scope = { channel: "telegram", ids: [1, 2.5, "x"], nested: { deep: null } };
  await chat.update({ title: "A title", workspace: "/home/me", scope, aliases: ["one", " two ", "one", ""] });
  await chat.setSummary("so far");
  await bench.closeAll();
  const meta = await bench.meta("chat");
  assert.deepEqual(meta["scope"], scope);
  assert.deepEqual(meta["aliases"], ["one", "two"]);
  assert.equal(meta["summary"], "so far");
  const info = await (await bench.openSession()).info();
  assert.equal(info.title, "A title");
  assert.equal(info.workspace, "/home/me");
  assert.equal(info.summary, "so far");
  const again = await bench.openSession();
  await again.update({ title: null, scope: null, aliases: [] });
  const changed = await bench.meta("chat");
  assert.equal(changed["scope"], undefined);
  assert.equal(changed["aliases"], undefined);
  assert.equal(changed.holdfast["title"], undefined);
  assert.equal(changed.holdfast["workspace"], "/home/me");
});

simulatedTest("Session.setSummary() makes a session without records", async (bench) => {
  const store = await bench.open();
  await (await store.session("chat")).setSummary("only this");
  assert.equal(await store.has("chat"), true);
  const [info] = await store.list();
  assert.equal(info?.records, 0);
  assert.equal(info?.summary, "only this");
  const chat = await store.session("chat");
  assert.equal((await chat.append(message(0))).sequence, 0);
  assert.equal(chat.summary, "only this");
});

simulatedTest("The meta file keeps fields that are not ours to know, at both levels, as they stand", async (bench) => {
  const text = `{
  "key": "chat", "summary": "", "skip": 0, "count": 0,
  "created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-02T03:04:05Z",
  "future": {"n": 12345678901234567890, "s": "\\u00e9"},
  "holdfast": {"format": 1, "first": 0, "later": [1.0, 2e5]}
}`;
  await bench.open();
  await bench.write("chat.meta.json", text);
  const chat = await bench.openSession();
  await chat.append(message(0));
  await chat.setSummary("new");
  const after = await bench.text("chat.meta.json");
  assert.match(after, /12345678901234567890/);
  assert.match(after, /\\u00e9/);
  assert.match(after, /"later": \[\s*1\.0,\s*2e5\s*\]/);
  assert.match(after, /"created_at": "2026-01-02T03:04:05Z"/);
});

simulatedTest(
  "W4, I12: a meta file cut at every byte hides no record, and the session goes on",
  async (bench, machine) => {
    const chat = await bench.openSession("telegram:123");
    await appendMessages(chat, 0, 4);
    await chat.update({ title: "t", workspace: "w", aliases: ["alias"] });
    await chat.truncate(3, { summary: "s" });
    await bench.closeAll();
    const whole = await bench.read("telegram_123.meta.json");
    for (let length = 0; length < whole.length; length++) {
      const cut = new StoreBench(machine.clone(), bench.directory);
      await cut.write("telegram_123.meta.json", whole.slice(0, length));
      const readers = await cut.open({ readOnly: true });
      const reader = await readers.session("telegram:123");
      assert.deepEqual(await reader.history(), messages(0, 4), `cut at ${length}, read only`);
      assert.deepEqual((await readers.list()).map(({ key, records }) => [key, records]), [["telegram:123", 4]]);
      assert.equal(await readers.has("telegram:123"), true);
      assert.equal(await readers.has("telegram_123"), false, "the log says whose it is");
      assert.equal((await reader.verify()).meta, "damaged");
      const writer = await cut.openSession("telegram:123");
      assert.equal((await writer.append(message(4))).sequence, 4);
      assert.deepEqual(await writer.history(), messages(0, 5), `cut at ${length}`);
      assert.deepEqual(cut.eventTypes(), length === 0 ? ["meta-rebuilt"] : ["quarantined", "meta-rebuilt"]);
      await cut.closeAll();
    }
    assert.deepEqual(await (await bench.openSession("telegram:123")).history(), messages(1, 4));
  },
);

simulatedTest(
  "W4, I12: a meta file with one byte changed anywhere hides no record that is not hidden by what it then says",
  async (bench) => {
    const chat = await bench.openSession();
    await appendMessages(chat, 0, 2);
    await bench.closeAll();
    const whole = await bench.read("chat.meta.json");
    const log = await bench.text("chat.jsonl");
    for (let index = 0; index < whole.length; index++) {
      const changed = whole.slice();
      changed[index] = (changed[index] ?? 0) ^ 0x80;
      await bench.write("chat.meta.json", changed);
      await bench.write("chat.jsonl", log);
      const again = await bench.openSession();
      assert.deepEqual(await again.history(), messages(0, 2), `byte ${index}`);
      assert.equal((await again.append(message(2))).sequence, 2, `byte ${index}`);
      await bench.closeAll();
    }
  },
);

simulatedTest(
  "I12: a meta file that is missing is rebuilt, with an event, and no number is used again",
  async (bench) => {
    const chat = await bench.openSession();
    await appendMessages(chat, 0, 3);
    await chat.truncate(1, { summary: "s" });
    await bench.closeAll();
    await bench.base.unlink(bench.path("chat.meta.json"));
    const again = await bench.openSession();
    assert.deepEqual(await again.history(), messages(0, 3));
    assert.equal((await again.append(message(3))).sequence, 3);
    assert.deepEqual(bench.eventTypes(), ["meta-rebuilt"]);
    assert.equal((await bench.meta("chat"))["key"], "chat");
  },
);

simulatedTest("I12: nonsense of the right type in the meta file hides nothing and throws nothing", async (bench) => {
  const metas = [
    { key: "chat", skip: -5, count: "x", summary: 7, holdfast: 5 },
    { key: "chat", skip: 1e300, count: null, aliases: "x", scope: [], holdfast: [] },
    { key: "chat", holdfast: { first: -1, sealed: { bytes: 1e15, checksum: "00000000", count: 1, next: 1 } } },
    { key: "chat", holdfast: { first: 0.5, sealed: { bytes: 5, checksum: "zz", count: 1, next: 1 } } },
    { key: "chat", holdfast: { sealed: { bytes: 3, checksum: "00000000", count: 1, next: 1 }, replacing: {} } },
    { key: "chat", holdfast: { replacing: { first: 0, checksum: "00000000", summary: "not mine" } } },
    { key: "" },
    {},
  ];
  const chat = await bench.openSession();
  await appendMessages(chat, 0, 2);
  await bench.closeAll();
  const log = await bench.text("chat.jsonl");
  for (const meta of metas) {
    await bench.write("chat.meta.json", JSON.stringify(meta));
    await bench.write("chat.jsonl", log);
    const again = await bench.openSession();
    assert.deepEqual(await again.history(), messages(0, 2), JSON.stringify(meta));
    assert.notEqual(again.summary, "not mine");
    assert.equal((await again.append(message(2))).sequence, 2);
    await again.setSummary("new");
    await bench.closeAll();
    assert.equal((await bench.meta("chat"))["key"], "chat", JSON.stringify(meta));
  }
});

simulatedTest("W13, B2: first beyond the end hides nothing that is appended later, and is told", async (bench) => {
  const chat = await bench.openSession();
  await appendMessages(chat, 0, 5);
  await bench.closeAll();
  const olderLog = await bench.text("chat.jsonl");
  const newer = await bench.openSession();
  await appendMessages(newer, 5, 9);
  await newer.truncate(0, { summary: "nine" });
  await bench.closeAll();
  await bench.write("chat.jsonl", olderLog);
  const again = await bench.openSession();
  assert.deepEqual(await again.history(), []);
  assert.equal((await again.append(message(9))).sequence, 9);
  assert.deepEqual(await again.history(), [message(9)]);
  assert.deepEqual(bench.eventTypes(), ["first-beyond-end"]);
  await bench.closeAll();
  const last = await bench.openSession();
  assert.deepEqual(await last.history(), [message(9)]);
  assert.equal((await last.append(message(10))).sequence, 10);
});

simulatedTest("W13: picoclaw's skip beyond its lines hides nothing that is appended later", async (bench) => {
  await bench.open();
  await bench.write("chat.jsonl", '{"role":"user","content":"a"}\n{"role":"user","content":"b"}\n');
  await bench.write("chat.meta.json", JSON.stringify({ key: "chat", skip: 50, count: 50 }));
  const chat = await bench.openSession();
  assert.deepEqual(await chat.history(), []);
  await chat.append(message(0));
  assert.deepEqual(await chat.history(), [message(0)]);
  await bench.closeAll();
  assert.deepEqual(await (await bench.openSession()).history(), [message(0)]);
  assert.ok(Number((await bench.meta("chat"))["skip"]) <= 2, "and picoclaw sees it too");
});
