import assert from "node:assert/strict";
import { test } from "node:test";
import { type RewrittenLog, type RewrittenRecord, writeNewLog } from "../../src/log/compaction.ts";
import { keyChecksum, lineBytesMax, readMark } from "../../src/log/record_format.ts";
import { LogBuilder, logKey, logPath, readLog, recover, utf8 } from "./log_fixture.ts";
import { MemoryFileSystem, systemError } from "./memory_filesystem.ts";

async function* groups(...lists: RewrittenRecord[][]): AsyncGenerator<RewrittenRecord[]> {
  for (const list of lists) yield list;
}

async function rewrite(...lists: RewrittenRecord[][]): Promise<{ fileSystem: MemoryFileSystem; log: RewrittenLog }> {
  const fileSystem = new MemoryFileSystem();
  const log = await writeNewLog(fileSystem, logPath, null, keyChecksum(logKey), groups(...lists));
  await log.handle.close();
  return { fileSystem, log };
}

function marks(fileSystem: MemoryFileSystem): string[] {
  return fileSystem.text(logPath).split("\n").slice(0, -1).map((line) => {
    const verdict = readMark(utf8(line));
    if (verdict.kind !== "marked") return verdict.kind;
    const { sequence, batchContinues, deferred, adopted } = verdict.mark;
    return `${sequence}${batchContinues ? "+" : ""}${deferred ? "~" : ""}${adopted ? "?" : ""}`;
  });
}

test("writeNewLog() writes records that are neither deferred nor in a batch; what was not verified is adopted", async () => {
  const { fileSystem, log } = await rewrite(
    [{ sequence: 7, text: '{"a":7}', trust: "verified" }, { sequence: 8, text: '{"#":1}', trust: "adopted" }],
    [],
    [{ sequence: 11, text: '{"a":"\u2028"}', trust: "foreign" }, { sequence: 12, text: "{}", trust: "unverified" }],
  );
  assert.deepEqual(marks(fileSystem), ["7", "8?", "11?", "12?"]);
  const { records, damage, tail } = await readLog(fileSystem);
  assert.deepEqual(damage, []);
  assert.deepEqual(records.map(({ sequence, trust, value }) => [sequence, trust, value]), [
    [7, "verified", { a: 7 }],
    [8, "adopted", { "#": 1 }],
    [11, "adopted", { a: "\u2028" }],
    [12, "adopted", {}],
  ]);
  assert.deepEqual(log.position, tail.kept);
  assert.equal(log.first?.sequence, 7);
  const first = readMark(utf8(fileSystem.text(logPath).split("\n")[0] ?? ""));
  assert.equal(first.kind === "marked" && first.mark.checksum, log.first?.checksum);
});

test("a new log's position is what a scan, and recovery, find", async () => {
  const records = Array.from({ length: 5000 }, (_, index): RewrittenRecord => ({
    sequence: index * 2,
    text: `{"c":"${"x".repeat((index * 37) % 400)}"}`,
    trust: index % 3 === 0 ? "foreign" : "verified",
  }));
  const large: RewrittenRecord = { sequence: 10_000, text: `{"c":"${"y".repeat(700_000)}"}`, trust: "verified" };
  const { fileSystem, log } = await rewrite(records, [large], [{ ...large, sequence: 10_001, text: "{}" }]);
  const read = await readLog(fileSystem);
  assert.equal(read.records.length, 5002);
  assert.deepEqual(read.damage, []);
  const { rawCount: _, ...position } = (await recover(fileSystem)).position;
  assert.deepEqual({ ...position, rawCount: 5002 }, log.position);
});

test("an empty new log", async () => {
  const { fileSystem, log } = await rewrite();
  assert.equal(fileSystem.get(logPath).length, 0);
  assert.equal(log.first, null);
  assert.deepEqual([log.position.offset, log.position.sequence, log.position.rawCount], [0, 0, 0]);
});

test("B7: a foreign line that has no room for a mark stays foreign; where that would change its number it is refused", async () => {
  const text = `{"c":"${"x".repeat(lineBytesMax - 9)}"}`;
  assert.equal(text.length + 1, lineBytesMax);
  const before: RewrittenRecord = { sequence: 4, text: "{}", trust: "verified" };
  const { fileSystem, log } = await rewrite([before, { sequence: 5, text, trust: "foreign" }, {
    ...before,
    sequence: 6,
  }]);
  const { records, damage, tail } = await readLog(fileSystem);
  assert.deepEqual(records.map(({ sequence, trust }) => [sequence, trust]), [[4, "verified"], [5, "foreign"], [
    6,
    "verified",
  ]]);
  assert.deepEqual(damage, []);
  assert.deepEqual(tail.kept, log.position);
  await assert.rejects(rewrite([before, { sequence: 6, text, trust: "foreign" }]), { code: "too-large" });
  await assert.rejects(rewrite([{ sequence: 0, text, trust: "verified" }]), { code: "too-large" });
  await assert.rejects(rewrite([{ sequence: 0, text: text.replace("x", "xx"), trust: "foreign" }]), {
    code: "too-large",
  });
});

test("writeNewLog() is durable when it resolves, and a failure at any call leaves nothing and no handle open", async () => {
  const list: RewrittenRecord[] = [{ sequence: 0, text: `{"c":"${"x".repeat(300_000)}"}`, trust: "verified" }];
  const clean = await rewrite(list);
  const { calls } = clean.fileSystem;
  assert.equal(calls.at(-1), `sync ${logPath}`);
  for (let failing = 0; failing < calls.length; failing++) {
    const fileSystem = new MemoryFileSystem();
    let count = 0;
    fileSystem.hook = () => {
      if (count++ === failing) throw systemError("ENOSPC");
    };
    await assert.rejects(writeNewLog(fileSystem, logPath, null, keyChecksum(logKey), groups(list)), { code: "ENOSPC" });
    assert.deepEqual(fileSystem.paths(), [], `call ${failing}`);
    assert.equal(fileSystem.openCount, 0, `call ${failing}`);
  }
  // So does a source that fails.
  const fileSystem = new MemoryFileSystem();
  async function* failing(): AsyncGenerator<RewrittenRecord[]> {
    yield list;
    throw systemError("EIO");
  }
  await assert.rejects(writeNewLog(fileSystem, logPath, null, keyChecksum(logKey), failing()), { code: "EIO" });
  assert.deepEqual([fileSystem.paths(), fileSystem.openCount], [[], 0]);
});

test("writeNewLog() takes mode and owner of the log that it replaces", async () => {
  const fileSystem = new MemoryFileSystem();
  fileSystem.put("/old", new LogBuilder().own("{}").bytes());
  const like = { ...(await fileSystem.stat("/old")), mode: 0o640, userId: 7, groupId: 8 };
  const { handle } = await writeNewLog(fileSystem, logPath, like, keyChecksum(logKey), groups());
  const { mode, userId, groupId } = await handle.stat();
  assert.deepEqual([mode, userId, groupId], [0o640, 7, 8]);
  await handle.close();
});
