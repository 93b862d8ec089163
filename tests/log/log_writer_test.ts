import assert from "node:assert/strict";
import { test } from "node:test";
import { HoldfastError } from "../../src/errors.ts";
import { LogWriter } from "../../src/log/log_writer.ts";
import { chainStart } from "../../src/log/record_chain.ts";
import { batchBytesMax, readMark, unsyncedBytesMax } from "../../src/log/record_format.ts";
import { latin1, LogBuilder, logKey, logPath, readLog, recover, summaryOf, utf8 } from "./log_fixture.ts";
import { MemoryFileSystem, systemError } from "./memory_filesystem.ts";

/** An open log, its writer, and what the writer reported. */
interface Opened {
  fileSystem: MemoryFileSystem;
  writer: LogWriter;
  reports: [number, number][];
}

async function openLog(content: Uint8Array | string = "", sequenceMin = 0, fillAhead = false): Promise<Opened> {
  const fileSystem = new MemoryFileSystem();
  fileSystem.put(logPath, content);
  const { position } = await recover(fileSystem);
  fileSystem.calls.length = 0;
  const handle = await fileSystem.open(logPath, { access: "write" });
  const reports: [number, number][] = [];
  const log = { handle, path: logPath, position, sequenceMin };
  const writer = new LogWriter(fileSystem, log, (offset, length) => void reports.push([offset, length]), fillAhead);
  return { fileSystem, writer, reports };
}

/** `number flags` of each line. */
function marks(fileSystem: MemoryFileSystem): string[] {
  return fileSystem.text(logPath).split("\n").slice(0, -1).map((line) => {
    const verdict = readMark(utf8(line));
    if (verdict.kind !== "marked") return verdict.kind;
    const { sequence, batchContinues, deferred, adopted } = verdict.mark;
    return `${sequence}${batchContinues ? "+" : ""}${deferred ? "~" : ""}${adopted ? "?" : ""}`;
  });
}

/** Somebody else appends. */
function append(fileSystem: MemoryFileSystem, text: string): Promise<void> {
  return fileSystem.open(logPath, { access: "write" }).then(async (handle) => {
    const { size } = await handle.stat();
    const { hook } = fileSystem;
    fileSystem.hook = () => {};
    await handle.write(utf8(text), size);
    fileSystem.hook = hook;
    await handle.close();
    fileSystem.calls.length = 0;
  });
}

async function texts(fileSystem: MemoryFileSystem): Promise<string[]> {
  return summaryOf((await readLog(fileSystem)).records);
}

/** Fails the first call of a name, or all of them. */
function refuse(fileSystem: MemoryFileSystem, name: string, code: string, times = 1): void {
  let left = times;
  fileSystem.hook = (call) => {
    if (call.name === name && left-- > 0) throw systemError(code);
  };
}

const failed = { name: "HoldfastError", code: "failed" };

test("append() marks the first record of a group as un-tilded, the others `~`, and batches with `+`", async () => {
  const { fileSystem, writer } = await openLog();
  assert.equal(await writer.append([['{"a":0}'], ['{"a":1}', '{"a":2}', '{"a":3}'], ['{"a":4}']], true), 0);
  assert.equal(await writer.append([['{"a":5}', '{"a":6}']], true), 5);
  assert.deepEqual(marks(fileSystem), ["0", "1+~", "2+~", "3~", "4~", "5+", "6~"]);
  assert.deepEqual(writer.position.sequence, 7);
  assert.equal(writer.position.rawCount, 7);
  await writer.close();
});

test("append() of buffered records: un-tilded only where all in front is durable; a durable one carries them", async () => {
  const { fileSystem, writer } = await openLog();
  await writer.append([['{"a":0}']], false);
  await writer.append([['{"a":1}']], false);
  assert.deepEqual(fileSystem.calls.filter((call) => call.startsWith("sync")), []);
  assert.equal(writer.syncedOffset, 0);
  await writer.append([['{"a":2}']], true);
  await writer.append([['{"a":3}']], false);
  await writer.sync();
  await writer.append([['{"a":4}']], false);
  assert.deepEqual(marks(fileSystem), ["0", "1~", "2~", "3", "4"]);
  await writer.close();
});

test("append() costs one write and one sync, whatever the group, and nothing else (I20)", async () => {
  const { fileSystem, writer } = await openLog();
  await writer.append([['{"a":0}'], ['{"a":1}'], ['{"a":2}', '{"a":3}']], true);
  const size = fileSystem.get(logPath).length;
  assert.deepEqual(fileSystem.calls, [`write ${logPath} 0 ${size}`, `sync ${logPath}`]);
  await writer.sync();
  assert.equal(fileSystem.calls.length, 2);
  await writer.close();
});

test("append() writes the bytes that a builder of logs writes", async () => {
  const { fileSystem, writer } = await openLog();
  await writer.append([['{"a":"ä"}'], ["{}", '{"b":1}']], true);
  const log = new LogBuilder().own('{"a":"ä"}').own("{}", "+~").own('{"b":1}', "~");
  assert.equal(latin1(fileSystem.get(logPath)), latin1(log.bytes()));
  assert.equal(writer.tailOffset, log.length);
  await writer.close();
});

test("B2: nothing that is appended has a number below `first`", async () => {
  const { fileSystem, writer } = await openLog(new LogBuilder().own('{"a":0}').bytes(), 12);
  assert.equal(writer.sequenceNext, 12);
  assert.equal(await writer.append([['{"a":12}']], true), 12);
  assert.deepEqual(await texts(fileSystem), ['0:{"a":0}', '12:{"a":12}']);
  await writer.close();
});

test("I14, C7: a short or failed write is undone, the undo is synced before the next write, and appends go on", async () => {
  for (const durable of [true, false]) {
    for (const buffered of [0, 1]) {
      const { fileSystem, writer } = await openLog(new LogBuilder().own('{"a":0}').bytes());
      if (buffered > 0) await writer.append([['{"a":1}']], false);
      const before = latin1(fileSystem.get(logPath));
      fileSystem.calls.length = 0;
      let writes = 0;
      fileSystem.hook = ({ name }) => {
        if (name !== "write") return;
        if (++writes === 1) return 7;
        throw systemError("ENOSPC");
      };
      await assert.rejects(writer.append([['{"lost":1}', '{"lost":2}']], durable), {
        name: "HoldfastError",
        code: "disk-full",
      });
      fileSystem.hook = () => {};
      assert.equal(latin1(fileSystem.get(logPath)), before);
      assert.deepEqual(fileSystem.calls.map((call) => call.split(" ")[0]), ["write", "write", "truncate", "sync"]);
      assert.equal(writer.failure, null);
      const next = 1 + buffered;
      assert.equal(await writer.append([['{"a":"next"}']], true), next);
      assert.deepEqual((await texts(fileSystem)).slice(-1), [`${next}:{"a":"next"}`]);
      assert.deepEqual(marks(fileSystem).slice(-1), [`${next}`]);
      await writer.close();
    }
  }
});

test("I14: every other error of a write is told as `io`, with its cause, and undone, too", async () => {
  const { fileSystem, writer } = await openLog();
  refuse(fileSystem, "write", "EIO");
  await assert.rejects(writer.append([['{"a":0}']], true), (error: unknown) => {
    assert.ok(error instanceof HoldfastError);
    assert.deepEqual([error.code, error.path], ["io", logPath]);
    return true;
  });
  assert.equal(await writer.append([['{"a":0}']], true), 0);
  assert.deepEqual(await texts(fileSystem), ['0:{"a":0}']);
  await writer.close();
});

test("a write of no bytes and no error is a full disk", async () => {
  const { fileSystem, writer } = await openLog();
  fileSystem.hook = ({ name }) => name === "write" ? 0 : undefined;
  await assert.rejects(writer.append([['{"a":0}']], true), { code: "disk-full" });
  fileSystem.hook = () => {};
  await writer.append([['{"a":0}']], true);
  await writer.close();
});

test("I13: after a failed sync nothing is written or acknowledged any more, and the sync is not tried again", async () => {
  for (const call of ["append", "sync"] as const) {
    const { fileSystem, writer } = await openLog();
    if (call === "sync") await writer.append([['{"a":0}']], false);
    refuse(fileSystem, "sync", "EIO");
    await assert.rejects(call === "append" ? writer.append([['{"a":0}']], true) : writer.sync(), failed);
    const { length } = fileSystem.calls;
    for (let time = 0; time < 2; time++) {
      await assert.rejects(writer.append([['{"a":1}']], true), failed);
      await assert.rejects(writer.append([['{"a":1}']], false), failed);
      await assert.rejects(writer.sync(), failed);
      await assert.rejects(writer.lookAtFile(), failed);
      assert.throws(() => writer.appendSync([['{"a":1}']]), failed);
    }
    assert.equal(writer.failure?.code, "failed");
    assert.equal(fileSystem.calls.length, length);
    await writer.close();
  }
});

test("I13: an undo that fails makes the writer fail", async () => {
  for (const name of ["truncate", "sync"]) {
    const { fileSystem, writer } = await openLog();
    fileSystem.hook = (call) => {
      if (call.name === "write") throw systemError("ENOSPC");
      if (call.name === name) throw systemError("EIO");
    };
    await assert.rejects(writer.append([['{"a":0}']], true), failed);
    fileSystem.hook = () => {};
    await assert.rejects(writer.append([['{"a":0}']], true), failed);
    await writer.close();
  }
});

test("H15: a log that was removed, renamed, replaced or cut makes the writer fail before it writes", async () => {
  const changes: [string, (fileSystem: MemoryFileSystem) => Promise<void> | void][] = [
    ["removed", (fileSystem) => fileSystem.unlink(logPath)],
    ["renamed", (fileSystem) => fileSystem.rename(logPath, "/elsewhere")],
    ["replaced", (fileSystem) => fileSystem.put(logPath, '{"role":"user"}\n')],
    ["cut", async (fileSystem) => {
      const handle = await fileSystem.open(logPath, { access: "write" });
      await handle.truncate(3);
      await handle.close();
    }],
  ];
  for (const [name, change] of changes) {
    for (const first of [true, false]) {
      const { fileSystem, writer } = await openLog(new LogBuilder().own('{"a":0}').bytes());
      if (!first) await writer.append([['{"a":1}']], true);
      else await writer.lookAtFile();
      await change(fileSystem);
      fileSystem.calls.length = 0;
      await assert.rejects(writer.append([['{"a":2}']], true), failed, name);
      await assert.rejects(writer.append([['{"a":2}']], true), failed, name);
      assert.deepEqual(fileSystem.calls, [], name);
      await writer.close();
    }
  }
});

test("a look at the log that fails is told, and nothing is lost by it", async () => {
  const { fileSystem, writer } = await openLog();
  const { stat } = fileSystem;
  fileSystem.stat = () => Promise.reject(systemError("EIO"));
  await assert.rejects(writer.append([['{"a":0}']], true), { name: "HoldfastError", code: "io" });
  fileSystem.stat = stat;
  assert.equal(await writer.append([['{"a":0}']], true), 0);
  await writer.close();
});

test("A5: what somebody else appended is gone on behind, durable first, and reported", async () => {
  for (const last of ['{"role":"user"}\n', '{"role":"user"}', '{"role":"us', '{"role":"user"}\n\n\n', "\0\0{}\r\n"]) {
    for (const buffered of [true, false]) {
      const { fileSystem, writer, reports } = await openLog(new LogBuilder().own('{"a":0}').bytes());
      if (buffered) await writer.append([['{"a":1}']], false);
      const before = fileSystem.get(logPath).length;
      await append(fileSystem, last);
      const foreign = fileSystem.text(logPath);
      const sequence = await writer.append([['{"a":"mine"}']], true);
      assert.ok(fileSystem.text(logPath).startsWith(last.endsWith("\n") ? foreign : `${foreign}\n`), last);
      assert.deepEqual(reports, [[before, foreign.length - before]]);
      assert.equal(sequence, buffered ? 3 : 2);
      // All in front of it was made durable.
      assert.equal(marks(fileSystem).at(-1), `${sequence}`);
      assert.deepEqual((await texts(fileSystem)).at(-1), `${sequence}:{"a":"mine"}`);
      const read = await readLog(fileSystem);
      assert.equal(read.records.at(-1)?.trust, "verified");
      assert.equal(writer.position.rawCount, (read.records.at(-1)?.rawIndex ?? -2) + 1);
      assert.equal(writer.position.offset, fileSystem.get(logPath).length);
      await writer.close();
    }
  }
});

test("A5: a line left open by somebody else is never glued to, also when ending it fails at first", async () => {
  const { fileSystem, writer } = await openLog();
  await writer.append([['{"a":0}']], true);
  await append(fileSystem, '{"role":"us');
  refuse(fileSystem, "write", "ENOSPC");
  await assert.rejects(writer.append([['{"a":1}']], true), { code: "disk-full" });
  await writer.append([['{"a":1}']], true);
  assert.match(fileSystem.text(logPath), /\n\{"role":"us\n\{"a":1,/);
  await writer.close();
});

test("appendSync() appends, blocking, also what a call is writing at that moment", async () => {
  const { fileSystem, writer } = await openLog();
  assert.equal(writer.appendSync([['{"a":0}']]), 0);
  await writer.append([['{"a":1}']], false);
  let flushed = -1;
  fileSystem.hook = ({ name }) => {
    if (name !== "write") return;
    fileSystem.hook = () => {};
    flushed = writer.appendSync([['{"a":4}']]);
  };
  assert.equal(await writer.append([['{"a":2}', '{"a":3}']], true), 2);
  assert.equal(flushed, 4);
  assert.equal(writer.syncedOffset, writer.tailOffset);
  assert.deepEqual(await texts(fileSystem), [0, 1, 2, 3, 4].map((number) => `${number}:{"a":${number}}`));
  assert.deepEqual(marks(fileSystem), ["0", "1", "2+~", "3~", "4~"]);
  await writer.close();
});

test("appendSync() between any two steps of an append loses, cuts, doubles and renumbers nothing", async () => {
  for (const buffered of [true, false]) {
    for (const foreign of ["", '{"role":"user"}\n', '{"role":"us']) {
      for (let step = 0;; step++) {
        const { fileSystem, writer } = await openLog(new LogBuilder().own('{"a":0}').bytes());
        if (buffered) await writer.append([[`{"a":"${"x".repeat(400_000)}"}`]], false);
        if (foreign !== "") await append(fileSystem, foreign);
        const at = `buffered ${buffered}, foreign ${foreign}, step ${step}`;
        const pending = writer.append([['{"a":"async"}', '{"a":"later"}']], true);
        let settled = false;
        void pending.then(() => settled = true, () => settled = true);
        for (let turn = 0; turn < step; turn++) await Promise.resolve();
        const last = settled;
        const flushed = writer.appendSync([['{"a":"flushed"}']]);
        const sequence = await pending;
        const { records, damage } = await readLog(fileSystem);
        const found = summaryOf(records);
        assert.deepEqual(found.filter((text) => text.endsWith('"flushed"}')), [`${flushed}:{"a":"flushed"}`], at);
        assert.deepEqual(found.filter((text) => text.endsWith('"async"}')), [`${sequence}:{"a":"async"}`], at);
        assert.deepEqual(found.filter((text) => text.endsWith('"later"}')), [`${sequence + 1}:{"a":"later"}`], at);
        assert.equal(records.length, 4 + (buffered ? 1 : 0) + (foreign.endsWith("\n") ? 1 : 0), at);
        assert.equal(damage.length, foreign === "" || foreign.endsWith("\n") ? 0 : 1, at);
        assert.equal(writer.position.offset, fileSystem.get(logPath).length, at);
        assert.deepEqual((await recover(fileSystem)).torn, [], at);
        await writer.close();
        if (last) break;
        assert.ok(step < 200);
      }
    }
  }
});

test("I14: appendSync() while a failed write is being undone makes the writer fail, and cuts nothing acknowledged", async () => {
  for (
    const [filled, step] of [false, true].flatMap((fills) =>
      Array.from({ length: 30 }, (_, at) => [fills, at] as const)
    )
  ) {
    const { fileSystem, writer } = await openLog(new LogBuilder().own('{"a":0}').bytes(), 0, filled);
    // A group behind the first one brings its fill, and is written alone where there is no room for both.
    if (filled) await writer.append([['{"a":1}']], true);
    fileSystem.hook = ({ name }) => {
      if (name === "write") throw systemError("ENOSPC");
    };
    const outcome = writer.append([['{"a":"refused"}']], true).then(
      () => "resolved",
      (error: HoldfastError) => error.code,
    );
    for (let turn = 0; turn < step; turn++) await Promise.resolve();
    let flushed: number | null = null;
    try {
      flushed = writer.appendSync([['{"a":"flushed"}']]);
    } catch (error) {
      assert.ok(error instanceof HoldfastError && error.code === "failed");
    }
    const code = await outcome;
    const at = `step ${step}, ${filled ? "with" : "without"} fill`;
    assert.ok(["disk-full", "failed"].includes(code), `${code}, ${at}`);
    const found = await texts(fileSystem);
    assert.equal(found.includes(`${flushed}:{"a":"flushed"}`), flushed !== null, at);
    if (code === "disk-full") assert.ok(!found.some((text) => text.endsWith('"refused"}')), at);
    await writer.close();
  }
});

test("appendSync() makes dirty again what a sync that is under way may lose", async () => {
  const { fileSystem, writer } = await openLog();
  await writer.append([['{"a":0}']], false);
  const { length } = fileSystem.get(logPath);
  fileSystem.calls.length = 0;
  writer.appendSync([]);
  assert.deepEqual(fileSystem.calls, [
    `writeSync ${logPath} 0 ${length}`,
    `syncSync ${logPath}`,
  ]);
  await writer.close();
});

test("I13: an appendSync() that fails makes an append in flight fail, too", async () => {
  const { fileSystem, writer } = await openLog();
  fileSystem.hook = ({ name }) => {
    if (name === "syncSync") throw systemError("EIO");
    if (name === "write") assert.throws(() => writer.appendSync([['{"a":1}']]), failed);
  };
  await assert.rejects(writer.append([['{"a":0}']], true), failed);
  await writer.close();
});

test("I18: no more than a bound is ever unsynced", async () => {
  const { fileSystem, writer } = await openLog();
  const text = `{"a":"${"x".repeat(100_000)}"}`;
  for (let index = 0; index < 40; index++) {
    await writer.append([[text]], false);
    assert.ok(writer.tailOffset - writer.syncedOffset <= unsyncedBytesMax, `record ${index}`);
  }
  const large = `{"a":"${"x".repeat(4 * 1024 * 1024)}"}`;
  await writer.append([[large, large, large]], false);
  assert.equal(writer.tailOffset, writer.syncedOffset);
  assert.ok(batchBytesMax > 3 * large.length);
  assert.equal((await readLog(fileSystem)).records.length, 43);
  await writer.close();
});

test("rewritten() goes on in the new log and gives the old one back", async () => {
  const { fileSystem, writer } = await openLog(new LogBuilder().own('{"a":0}').bytes());
  await writer.append([['{"a":1}']], true);
  fileSystem.put(logPath, "");
  const handle = await fileSystem.open(logPath, { access: "write" });
  await writer.rewritten({ handle, path: logPath, position: chainStart(logKey), sequenceMin: 2 });
  assert.equal(writer.handle, handle);
  assert.equal(fileSystem.openCount, 1);
  assert.equal(await writer.append([['{"a":2}']], true), 2);
  assert.deepEqual(await texts(fileSystem), ['2:{"a":2}']);
  await writer.close();
});
