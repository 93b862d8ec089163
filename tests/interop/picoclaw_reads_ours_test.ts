// deno-lint-ignore-file camelcase -- the names are picoclaw's
/**
 * picoclaw reads what we wrote: after every operation of ours, in a directory that it began and in one that we began.
 *
 * @module
 */
import { test } from "node:test";
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import type { Session } from "../../mod.ts";
import {
  assertPlainJsonLines,
  contentsOf,
  message,
  type SharedDirectory,
  sharedKey,
  withShared,
} from "./shared_directory.ts";

interface Operation {
  title: string;
  run: (session: Session) => Promise<unknown>;
  /** What is in the history afterwards, given what was before. */
  after: (before: string[]) => string[];
  summary?: string;
}

const call = {
  role: "assistant",
  content: "",
  tool_calls: [{ id: "c", type: "function", function: { name: "f", arguments: "{}" } }],
};

/** In this order on one session, so that each meets what the others left. */
const operations: Operation[] = [
  { title: "append", run: (session) => session.append(message("new")), after: (before) => [...before, "new"] },
  {
    title: "append buffered, then flush",
    run: async (session) => {
      await session.append(message("soon"), { durability: "buffered" });
      await session.append(message("sooner"), { durability: "buffered" });
      await session.flush();
    },
    after: (before) => [...before, "soon", "sooner"],
  },
  {
    title: "appendAll",
    run: (session) => session.appendAll([call, { role: "tool", content: "result", tool_call_id: "c" }]),
    after: (before) => [...before, "", "result"],
  },
  {
    title: "appendText",
    run: (session) => session.appendText(' { "role" : "user", "content" : "a\\u2028b<>&",\n "n": 1e400 } '),
    after: (before) => [...before, "a\u2028b<>&"],
  },
  {
    title: "append of keys that look like a mark",
    run: (session) => session.append({ role: "user", content: "hash", "#": "0 00000000", "##": 1 }),
    after: (before) => [...before, "hash"],
  },
  { title: "truncate(4)", run: (session) => session.truncate(4), after: (before) => before.slice(-4) },
  { title: "compact", run: (session) => session.compact(), after: (before) => before },
  {
    title: "setSummary",
    run: (session) => session.setSummary("sum <1>"),
    after: (before) => before,
    summary: "sum <1>",
  },
  {
    title: "update",
    run: (session) => session.update({ title: "t", workspace: "w", aliases: ["main"], scope: { version: 1 } }),
    after: (before) => before,
  },
  {
    title: "truncate(2) with a summary",
    run: (session) => session.truncate(2, { summary: "two" }),
    after: (before) => before.slice(-2),
    summary: "two",
  },
  { title: "append behind what is hidden", run: (session) => session.append(message("x")), after: (b) => [...b, "x"] },
  { title: "truncate(0)", run: (session) => session.truncate(0), after: () => [] },
  { title: "compact of nothing active", run: (session) => session.compact(), after: () => [] },
  { title: "append after that", run: (session) => session.append(message("y")), after: () => ["y"] },
  {
    title: "replace",
    run: (session) => session.replace([message("r1"), message("r2")], { summary: "replaced" }),
    after: () => ["r1", "r2"],
    summary: "replaced",
  },
  {
    title: "replace by records whose keys look like a mark",
    run: async (session) => {
      const records = [{ ...message("r1"), "#": "x", "###": 1 }, message("r2")];
      await session.replace(records);
      assert.deepEqual(await session.history(), records);
    },
    after: () => ["r1", "r2"],
  },
  { title: "append after replace", run: (session) => session.append(message("z")), after: (b) => [...b, "z"] },
  { title: "replace by nothing", run: (session) => session.replace([]), after: () => [] },
  { title: "append at the end", run: (session) => session.append(message("last")), after: (b) => [...b, "last"] },
];

async function runAll(shared: SharedDirectory, history: string[], reopen: boolean): Promise<void> {
  let expected = history;
  let summary = "";
  for (const operation of operations) {
    await operation.run(await shared.ours());
    expected = operation.after(expected);
    summary = operation.summary ?? summary;
    const { title } = operation;
    assert.deepEqual(contentsOf(shared.theirs.getHistory(sharedKey)), expected, `picoclaw after ${title}`);
    assert.equal(shared.theirs.getSummary(sharedKey), summary, title);
    assert.deepEqual(shared.theirs.log, [], title);
    assert.deepEqual(contentsOf(await (await shared.ours()).history()), expected, `we after ${title}`);
    assertPlainJsonLines(shared.logText(), `I21 after ${title}`);
    if (!reopen) continue;
    await shared.close();
    assert.deepEqual(contentsOf(shared.theirs.getHistory(sharedKey)), expected, `closed after ${title}`);
    assertPlainJsonLines(shared.logText(), `I21, closed after ${title}`);
  }
  const meta = shared.theirs.getSessionMeta(sharedKey);
  assert.deepEqual(meta?.aliases, ["main"]);
  assert.equal(meta?.scope?.replace(/\s/g, ""), '{"version":1}');
  assert.deepEqual(shared.theirs.listSessions(), [sharedKey]);
  assert.equal(shared.theirs.resolveSessionKey("main"), sharedKey);
}

for (const reopen of [false, true]) {
  const how = reopen ? "with a close after each" : "in one go";
  test(`I21: picoclaw reads what we wrote in a directory of ours, after every operation, ${how}`, () =>
    withShared(async (shared) => {
      await runAll(shared, [], reopen);
    }));

  test(`I21: picoclaw reads what we wrote in a directory of its own, after every operation, ${how}`, () =>
    withShared(async (shared) => {
      const contents = ["p0", "p1", "p2", "p3"];
      for (const content of contents) shared.theirs.addMessage(sharedKey, message(content));
      shared.theirs.truncateHistory(sharedKey, 3);
      await runAll(shared, contents.slice(-3), reopen);
    }));
}

test("count in the meta file is picoclaw's count of lines whenever we write it", () =>
  withShared(async (shared) => {
    const { theirs } = shared;
    for (let index = 0; index < 3; index++) theirs.addMessage(sharedKey, message(String(index)));
    theirs.addMessage(sharedKey, message("crashed"), { crashAfterAppend: true });
    const session = await shared.ours();
    await session.append(message("ours"));
    await session.setSummary("s");
    assert.equal(theirs.getSessionMeta(sharedKey)?.count, 5);
    await session.truncate(2);
    assert.deepEqual([theirs.getSessionMeta(sharedKey)?.skip, theirs.getSessionMeta(sharedKey)?.count], [3, 5]);
    await session.compact();
    assert.deepEqual([theirs.getSessionMeta(sharedKey)?.skip, theirs.getSessionMeta(sharedKey)?.count], [0, 2]);
  }));

test("the largest record that append() takes is one that picoclaw can read; one byte more is refused (B7, W6)", () =>
  withShared(async (shared) => {
    const session = await shared.ours();
    const bytes = 10 * 1024 * 1024 - 1;
    const empty = JSON.stringify(message("")).length;
    let size = bytes - empty - 64;
    assert.equal((await session.append(message("x".repeat(size)))).sequence, 0);
    size++;
    await assert.rejects(session.append(message("x".repeat(size))), { code: "too-large" });
    await session.append(message("after"));
    assert.deepEqual(contentsOf(shared.theirs.getHistory(sharedKey)).map((content) => content.length), [size - 1, 5]);
  }));

test("delete() leaves nothing that picoclaw would list, and the key is free for it", () =>
  withShared(async (shared) => {
    const store = await shared.store();
    await (await shared.ours()).append(message("a"));
    assert.equal(await store.delete(sharedKey), true);
    assert.deepEqual(readdirSync(shared.path), []);
    shared.theirs.addMessage(sharedKey, message("b"));
    assert.deepEqual(contentsOf(await (await shared.ours()).history()), ["b"]);
  }));

test("what picoclaw does to our directory next, it does right: its truncation, replacement and compaction", () =>
  withShared(async (shared) => {
    const { theirs } = shared;
    const session = await shared.ours();
    for (let index = 0; index < 6; index++) await session.append(message(String(index)));
    await session.truncate(5);
    await shared.close();
    theirs.truncateHistory(sharedKey, 3);
    await shared.assertSameView("after its truncation");
    await shared.close();
    theirs.compact(sharedKey);
    await shared.assertSameView("after its compaction");
    await (await shared.ours()).append(message("ours"));
    await shared.assertSameView("after our append");
    await shared.close();
    theirs.setHistory(sharedKey, [message("new")]);
    await (await shared.ours()).append(message("ours too"));
    await shared.assertSameView("after its replacement");
    assert.deepEqual(contentsOf(theirs.getHistory(sharedKey)), ["new", "ours too"]);
  }));
