import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { assertPlainJsonLines, withShared } from "./shared_directory.ts";

const message = (content: string) => ({ role: "user", content });
const contents = (messages: readonly object[]): unknown[] => messages.map((entry) => Reflect.get(entry, "content"));

test("I21: picoclaw reads a fork at every record, its summary and what is hidden of it; we read what it appends", () =>
  withShared(async (shared) => {
    const { theirs } = shared;
    for (const content of ["p0", "p1"]) theirs.addMessage("telegram:1", message(content));
    const source = await shared.ours("telegram:1");
    await source.append(message("2"));
    await source.appendAll([message("3"), message("4")]);
    await source.append(message("5"));
    await source.truncate(4, { summary: "of the first two" });
    const store = await shared.store();
    for (let at = 0; at <= 5; at++) await store.fork("telegram:1", `fork:${at}`, { at });
    for (let at = 0; at <= 5; at++) {
      const key = `fork:${at}`;
      const expected = ["p0", "p1", "2", "3", "4", "5"].slice(at < 2 ? 0 : 2, at + 1);
      assert.deepEqual(contents(theirs.getHistory(key)), expected, key);
      assert.equal(theirs.getSummary(key), at < 2 ? "" : "of the first two", key);
      await shared.assertSameView(key, key);
      assertPlainJsonLines(shared.logText(key), key);
      await shared.close();
      theirs.addMessage(key, message("from picoclaw"));
      // Its write has dropped what our part of the meta file said of the fork.
      assert.deepEqual(contents(await (await shared.ours(key)).history()), [...expected, "from picoclaw"], key);
      await (await shared.ours(key)).append(message("from us"));
      assert.deepEqual(contents(theirs.getHistory(key)), [...expected, "from picoclaw", "from us"], key);
      const report = await (await shared.ours(key)).verify();
      assert.deepEqual([report.ok, report.unverified], [true, 0], key);
      assert.equal((await (await shared.ours(key)).info()).parent?.key, "telegram:1");
    }
    assert.deepEqual(theirs.log, []);
  }));

test("picoclaw is not disturbed by an archive, a file of origin, or the rest of a fork that was not finished", () =>
  withShared(async (shared) => {
    const { theirs } = shared;
    const source = await shared.ours("telegram:1");
    for (const content of ["0", "1", "2", "3"]) await source.append(message(content));
    await source.truncate(2);
    await source.compact({ archive: true });
    await (await shared.store()).fork("telegram:1", "fork:1");
    await shared.close();
    assert.deepEqual(theirs.listSessions().sort(), ["fork:1", "telegram:1"]);
    assert.deepEqual(contents(theirs.getHistory("telegram:1")), ["2", "3"]);
    assert.deepEqual(contents(theirs.getHistory("fork:1")), ["2", "3"]);
    theirs.addMessage("telegram:1", message("4"));
    const all: unknown[] = [];
    for await (const { record } of (await shared.ours("telegram:1")).records({ all: true })) {
      all.push(record["content"]);
    }
    assert.deepEqual(all, ["0", "1", "2", "3", "4"]);
    await shared.close();
    // As a crash in front of the commit leaves it: a meta file that says deleted, and a log.
    const meta = JSON.parse(readFileSync(theirs.metaPath("fork:1"), "utf8"));
    writeFileSync(theirs.metaPath("fork:1"), JSON.stringify({ ...meta, holdfast: { format: 1, deleted: true } }));
    const store = await shared.store();
    assert.equal(await store.has("fork:1"), false);
    await store.fork("telegram:1", "fork:1");
    assert.deepEqual(contents(await (await shared.ours("fork:1")).history()), ["2", "3", "4"]);
    await shared.close();
    rmSync(theirs.metaPath("fork:1"));
    assert.deepEqual(contents(await (await shared.ours("fork:1")).history()), ["2", "3", "4"]);
  }));
