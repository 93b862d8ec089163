import assert from "node:assert/strict";
import type { RecordObject, SessionStore } from "../../mod.ts";
import { appendMessages, hasCode, message, messages, sequences, simulatedTest, storeTest } from "./store_fixture.ts";

async function history(store: SessionStore, key: string): Promise<RecordObject[]> {
  return await (await store.session(key)).history();
}

storeTest("continueAs() begins a session with the tail of another, names it, and leaves it whole", async (bench) => {
  const store = await bench.open();
  const old = await store.session("long");
  await old.update({ title: "Garden", workspace: "/garden", scope: { version: 1 } });
  await appendMessages(old, 0, 10);
  await old.truncate(8, { summary: "two messages" });
  const before = await bench.text("long.jsonl");
  const done = await store.continueAs("long", "next", { tail: 3 });
  assert.deepEqual(done, { created: true, records: 3, dropped: 5 });
  assert.deepEqual(await history(store, "next"), messages(7, 10));
  assert.equal((await store.session("next")).summary, "two messages");
  assert.deepEqual(await (await store.session("next")).facts(), {
    title: "Garden (continued)",
    workspace: "/garden",
    scope: { version: 1 },
    id: null,
    aliases: [],
    parent: { key: "long", sequence: 9 },
    promoted: null,
  });
  assert.equal(await bench.text("long.jsonl"), before);
  assert.equal(await store.latest({ workspace: "/garden" }), "next");
  await (await store.session("next")).append(message(10));
  assert.deepEqual(await sequences(await store.session("next")), [0, 1, 2, 3]);
});

storeTest("continueAs() again changes nothing; another session's key is refused", async (bench) => {
  const store = await bench.open();
  await appendMessages(await store.session("long"), 0, 2);
  await store.continueAs("long", "next");
  await appendMessages(await store.session("next"), 2, 3);
  assert.deepEqual(await store.continueAs("long", "next"), { created: false, records: 0, dropped: 0 });
  assert.deepEqual(await history(store, "next"), messages(0, 3));
  await appendMessages(await store.session("other"), 0, 1);
  await assert.rejects(store.continueAs("long", "other"), hasCode("exists"));
  await assert.rejects(store.continueAs("nobody", "fresh"), hasCode("not-found"));
  assert.equal(await store.has("fresh"), false);
  assert.equal((await (await store.session("next")).facts()).title, "long (continued)");
});

storeTest("continueAs() keeps a record's text as it was written", async (bench) => {
  const store = await bench.open();
  const text = '{"n":12345678901234567890,"#":"own"}';
  await (await store.session("long")).appendText(text);
  await store.continueAs("long", "next");
  for await (const entry of (await store.session("next")).texts()) assert.equal(entry.text, text);
});

simulatedTest(
  "continueAs() and promote() that a power cut stops at any call are there whole or not at all (I8, I9)",
  async (bench) => {
    for (const way of ["continueAs", "promote"] as const) {
      for (let failing = 1;; failing++) {
        const [from, to] = [`${way} from ${failing}`, `${way} to ${failing}`];
        const store = await bench.open();
        await appendMessages(await store.session(from), 0, 3);
        let calls = 0;
        bench.port.onCall = ({ method }) => {
          if (!/^(?:write|sync\w+|rename|unlink|truncate)$/.test(method)) return;
          if (++calls >= failing) throw Object.assign(new Error("EIO"), { code: "EIO" });
        };
        const failed = await store[way](from, to).then(() => false, () => true);
        bench.port.onCall = null;
        await bench.closeAll();
        const again = await bench.open();
        assert.deepEqual(await history(again, from), messages(0, 3));
        const there = await history(again, to);
        assert.ok(there.length === 0 || there.length === 3, `${way}, call ${failing}: ${there.length} records`);
        await again[way](from, to);
        assert.deepEqual(await history(again, to), messages(0, 3), `${way} again, call ${failing}`);
        await bench.closeAll();
        if (!failed) break;
      }
    }
  },
);

storeTest("promote(): two that promote each other at once do not wait for each other (W8)", async (bench) => {
  const store = await bench.open();
  await appendMessages(await store.session("a"), 0, 1);
  await appendMessages(await store.session("b"), 1, 2);
  const results = await Promise.all([
    store.promote("a", "x"),
    store.promote("b", "a"),
    store.promote("a", "b"),
    store.promote("b", "y"),
  ]);
  assert.deepEqual(results, [true, false, false, true]);
  assert.deepEqual(await history(store, "x"), [message(0)]);
});

storeTest("promote(): one history goes to one session, whoever asks at the same time", async (bench) => {
  const store = await bench.open();
  await appendMessages(await store.session("old"), 0, 2);
  const results = await Promise.all(["a", "b", "c"].map((key) => store.promote("old", key)));
  assert.deepEqual(results.filter(Boolean).length, 1);
  assert.equal(await store.promote("old", "old"), false);
  assert.equal(await store.promote("nobody", "d"), false);
  assert.equal(await store.has("d"), false);
});

storeTest("promote() takes a summary alone, and gives nothing to who has one", async (bench) => {
  const store = await bench.open();
  await (await store.session("old")).setSummary("s");
  await (await store.session("busy")).setSummary("own");
  assert.equal(await store.promote("old", "busy"), false);
  assert.equal(await store.promote("old", "new"), true);
  assert.equal((await store.session("new")).summary, "s");
});
