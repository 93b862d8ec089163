import assert from "node:assert/strict";
import { test } from "node:test";
import { HoldfastError } from "../../src/errors.ts";
import { GroupWriter } from "../../src/log/group_writer.ts";
import { LogEnd } from "../../src/log/log_end.ts";
import { LogWriter } from "../../src/log/log_writer.ts";
import { logPath, readLog, recover } from "./log_fixture.ts";
import { MemoryFileSystem, systemError } from "./memory_filesystem.ts";

interface Opened {
  fileSystem: MemoryFileSystem;
  end: LogEnd;
  writer: GroupWriter;
  failures: string[];
}

async function openGroups(): Promise<Opened> {
  const fileSystem = new MemoryFileSystem();
  fileSystem.put(logPath, "");
  const handle = await fileSystem.open(logPath, { access: "write" });
  fileSystem.calls.length = 0;
  const end = new LogEnd({ offset: 0, checksum: 0, sequence: 0, rawCount: 0 }, 0);
  const failures: string[] = [];
  const owner = {
    fail: (why: string): HoldfastError => {
      failures.push(why);
      return new HoldfastError("failed", why);
    },
    failure: null,
    assertOpen: () => {},
  };
  return { fileSystem, end, writer: new GroupWriter(owner, { handle, path: logPath }, end, true), failures };
}

function group(text: string, sequenceNext: number): Parameters<GroupWriter["write"]>[0] {
  return { bytes: new TextEncoder().encode(text), checksum: sequenceNext, sequenceNext, rawLines: 1 };
}

test("write() gives the first group no fill, and the second one to just below a multiple of 4,096 (C13, H13)", async () => {
  const { fileSystem, end, writer } = await openGroups();
  await writer.write(group("one\n", 1), true);
  assert.equal(end.size, 4);
  await writer.write(group("two\n", 2), true);
  assert.equal(end.size % 4096, 4095);
  assert.equal(fileSystem.text(logPath).length, end.size);
  assert.match(fileSystem.text(logPath), /^one\ntwo\n+$/);
  assert.deepEqual(end.position, { offset: 8, checksum: 2, sequence: 2, rawCount: 2 });
  assert.equal(writer.inFlight, null);
});

test("write() undoes what failed, and moves the end back (C7)", async () => {
  const { fileSystem, end, writer, failures } = await openGroups();
  await writer.write(group("one\n", 1), true);
  let left = 1;
  fileSystem.hook = (call) => {
    if (call.name === "write" && left-- > 0) throw systemError("EIO");
  };
  await assert.rejects(writer.write(group("two\n", 2), true), { code: "io" });
  assert.deepEqual([fileSystem.text(logPath), end.position.offset, end.sequenceNext], ["one\n", 4, 1]);
  left = 1;
  fileSystem.hook = (call) => {
    if ((call.name === "write" && left-- > 0) || call.name === "truncate") throw systemError("EIO");
  };
  await assert.rejects(writer.write(group("two\n", 2), true), { code: "failed" });
  assert.equal(failures.length, 1);
  assert.equal(writer.undoing, false);
});

test("write() falls back to the group alone where there is no room for fill, and says so to a blocking flush", async () => {
  const { fileSystem, end, writer, failures } = await openGroups();
  await writer.write(group("one\n", 1), true);
  const seen: (number | undefined)[] = [];
  fileSystem.hook = (call) => {
    if (call.name !== "write") return;
    seen.push(writer.inFlight?.end);
    if (call.offset + call.bytes.length > 8) throw systemError("ENOSPC");
  };
  await writer.write(group("two\n", 2), true);
  assert.deepEqual(seen, [8191, 8]);
  assert.deepEqual([fileSystem.text(logPath), end.size, failures], ["one\ntwo\n", 8, []]);
});

test("I21: a blocking flush between the two writes of a fill leaves no NUL in front of what it writes", async () => {
  for (let step = 0; step < 12; step++) {
    const fileSystem = new MemoryFileSystem();
    fileSystem.put(logPath, "");
    const { position } = await recover(fileSystem);
    const handle = await fileSystem.open(logPath, { access: "write" });
    const log = { handle, path: logPath, position, sequenceMin: 0 };
    const writer = new LogWriter(fileSystem, log, () => {}, true);
    await writer.append([['{"a":0}']], true);
    const pending = writer.append([['{"a":"in flight"}']], true);
    for (let turn = 0; turn < step; turn++) await Promise.resolve();
    writer.appendSync([['{"a":"flushed"}']]);
    // The program may be killed here, and another one count the lines.
    assert.ok(!fileSystem.text(logPath).includes("\0"), `after ${step} turns`);
    await pending;
    assert.ok(!fileSystem.text(logPath).includes("\0"), `in the end, after ${step} turns`);
    assert.equal((await readLog(fileSystem)).records.length, 3);
    await writer.close();
  }
});
