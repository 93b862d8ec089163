/**
 * The defects C1 to C10 of codetether-agent's session store, and picoclaw's W12, by number: that Holdfast does not have
 * them. C3 and C9, C10 are shown at length in `tests/store/write_elision_test.ts` and `workspace_index_test.ts`.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { SessionStore } from "../../mod.ts";
import { appendMessages, hasCode, message, messages, simulatedTest, storeTest } from "../store/store_fixture.ts";

async function history(store: SessionStore, key = "chat"): Promise<unknown[]> {
  return await (await store.session(key)).history();
}

simulatedTest(
  "codetether C1: what was acknowledged survives a power cut that takes all that was not synced",
  async (bench, machine) => {
    const store = await bench.open();
    const session = await store.session("chat");
    await session.update({ workspace: "/w" });
    await appendMessages(session, 0, 3);
    await session.setSummary("s");
    const after = machine.crash([]);
    const { openStore } = await import("../../mod.ts");
    await using again = await openStore(bench.directory, { fileSystem: after });
    assert.deepEqual(await history(again), messages(0, 3));
    assert.equal((await again.session("chat")).summary, "s");
    assert.equal(await again.latest({ workspace: "/w" }), "chat");
  },
);

storeTest("codetether C2: a rename that fails takes away neither the old state nor the new one", async (bench) => {
  for (const suffix of [".meta.tmp", ".log.tmp", ".workspaces.tmp"]) {
    const store = await bench.open();
    const session = await store.session("chat");
    await session.update({ workspace: "/w", title: suffix });
    await session.replace(messages(0, 2));
    bench.port.failNext(({ method, path }) => method === "rename" && path.endsWith(suffix), "EACCES");
    await session.update({ workspace: `/other${suffix}` }).catch(() => undefined);
    await session.replace(messages(5, 7)).catch(() => undefined);
    await bench.closeAll();
    const again = await bench.open();
    const found = JSON.stringify(await history(again));
    assert.ok([JSON.stringify(messages(0, 2)), JSON.stringify(messages(5, 7))].includes(found), `${suffix}: ${found}`);
    await bench.closeAll();
  }
});

storeTest("codetether C3: saving the same state after each step writes nothing", async (bench) => {
  const session = await bench.openSession();
  await session.replace(messages(0, 5), { summary: "s" });
  bench.port.takeCalls();
  for (let step = 0; step < 3; step++) {
    await session.replace(messages(0, 5), { summary: "s" });
    await session.setSummary("s");
  }
  assert.deepEqual(bench.port.takeCalls(), []);
});

storeTest("codetether C4: two writers never mix, and what another process wrote is noticed", async (bench) => {
  const one = await bench.open();
  await (await one.session("chat")).setSummary("one");
  const other = await bench.open();
  await assert.rejects((await other.session("chat")).setSummary("other"), hasCode("locked"));
  await one.close();
  await (await other.session("chat")).setSummary("other");
  await other.close();
  const again = await bench.open();
  await (await again.session("chat")).setSummary("one");
  assert.equal((await bench.meta("chat"))["summary"], "one");
});

storeTest(
  "codetether C5: a damaged byte costs one record; the others, other sessions and latest() go on",
  async (bench) => {
    const store = await bench.open();
    for (const key of ["older", "chat"]) {
      const session = await store.session(key);
      await session.update({ workspace: "/w" });
      await appendMessages(session, 0, 3);
    }
    await store.close();
    await bench.write("chat.jsonl", (await bench.text("chat.jsonl")).replace("message 1", "message X"));
    const again = await bench.open();
    assert.equal(await again.latest({ workspace: "/w" }), "chat");
    assert.deepEqual(await history(again), [message(0), message(2)]);
    await bench.write("chat.meta.json", "{");
    assert.equal(await again.latest({ workspace: "/w" }), "older", "who says no workspace is of none");
  },
);

storeTest("codetether C6: tail() reads as much of a long log as of a short one", async (bench) => {
  const read = async (count: number): Promise<number> => {
    const store = await bench.open();
    const session = await store.session(`chat ${count}`);
    await session.appendAll(messages(0, count));
    for (let part = 0; part < 5; part++) await session.append(message(count + part));
    await store.close();
    const again = await bench.open({ readOnly: true });
    const reader = await again.session(`chat ${count}`);
    const before = again.counters.bytesRead;
    const { records, dropped } = await reader.tail(3);
    assert.deepEqual([records.length, dropped], [3, count + 2]);
    return again.counters.bytesRead - before;
  };
  const long = await read(30_000);
  assert.ok(long < 400_000, `${long} bytes of about 2 MB`);
});

storeTest(
  "codetether C7: nothing is journalled beside the log, and a deleted session leaves nothing behind",
  async (bench) => {
    const store = await bench.open();
    const session = await store.session("chat");
    await session.update({ workspace: "/w" });
    await appendMessages(session, 0, 2);
    const before = { ...store.counters };
    await session.append(message(2));
    assert.deepEqual([store.counters.writes - before.writes, store.counters.syncs - before.syncs], [1, 1]);
    await store.delete("chat");
    await store.close();
    assert.deepEqual(await bench.names(), [".workspaces"]);
    const again = await bench.open();
    assert.equal(await again.latest({ workspace: "/w" }), null, "the index brings nobody back");
  },
);

storeTest("codetether C8: an append that fails says so, and a torn line ends nothing", async (bench) => {
  const session = await bench.openSession();
  await session.append(message(0));
  bench.port.onCall = ({ method }) => {
    if (method === "write") throw Object.assign(new Error("full"), { code: "ENOSPC" });
  };
  await assert.rejects(session.append(message(1)), hasCode("disk-full"));
  bench.port.onCall = null;
  await bench.closeAll();
  await bench.appendTo("chat.jsonl", '{"role":"user","conte');
  const again = await bench.openSession();
  await again.append(message(2));
  assert.deepEqual(await again.history(), [message(0), message(2)]);
});

storeTest("codetether C9, C10: reading writes nothing, and two writers lose no answer", async (bench) => {
  const stores = [await bench.open(), await bench.open()];
  await Promise.all(stores.map(async (store, index) => {
    const session = await store.session(`s${index}`);
    await session.update({ workspace: `/w${index}` });
    await session.append(message(0));
  }));
  bench.port.takeCalls();
  for (const [index, store] of stores.entries()) {
    assert.equal(await store.latest({ workspace: `/w${1 - index}` }), `s${1 - index}`);
    await store.list();
    await store.resolve("nobody");
  }
  assert.deepEqual(bench.port.takeCalls(), []);
});

storeTest(
  "W12: a directory that cannot be synced is an error, leftovers are swept, a second writer is kept out",
  async (bench) => {
    const store = await bench.open();
    const session = await store.session("chat");
    await appendMessages(session, 0, 2);
    bench.port.failNext(({ method, path }) => method === "syncDirectory" && path === bench.directory, "EIO");
    await assert.rejects(session.setSummary("s"), hasCode("failed"));
    await bench.closeAll();
    for (const name of ["chat.meta.tmp", "chat.log.tmp"]) await bench.write(name, "left behind");
    await bench.appendTo("chat.jsonl", "\0".repeat(600));
    const again = await bench.open();
    await (await again.session("chat")).append(message(2));
    assert.deepEqual((await bench.names()).filter((name) => name.endsWith(".tmp")), []);
    assert.deepEqual(await history(again), messages(0, 3));
    const other = await bench.open();
    await assert.rejects((await other.session("chat")).append(message(9)), hasCode("locked"));
  },
);
