// deno-lint-ignore-file camelcase -- the names are picoclaw's
/**
 * A directory of picoclaw's opens as it is: one test per rule of its reader, on files of its making and by hand.
 *
 * @module
 */
import { test } from "node:test";
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openStore } from "../../mod.ts";
import type { PicoclawMessage } from "./picoclaw_reference.ts";
import {
  contentsOf,
  message,
  picoclawMeta,
  said,
  type SharedDirectory,
  sharedKey,
  withShared,
} from "./shared_directory.ts";

const rich: PicoclawMessage = {
  role: "assistant",
  content: '1 < 2 && "é" \u2028 𝄞\n\t',
  model_name: "m",
  created_at: "2026-01-02T03:04:05.123456789+02:00",
  media: ["a", "b"],
  attachments: [{ type: "image", ref: "r", url: "u", filename: "f", content_type: "c" }],
  reasoning_content: "hm",
  system_parts: [{ type: "text", text: "t", cache_control: { type: "ephemeral" } }],
  tool_calls: [{ id: "c", type: "function", function: { name: "f", arguments: '{"n":12345678901234567890}' } }],
  tool_call_id: "c",
};

/** The bytes of every file of a directory. */
function snapshot(directory: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(directory).sort().map((name) => [name, readFileSync(join(directory, name), "latin1")]),
  );
}

/** Both readers, with what picoclaw shows as the truth. */
async function assertOpens(shared: SharedDirectory, contents: readonly string[]): Promise<void> {
  assert.deepEqual(contentsOf(shared.theirs.getHistory(sharedKey)), contents);
  assert.deepEqual(contentsOf(await (await shared.ours()).history()), contents);
}

test("openStore() on picoclaw's directory: history, summary, scope, aliases and count are picoclaw's", () =>
  withShared(async (shared) => {
    const { theirs } = shared;
    for (const content of ["one", "two", "three"]) theirs.addMessage(sharedKey, message(content));
    theirs.addMessage(sharedKey, rich);
    theirs.setSummary(sharedKey, "so far <so good>");
    theirs.upsertSessionMeta(sharedKey, {
      scope: '{"version":1,"values":{"n":12345678901234567890}}',
      aliases: ["main"],
    });
    theirs.truncateHistory(sharedKey, 2);
    await shared.assertSameView("as picoclaw left it");
    const store = await shared.store();
    const [info] = await store.list();
    assert.deepEqual({ ...info, bytes: 0, updatedAt: null }, {
      key: sharedKey,
      records: 4,
      active: 2,
      bytes: 0,
      summary: "so far <so good>",
      title: null,
      workspace: null,
      parent: null,
      createdAt: theirs.getSessionMeta(sharedKey)?.created_at,
      updatedAt: null,
    });
    assert.equal(await store.resolve("main"), sharedKey);
    const verified = await (await shared.ours()).verify();
    assert.deepEqual([verified.ok, verified.records, verified.foreign], [true, 4, 4]);
  }));

test("openStore() and every read leave picoclaw's files as they are, to the byte and to the mode", () =>
  withShared(async (shared) => {
    const { theirs } = shared;
    for (let index = 0; index < 5; index++) theirs.addMessage(sharedKey, message(String(index)));
    theirs.truncateHistory(sharedKey, 2);
    theirs.appendTorn(sharedKey, message("torn"), 20);
    const before = snapshot(shared.path);
    const mode = statSync(theirs.logPath(sharedKey)).mode;
    const session = await shared.ours();
    await session.history();
    await session.tail(3);
    await session.verify();
    await session.stats();
    for await (const _ of session.records({ all: true }));
    await (await shared.store()).list();
    await shared.close();
    assert.deepEqual(snapshot(shared.path), before);
    assert.equal(statSync(theirs.logPath(sharedKey)).mode, mode);
  }));

test("reader rule: empty lines are ignored and not counted by skip", () =>
  withShared(async (shared) => {
    shared.place(`\n\n${said("a")}\n\n\n\n${said("b")}\n\n`, 1);
    await assertOpens(shared, ["b"]);
  }));

test("reader rule: a line of one CR is empty, one CR before the LF is stripped", () =>
  withShared(async (shared) => {
    shared.place(`${said("a")}\r\n\r\n${said("b")}\r\n\r\n${said("c")}\r\n`, 2);
    await assertOpens(shared, ["c"]);
  }));

test("reader rule: skip counts damaged, blank and NUL-filled lines", () =>
  withShared(async (shared) => {
    shared.place(`${said("a")}\n{"role":"us\n   \n\0\0\0\nrubbish\n${said("b")}\n${said("c")}\n`, 5);
    await assertOpens(shared, ["b", "c"]);
  }));

test("reader rule: skip counts filtered lines; a transient thought is shown by us alone", () =>
  withShared(async (shared) => {
    const thought = '{"role":"assistant","content":"","reasoning_content":"hm"}';
    shared.place(`${said("a")}\n${thought}\n${said("b")}\n`, 1);
    assert.deepEqual(contentsOf(shared.theirs.getHistory(sharedKey)), ["b"]);
    assert.deepEqual(contentsOf(await (await shared.ours()).history()), ["", "b"]);
  }));

test("reader rule: what skip hides is not decoded and not complained of", () =>
  withShared(async (shared) => {
    shared.place(`rubbish\n${said("b")}\n`, 1);
    await assertOpens(shared, ["b"]);
    assert.deepEqual(shared.eventTypes.filter((type) => type !== "damaged-line"), []);
  }));

test("reader rule: a damaged line is skipped with a note, in the middle too", () =>
  withShared(async (shared) => {
    shared.place(`${said("a")}\nrubbish\n[1]\n5\n${said("b")}\n`);
    await assertOpens(shared, ["a", "b"]);
    const damaged = shared.events.filter((event) => event.type === "damaged-line");
    assert.deepEqual(damaged.map(({ length }) => length), [7, 3, 1]);
    assert.equal((await (await shared.ours()).verify()).ok, false);
  }));

test("reader rule: a last line without LF is accepted if it parses, and skipped if it does not", () =>
  withShared(async (shared) => {
    shared.place(`${said("a")}\n${said("b")}`);
    await assertOpens(shared, ["a", "b"]);
    shared.place(`${said("a")}\n{"role":"user","con`);
    await assertOpens(shared, ["a"]);
  }));

test("reader rule: skip beyond the lines gives an empty history, and hides nothing that we append (W13)", () =>
  withShared(async (shared) => {
    shared.place(`${said("a")}\n${said("b")}\n`, 7);
    await assertOpens(shared, []);
    await (await shared.ours()).append(message("c"));
    await shared.close();
    await assertOpens(shared, ["c"]);
    await (await shared.ours()).append(message("d"));
    await assertOpens(shared, ["c", "d"]);
  }));

test("reader rule: blanks around a line's text are accepted, U+2028 and U+2029 end no line", () =>
  withShared(async (shared) => {
    shared.place(` \t${said("a")}   \n${said("b\u2028c\u2029d")}\n`);
    await assertOpens(shared, ["a", "b\u2028c\u2029d"]);
  }));

test("reader rule: unknown fields of a message are ignored by picoclaw and kept by us, as text", () =>
  withShared(async (shared) => {
    const line = '{"role":"user","content":"a","n":12345678901234567890,"x":{"role":"no", "y":[1.0,1e2]}}';
    shared.place(`${line}\n`);
    await assertOpens(shared, ["a"]);
    const session = await shared.ours();
    await session.append(message("b"));
    await session.truncate(1);
    await session.truncate(0);
    const texts: string[] = [];
    for await (const { text } of session.texts({ all: true })) texts.push(text);
    assert.deepEqual(texts, [line, said("b")]);
    assert.ok(shared.logText().startsWith(`${line}\n`));
  }));

test("a line over 10 MiB fails every read of picoclaw's; here it alone is skipped, and named (W6)", () =>
  withShared(async (shared) => {
    const long = said("x".repeat(10 * 1024 * 1024));
    shared.place(`${said("a")}\n${long}\n${said("b")}\n`);
    assert.throws(() => shared.theirs.getHistory(sharedKey), /token too long/);
    assert.deepEqual(contentsOf(await (await shared.ours()).history()), ["a", "b"]);
    const [damaged] = (await (await shared.ours()).verify()).damaged;
    assert.deepEqual([damaged?.offset, damaged?.length], [said("a").length + 1, long.length]);
  }));

test("a session that picoclaw has and Holdfast would name otherwise opens under its key", () =>
  withShared(async (shared) => {
    const keys = [
      `agent-${"0123456789abcdef".repeat(2)}`,
      "x".repeat(220),
      ".hidden",
      "..",
      "tab\tin it",
      "sk_v1_" + "ab".repeat(32),
      "agent:main:slack:direct:c42",
      "Case", // and the same in lower case is another file
      "case",
    ];
    for (const key of keys) shared.theirs.addMessage(key, message(`of ${key}`));
    const store = await shared.store();
    for (const key of keys) {
      const session = await store.session(key);
      assert.deepEqual(contentsOf(await session.history()), [`of ${key}`], key);
      await session.append(message("more"));
      assert.equal(shared.theirs.getHistory(key).length, 2, key);
      assert.equal(await store.resolve(key), key);
    }
    assert.deepEqual((await store.list()).map(({ key }) => key).sort(), [...keys].sort());
  }));

test("keys that share a file in picoclaw share none here: the file is its meta key's (W7)", () =>
  withShared(async (shared) => {
    shared.theirs.addMessage("a:b", message("secret"));
    const store = await shared.store();
    const other = await store.session("a_b");
    assert.deepEqual(await other.history(), []);
    await other.append(message("of a_b"));
    assert.deepEqual(contentsOf(await (await store.session("a:b")).history()), ["secret"]);
    assert.deepEqual(contentsOf(shared.theirs.getHistory("a:b")), ["secret"]);
    assert.deepEqual(contentsOf(await other.history()), ["of a_b"]);
  }));

test("unknown fields of the meta file, scope and aliases are kept byte for byte when we write it", () =>
  withShared(async (shared) => {
    const scope =
      '{"version":1,"agent_id":"main","dimensions":["chat"],"values":{"big":12345678901234567890,"e":1.0e5}}';
    const future = '{"b":1,"a":[9007199254740993,"\\u003c"],"z":null}';
    writeFileSync(
      shared.theirs.metaPath(sharedKey),
      `${picoclawMeta({ aliases: ["one", "two"] }).slice(0, -2)},"scope":${scope},"future":${future},"last":1.50}`,
    );
    const session = await shared.ours();
    await session.append(message("a"));
    await session.update({ title: "t" });
    await session.compact();
    await session.replace([message("b")]);
    await session.setSummary("s");
    const text = shared.metaText();
    const compact = text.replace(/\n */g, "").replaceAll('": ', '":');
    assert.ok(compact.includes(`"scope":${scope}`), text);
    assert.ok(compact.includes(`"future":${future}`), text);
    assert.ok(compact.includes('"last":1.50'), text);
    assert.deepEqual(shared.theirs.getSessionMeta(sharedKey)?.aliases, ["one", "two"]);
  }));

test("a meta file with missing or odd fields stays readable by picoclaw once we wrote it", () =>
  withShared(async (shared) => {
    const odd = [
      "{}",
      '{"key":"telegram:123"}',
      picoclawMeta({ created_at: "monday", updated_at: 5 }),
      picoclawMeta({ skip: "2", count: null, summary: 7, aliases: "no", scope: "text" }),
      picoclawMeta({ aliases: ["ok", 5] }),
    ];
    for (const meta of odd) {
      shared.place(`${said("a")}\n${said("b")}\n`, meta);
      const session = await shared.ours();
      await session.append(message("c"));
      await session.setSummary("sum");
      await shared.close();
      assert.deepEqual(contentsOf(shared.theirs.getHistory(sharedKey)), ["a", "b", "c"], meta);
      assert.equal(shared.theirs.getSummary(sharedKey), "sum", meta);
      assert.deepEqual(shared.theirs.listSessions(), [sharedKey]);
    }
  }));

test("files beside the sessions are left alone: temporary files, directories, other programs' (I16)", () =>
  withShared(async (shared) => {
    shared.theirs.addMessage(sharedKey, message("a"));
    writeFileSync(join(shared.path, ".tmp-123-456"), "rest of picoclaw's write");
    writeFileSync(join(shared.path, "notes.txt"), "mine");
    writeFileSync(join(shared.path, "foo.json"), '{"some":"settings"}');
    const before = snapshot(shared.path);
    const session = await shared.ours();
    await session.append(message("b"));
    assert.deepEqual((await (await shared.store()).list()).map(({ key }) => key), [sharedKey]);
    await shared.close();
    const after = snapshot(shared.path);
    for (const name of [".tmp-123-456", "notes.txt", "foo.json"]) assert.equal(after[name], before[name], name);
  }));

test("readOnly opens picoclaw's directory without a file of ours in it", () =>
  withShared(async (shared) => {
    shared.theirs.addMessage(sharedKey, message("a"));
    const before = snapshot(shared.path);
    await using store = await openStore(shared.path, { readOnly: true });
    assert.deepEqual(contentsOf(await (await store.session(sharedKey)).history()), ["a"]);
    assert.deepEqual(snapshot(shared.path), before);
  }));
