/**
 * A directory of sessions: opening it, what it lists, and who finds what.
 */
import assert from "node:assert/strict";
import { mkdir, symlink, utimes } from "node:fs/promises";
import { openStore, type StoreOptions } from "../../mod.ts";
import {
  appendMessages,
  hasCode,
  message,
  messages,
  realTest,
  simulatedTest,
  type StoreBench,
  storeTest,
} from "./store_fixture.ts";

/** Says when a session's log was last written. */
async function setTime(bench: StoreBench, name: string, seconds: number): Promise<void> {
  await utimes(bench.path(`${name}.jsonl`), seconds, seconds);
}

simulatedTest(
  "openStore() refuses wrong options with TypeErrors and RangeErrors, and makes nothing",
  async (bench, machine) => {
    const untyped: { open: unknown } = { open: openStore };
    const openIn = (directory: unknown, options: unknown) => async () => {
      assert.ok(typeof untyped.open === "function");
      await Reflect.apply(untyped.open, undefined, [directory, options]);
    };
    const open = (options: unknown) => openIn("/made", options);
    const wrongTypes: Record<string, unknown[]> = {
      durability: ["often", 5, null, {}],
      recordId: ["id", 5, null, {}],
      recordIdReach: ["5", {}],
      recordBytesMax: ["5", {}],
      readOnly: ["yes", 1, null],
      openSessionsMax: ["5", {}],
      strict: ["yes", 1, null],
      onEvent: ["log", {}, null],
    };
    for (const [name, values] of Object.entries(wrongTypes)) {
      for (const value of values) {
        const options = { fileSystem: bench.port, [name]: value };
        await assert.rejects(open(options), TypeError, `${name}: ${JSON.stringify(value)}`);
      }
    }
    const wrongNumbers: Record<string, number[]> = {
      recordIdReach: [0, -1, 1.5, NaN, Infinity, 1_000_001],
      recordBytesMax: [1, -1, 2.5, NaN, 10_485_696],
      openSessionsMax: [0, -1, 1.5, NaN, 100_001],
    };
    for (const [name, values] of Object.entries(wrongNumbers)) {
      for (const value of values) {
        await assert.rejects(open({ fileSystem: bench.port, [name]: value }), RangeError, `${name}: ${value}`);
      }
    }
    for (const directory of ["", undefined, null, 5, {}]) {
      await assert.rejects(openIn(directory, { fileSystem: bench.port }), TypeError, String(directory));
    }
    await assert.rejects(open(null), TypeError);
    assert.deepEqual(await machine.readDirectory("/"), []);
  },
);

simulatedTest(
  "openStore() makes the directory and its parents, each durable before the next (C11)",
  async (bench, machine) => {
    await openStore("/a/b/c///", { fileSystem: bench.port });
    const made = bench.port.takeCalls().filter((call) => !call.startsWith("lock"));
    assert.deepEqual(made.slice(-6), [
      "makeDirectory a",
      "syncDirectory ",
      "makeDirectory b",
      "syncDirectory a",
      "makeDirectory c",
      "syncDirectory b",
    ]);
    const after = machine.clone().crash();
    assert.equal((await after.stat("/a/b/c")).kind, "directory");
  },
);

simulatedTest(
  "openStore(): a directory whose maker was killed before its name was durable is made durable (C11, H10)",
  async (bench, machine) => {
    await machine.makeDirectory("/a", 0o700);
    await machine.syncDirectory("/");
    await machine.makeDirectory("/a/b", 0o700);
    const store = await openStore("/a/b/c", { fileSystem: bench.port });
    await (await store.session("chat")).append(message(0));
    await store.close();
    const after = await openStore("/a/b/c", { fileSystem: machine.clone().crash(), readOnly: true }).catch(() => null);
    assert.deepEqual(await (await after?.session("chat"))?.history(), [message(0)]);
  },
);

storeTest("openStore() readOnly of a missing directory is not-found, and makes nothing", async (bench) => {
  await assert.rejects(bench.open({ readOnly: true }), hasCode("not-found"));
  await assert.rejects(bench.base.stat(bench.directory), { code: "ENOENT" });
});

storeTest("openStore() of a file, or below one, is an error that says so", async (bench) => {
  await bench.open();
  await bench.write("file", "x");
  for (const path of ["file", "file/below", "file/far/below"]) {
    for (const options of [{}, { readOnly: true }]) {
      const opening = openStore(bench.path(path), { fileSystem: bench.port, ...options });
      await assert.rejects(opening, hasCode("io", "not-found"), path);
    }
  }
  assert.equal(await bench.text("file"), "x");
});

realTest("openStore() follows a link to the directory itself", async (bench) => {
  await bench.open();
  const link = `${bench.directory}-link`;
  await symlink(bench.directory, link);
  await using store = await openStore(link);
  assert.equal(store.directory, bench.directory);
  await (await store.session("chat")).append(message(0));
  assert.ok((await bench.names()).includes("chat.jsonl"));
});

storeTest(
  "A store that is readOnly reads everything and changes nothing: no lock, no repair, no directory",
  async (bench) => {
    const chat = await bench.openSession();
    await appendMessages(chat, 0, 3);
    await chat.truncate(2, { summary: "s" });
    await bench.closeAll();
    await bench.appendTo("chat.jsonl", '{"torn":');
    await bench.write(
      "other.json",
      '{"key":"other","messages":[],"created":"2026-01-02T03:04:05Z","updated":"2026-01-02T03:04:05Z"}',
    );
    const before = await bench.names();
    const text = await bench.text("chat.jsonl");
    bench.port.takeCalls();
    const store = await bench.open({ readOnly: true });
    const reader = await store.session("chat");
    assert.deepEqual(await reader.history(), messages(1, 3));
    assert.equal(reader.summary, "s");
    assert.deepEqual((await reader.tail(1)).records, messages(2, 3));
    assert.deepEqual((await reader.verify()).tornTail, { offset: text.length - 8, length: 8 });
    assert.equal((await reader.stats()).records, 3);
    assert.equal((await store.list()).length, 1);
    assert.equal(await store.latest(), "chat");
    await store.flush();
    store.flushSync();
    const writes: (() => Promise<unknown>)[] = [
      () => reader.append(message(0)),
      () => reader.appendAll([]),
      () => reader.truncate(0),
      () => reader.setSummary("x"),
      () => reader.replace([]),
      () => reader.compact(),
      () => reader.update({}),
      () => reader.repair(),
      () => store.delete("chat"),
      () => store.delete("never"),
    ];
    for (const write of writes) await assert.rejects(write, hasCode("read-only"), String(write));
    assert.equal(reader.status, "idle");
    await store.close();
    assert.deepEqual(bench.port.takeCalls(), []);
    assert.deepEqual(await bench.names(), before);
    assert.equal(await bench.text("chat.jsonl"), text);
  },
);

realTest("SessionStore.list() orders by last write, newest first, and pages", async (bench) => {
  const store = await bench.open();
  const keys = ["a", "b", "c", "d", "e"];
  for (const key of keys) await (await store.session(key)).append(message(0));
  for (const [index, key] of keys.entries()) await setTime(bench, key, 1_700_000_000 + [3, 1, 5, 1, 2][index]! * 60);
  const listed = async (options: Parameters<typeof store.list>[0]) => (await store.list(options)).map(({ key }) => key);
  assert.deepEqual(await listed({}), ["c", "a", "e", "b", "d"], "of one moment, by key");
  assert.deepEqual(await listed({ limit: 2 }), ["c", "a"]);
  assert.deepEqual(await listed({ limit: 2, after: "a" }), ["e", "b"]);
  assert.deepEqual(await listed({ limit: 2, after: "b" }), ["d"]);
  assert.deepEqual(await listed({ after: "d" }), []);
  assert.deepEqual(await listed({ limit: 0 }), []);
  assert.equal(await store.latest(), "c");
  await assert.rejects(store.list({ after: "nobody" }), RangeError);
  await (await store.session("d")).append(message(1));
  assert.equal(await store.latest(), "d");
  const wrong: [unknown, typeof TypeError | typeof RangeError][] = [
    [{ limit: "5" }, TypeError],
    [{ limit: -1 }, RangeError],
    [{ limit: 1.5 }, RangeError],
    [{ workspace: 5 }, TypeError],
    [{ after: 5 }, TypeError],
  ];
  for (const [options, type] of wrong) {
    await assert.rejects(async () => await Reflect.apply(store.list, store, [options]), type, JSON.stringify(options));
  }
});

realTest("SessionStore.list() orders by last write also after sessions were closed, which is none", async (bench) => {
  const store = await bench.open();
  const keys = ["d", "c", "b", "a"];
  for (const [index, key] of keys.entries()) {
    const chat = await store.session(key);
    // The second append fills the file ahead, and closing takes that away.
    await chat.append(message(0));
    await chat.append(message(1));
    await setTime(bench, key, 1_000_000 + index);
  }
  await store.close();
  const again = await bench.open();
  assert.deepEqual((await again.list()).map(({ key }) => key), [...keys].reverse());
  assert.equal(await again.latest(), "a");
});

simulatedTest("SessionStore.list(), latest() go by workspace", async (bench) => {
  const store = await bench.open();
  for (const [key, workspace] of [["a", "one"], ["b", "two"], ["c", "one"], ["d", null]] as const) {
    const chat = await store.session(key);
    await chat.update({ workspace });
    await chat.append(message(0));
  }
  assert.deepEqual((await store.list({ workspace: "one" })).map(({ key }) => key), ["c", "a"]);
  assert.deepEqual((await store.list({ workspace: "one", limit: 1, after: "c" })).map(({ key }) => key), ["a"]);
  assert.deepEqual(await store.list({ workspace: "none" }), []);
  assert.equal(await store.latest({ workspace: "two" }), "b");
  assert.equal(await store.latest({ workspace: "none" }), null);
  assert.equal(await store.latest(), "d");
});

simulatedTest(
  "SessionStore.list() says what is known of a session, also right after truncation and compaction",
  async (bench) => {
    const store = await bench.open();
    assert.deepEqual(await store.list(), []);
    assert.equal(await store.latest(), null);
    const chat = await store.session("telegram:1");
    await appendMessages(chat, 0, 6);
    await chat.update({ title: "t", workspace: "w" });
    await chat.truncate(2, { summary: "s" });
    const [info] = await store.list();
    const { length: bytes } = await bench.read("telegram_1.jsonl");
    assert.deepEqual({ ...info, createdAt: "", updatedAt: "" }, {
      key: "telegram:1",
      records: 6,
      active: 2,
      bytes,
      summary: "s",
      title: "t",
      workspace: "w",
      parent: null,
      createdAt: "",
      updatedAt: "",
    });
    assert.match(info?.createdAt ?? "", /^\d{4}-\d\d-\d\dT/);
    assert.match(info?.updatedAt ?? "", /^\d{4}-\d\d-\d\dT/);
    assert.deepEqual(await chat.info(), info);
    await chat.compact();
    assert.deepEqual([(await chat.info()).records, (await chat.info()).active], [2, 2]);
    await chat.append(message(6));
    assert.deepEqual([(await chat.info()).records, (await chat.info()).active], [3, 3]);
    await chat.replace(messages(0, 1), { summary: "replaced" });
    const replaced = await chat.info();
    assert.deepEqual([replaced.records, replaced.active, replaced.summary], [1, 1, "replaced"]);
  },
);

simulatedTest("SessionStore.list() reads the end of a log only, however long", async (bench) => {
  const store = await bench.open();
  const chat = await store.session("chat");
  for (let count = 0; count < 40; count++) await chat.appendAll(Array(20).fill({ text: "x".repeat(5_000) }));
  const before = store.counters.bytesRead;
  const [info] = await store.list();
  assert.equal(info?.records, 800);
  assert.ok(store.counters.bytesRead - before < 300_000, `${store.counters.bytesRead - before} bytes`);
});

simulatedTest("I12: SessionStore.list() has a log without meta, and one whose meta is damaged", async (bench) => {
  const store = await bench.open();
  await bench.write("foreign.jsonl", '{"role":"user","content":"x"}\n{"role":"user","content":"y"}\n');
  await bench.write("damaged.jsonl", '{"role":"user","content":"x"}\n');
  await bench.write("damaged.meta.json", "{");
  await bench.write("empty.jsonl", "");
  const list = (await store.list()).map(({ key, records, active }) => [key, records, active]);
  assert.deepEqual(list.sort(), [["damaged", 1, 1], ["empty", 0, 0], ["foreign", 2, 2]]);
  for (const key of ["foreign", "damaged", "empty"]) assert.equal(await store.has(key), true);
});

storeTest("I17: one session that cannot be read hides no other, and is told", async (bench) => {
  const store = await bench.open();
  for (const key of ["a", "b"]) {
    await (await store.session(key)).append(message(0));
    await (await store.session(key)).update({ aliases: [`alias of ${key}`] });
  }
  await bench.write("c.jsonl", "{}\n");
  await bench.link("c.meta.json", bench.path("a.meta.json"));
  await bench.write("d.meta.json", "{}");
  await bench.base.makeDirectory(bench.path("d.jsonl"), 0o700);
  assert.deepEqual((await store.list()).map(({ key }) => key).sort(), ["a", "b"]);
  assert.equal(await store.resolve("alias of b"), "b");
  assert.deepEqual([...new Set(bench.eventTypes())], ["session-unreadable"]);
  assert.deepEqual(await (await store.session("a")).history(), [message(0)]);
});

simulatedTest("SessionStore.resolve() finds keys and aliases, a key first", async (bench) => {
  const store = await bench.open();
  const make = async (key: string, aliases: string[]) => {
    const chat = await store.session(key);
    await chat.append(message(0));
    await chat.update({ aliases });
  };
  await make("b", ["shared", "only b", "a"]);
  await make("a", ["shared"]);
  await make("gone", ["of the gone"]);
  await store.delete("gone");
  assert.equal(await store.resolve("only b"), "b");
  assert.equal(await store.resolve("a"), "a", "a key comes before another's alias");
  assert.equal(await store.resolve("shared"), "a", "of several the first by key");
  assert.equal(await store.resolve("gone"), null);
  assert.equal(await store.resolve("of the gone"), null);
  assert.equal(await store.resolve("nobody"), null);
  assert.equal(await store.resolve(""), null);
  assert.equal(await store.resolve("x".repeat(5000)), null);
  await bench.write("bare.jsonl", "{}\n");
  assert.equal(await store.resolve("bare"), "bare", "also without a meta file");
  await assert.rejects(async () => await Reflect.apply(store.resolve, store, [5]), TypeError);
});

simulatedTest("SessionStore.session() gives one queue for one key", async (bench) => {
  const store = await bench.open();
  const [one, other] = await Promise.all([store.session("chat"), store.session("chat")]);
  const receipts = await Promise.all([one.append(message(0)), other.append(message(1)), one.append(message(2))]);
  assert.deepEqual(receipts.map(({ sequence }) => sequence), [0, 1, 2]);
  assert.equal(store.counters.sessionsOpened, 1);
  await one.setSummary("seen by both");
  assert.equal(other.summary, "seen by both");
});

simulatedTest("A listener that throws disturbs nothing", async (bench) => {
  const options: StoreOptions = {
    onEvent: () => {
      throw new Error("of the listener");
    },
  };
  const chat = await bench.openSession();
  await appendMessages(chat, 0, 2);
  await bench.closeAll();
  await bench.appendTo("chat.jsonl", '{"torn":');
  const again = await bench.openSession("chat", options);
  assert.equal((await again.append(message(2))).sequence, 2);
  assert.deepEqual(await again.history(), messages(0, 3));
});

realTest("openStore() takes a directory that is there already, with its mode", async (bench) => {
  await mkdir(bench.directory, { mode: 0o755 });
  await bench.open();
  assert.equal((await bench.base.stat(bench.directory)).mode & 0o700, 0o700);
});

storeTest(
  "SessionStore.close() called twice: the second waits until the first has made everything durable",
  async (bench) => {
    const store = await bench.open();
    const chat = await store.session("chat");
    await chat.append(message(0), { durability: "buffered" });
    const first = store.close();
    await store.close();
    assert.equal(chat.status, "closed");
    assert.deepEqual(await bench.names(), ["chat.jsonl", "chat.meta.json"]);
    await first;
    await store.close();
  },
);

storeTest("SessionStore.list() does not count a line that picoclaw was cut off in", async (bench) => {
  await (await bench.open()).close();
  await bench.write("chat.jsonl", '{"role":"user","content":"hi"}\n{"role":"user","content":"cut off in the mid');
  const store = await bench.open();
  assert.deepEqual((await store.list()).map(({ records, active }) => [records, active]), [[1, 1]]);
});
