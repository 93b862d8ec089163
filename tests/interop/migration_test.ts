/**
 * Old picoclaw sessions, one `.json` file each, are taken over when a store is opened for writing: once, whole, whatever
 * call a crash comes after, and never over newer data (W9).
 *
 * @module
 */
import { test } from "node:test";
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openStore, type SessionStore } from "../../mod.ts";
import { runtimeFileSystem } from "../../src/fs/runtime_filesystem.ts";
import { FaultyFileSystem } from "../../src/testing/mod.ts";
import { contentsOf, message, said, type SharedDirectory, sharedKey, withShared } from "./shared_directory.ts";

const created = "2025-11-12T13:14:15Z";

function legacyText(facts: Record<string, unknown> = {}): string {
  const messages = [message("old 0"), message("old 1"), message("old 2")];
  return JSON.stringify({ key: sharedKey, messages, summary: "old sum", created, updated: created, ...facts }, null, 2);
}

function placeLegacy(shared: SharedDirectory, text = legacyText(), name = "telegram_123.json"): string {
  writeFileSync(join(shared.path, name), text);
  return join(shared.path, name);
}

async function assertMigrated(shared: SharedDirectory, store: SessionStore, what: string): Promise<void> {
  const session = await store.session(sharedKey);
  assert.deepEqual(contentsOf(await session.history()), ["old 0", "old 1", "old 2"], what);
  assert.equal(session.summary, "old sum", what);
  assert.deepEqual(contentsOf(shared.theirs.getHistory(sharedKey)), ["old 0", "old 1", "old 2"], what);
  assert.equal(shared.theirs.getSummary(sharedKey), "old sum", what);
  const names = readdirSync(shared.path).filter((name) => !name.endsWith(".lock")).sort();
  assert.deepEqual(names, ["telegram_123.json.migrated", "telegram_123.jsonl", "telegram_123.meta.json"], what);
}

test("openStore() takes an old session over, under the key in its content, and keeps the file as .json.migrated", () =>
  withShared(async (shared) => {
    const text = legacyText();
    const path = placeLegacy(shared, text, "whatever.json");
    const store = await shared.store();
    const session = await store.session(sharedKey);
    assert.deepEqual(contentsOf(await session.history()), ["old 0", "old 1", "old 2"]);
    assert.equal(session.summary, "old sum");
    assert.deepEqual((await store.list()).map(({ key, createdAt }) => [key, createdAt]), [[sharedKey, created]]);
    assert.equal(existsSync(path), false);
    assert.equal(readFileSync(`${path}.migrated`, "utf8"), text);
    assert.deepEqual(shared.eventTypes, ["migrated"]);
    await session.append(message("new"));
    assert.deepEqual(contentsOf(shared.theirs.getHistory(sharedKey)), ["old 0", "old 1", "old 2", "new"]);
  }));

test("messages are taken over as text: numbers, unknown fields, escapes", () =>
  withShared(async (shared) => {
    const odd = '{"role":"user","content":"\\u003cb\\u003e","n":12345678901234567890,"#":"x"}';
    placeLegacy(shared, `{"key":"${sharedKey}","messages":[${odd}],"created":"${created}","updated":"${created}"}`);
    const texts: string[] = [];
    for await (const { text } of (await shared.ours()).texts()) texts.push(text);
    assert.deepEqual(texts, [odd]);
  }));

test("a second open finds nothing to do; one that reappears is renamed, not added (idempotent)", () =>
  withShared(async (shared) => {
    placeLegacy(shared);
    await assertMigrated(shared, await shared.store(), "first");
    await shared.close();
    const before = readFileSync(shared.theirs.logPath(sharedKey), "utf8");
    shared.events.length = 0;
    await assertMigrated(shared, await shared.store(), "second");
    assert.deepEqual(shared.events, []);
    await shared.close();
    placeLegacy(shared);
    const session = await shared.ours();
    assert.deepEqual(contentsOf(await session.history()), ["old 0", "old 1", "old 2"]);
    assert.equal(readFileSync(shared.theirs.logPath(sharedKey), "utf8"), before);
  }));

test("W9: an old file that reappears never goes over newer data: ours, picoclaw's, a truncated or a compacted log", () =>
  withShared(async (shared) => {
    const { theirs } = shared;
    placeLegacy(shared);
    await (await shared.ours()).append(message("new 3"));
    await shared.close();
    const path = placeLegacy(shared);
    assert.deepEqual(contentsOf(await (await shared.ours()).history()), ["old 0", "old 1", "old 2", "new 3"]);
    await (await shared.ours()).truncate(2, { summary: "new sum" });
    await (await shared.ours()).compact();
    await shared.close();
    placeLegacy(shared);
    shared.events.length = 0;
    assert.deepEqual(contentsOf(await (await shared.ours()).history()), ["old 2", "new 3"]);
    assert.equal((await shared.ours()).summary, "new sum");
    assert.deepEqual(shared.eventTypes, ["migration-skipped"]);
    assert.equal(existsSync(path), true, "what is not taken over stays");
    await shared.close();
    theirs.setHistory(sharedKey, [message("picoclaw's")]);
    assert.deepEqual(contentsOf(await (await shared.ours()).history()), ["picoclaw's"]);
    await (await shared.ours()).truncate(0);
    await shared.close();
    assert.deepEqual(await (await shared.ours()).history(), []);
    assert.equal(existsSync(path), true);
  }));

test("W9: other programs' .json files are left alone: unrelated, cut short, half a session, hidden, a directory's name", () =>
  withShared(async (shared) => {
    const files: Record<string, string> = {
      "foo.json": '{"some":"settings"}',
      "list.json": '[{"role":"user","content":"a"}]',
      "empty.json": "",
      "cut.json": legacyText().slice(0, -1),
      "no_key.json": legacyText({ key: "" }),
      "no_time.json": legacyText({ created: "yesterday" }),
      "no_role.json": legacyText({ messages: [{ content: "a" }] }),
      "long_key.json": legacyText({ key: "k".repeat(1025) }),
      ".hidden.json": legacyText(),
      "latin1.json": legacyText().replace("old 0", "\u00ff"),
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(shared.path, name), text, "latin1");
    const store = await shared.store();
    assert.deepEqual(await store.list(), []);
    for (const [name, text] of Object.entries(files)) {
      assert.equal(readFileSync(join(shared.path, name), "latin1"), text, name);
    }
    assert.equal(readdirSync(shared.path).length, Object.keys(files).length);
  }));

test("an old session with a message that no line can hold is left alone", () =>
  withShared(async (shared) => {
    const path = placeLegacy(shared, legacyText({ messages: [message("x".repeat(10 * 1024 * 1024))] }));
    assert.deepEqual(await (await shared.ours()).history(), []);
    assert.deepEqual(shared.eventTypes, ["migration-skipped"]);
    assert.equal(existsSync(path), true);
  }));

test("an earlier .json.migrated is kept: the new one gets a number", () =>
  withShared(async (shared) => {
    writeFileSync(join(shared.path, "telegram_123.json.migrated"), "earlier");
    placeLegacy(shared);
    await shared.store();
    assert.equal(readFileSync(join(shared.path, "telegram_123.json.migrated"), "utf8"), "earlier");
    assert.equal(readFileSync(join(shared.path, "telegram_123.json.migrated.2"), "utf8"), legacyText());
  }));

test("a session without messages and one of the same key in two files", () =>
  withShared(async (shared) => {
    placeLegacy(shared, legacyText({ key: "none", messages: null }), "a.json");
    placeLegacy(shared, legacyText(), "b.json");
    placeLegacy(shared, legacyText({ messages: [message("another")] }), "c.json");
    const store = await shared.store();
    assert.equal((await store.session("none")).summary, "old sum");
    assert.deepEqual(await (await store.session("none")).history(), []);
    const contents = contentsOf(await (await store.session(sharedKey)).history());
    assert.ok([["old 0", "old 1", "old 2"], ["another"]].some((one) => one.join() === contents.join()));
    assert.deepEqual(shared.eventTypes.sort(), ["migrated", "migrated", "migration-skipped"]);
  }));

test("a session that somebody else has open is left for later, and the store opens all the same", () =>
  withShared(async (shared) => {
    const holder = await openStore(shared.path);
    await (await holder.session(sharedKey)).append(message("newer"));
    const path = placeLegacy(shared);
    await shared.store();
    assert.deepEqual(shared.eventTypes, ["migration-skipped"]);
    assert.equal(existsSync(path), true);
    await holder.close();
    assert.deepEqual(contentsOf(await (await shared.ours()).history()), ["newer"]);
  }));

test("readOnly migrates nothing", () =>
  withShared(async (shared) => {
    const path = placeLegacy(shared);
    await using store = await openStore(shared.path, { readOnly: true });
    assert.deepEqual(await store.list(), []);
    assert.deepEqual(readdirSync(shared.path), ["telegram_123.json"]);
    assert.equal(existsSync(path), true);
  }));

/** Calls that change nothing, and those whose effect dies with the process. */
const passive: ReadonlySet<string> = new Set(["close", "read", "stat", "fileStat", "lock", "release", "realPath"]);

for (const done of [false, true]) {
  const when = done ? "after" : "before";
  test(`I9: a migration that stops ${when} each call that changes anything is finished by the next open, once`, async () => {
    for (let failAt = 1;; failAt++) {
      let fired = 0;
      await withShared(async (shared) => {
        placeLegacy(shared);
        // From the n-th call on nothing happens any more, as for a process that is gone; that call may have happened.
        const first = new FaultyFileSystem(runtimeFileSystem, {
          failAt,
          fault: { kind: "error", code: "EIO", done },
          filter: ({ method }) => !passive.has(method),
        });
        const fileSystem = new FaultyFileSystem(first, {
          failAt: 1,
          fault: { kind: "error", code: "EIO" },
          persistent: true,
          filter: ({ method }) => first.fired.length > 0 && method !== "close" && method !== "release",
        });
        const store = await openStore(shared.path, { fileSystem }).catch(() => null);
        await store?.close().catch(() => undefined);
        fired = first.fired.length;
        const what = `call ${failAt}: ${JSON.stringify(first.fired[0])}`;
        assert.equal(store === null, fired > 0, what);
        const again = await shared.store();
        await assertMigrated(shared, again, what);
        assert.equal((await (await shared.ours()).append(message("next"))).sequence, 3, what);
        assert.equal(shared.theirs.getHistory(sharedKey).length, 4, what);
      });
      if (fired === 0) {
        assert.ok(failAt > 10, "the migration makes more calls than that");
        break;
      }
    }
  });
}

test("I9: what is appended between a stopped migration and the next open is kept, and nothing is taken over twice", () =>
  withShared(async (shared) => {
    const path = placeLegacy(shared);
    await shared.store();
    await shared.close();
    // The last step was lost in a crash, and picoclaw went on before we came back.
    writeFileSync(path, readFileSync(`${path}.migrated`));
    shared.theirs.addMessage(sharedKey, message("picoclaw's"));
    assert.deepEqual(contentsOf(await (await shared.ours()).history()), ["old 0", "old 1", "old 2", "picoclaw's"]);
    assert.equal(shared.logText().split(said("old 0").slice(0, -1)).length, 2);
  }));
