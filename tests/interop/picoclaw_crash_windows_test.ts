/**
 * What picoclaw's crashes leave, and what it does to a directory while we have it open: opened and gone on with by us.
 *
 * @module
 */
import { test } from "node:test";
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { openStore } from "../../mod.ts";
import { runtimeFileSystem } from "../../src/fs/runtime_filesystem.ts";
import { keyChecksum } from "../../src/log/record_format.ts";
import { FaultyFileSystem } from "../../src/testing/mod.ts";
import { LogBuilder } from "../log/log_fixture.ts";
import {
  assertPlainJsonLines,
  contentsOf,
  message,
  picoclawMeta,
  said,
  type SharedDirectory,
  sharedKey,
  withShared,
} from "./shared_directory.ts";

async function assertBothSee(shared: SharedDirectory, contents: readonly string[], what: string): Promise<void> {
  assert.deepEqual(contentsOf(await (await shared.ours()).history()), contents, `we ${what}`);
  assert.deepEqual(contentsOf(shared.theirs.getHistory(sharedKey)), contents, `picoclaw ${what}`);
}

function quarantined(shared: SharedDirectory): string[] {
  const directory = `${shared.path}/telegram_123.quarantine`;
  return readdirSync(directory).map((name) => readFileSync(`${directory}/${name}`, "utf8"));
}

test("W1: picoclaw's append torn at every byte: nothing is glued to it, and it is set aside", () =>
  withShared(async (shared) => {
    const { theirs } = shared;
    const line = said("torn") + "\n";
    for (let bytes = 1; bytes < line.length; bytes++) {
      shared.place(`${said("one")}\n`);
      shared.events.length = 0;
      writeFileSync(theirs.logPath(sharedKey), `${said("one")}\n${line.slice(0, bytes)}`);
      const isWhole = bytes === line.length - 1;
      const before = isWhole ? ["one", "torn"] : ["one"];
      await assertBothSee(shared, before, `before, ${bytes} bytes`);
      await (await shared.ours()).append(message("ours"));
      await assertBothSee(shared, [...before, "ours"], `after, ${bytes} bytes`);
      assertPlainJsonLines(shared.logText(), "I21");
      assert.deepEqual(shared.eventTypes.includes("torn-tail"), !isWhole, `${bytes} bytes`);
      if (!isWhole) assert.ok(quarantined(shared).includes(line.slice(0, bytes)));
      await shared.close();
    }
  }));

test("W1: what picoclaw itself glued to a fragment is lost to it; here it stays in the log, is named, and compaction sets it aside", () =>
  withShared(async (shared) => {
    const { theirs } = shared;
    theirs.addMessage(sharedKey, message("one"));
    theirs.appendTorn(sharedKey, message("torn"), 20);
    theirs.addMessage(sharedKey, message("glued"));
    theirs.addMessage(sharedKey, message("next"));
    const glued = shared.logText().split("\n")[1] ?? "";
    const session = await shared.ours();
    await session.append(message("ours"));
    assert.deepEqual(contentsOf(await session.history()), ["one", "next", "ours"]);
    assert.deepEqual(contentsOf(theirs.getHistory(sharedKey)), ["one", "next", "ours"]);
    assert.ok(shared.logText().includes(glued), "the bytes stay");
    assert.equal((await session.verify()).damaged.length, 1);
    assert.equal((await session.compact()).removed, 1);
    assert.deepEqual(quarantined(shared), [glued]);
    await assertBothSee(shared, ["one", "next", "ours"], "after compaction");
    assert.equal((await session.verify()).ok, true);
  }));

test("W3: picoclaw's compaction stopped between meta and log: we show what it shows, and lose nothing", () =>
  withShared(async (shared) => {
    const { theirs } = shared;
    for (let index = 0; index < 6; index++) theirs.addMessage(sharedKey, message(String(index)));
    theirs.truncateHistory(sharedKey, 2);
    theirs.compact(sharedKey, { crashAfterMeta: true });
    // The meta file says that nothing is hidden; nobody knows better any more.
    await assertBothSee(shared, ["0", "1", "2", "3", "4", "5"], "after the crash");
    const session = await shared.ours();
    await session.truncate(2);
    await session.compact();
    await session.append(message("ours"));
    await assertBothSee(shared, ["4", "5", "ours"], "after ours");
  }));

test("W3: picoclaw's replacement stopped between meta and log: the old history is there and grows", () =>
  withShared(async (shared) => {
    const { theirs } = shared;
    for (let index = 0; index < 3; index++) theirs.addMessage(sharedKey, message(String(index)));
    theirs.truncateHistory(sharedKey, 1);
    theirs.setHistory(sharedKey, [message("new")], { crashAfterMeta: true });
    await (await shared.ours()).append(message("ours"));
    await assertBothSee(shared, ["0", "1", "2", "ours"], "after the crash");
    await (await shared.ours()).setSummary("s");
    assert.equal(theirs.getSessionMeta(sharedKey)?.count, 4);
  }));

test("W4: an empty or damaged meta file bricks picoclaw's session; our first write rebuilds it, for picoclaw too", () =>
  withShared(async (shared) => {
    const { theirs } = shared;
    const damages = ["", "{", "\0".repeat(300), picoclawMeta({}).slice(0, -1), "[]", "null", "\ufffd\xff{}"];
    for (const damage of damages) {
      shared.place(`${said("a")}\n${said("b")}\n`, damage);
      shared.events.length = 0;
      if (damage !== "null") assert.throws(() => theirs.getHistory(sharedKey));
      const session = await shared.ours();
      assert.deepEqual(contentsOf(await session.history()), ["a", "b"]);
      assert.equal((await session.verify()).meta, "damaged");
      await session.append(message("c"));
      await assertBothSee(shared, ["a", "b", "c"], `after meta ${JSON.stringify(damage)}`);
      assert.ok(shared.eventTypes.includes("meta-rebuilt"));
      assert.equal(shared.eventTypes.includes("quarantined"), damage !== "", damage);
      assert.deepEqual(theirs.listSessions(), [sharedKey]);
      await shared.close();
    }
  }));

test("W5: picoclaw's append without its meta, and without any meta: the line counts, count is made good", () =>
  withShared(async (shared) => {
    const { theirs } = shared;
    theirs.addMessage(sharedKey, message("first"), { crashAfterAppend: true });
    assert.deepEqual(theirs.listSessions(), []);
    assert.deepEqual(contentsOf(await (await shared.ours()).history()), ["first"]);
    await (await shared.ours()).append(message("ours"));
    await assertBothSee(shared, ["first", "ours"], "after a lost first meta");
    assert.equal(theirs.getSessionMeta(sharedKey)?.key, sharedKey);
    await shared.close();
    theirs.addMessage(sharedKey, message("third"));
    theirs.addMessage(sharedKey, message("fourth"), { crashAfterAppend: true });
    assert.equal((await (await shared.store()).list())[0]?.records, 4);
    await (await shared.ours()).setSummary("s");
    assert.equal(theirs.getSessionMeta(sharedKey)?.count, 4);
    await assertBothSee(shared, ["first", "ours", "third", "fourth"], "after a lost count");
  }));

test("A5: what picoclaw appends while we have the session open stays, and our records go on behind it", () =>
  withShared(async (shared) => {
    const { theirs } = shared;
    const session = await shared.ours();
    const receipts = [await session.append(message("0"))];
    theirs.addMessage(sharedKey, message("1"));
    receipts.push(await session.append(message("2")));
    theirs.addMessage(sharedKey, message("3"));
    receipts.push(...await session.appendAll([message("4"), message("5")]));
    assert.deepEqual(receipts.map(({ sequence }) => sequence), [0, 2, 4, 5]);
    await assertBothSee(shared, ["0", "1", "2", "3", "4", "5"], "while open");
    theirs.appendTorn(sharedKey, message("torn"), 15);
    await session.append(message("6"));
    await assertBothSee(shared, ["0", "1", "2", "3", "4", "5", "6"], "after its torn append");
    assert.equal(shared.eventTypes.filter((type) => type === "foreign-appended").length, 3);
    theirs.addMessage(sharedKey, message("7"));
    await session.truncate(2);
    await assertBothSee(shared, ["6", "7"], "after our truncation");
    theirs.addMessage(sharedKey, message("8"));
    await session.compact();
    await assertBothSee(shared, ["6", "7", "8"], "after our compaction");
    theirs.addMessage(sharedKey, message("9"));
    await shared.close();
    await assertBothSee(shared, ["6", "7", "8", "9"], "after close");
    const verified = await (await shared.ours()).verify();
    assert.deepEqual([verified.damaged.length, verified.tornTail], [0, null]);
  }));

test("A5: a log that picoclaw begins while we have the session open without one is gone on with", () =>
  withShared(async (shared) => {
    for (const step of ["append", "truncate", "compact", "replace"] as const) {
      const key = `telegram:${step}`;
      const session = await shared.ours(key);
      await session.update({ title: "t" });
      shared.theirs.addMessage(key, message("theirs"));
      if (step === "append") await session.append(message("ours"));
      else if (step === "truncate") await session.truncate(1);
      else if (step === "compact") await session.compact();
      else await session.replace([message("ours")]);
      const expected = { append: ["theirs", "ours"], truncate: ["theirs"], compact: ["theirs"], replace: ["ours"] };
      assert.deepEqual(contentsOf(await session.history()), expected[step], step);
      assert.deepEqual(contentsOf(shared.theirs.getHistory(key)), expected[step], step);
      assert.equal(
        (await session.append(message("more"))).sequence,
        step === "append" ? 2 : step === "replace" ? 2 : 1,
      );
    }
  }));

for (
  const [title, act] of Object.entries({
    "compacts it": (shared: SharedDirectory) => {
      shared.theirs.truncateHistory(sharedKey, 1);
      shared.theirs.compact(sharedKey);
    },
    "replaces it": (shared: SharedDirectory) => shared.theirs.setHistory(sharedKey, [message("theirs")]),
    "deletes it": (shared: SharedDirectory) => shared.theirs.deleteSession(sharedKey),
  })
) {
  test(`H15, A5: picoclaw ${title} while we have it open: nothing is acknowledged into nothing`, () =>
    withShared(async (shared) => {
      const session = await shared.ours();
      await session.append(message("0"));
      await session.append(message("1"));
      act(shared);
      const left = contentsOf(shared.theirs.getHistory(sharedKey));
      await assert.rejects(session.append(message("lost")), { code: "failed" });
      await assert.rejects(session.append(message("lost")), { code: "failed" });
      await assert.rejects(session.truncate(0), { code: "failed" });
      assert.equal(session.status, "failed");
      assert.ok(shared.eventTypes.includes("session-failed"));
      const again = await shared.ours();
      assert.deepEqual(contentsOf(await again.history()), left);
      await again.append(message("after"));
      await assertBothSee(shared, [...left, "after"], "after opening again");
    }));

  for (const edit of ["truncate", "compact", "replace"] as const) {
    test(`H15, A5: picoclaw ${title} while we have it open, and then we ${edit}: that fails and changes nothing`, () =>
      withShared(async (shared) => {
        const session = await shared.ours();
        await session.append(message("0"));
        await session.append(message("1"));
        act(shared);
        const left = contentsOf(shared.theirs.getHistory(sharedKey));
        const step = edit === "replace"
          ? session.replace([message("x")])
          : edit === "compact"
          ? session.compact()
          : session.truncate(0);
        await assert.rejects(step, { code: "failed" });
        assert.deepEqual(contentsOf(shared.theirs.getHistory(sharedKey)), left);
      }));
  }
}

test("A7: picoclaw drops `holdfast` from the meta: first is then the line at skip, title and workspace are gone", () =>
  withShared(async (shared) => {
    const { theirs } = shared;
    const session = await shared.ours();
    for (let index = 0; index < 6; index++) await session.append(message(String(index)));
    await session.update({ title: "t", workspace: "w", aliases: ["main"] });
    await session.truncate(2, { summary: "s" });
    await session.compact();
    await session.append(message("6"));
    await session.truncate(2);
    await shared.close();
    assert.match(shared.metaText(), /"holdfast"/);
    theirs.addMessage(sharedKey, message("7"));
    assert.doesNotMatch(shared.metaText(), /holdfast/);
    await assertBothSee(shared, ["5", "6", "7"], "after its append");
    const [info] = await (await shared.store()).list();
    assert.deepEqual([info?.title, info?.workspace, info?.summary, info?.active], [null, null, "s", 3]);
    assert.equal(await (await shared.store()).resolve("main"), sharedKey);
    // The numbers stand in the lines, and go on.
    assert.equal((await (await shared.ours()).append(message("8"))).sequence, 8);
    await assertBothSee(shared, ["5", "6", "7", "8"], "after ours");
  }));

test("A7: a known window: picoclaw appends between the two steps of our compaction, and what was truncated is back", () =>
  withShared(async (shared) => {
    const session = await shared.ours();
    for (let index = 0; index < 4; index++) await session.append(message(String(index)));
    await session.truncate(1);
    await shared.close();
    const isRename = ({ method, path }: { method: string; path: string }) =>
      method === "rename" && path.endsWith(".log.tmp");
    const fileSystem = new FaultyFileSystem(runtimeFileSystem, {
      failAt: 1,
      fault: { kind: "error", code: "EIO" },
      filter: isRename,
    });
    {
      await using store = await openStore(shared.path, { fileSystem });
      await assert.rejects((await store.session(sharedKey)).compact(), { code: "failed" });
    }
    // As long as only we open it, nothing comes back.
    assert.deepEqual(contentsOf(await (await shared.ours()).history()), ["3"]);
    await shared.close();
    shared.theirs.addMessage(sharedKey, message("4"));
    await assertBothSee(shared, ["0", "1", "2", "3", "4"], "in the window that FORMAT.md and README name");
  }));

test("C14: blank lines in front of picoclaw's lines stay until a compaction, and I21 holds again after it", () =>
  withShared(async (shared) => {
    const log = new LogBuilder(sharedKey).own(said("a")).fillTo(700).foreign(said("b")).bytes();
    shared.place(log, picoclawMeta({ count: 2 }));
    const session = await shared.ours();
    await session.append(message("c"));
    await assertBothSee(shared, ["a", "b", "c"], "with the gap");
    assert.match(shared.logText(), /\n{100}/);
    await session.compact();
    assertPlainJsonLines(shared.logText(), "I21 after compaction");
    await assertBothSee(shared, ["a", "b", "c"], "after compaction");
  }));

test("A6: what recovery makes harmless keeps its place in picoclaw's skip, and in our numbers", () =>
  withShared(async (shared) => {
    // Two lines of a torn group, then what picoclaw appended after the power cut, and then its truncation.
    const torn = new LogBuilder(sharedKey).own(said("0")).own(said("1")).raw('{"role":"user","con\n');
    const lost = new LogBuilder(sharedKey).own(said("x"), "", 2).own(said("3"), "~", 3);
    const lostLine = lost.bytes().subarray(lost.lines[1]?.offset ?? 0);
    const log = torn.raw(lostLine).raw(`${said("p4")}\n${said("p5")}\n`).bytes();
    shared.place(log);
    shared.theirs.truncateHistory(sharedKey, 2);
    assert.deepEqual(contentsOf(shared.theirs.getHistory(sharedKey)), ["p4", "p5"]);
    assert.equal(shared.theirs.getSessionMeta(sharedKey)?.skip, 4);
    const session = await shared.ours();
    const { sequence } = await session.append(message("ours"));
    assert.equal(sequence, 6);
    await assertBothSee(shared, ["p4", "p5", "ours"], "after recovery");
    assert.ok(quarantined(shared).length > 0);
    await shared.close();
    await assertBothSee(shared, ["p4", "p5", "ours"], "after a second open");
    await (await shared.ours()).compact();
    await assertBothSee(shared, ["p4", "p5", "ours"], "after compaction");
    assertPlainJsonLines(shared.logText(), "I21 after compaction");
  }));

test("B8: the log of a lost meta file belongs to the key that its first checksum was made for", () =>
  withShared(async (shared) => {
    assert.notEqual(keyChecksum("telegram:123"), keyChecksum("telegram_123"));
    await (await shared.ours("telegram:123")).append(message("secret"));
    await shared.close();
    const log = shared.logText();
    shared.theirs.deleteSession(sharedKey);
    writeFileSync(shared.theirs.logPath(sharedKey), log);
    assert.deepEqual(await (await shared.ours("telegram_123")).history(), []);
    assert.deepEqual(contentsOf(await (await shared.ours("telegram:123")).history()), ["secret"]);
    await (await shared.ours("telegram_123")).append(message("of the other"));
    assert.equal((await (await shared.ours("telegram:123")).append(message("more"))).sequence, 1);
    await assertBothSee(shared, ["secret", "more"], "after the rebuild");
    assert.deepEqual(
      (await (await shared.store()).list()).map(({ key }) => key).sort(),
      ["telegram:123", "telegram_123"],
    );
  }));

test("a meta file without a log, whose skip or replacement is of another log, hides nothing (W13, H12)", () =>
  withShared(async (shared) => {
    const own = ',"holdfast":{"format":1,"first":5,"replacing":{"first":5,"checksum":"00000000","summary":"stale"}}}';
    for (const meta of [picoclawMeta({ skip: 3, count: 3 }), picoclawMeta({ skip: 5 }).slice(0, -2) + own]) {
      shared.theirs.deleteSession(sharedKey);
      writeFileSync(shared.theirs.metaPath(sharedKey), meta);
      const session = await shared.ours();
      assert.deepEqual(await session.history(), []);
      await session.append(message("a"));
      await assertBothSee(shared, ["a"], meta);
      await shared.close();
      await (await shared.ours()).append(message("b"));
      await assertBothSee(shared, ["a", "b"], meta);
      assert.equal((await shared.ours()).summary, "");
      assert.doesNotMatch(shared.metaText(), /replacing/);
      await shared.close();
    }
  }));
