/**
 * What a user can ask of a session, and what is refused.
 */
import assert from "node:assert/strict";
import { appendMessages, hasCode, message, messages, sequences, simulatedTest, storeTest } from "./store_fixture.ts";
import type { RecordObject } from "../../mod.ts";

storeTest(
  "Session.append() numbers records from 0 and gives them back in order after reopening (I1, I2)",
  async (bench) => {
    const chat = await bench.openSession("telegram:123");
    for (let number = 0; number < 5; number++) {
      assert.deepEqual(await chat.append(message(number)), { sequence: number, duplicate: false });
    }
    assert.deepEqual(await chat.history(), messages(0, 5));
    await bench.closeAll();
    const again = await bench.openSession("telegram:123");
    assert.deepEqual(await again.history(), messages(0, 5));
    assert.deepEqual(await again.append(message(5)), { sequence: 5, duplicate: false });
  },
);

storeTest("SessionStore.session() makes no file before the first write", async (bench) => {
  const chat = await bench.openSession();
  assert.deepEqual(await chat.history(), []);
  assert.deepEqual(await chat.tail(5), { records: [], dropped: 0, bytes: 0, firstSequence: null });
  await chat.flush();
  assert.equal(chat.summary, "");
  assert.equal(chat.status, "idle");
  assert.deepEqual(await bench.names(), []);
  await assert.rejects(chat.info(), hasCode("not-found"));
  await assert.rejects(chat.verify(), hasCode("not-found"));
  await assert.rejects(chat.stats(), hasCode("not-found"));
});

storeTest(
  "Session.append() writes a record that a person can read, with its mark as the last member (I21)",
  async (bench) => {
    const chat = await bench.openSession("telegram:123");
    await chat.append({ role: "user", content: "hi" });
    const text = await bench.text("telegram_123.jsonl");
    assert.match(text, /^\{"role":"user","content":"hi","#":"0 [0-9a-f]{8}"\}\n$/);
    const meta = await bench.meta("telegram_123");
    assert.equal(meta["key"], "telegram:123");
    assert.equal(meta.holdfast["format"], 1);
  },
);

simulatedTest("Session.append() refuses what is no object with a TypeError, and writes nothing", async (bench) => {
  const chat = await bench.openSession();
  const wrong: unknown[] = [
    null,
    undefined,
    1,
    "text",
    true,
    Symbol("x"),
    10n,
    [],
    [{}],
    () => ({}),
    new Date(0),
    new String("x"),
    new Number(1),
    { toJSON: () => "text" },
    { toJSON: () => null },
    { toJSON: () => [1] },
    { toJSON: () => undefined },
    { big: 1n },
  ];
  const loop: Record<string, unknown> = {};
  loop["self"] = loop;
  for (const value of [...wrong, loop]) {
    await assert.rejects(async () => await Reflect.apply(chat.append, chat, [value]), TypeError);
    await assert.rejects(async () => await Reflect.apply(chat.appendAll, chat, [[{ fine: 1 }, value]]), TypeError);
    await assert.rejects(async () => await Reflect.apply(chat.replace, chat, [[{ fine: 1 }, value]]), TypeError);
  }
  for (const value of [undefined, null, 5, {}, "text"]) {
    await assert.rejects(async () => await Reflect.apply(chat.appendAll, chat, [value]), TypeError, String(value));
    await assert.rejects(async () => await Reflect.apply(chat.appendTextAll, chat, [value]), TypeError, String(value));
    await assert.rejects(async () => await Reflect.apply(chat.replace, chat, [value]), TypeError, String(value));
  }
  for (const text of ["", "1", "[]", "null", '"x"', "{", '{"a":1}{', '{"a":1} {"b":2}', "{'a':1}", undefined, {}, 7]) {
    await assert.rejects(async () => await Reflect.apply(chat.appendText, chat, [text]), TypeError, String(text));
  }
  assert.deepEqual(await bench.names(), []);
});

simulatedTest("Session refuses wrong arguments with TypeErrors and RangeErrors, and writes nothing", async (bench) => {
  const chat = await bench.openSession();
  const call = (name: string, ...args: unknown[]) => async () => {
    const method: unknown = Reflect.get(chat, name);
    assert.ok(typeof method === "function", name);
    await Reflect.apply(method, chat, args);
  };
  const drain = (options: unknown) => async () => {
    for await (const _ of Reflect.apply(chat.records, chat, [options])) assert.fail("a record");
  };
  for (const value of ["3", null, {}, 1n]) {
    await assert.rejects(call("tail", value), TypeError);
    await assert.rejects(call("truncate", value), TypeError);
    await assert.rejects(drain({ from: value }), TypeError);
    await assert.rejects(drain({ limit: value }), TypeError);
    await assert.rejects(drain({ from: value, follow: true }), TypeError);
  }
  for (const value of [-1, 0.5, NaN, Infinity, 2 ** 53]) {
    await assert.rejects(call("tail", value), RangeError);
    await assert.rejects(call("truncate", value), RangeError);
    await assert.rejects(drain({ from: value }), RangeError);
    await assert.rejects(drain({ limit: value }), RangeError);
    await assert.rejects(call("truncate", 1, { asOf: value === -1 ? -2 : value }), RangeError);
  }
  for (const value of [5, null, {}, ["x"]]) {
    await assert.rejects(call("setSummary", value), TypeError);
    await assert.rejects(call("truncate", 0, { summary: value }), TypeError);
    await assert.rejects(call("replace", [], { summary: value }), TypeError);
    await assert.rejects(call("append", {}, { durability: value }), TypeError);
  }
  await assert.rejects(call("setSummary"), TypeError);
  await assert.rejects(call("append", {}, { durability: "often" }), TypeError);
  await assert.rejects(call("update", { title: 5 }), TypeError);
  await assert.rejects(call("update", { workspace: {} }), TypeError);
  await assert.rejects(call("update", { aliases: "x" }), TypeError);
  await assert.rejects(call("update", { aliases: [5] }), TypeError);
  await assert.rejects(call("update", { scope: () => 1 }), TypeError);
  await assert.rejects(call("update", { scope: { big: 1n } }), TypeError);
  assert.deepEqual(await bench.names(), []);
});

simulatedTest("Session.append() encodes during the call: later changes have no effect", async (bench) => {
  const chat = await bench.openSession();
  const record: Record<string, unknown> = { text: "before", list: [1] };
  const pending = [chat.append(record), chat.appendAll([record, record])];
  record["text"] = "after";
  record["list"] = null;
  await Promise.all(pending);
  const replaced = { text: "before" };
  const replacing = chat.replace([replaced]);
  replaced.text = "after";
  assert.deepEqual((await chat.history()).length, 1);
  await replacing;
  assert.deepEqual(await chat.history(), [{ text: "before" }]);
  assert.deepEqual(await sequences(chat), [3]);
});

simulatedTest("Session.append() goes by the rules of JSON.stringify", async (bench) => {
  const chat = await bench.openSession();
  const given: Record<string, unknown>[] = [
    { undefinedIs: undefined, functionIs: () => 1, symbolIs: Symbol("x"), kept: 1 },
    { numbers: [NaN, Infinity, -Infinity, -0], holes: [undefined, () => 1] },
    { toJSON: () => ({ given: "by toJSON" }) },
    { date: new Date(0), map: new Map([[1, 2]]), boxed: new String("text") },
    { "#": "mine", "##": 2, "###": { "#": 3 } },
    { text: "\u2028\u2029\r\n\0\ud800 \u{1f600}", "": "empty", "\ud800": "lone" },
    { __proto__: { inherited: 1 }, own: 1 },
    Object.fromEntries([["__proto__", 5]]),
    {},
  ];
  await chat.appendAll(given);
  const expected: unknown[] = given.map((record) => JSON.parse(JSON.stringify(record)));
  assert.deepEqual(await chat.history(), expected);
  const lines = (await bench.text("chat.jsonl")).split("\n");
  assert.equal(lines.length, given.length + 1);
  assert.ok(lines.slice(0, -1).every((line) => /^[^\u2028\u2029\r\0]*$/.test(line)), "one record is one line");
});

simulatedTest("Session.appendText() keeps the text byte for byte", async (bench) => {
  const chat = await bench.openSession();
  const texts = [
    '{"n":12345678901234567890,"e":1E400,"u":"\\u0041\\/","a":1,"a":2}',
    '{ "spaced" : [ 1 , 2 ] , "x":1.50 }',
    '{"#":1,"\\u0023":2}',
    "{}",
  ];
  for (const text of texts) await chat.appendText(text);
  await chat.appendTextAll([` \t${texts[0]}\n`, '{"a":\r\n1}']);
  const found: string[] = [];
  for await (const { text } of chat.texts()) found.push(text);
  assert.deepEqual(found, [...texts, texts[0], '{"a": 1}']);
});

simulatedTest("Session.append() refuses a record over the limit, and takes one at it (W6, B7)", async (bench) => {
  const chat = await bench.openSession("chat", { recordBytesMax: 100 });
  const sized = (bytes: number): RecordObject => ({ t: "x".repeat(bytes - '{"t":""}'.length) });
  await chat.append(sized(100));
  await assert.rejects(chat.append(sized(101)), hasCode("too-large"));
  await assert.rejects(chat.appendText(JSON.stringify(sized(101))), hasCode("too-large"));
  await assert.rejects(chat.appendAll([sized(10), sized(101)]), hasCode("too-large"));
  await assert.rejects(chat.replace([sized(10), sized(101)]), hasCode("too-large"));
  // Bytes count, not characters.
  await assert.rejects(chat.append({ t: "\u20ac".repeat(31) }), hasCode("too-large"));
  await chat.append({ t: "\u20ac".repeat(30) });
  assert.deepEqual(await sequences(chat), [0, 1]);
});

simulatedTest(
  "Session.append() takes the largest record of all, and its line is one that picoclaw can read (W6, B7)",
  async (bench) => {
    const chat = await bench.openSession();
    const limit = 10 * 1024 * 1024 - 1;
    const largest = 10_485_695;
    const sized = (bytes: number): RecordObject => ({ t: "x".repeat(bytes - '{"t":""}'.length) });
    await assert.rejects(chat.append(sized(largest + 1)), hasCode("too-large"));
    await chat.append(sized(largest));
    assert.ok((await bench.read("chat.jsonl")).length <= limit);
    const [record] = await chat.history();
    assert.equal(JSON.stringify(record).length, largest);
  },
);

simulatedTest(
  "Session.appendAll() gives one receipt per record, and an empty batch writes nothing (I5)",
  async (bench) => {
    const chat = await bench.openSession();
    assert.deepEqual(await chat.appendAll([]), []);
    assert.deepEqual(await bench.names(), []);
    await chat.append(message(0));
    const receipts = await chat.appendAll(messages(1, 4));
    assert.deepEqual(receipts, [1, 2, 3].map((sequence) => ({ sequence, duplicate: false })));
    assert.deepEqual((await bench.text("chat.jsonl")).match(/"#":"\S+/g), ['"#":"0', '"#":"1+', '"#":"2+~', '"#":"3~']);
  },
);

simulatedTest("Session.appendAll() refuses a batch over 16 MiB whole", async (bench) => {
  const chat = await bench.openSession();
  const record = { t: "x".repeat(6 * 1024 * 1024) };
  await assert.rejects(chat.appendAll([record, record, record]), hasCode("too-large"));
  assert.deepEqual(await bench.names(), []);
});

simulatedTest(
  "Session takes 10 writers with 20 messages each: each once, each writer's in order (I2, I3)",
  async (bench) => {
    const store = await bench.open();
    const numbers = new Set<number>();
    await Promise.all(Array.from({ length: 10 }, async (_, writer) => {
      const chat = await store.session("chat");
      for (let index = 0; index < 20; index++) numbers.add((await chat.append({ writer, index })).sequence);
    }));
    assert.equal(numbers.size, 200);
    const history = await (await store.session("chat")).history();
    for (let writer = 0; writer < 10; writer++) {
      const own = history.filter((record) => record["writer"] === writer).map((record) => record["index"]);
      assert.deepEqual(own, Array.from({ length: 20 }, (_, index) => index));
    }
  },
);

simulatedTest("Session of a store that is closed rejects every call with closed", async (bench) => {
  const store = await bench.open();
  const chat = await store.session("chat");
  await appendMessages(chat, 0, 2);
  await store.close();
  await store.close();
  assert.equal(chat.status, "closed");
  const calls: (() => Promise<unknown>)[] = [
    () => chat.append(message(1)),
    () => chat.appendAll(messages(0, 1)),
    () => chat.appendText("{}"),
    () => chat.flush(),
    () => chat.history(),
    () => chat.tail(1),
    () => chat.truncate(0),
    () => chat.setSummary("x"),
    () => chat.update({ title: "x" }),
    () => chat.replace([]),
    () => chat.compact(),
    () => chat.verify(),
    () => chat.repair(),
    () => chat.stats(),
    () => chat.info(),
    () => store.session("chat"),
    () => store.list(),
    () => store.latest(),
    () => store.has("chat"),
    () => store.delete("chat"),
    () => store.resolve("chat"),
    () => store.flush(),
  ];
  for (const call of calls) await assert.rejects(call, hasCode("closed"), String(call));
  assert.throws(() => store.flushSync(), hasCode("closed"));
});

simulatedTest(
  "SessionStore.close() writes what was appended before it, also if the session was not open yet",
  async (bench) => {
    const store = await bench.open();
    const chat = await store.session("chat");
    const pending = [chat.append(message(0)), chat.append(message(1)), chat.setSummary("two")];
    await store.close();
    await Promise.all(pending);
    const again = await bench.openSession();
    assert.deepEqual(await again.history(), messages(0, 2));
    assert.equal(again.summary, "two");
  },
);
