/**
 * The index of workspaces: what `latest` answers, what that costs, and that it is never wrong.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { SessionStore } from "../../mod.ts";
import { message, realTest, type StoreBench, storeTest } from "./store_fixture.ts";

const indexName = ".workspaces";

/** A session in a workspace, with one record. */
async function begin(store: SessionStore, key: string, workspace = "/work"): Promise<void> {
  const session = await store.session(key);
  await session.update({ workspace });
  await session.append(message(0));
}

async function append(store: SessionStore, key: string): Promise<void> {
  await (await store.session(key)).append(message(1));
}

async function latest(bench: StoreBench, workspace = "/work"): Promise<string | null> {
  const store = await bench.open({ readOnly: true });
  try {
    return await store.latest({ workspace });
  } finally {
    await store.close();
  }
}

async function setModified(bench: StoreBench, key: string, modifiedMs: number): Promise<void> {
  const file = await bench.base.open(bench.path(`${key}.jsonl`), { access: "write" });
  await file.setModified?.(modifiedMs);
  await file.close();
}

async function hasIndex(bench: StoreBench): Promise<boolean> {
  return (await bench.names()).includes(indexName);
}

storeTest(
  "latest() of a workspace is the session that was written to last, in this process and in another",
  async (bench) => {
    const store = await bench.open();
    await begin(store, "a");
    await begin(store, "b");
    await begin(store, "other", "/elsewhere");
    assert.equal(await store.latest({ workspace: "/work" }), "b");
    await append(store, "a");
    assert.equal(await store.latest({ workspace: "/work" }), "a");
    await append(store, "b");
    assert.equal(await store.latest({ workspace: "/work" }), "b");
    assert.equal(await store.latest({ workspace: "/elsewhere" }), "other");
    assert.equal(await store.latest({ workspace: "/nowhere" }), null);
    await store.close();
    assert.equal(await latest(bench, "/elsewhere"), "other");
  },
);

storeTest("the index is replaced when the answer changes, never per append (I20, codetether C9)", async (bench) => {
  const store = await bench.open();
  await begin(store, "a");
  assert.equal(store.counters.indexWrites, 1);
  await begin(store, "b");
  assert.equal(store.counters.indexWrites, 2);
  const before = { ...store.counters };
  for (const key of ["a", "b", "b", "a"]) await append(store, key);
  assert.equal(store.counters.indexWrites, before.indexWrites);
  assert.equal(store.counters.renames, before.renames);
  assert.equal(await store.latest({ workspace: "/work" }), "a");
  await store.close();

  const again = await bench.open();
  const names = (await bench.names()).length;
  assert.notEqual(await again.latest({ workspace: "/work" }), null);
  await again.list({ workspace: "/work" });
  assert.equal(again.counters.writes + again.counters.renames, 0, "reading writes nothing");
  assert.equal((await bench.names()).length, names);
  await append(again, "a");
  await append(again, "a");
  await again.close();
  const third = await bench.open();
  await append(third, "a");
  assert.equal(third.counters.indexWrites, 0, "it was named already");
});

storeTest("a store without workspaces has no index", async (bench) => {
  const store = await bench.open();
  await append(store, "a");
  await append(store, "b");
  assert.ok(!await hasIndex(bench));
  assert.notEqual(await store.latest(), null);
});

realTest("latest() is right on a board whose clock starts in 1970 (I19)", async (bench) => {
  const first = await bench.open();
  await begin(first, "a");
  await begin(first, "b");
  await first.close();
  await setModified(bench, "b", Date.UTC(2030, 0));
  assert.equal(await latest(bench), "b");
  const second = await bench.open();
  await append(second, "a");
  assert.equal(await second.latest({ workspace: "/work" }), "a");
  await second.close();
  assert.equal(await latest(bench), "a");
  assert.equal((await (await bench.open()).list({ limit: 1 }))[0]?.key, "b", "the file times say otherwise");
});

storeTest("a deleted, moved or unknown session is not the answer; the one before it is", async (bench) => {
  const store = await bench.open();
  for (const key of ["a", "b", "c"]) await begin(store, key);
  await store.delete("c");
  assert.equal(await store.latest({ workspace: "/work" }), "b");
  await (await store.session("b")).update({ workspace: "/elsewhere" });
  assert.equal(await store.latest({ workspace: "/work" }), "a");
  assert.equal(await store.latest({ workspace: "/elsewhere" }), "b");
  await (await store.session("a")).update({ workspace: null });
  assert.equal(await store.latest({ workspace: "/work" }), null);
});

storeTest(
  "a missing or damaged index is a cache that is lost: the sessions are looked at (codetether C5)",
  async (bench) => {
    const store = await bench.open();
    await begin(store, "a");
    await store.close();
    for (const damage of ["", "{", "\u0000".repeat(100), '{"format":1,"checksum":"deadbeef"}\n']) {
      await bench.write(indexName, damage);
      bench.events.length = 0;
      assert.equal(await latest(bench), "a");
      assert.deepEqual(bench.eventTypes(), ["index-discarded"]);
    }
    await bench.base.unlink(bench.path(indexName));
    assert.equal(await latest(bench), "a");
    assert.ok(!await hasIndex(bench), "reading repairs nothing");
    const again = await bench.open();
    await append(again, "a");
    assert.ok(await hasIndex(bench), "the next write does");
  },
);

storeTest("two stores take turns: no update of the index is lost (codetether C10)", async (bench) => {
  const stores = [await bench.open(), await bench.open(), await bench.open()];
  await Promise.all(stores.map(async (store, index) => {
    for (const part of ["x", "y"]) await begin(store, `${part}${index}`, `/work/${part}${index}`);
  }));
  for (const index of stores.keys()) {
    for (const part of ["x", "y"]) assert.equal(await latest(bench, `/work/${part}${index}`), `${part}${index}`);
  }
  const text = await bench.text(indexName);
  assert.equal(text.trimEnd().split("\n").length, 7, "six workspaces, and the checksum");
});

storeTest("sessions that others have open are found again after the index was lost (codetether C10)", async (bench) => {
  const one = await bench.open();
  await begin(one, "a");
  await bench.base.unlink(bench.path(indexName));
  const other = await bench.open();
  await begin(other, "b");
  assert.equal(await latest(bench), "b");
  assert.match(await bench.text(indexName), /"key":"a".*"held":true/);
});

realTest(
  "a session that others had open before the index was lost is the answer once it is written to",
  async (bench) => {
    const one = await bench.open();
    await begin(one, "a");
    await bench.base.unlink(bench.path(indexName));
    const other = await bench.open();
    await begin(other, "b");
    await setModified(bench, "b", Date.UTC(2020, 0));
    assert.equal(await latest(bench), "b");
    await append(one, "a");
    assert.equal(await latest(bench), "a");
  },
);

storeTest("an index that cannot be written is removed, with an event, and the append goes through", async (bench) => {
  const store = await bench.open();
  await begin(store, "a");
  await begin(store, "b", "/elsewhere");
  bench.port.failNext(({ path, method }) => method === "open" && path.endsWith(`${indexName}.tmp`), "ENOSPC");
  await begin(store, "c");
  assert.deepEqual(bench.eventTypes(), ["index-discarded"]);
  assert.ok(!await hasIndex(bench));
  assert.equal(await latest(bench, "/elsewhere"), "b");
  assert.equal(await latest(bench), "c");
});

realTest("more sessions than the index ranks, all open: each is the answer when it is written to", async (bench) => {
  const store = await bench.open();
  const keys = Array.from({ length: 12 }, (_, index) => `s${index}`);
  for (const key of keys) await begin(store, key);
  for (const key of [...keys].reverse()) {
    await append(store, key);
    assert.equal(await store.latest({ workspace: "/work" }), key);
  }
});

realTest(
  "more sessions open at once than the index has room for: it says nothing, and they are looked at",
  async (bench) => {
    const store = await bench.open({ openSessionsMax: 300 });
    const keys = Array.from({ length: 130 }, (_, index) => `s${index}`);
    for (const key of keys) await begin(store, key);
    await begin(store, "other", "/elsewhere");
    assert.equal(await store.latest({ workspace: "/elsewhere" }), "other");
    // File times tell no order within a moment: what was written before is set back.
    for (const [index, key] of keys.entries()) await setModified(bench, key, 1_000_000 + index * 1_000);
    await append(store, "s0");
    assert.equal(await store.latest({ workspace: "/work" }), "s0");
    assert.equal(await latest(bench), "s0");
    await store.close();
    const again = await bench.open();
    await append(again, "s1");
    const text = await bench.text(indexName);
    assert.ok(text.includes('"workspace":"/work"'), "once there are fewer, it is in the index again");
    await setModified(bench, "s0", 1_000_000);
    assert.equal(await latest(bench), "s1");
  },
);

realTest("compaction is no write: the answer stays", async (bench) => {
  const store = await bench.open();
  await begin(store, "a");
  await append(store, "a");
  await begin(store, "b");
  await store.close();
  const again = await bench.open();
  const session = await again.session("a");
  await session.truncate(1);
  await session.compact();
  assert.equal(await again.latest({ workspace: "/work" }), "b");
  await again.close();
  assert.equal(await latest(bench), "b");
});

storeTest("latest() of all sessions goes by file times and reads no log", async (bench) => {
  const store = await bench.open();
  assert.equal(await store.latest(), null);
  await append(store, "b");
  await store.close();
  const again = await bench.open({ readOnly: true });
  const opened: string[] = [];
  bench.port.onCall = ({ method, path }) => {
    if (method === "open") opened.push(path);
  };
  assert.equal(await again.latest(), "b");
  assert.equal(await again.latest({ workspace: "/none" }), null);
  assert.deepEqual(opened.filter((path) => path.endsWith(".jsonl")), []);
});

storeTest("a fork and a continuation are the latest of their workspace", async (bench) => {
  const store = await bench.open();
  await begin(store, "a");
  await store.fork("a", "forked");
  assert.equal(await store.latest({ workspace: "/work" }), "forked");
  await append(store, "a");
  await store.continueAs("a", "continued");
  assert.equal(await store.latest({ workspace: "/work" }), "continued");
});

storeTest(
  "list() with a limit or a workspace reads the logs of those alone, and gives the same as without",
  async (bench) => {
    const store = await bench.open();
    for (let index = 0; index < 40; index++) await begin(store, `s${index}`, `/w${index % 4}`);
    await store.close();
    const again = await bench.open({ readOnly: true });
    const all = await again.list();
    assert.equal(all.length, 40);
    const opened = new Set<string>();
    bench.port.onCall = ({ method, path }) => {
      if (method === "open" && path.endsWith(".jsonl")) opened.add(path);
    };
    assert.deepEqual(await again.list({ limit: 3 }), all.slice(0, 3));
    assert.ok(opened.size <= 16, `${opened.size} logs`);
    opened.clear();
    assert.deepEqual(await again.list({ workspace: "/w1" }), all.filter(({ workspace }) => workspace === "/w1"));
    assert.equal(opened.size, 10);
    for (const [index, { key }] of all.entries()) {
      assert.deepEqual(await again.list({ after: key, limit: 2 }), all.slice(index + 1, index + 3));
    }
    assert.deepEqual(await again.list({ limit: 0 }), []);
    await assert.rejects(again.list({ after: "nobody" }), RangeError);
  },
);

storeTest("delete() and moveToTrash() leave no name of the session in the index", async (bench) => {
  const store = await bench.open();
  for (const key of ["one", "two", "three"]) await begin(store, key);
  await begin(store, "alone", "/elsewhere");
  await store.delete("three");
  await store.moveToTrash("alone");
  assert.doesNotMatch(await bench.text(indexName), /three|alone/);
  assert.equal(await latest(bench), "two");
  assert.equal(await latest(bench, "/elsewhere"), null);
  await store.delete("two");
  await store.delete("one");
  assert.doesNotMatch(await bench.text(indexName), /one|two/);
  await store.restore("alone");
  assert.equal(await latest(bench, "/elsewhere"), "alone");
  assert.equal(await latest(bench), null);
});

storeTest("delete() goes through where the index cannot be written: it is removed, with an event", async (bench) => {
  const store = await bench.open();
  for (const key of ["one", "two"]) await begin(store, key);
  bench.port.failNext((call) => call.method === "write" && call.path.includes(indexName), "ENOSPC");
  assert.equal(await store.delete("two"), true);
  assert.equal(await hasIndex(bench), false);
  assert.ok(bench.eventTypes().includes("index-discarded"));
  assert.equal(await latest(bench), "one");
});
