/**
 * W7: any key has files of its own, whatever is in it, and no key leads out of the directory.
 */
import assert from "node:assert/strict";
import { keyBytesMax, sessionNameOf, sessionNames } from "../../src/store/session_name.ts";
import { message, realTest, simulatedTest } from "./store_fixture.ts";

const awkwardKeys = [
  "a:b",
  "a_b",
  "a/b",
  "a\\b",
  "a::b",
  "a:/b",
  "..",
  ".",
  "...",
  "../escape",
  "../../etc/passwd",
  "/etc/passwd",
  "/",
  "\\",
  ":",
  "_",
  ".hidden",
  "-",
  "--help",
  " ",
  "  ",
  "\n",
  "a\nb",
  "a\0b",
  "\u007f",
  "\u0085",
  "\u2028",
  "x",
  "x.meta",
  "x.meta.json",
  "x.jsonl",
  "x.lock",
  "x.log.tmp",
  "x.meta.tmp",
  "x.quarantine",
  "x.archive",
  "blobs",
  "con",
  "X",
  "\u00e9",
  "e\u0301",
  "\u{1f600}",
  "\ud800",
  "\ud801",
  "\ufffd",
  "k".repeat(300),
  "k".repeat(301),
  "k".repeat(1024),
  "\u20ac".repeat(341),
  '*?"<>|',
  "$(rm -rf ~)",
  "%2e%2e",
  "__proto__",
  "constructor",
];

/** And keys that are called as another key's files are. */
const allKeys = [...awkwardKeys, ...awkwardKeys.flatMap((key) => [...sessionNames(key)].slice(-1))];

simulatedTest("W7: no two keys share a file, none leads out, each gets back what it was given", async (bench) => {
  const store = await bench.open({ openSessionsMax: 4 });
  for (const [index, key] of allKeys.entries()) {
    const chat = await store.session(key);
    assert.equal((await chat.append(message(index))).sequence, 0, JSON.stringify(key));
    await chat.setSummary(`summary ${index}`);
  }
  await bench.closeAll();
  assert.deepEqual(bench.events, []);
  const again = await bench.open();
  for (const [index, key] of allKeys.entries()) {
    const chat = await again.session(key);
    assert.deepEqual(await chat.history(), [message(index)], JSON.stringify(key));
    assert.equal(chat.summary, `summary ${index}`);
    assert.equal(await again.has(key), true);
    assert.equal(await again.resolve(key), key);
  }
  assert.deepEqual((await again.list()).map(({ key }) => key).sort(), [...allKeys].sort());
  const names = await bench.names();
  assert.equal(names.length, allKeys.length * 2);
  for (const name of names) {
    assert.ok(new TextEncoder().encode(name).length <= 255, name);
    assert.match(name, /^[^.].*\.(?:jsonl|meta\.json)$/);
  }
  const parent = bench.directory.slice(0, bench.directory.lastIndexOf("/")) || "/";
  assert.deepEqual((await bench.base.readDirectory(parent)).map(({ name }) => name), ["sessions"]);
});

simulatedTest(
  "W7: keys stay apart without their meta files, as far as the log says whose it is (B8)",
  async (bench) => {
    const store = await bench.open();
    for (const [index, key] of allKeys.entries()) await (await store.session(key)).append(message(index));
    await bench.closeAll();
    for (const name of await bench.names()) if (name.endsWith(".meta.json")) await bench.base.unlink(bench.path(name));
    const again = await bench.open();
    for (const [index, key] of allKeys.entries()) {
      const chat = await again.session(key);
      assert.deepEqual(await chat.history(), [message(index)], JSON.stringify(key));
      assert.equal((await chat.append(message(0))).sequence, 1);
    }
    assert.ok(bench.events.every(({ type }) => type === "meta-rebuilt"));
  },
);

simulatedTest("W7: two keys of one name that are written first at the same moment get a file each", async (bench) => {
  const stores = [await bench.open(), await bench.open()];
  const keys = ["a:b", "a_b", "a/b", "a\\b"];
  await Promise.all(keys.map(async (key, index) => {
    const chat = await stores[index % 2]?.session(key);
    await chat?.append(message(index));
  }));
  await bench.closeAll();
  const store = await bench.open();
  for (const [index, key] of keys.entries()) {
    assert.deepEqual(await (await store.session(key)).history(), [message(index)]);
  }
  assert.equal((await bench.names()).filter((name) => name.endsWith(".jsonl")).length, 4);
});

simulatedTest("SessionStore.session() refuses what is no key", async (bench) => {
  const store = await bench.open();
  const call = (name: string, key: unknown) => async () => {
    const method: unknown = Reflect.get(store, name);
    assert.ok(typeof method === "function", name);
    await Reflect.apply(method, store, [key]);
  };
  for (const method of ["session", "has", "delete"]) {
    for (const key of ["", undefined, null, 5, {}, ["a"], Symbol("x")]) {
      await assert.rejects(call(method, key), TypeError, String(key));
    }
    for (const key of ["k".repeat(keyBytesMax + 1), "\u20ac".repeat(342)]) {
      await assert.rejects(call(method, key), RangeError);
    }
  }
  assert.equal((await store.session("k".repeat(keyBytesMax))).key.length, 1024);
  assert.deepEqual(await bench.names(), []);
});

realTest("W7: the most awkward keys have files of their own on a real file system", async (bench) => {
  const keys = [
    "a:b",
    "a_b",
    "..",
    "../x",
    ".",
    "a\nb",
    "\ud800",
    "x",
    "x.meta",
    "k".repeat(1024),
    "\u20ac".repeat(341),
  ];
  const store = await bench.open({ openSessionsMax: 4 });
  for (const [index, key] of keys.entries()) await (await store.session(key)).append(message(index));
  await bench.closeAll();
  const again = await bench.open({ readOnly: true });
  for (const [index, key] of keys.entries()) {
    assert.deepEqual(await (await again.session(key)).history(), [message(index)], JSON.stringify(key));
  }
  assert.deepEqual((await again.list()).map(({ key }) => key).sort(), keys.sort());
  const parent = bench.directory.slice(0, bench.directory.lastIndexOf("/"));
  assert.deepEqual((await bench.base.readDirectory(parent)).map(({ name }) => name), ["sessions"]);
});

realTest("W7: the names are picoclaw's where that is safe and free", async (bench) => {
  const store = await bench.open();
  const expected = [["telegram:123", "telegram_123"], ["agent/a\\b:c", "agent_a_b_c"], ["plain", "plain"]];
  for (const [key = "", name = ""] of expected) {
    await (await store.session(key)).append(message(0));
    assert.ok((await bench.names()).includes(`${name}.jsonl`), key);
  }
  await (await store.session("telegram_123")).append(message(1));
  const names = (await bench.names()).filter((name) => /^telegram_123-[0-9a-f]{32}\.jsonl$/.test(name));
  assert.equal(names.length, 1);
});

simulatedTest("sessionNameOf() knows the names of main files, and no other", async () => {
  assert.deepEqual(sessionNameOf("x.jsonl"), { name: "x", file: "log" });
  assert.deepEqual(sessionNameOf("x.meta.json"), { name: "x", file: "meta" });
  assert.deepEqual(sessionNameOf("x.meta.jsonl"), { name: "x.meta", file: "log" });
  assert.deepEqual(sessionNameOf("x.meta.meta.json"), { name: "x.meta", file: "meta" });
  for (
    const name of ["x.json", "x.json.migrated", "x.lock", "x.log.tmp", "x.meta.tmp", "x.JSONL", "x.jsonl.bak", ".jsonl"]
  ) {
    assert.equal(sessionNameOf(name), null, name);
  }
});
