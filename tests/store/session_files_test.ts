/**
 * A session's files: modes, deletion, and what is not ours.
 */
import assert from "node:assert/strict";
import { chmod, chown } from "node:fs/promises";
import process from "node:process";
import { test } from "node:test";
import { openStore, type SessionStore } from "../../mod.ts";
import { SimulatedFileSystem } from "../../src/testing/mod.ts";
import {
  appendMessages,
  hasCode,
  message,
  messages,
  realTest,
  simulatedTest,
  StoreBench,
  storeTest,
} from "./store_fixture.ts";

async function modeOf(bench: StoreBench, name: string): Promise<string> {
  return (await bench.base.stat(bench.path(name))).mode.toString(8);
}

for (const mask of [0o000, 0o022, 0o077, 0o777]) {
  realTest(`Files are 0600 and directories 0700 under umask ${mask.toString(8).padStart(3, "0")}`, async (bench) => {
    const before = process.umask(mask);
    try {
      const store = await openStore(`${bench.directory}/deep/store`);
      const chat = await store.session("chat");
      await appendMessages(chat, 0, 3);
      await chat.truncate(1, { summary: "s" });
      await chat.compact();
      await store.close();
      await bench.appendTo("deep/store/chat.jsonl", '{"torn":');
      await using again = await openStore(`${bench.directory}/deep/store`);
      await (await again.session("chat")).append(message(3));
      for (const directory of ["", "deep", "deep/store", "deep/store/chat.quarantine"]) {
        assert.equal(await modeOf(bench, directory), "700", directory);
      }
      const names = await bench.names("/deep/store");
      assert.deepEqual(names, ["chat.jsonl", "chat.lock", "chat.meta.json", "chat.quarantine"]);
      for (const name of names.slice(0, 3)) assert.equal(await modeOf(bench, `deep/store/${name}`), "600", name);
      for (const name of await bench.names("/deep/store/chat.quarantine")) {
        assert.equal(await modeOf(bench, `deep/store/chat.quarantine/${name}`), "600", name);
      }
    } finally {
      process.umask(before);
    }
  });
}

realTest(
  "Modes and owners of files that were there before are kept by meta writes, compaction and replace",
  async (bench) => {
    const chat = await bench.openSession();
    await appendMessages(chat, 0, 3);
    await bench.closeAll();
    await chmod(bench.directory, 0o750);
    await chmod(bench.path("chat.jsonl"), 0o644);
    await chmod(bench.path("chat.meta.json"), 0o664);
    const isRoot = process.getuid?.() === 0;
    if (isRoot) { for (const name of ["chat.jsonl", "chat.meta.json"]) await chown(bench.path(name), 1234, 1235); }
    const again = await bench.openSession();
    await again.truncate(1, { summary: "s" });
    await again.compact();
    await again.replace(messages(0, 2));
    await again.update({ title: "t" });
    assert.equal(await modeOf(bench, ""), "750");
    assert.equal(await modeOf(bench, "chat.jsonl"), "644");
    assert.equal(await modeOf(bench, "chat.meta.json"), "664");
    if (!isRoot) return;
    for (const name of ["chat.jsonl", "chat.meta.json"]) {
      const { userId, groupId } = await bench.base.stat(bench.path(name));
      assert.deepEqual([userId, groupId], [1234, 1235], name);
    }
  },
);

storeTest(
  "SessionStore.delete() removes everything that belongs to the session, and nothing else (I17)",
  async (bench) => {
    const store = await bench.open();
    const chat = await store.session("chat");
    await appendMessages(chat, 0, 3);
    await (await store.session("other")).append(message(7));
    const other = [await bench.text("other.jsonl"), await bench.text("other.meta.json")];
    assert.equal(await store.delete("chat"), true);
    assert.equal(await store.delete("chat"), false);
    assert.equal(await store.delete("never"), false);
    assert.equal(await store.has("chat"), false);
    assert.equal(chat.status, "closed");
    await assert.rejects(chat.append(message(3)), hasCode("closed"));
    assert.deepEqual(await chat.history(), []);
    assert.deepEqual((await store.list()).map(({ key }) => key), ["other"]);
    assert.deepEqual(await bench.names(), ["other.jsonl", "other.lock", "other.meta.json"]);
    assert.deepEqual([await bench.text("other.jsonl"), await bench.text("other.meta.json")], other);
  },
);

storeTest(
  "A key that was deleted can be used again: from number 0, without anything of its former life (I7)",
  async (bench) => {
    const store = await bench.open();
    const chat = await store.session("chat");
    await appendMessages(chat, 0, 3);
    await chat.truncate(1, { summary: "old" });
    await chat.update({ title: "old", aliases: ["old"] });
    await store.delete("chat");
    const again = await store.session("chat");
    assert.equal(again.summary, "");
    assert.deepEqual(await again.append(message(10)), { sequence: 0, duplicate: false });
    assert.deepEqual(await again.history(), [message(10)]);
    assert.equal(await store.resolve("old"), null);
    assert.equal((await again.info()).title, null);
  },
);

simulatedTest(
  "SessionStore.delete(): appends that were called before it go first, those after it are refused",
  async (bench) => {
    const store = await bench.open();
    const chat = await store.session("chat");
    await chat.append(message(0));
    const before = chat.append(message(1));
    const gate = bench.port.holdNext((call) => call.method === "rename" && call.path.endsWith(".meta.tmp"));
    const deleting = store.delete("chat");
    await gate.reached;
    const after = chat.append(message(2));
    const again = (await store.session("chat")).setSummary("x");
    gate.open();
    assert.equal((await before).sequence, 1);
    await assert.rejects(after, hasCode("closed"));
    await assert.rejects(again, hasCode("closed"));
    assert.equal(await deleting, true);
    assert.deepEqual(await bench.names(), []);
    assert.deepEqual(bench.eventTypes(), []);
    const fresh = await store.session("chat");
    assert.equal((await fresh.append(message(3))).sequence, 0);
    assert.equal((await (await store.session("chat")).append(message(4))).sequence, 1, "one queue for one key");
  },
);

test("B3: a delete that is cut short at any step leaves the session whole, or gone for every reader (I7, I8)", async () => {
  const machine = new SimulatedFileSystem();
  const store = await openStore("/sessions", { fileSystem: machine });
  const chat = await store.session("chat");
  await appendMessages(chat, 0, 3);
  await chat.truncate(2, { summary: "s" });
  const states: SimulatedFileSystem[] = [];
  // Nothing that is not synced survives, everything does, and every second operation does.
  machine.onStep = () => {
    for (const choices of [[], Array(60).fill(-1), Array(60).fill([0, -1]).flat(), Array(60).fill([-1, 0]).flat()]) {
      states.push(machine.clone().crash(choices));
    }
  };
  await store.delete("chat");
  machine.onStep = undefined;
  const outcomes = { whole: 0, gone: 0 };
  for (const state of states) {
    await using readers = await openStore("/sessions", { fileSystem: state, readOnly: true });
    const there = await readers.has("chat");
    const reader = await readers.session("chat");
    assert.deepEqual(await reader.history(), there ? messages(1, 3) : []);
    assert.equal(reader.summary, there ? "s" : "");
    assert.equal((await readers.list()).length, there ? 1 : 0);
    await using writers: SessionStore = await openStore("/sessions", { fileSystem: state });
    const writer = await writers.session("chat");
    assert.equal((await writer.append(message(9))).sequence, there ? 3 : 0);
    assert.deepEqual(await writer.history(), [...(there ? messages(1, 3) : []), message(9)]);
    outcomes[there ? "whole" : "gone"]++;
  }
  assert.ok(outcomes.whole > 0 && outcomes.gone > 0, JSON.stringify(outcomes));
});

for (const path of [".jsonl", ".meta.json"]) {
  simulatedTest(
    `SessionStore.delete() whose unlink of the ${path} fails is committed: nothing can be appended to what is gone`,
    async (bench) => {
      const store = await bench.open();
      const chat = await store.session("chat");
      await appendMessages(chat, 0, 2);
      bench.port.failNext((call) => call.method === "unlink" && call.path.endsWith(path), "EIO");
      await assert.rejects(store.delete("chat"), hasCode("failed"));
      assert.equal(await store.has("chat"), false);
      await assert.rejects(chat.append(message(2)), hasCode("closed", "failed"));
      const again = await store.session("chat");
      assert.equal((await again.append(message(3))).sequence, 0);
      await bench.closeAll();
      assert.deepEqual(await (await bench.openSession()).history(), [message(3)]);
      assert.ok(bench.eventTypes().includes("delete-finished"));
    },
  );
}

simulatedTest("SessionStore.delete() of a session whose delete was cut short finishes it", async (bench) => {
  const store = await bench.open();
  await (await store.session("chat")).append(message(0));
  bench.port.failNext((call) => call.method === "unlink" && call.path.endsWith(".jsonl"), "EIO");
  await assert.rejects(store.delete("chat"), hasCode("failed"));
  await store.delete("chat");
  assert.deepEqual(await bench.names(), []);
});

storeTest(
  "I16: foreign files, directories and links in the store are never touched, followed or counted",
  async (bench) => {
    await bench.open();
    await bench.write("notes.txt", "mine");
    await bench.write("package.json", '{"name":"x"}');
    await bench.write(".hidden.jsonl", '{"not":"a session"}\n');
    await bench.write("chat.jsonl.bak", '{"a":1}\n');
    await bench.write("chat.tmp", "x");
    await bench.write("chat.log.tmp.old", "x");
    await bench.base.makeDirectory(bench.path("folder.jsonl"), 0o755);
    await bench.base.makeDirectory(bench.path("chat.archive"), 0o755);
    await bench.write("chat.archive/notes", "mine");
    await bench.base.makeDirectory(bench.path("chat.quarantine"), 0o755);
    await bench.write("chat.quarantine/torn-by-me", "x");
    await bench.write("chat.quarantine/damaged-0-zzzzzzzz", "x");
    await bench.link("linked.jsonl", bench.path("chat.jsonl.bak"));
    await bench.link("dangling.meta.json", "/nowhere");
    const before = new Map<string, string>();
    const own = await bench.names();
    for (const name of own) {
      const { kind, mode, inode } = await bench.base.stat(bench.path(name));
      before.set(name, `${kind} ${mode} ${inode} ${kind === "file" ? await bench.text(name) : ""}`);
    }
    const store = await bench.open();
    const chat = await store.session("chat");
    await appendMessages(chat, 0, 3);
    await chat.truncate(1);
    await chat.compact();
    assert.deepEqual((await store.list()).map(({ key }) => key), ["chat"]);
    assert.equal(await store.latest(), "chat");
    assert.equal(await store.resolve("nobody"), null);
    await store.delete("chat");
    await bench.closeAll();
    assert.deepEqual(await bench.names(), own);
    for (const name of own) {
      const { kind, mode, inode } = await bench.base.stat(bench.path(name));
      assert.equal(`${kind} ${mode} ${inode} ${kind === "file" ? await bench.text(name) : ""}`, before.get(name), name);
    }
    assert.deepEqual(await bench.names("/chat.quarantine"), ["damaged-0-zzzzzzzz", "torn-by-me"]);
  },
);

storeTest("I16: a quarantine that is a link to somewhere else is not followed", async (bench) => {
  const chat = await bench.openSession();
  await chat.append(message(0));
  await bench.closeAll();
  await bench.base.makeDirectory(bench.path("elsewhere"), 0o755);
  await bench.link("chat.quarantine", bench.path("elsewhere"));
  await bench.appendTo("chat.jsonl", '{"torn":');
  const again = await bench.openSession();
  await again.append(message(1)).catch(hasCode("io"));
  assert.deepEqual(await bench.names("/elsewhere"), []);
});

storeTest("W12: what a crash left under a temporary name is swept when the session is next written", async (bench) => {
  const chat = await bench.openSession();
  await chat.append(message(0));
  await bench.closeAll();
  await bench.write("chat.meta.tmp", '{"key":"cha');
  await bench.write("chat.log.tmp", '{"role":"us');
  const again = await bench.openSession();
  assert.deepEqual(await again.history(), [message(0)]);
  assert.deepEqual(
    await bench.names(),
    ["chat.jsonl", "chat.log.tmp", "chat.meta.json", "chat.meta.tmp"],
    "readers never write",
  );
  await again.append(message(1));
  assert.deepEqual(await bench.names(), ["chat.jsonl", "chat.lock", "chat.meta.json"]);
});
