import assert from "node:assert/strict";
import { test } from "node:test";
import { findSeal, makeSeal } from "../../src/log/seal.ts";
import { type ChainPosition, chainStart } from "../../src/log/record_chain.ts";
import {
  fileSystemWith,
  joined,
  latin1,
  LogBuilder,
  logKey,
  logPath,
  quarantined,
  quarantinePath,
  readLog,
  recover,
  summaryOf,
  textForLine,
  utf8,
} from "./log_fixture.ts";
import { type MemoryFileSystem, systemError } from "./memory_filesystem.ts";
import { assertNextAppendIsSafe, assertRecovers, lostKinds, sectorSubsets } from "./torn_group.ts";

function summaries(log: LogBuilder, from = 0, to = log.lines.length): string[] {
  return log.lines.slice(from, to).map(({ sequence, text }) => `${sequence}:${text}`);
}

/** Two durable records, then a group: one, a batch of two, one. */
function logWithGroup(): { log: LogBuilder; base: number; batches: string[][] } {
  const log = new LogBuilder().own('{"durable":"ä"}').own('{"durable":{"n":2}}');
  const base = log.length;
  log.own('{"a":"b c"}').own('{"call":[{}]}', "+~").own('{"result":{"x":{}}}', "~").own('{"z":1}', "~");
  return { log, base, batches: [summaries(log, 2, 3), summaries(log, 3, 5), summaries(log, 5)] };
}

/** The seal of a log that is whole. */
async function sealOf(bytes: Uint8Array): Promise<ChainPosition> {
  const { tail } = await readLog(bytes);
  const handle = await fileSystemWith(bytes).open(logPath, { access: "read" });
  const seal = await makeSeal(handle, tail.kept, tail.kept.rawCount ?? -1);
  assert.ok(seal !== null);
  const floor = await findSeal(handle, seal, bytes.length);
  assert.ok(floor !== null);
  assert.deepEqual(floor, tail.kept);
  return floor;
}

test("recoverLog() of a log cut at every byte keeps what was acknowledged, and whole batches of the rest", async () => {
  const { log, base, batches } = logWithGroup();
  const bytes = log.bytes();
  for (let end = 0; end <= bytes.length; end++) {
    const whole = log.lines.filter((line) => line.end - 1 <= end).length;
    const issued = end < base ? [] : batches;
    const acknowledged = summaries(log, 0, Math.min(whole, 2));
    await assertRecovers(bytes.subarray(0, end), { acknowledged, issued, at: `cut at ${end}` });
  }
});

test("recoverLog() with tails of NUL, LF, blanks, 0xFF and garbage at every byte of the last group", async () => {
  const { log, base, batches } = logWithGroup();
  const bytes = log.bytes();
  const garbage = Uint8Array.from({ length: 2048 }, (_, index) => (index * 167 + (index >> 3) * 91) & 0xff);
  const tails: [string, Uint8Array][] = [
    ["NUL", new Uint8Array(700)],
    ["one NUL", new Uint8Array(1)],
    ["LF", new Uint8Array(700).fill(0x0a)],
    ["blanks", new Uint8Array(700).fill(0x20)],
    ["0xFF", new Uint8Array(700).fill(0xff)],
    ["garbage", garbage],
    ["NUL and LF", new Uint8Array(700).fill(0x0a, 300)],
    ["brackets", utf8("}".repeat(20))],
  ];
  for (const [name, tail] of tails) {
    for (let end = base; end <= bytes.length; end++) {
      const issued = batches;
      const acknowledged = summaries(log, 0, 2);
      await assertRecovers(joined([bytes.subarray(0, end), tail]), { acknowledged, issued, at: `${name} at ${end}` });
    }
  }
});

test("H1: a torn group with picoclaw's line behind the fill: that line stays, the group never comes back", async () => {
  for (const [name, lost] of lostKinds) {
    const log = new LogBuilder().own('{"durable":1}');
    const base = log.length;
    log.own(textForLine(700, 1, "+"), "+").own(textForLine(500, 2, "~"), "~").own(textForLine(600, 3, "~"), "~");
    const group = log.bytes();
    const fillEnd = 4095;
    for (const { bytes, mask } of sectorSubsets(group, base, lost)) {
      const fill = new Uint8Array(fillEnd - bytes.length).fill(0x0a);
      const foreign = '{"role":"user","content":"after the power came back"}';
      const crashed = joined([bytes, fill, utf8(`${foreign}\n`)]);
      const at = `lost are ${name}, mask ${mask}`;
      const issued = [summaries(log, 1, 3), summaries(log, 3)];
      const rawBefore = rawLines(crashed);
      const fileSystem = await assertRecovers(crashed, {
        acknowledged: summaries(log, 0, 1),
        issued,
        behind: [`0:${foreign}`],
        at,
      });
      const text = latin1(fileSystem.get(logPath)).slice(0, crashed.length);
      assert.equal(rawLines(latin1Bytes(text)), rawBefore, `picoclaw's count of lines stays, ${at}`);
    }
  }
});

/** Lines as picoclaw counts them. */
function rawLines(bytes: Uint8Array): number {
  return latin1(bytes).split("\n").filter((line) => line.replace(/\r$/, "") !== "").length;
}

function latin1Bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

test("H1: two of picoclaw's lines with torn ones between; a third power cut changes nothing", async () => {
  const log = new LogBuilder().own('{"durable":1}').own('{"call":1}', "+");
  const bytes = joined([log.bytes(), utf8('\n\n{"role":"user"}\n'), utf8('{"torn\n{"role":"tool"}\n')]);
  const at = "H1";
  const behind = ['0:{"role":"user"}', '0:{"role":"tool"}'];
  const fileSystem = await assertRecovers(bytes, { acknowledged: summaries(log, 0, 1), issued: [], behind, at });
  assert.equal([...quarantined(fileSystem).values()].some((text) => text.includes('{"call":1')), true);
});

test("C3, H7: NULs with picoclaw's line directly behind them", async () => {
  for (const nuls of [1, 596, 4000]) {
    const log = new LogBuilder().own('{"durable":1}');
    const bytes = joined([log.bytes(), new Uint8Array(nuls), utf8('{"role":"user"}\n')]);
    const { records } = await readLog(bytes);
    assert.deepEqual(records.map(({ trust }) => trust), ["verified", "foreign"], `${nuls}`);
    const behind = ['0:{"role":"user"}'];
    await assertRecovers(bytes, { acknowledged: summaries(log), issued: [], behind, at: `${nuls} NULs` });
  }
});

test("W1, C3: a line that was glued to a fragment stays where it is, and nothing else is glued to it", async () => {
  const log = new LogBuilder().own('{"durable":1}');
  const glued = '{"role":"assistant","content":"tor{"role":"user","content":"glued"}';
  const bytes = joined([log.bytes(), utf8(`${glued}\n`)]);
  const fileSystem = await assertRecovers(bytes, { acknowledged: summaries(log), issued: [], at: "W1" });
  assert.ok(fileSystem.text(logPath).startsWith(latin1(bytes)));
  assert.deepEqual(quarantined(fileSystem).size, 0);
});

test("W1: a record that was torn behind a brace is no line that somebody glued to a fragment", async () => {
  const text = '{"tool_calls":[{"id":"c1","function":{"name":"n","arguments":"{\\"bed\\":2}"}}],"at":1}';
  const log = new LogBuilder().own('{"durable":1}');
  const durable = log.bytes();
  const bytes = log.own(text, "~").bytes();
  for (let end = durable.length + 1; end < bytes.length - 1; end++) {
    for (const behind of ["", "\n".repeat(bytes.length - end), "\0".repeat(bytes.length - end)]) {
      const fileSystem = await assertRecovers(joined([bytes.slice(0, end), utf8(behind)]), {
        acknowledged: ['0:{"durable":1}'],
        issued: [],
        at: `cut at ${end}, ${behind.length} bytes behind`,
      });
      assert.ok(!fileSystem.text(logPath).includes('{"tool'), `the torn record is not in the log, cut at ${end}`);
    }
  }
});

test("W2: an unterminated last line gets its end before anything is appended, also where it is whole", async () => {
  for (const last of ['{"role":"user"}', '{"role":"us', "x"]) {
    const log = new LogBuilder().own('{"durable":1}');
    const behind = last.endsWith("}") ? [`0:${last}`] : [];
    await assertRecovers(joined([log.bytes(), utf8(last)]), {
      acknowledged: summaries(log),
      issued: [],
      behind,
      at: last,
    });
  }
});

test("H2: a log in plain append that lost its end is torn, however cleanly it ends", async () => {
  const { log, base, batches } = logWithGroup();
  const bytes = log.bytes();
  for (const line of log.lines.slice(2)) {
    for (const end of [line.end - 1, line.end]) {
      for (let flipped = base; flipped < end; flipped += 7) {
        const state = bytes.slice(0, end);
        state[flipped] = (state[flipped] ?? 0) ^ 0x01;
        const at = `cut at ${end}, byte ${flipped}`;
        const { tail } = await readLog(state);
        // The first of the group may lose its sign of where the group begins, but never a half of a batch stays.
        assert.ok(tail.durableOffset <= base, at);
        await assertRecovers(state, { acknowledged: summaries(log, 0, 2), issued: batches, at });
      }
    }
  }
});

/** The calls that concern the log itself. */
function logCalls(fileSystem: MemoryFileSystem): string[] {
  return fileSystem.calls.filter((call) => call.split(" ")[1] === logPath);
}

test("H3: everything kept from the last un-tilded record on is written again, to its end, then synced", async () => {
  const { log, base } = logWithGroup();
  const fileSystem = fileSystemWith(joined([log.bytes(), utf8("{torn")]));
  const report = await recover(fileSystem);
  assert.equal(report.rewrittenBytes, log.length - base);
  assert.deepEqual(logCalls(fileSystem), [
    `write ${logPath} ${base} ${log.length - base}`,
    `truncate ${logPath} ${log.length} 0`,
    `sync ${logPath}`,
  ]);
  // A second open may write the same bytes again; nothing else.
  fileSystem.calls.length = 0;
  await recover(fileSystem);
  assert.deepEqual(fileSystem.calls, [`write ${logPath} ${base} ${log.length - base}`, `sync ${logPath}`]);
});

test("I18: a large log of picoclaw's is not written again: nothing of ours in it can be unsynced", async () => {
  const line = utf8(`{"c":"${"x".repeat(1024 * 1024)}"}\n`);
  const fileSystem = fileSystemWith(joined(Array.from({ length: 20 }, () => line)));
  const report = await recover(fileSystem);
  assert.equal(report.position.sequence, 20);
  assert.equal(report.position.rawCount, 20);
  assert.equal(report.rewrittenBytes, 0);
});

test("H4: with a seal, one flipped byte in the last line of a batch takes that line alone", async () => {
  const log = new LogBuilder().own('{"a":0}').own('{"call":1}', "+").own('{"result":1}', "~");
  const floor = await sealOf(log.bytes());
  const bytes = log.bytes();
  bytes[(log.lines[2]?.offset ?? 0) + 4] = 0x39;
  const { records, damage } = await readLog(bytes, { floor });
  assert.deepEqual(summaryOf(records), summaries(log, 0, 2));
  assert.equal(damage.length, 1);
  const fileSystem = fileSystemWith(bytes);
  const report = await recover(fileSystem, floor);
  assert.deepEqual(report, { position: floor, torn: [], rewrittenBytes: 0, keptInPlace: false });
  assert.deepEqual(fileSystem.calls, []);
  // And an un-tilded record says the same as a seal.
  log.own('{"a":3}');
  const later = log.bytes();
  later[(log.lines[2]?.offset ?? 0) + 4] = 0x39;
  assert.deepEqual(summaryOf((await readLog(later)).records), [...summaries(log, 0, 2), ...summaries(log, 3)]);
});

test("H8: with a seal behind it, a gap in front of a foreign line costs nothing at the next open", async () => {
  const log = new LogBuilder().own('{"durable":1}').own('{"call":1}', "+");
  const fileSystem = fileSystemWith(joined([log.bytes(), new Uint8Array(900).fill(0x0a), utf8('{"role":"user"}\n')]));
  const report = await recover(fileSystem);
  assert.equal(report.keptInPlace, true);
  const floor = await sealOf(fileSystem.get(logPath));
  assert.deepEqual(floor, report.position);
  fileSystem.calls.length = 0;
  const again = await recover(fileSystem, floor);
  assert.deepEqual(again, { position: floor, torn: [], rewrittenBytes: 0, keptInPlace: false });
  assert.deepEqual(fileSystem.calls, []);
});

test("I11: a record that vouched for corruption in front of it and was torn itself leaves that to a seal", async () => {
  const log = new LogBuilder().own('{"a":0}').own('{"a":1}').own('{"a":2}', "~").own('{"call":3}', "+");
  const bytes = log.bytes();
  bytes[(log.lines[1]?.offset ?? 0) + 5] = 0x39;
  const fileSystem = fileSystemWith(bytes);
  const report = await recover(fileSystem);
  assert.equal(report.keptInPlace, true);
  assert.equal(report.position.offset, log.lines[3]?.offset);
  // With the seal that is worth, the next recovery cuts nothing; without it, nothing would vouch for the last record.
  const again = await recover(fileSystem, report.position);
  assert.deepEqual(again, { position: report.position, torn: [], rewrittenBytes: 0, keptInPlace: false });
  const { records } = await readLog(fileSystem, { floor: report.position });
  assert.deepEqual(summaryOf(records), [...summaries(log, 0, 1), ...summaries(log, 2, 3)]);
  assert.ok((await recover(fileSystem)).position.offset < report.position.offset);
});

/** Logs that recovery has every kind of work with. */
function tornLogs(): Map<string, Uint8Array> {
  const { log, base } = logWithGroup();
  const bytes = log.bytes();
  const cut = bytes.subarray(0, log.lines[3]?.end);
  const lost = bytes.slice();
  lost.fill(0, base + 20, base + 60);
  return new Map([
    ["cut in a batch", cut],
    ["lost in the middle", lost],
    ["picoclaw behind a cut", joined([cut, utf8('\n\n{"role":"user"}\n')])],
    ["picoclaw behind a loss", joined([lost, utf8('\n{"role":"user"}\n{"role"')])],
    ["unterminated", bytes.subarray(0, -1)],
  ]);
}

test("B9, I10: a recovery that fails at any call is done by the next one, with no second copy in quarantine", async () => {
  for (const [name, bytes] of tornLogs()) {
    const clean = fileSystemWith(bytes);
    await recover(clean);
    const calls = clean.calls.length;
    assert.ok(calls >= 2);
    for (let failing = 0; failing < calls; failing++) {
      for (const short of [false, true]) {
        const fileSystem = fileSystemWith(bytes);
        let count = 0;
        fileSystem.hook = ({ name: call, bytes: written }) => {
          if (count++ < failing) return;
          // From here on nothing goes through: the process was killed, or the file system is read-only.
          if (short && count === failing + 1 && call === "write") return Math.floor(written.length / 2);
          throw systemError("EIO");
        };
        await assert.rejects(recover(fileSystem));
        assert.equal(fileSystem.openCount, 0);
        fileSystem.hook = () => {};
        const report = await recover(fileSystem);
        const at = `${name}, call ${failing}`;
        assert.equal(latin1(fileSystem.get(logPath)), latin1(clean.get(logPath)), at);
        assert.deepEqual(new Set(quarantined(fileSystem).keys()), new Set(quarantined(clean).keys()), `B9, ${at}`);
        assert.deepEqual(quarantined(fileSystem), quarantined(clean), at);
        await assertNextAppendIsSafe(fileSystem, report.position, summaryOf((await readLog(fileSystem)).records), at);
      }
    }
  }
});

test("on a full disk recovery succeeds without a copy, and says so", async () => {
  for (const code of ["ENOSPC", "EDQUOT"]) {
    for (const [name, bytes] of tornLogs()) {
      const clean = fileSystemWith(bytes);
      await recover(clean);
      const fileSystem = fileSystemWith(bytes);
      fileSystem.hook = ({ path }) => {
        if (path.startsWith(quarantinePath)) throw systemError(code);
      };
      const { torn } = await recover(fileSystem);
      assert.ok(torn.every(({ quarantineName }) => quarantineName === null), name);
      assert.equal(latin1(fileSystem.get(logPath)), latin1(clean.get(logPath)), name);
      assert.equal(quarantined(fileSystem).size, 0);
    }
  }
});

test("I13: a recovery whose sync fails is no recovery", async () => {
  const fileSystem = fileSystemWith(logWithGroup().log.bytes());
  fileSystem.hook = ({ name }) => {
    if (name === "sync") throw systemError("EIO");
  };
  await assert.rejects(recover(fileSystem), { code: "EIO" });
});

test("recoverLog() of an empty log and of one that is sealed at its size does nothing", async () => {
  const empty = fileSystemWith(new Uint8Array(0));
  assert.deepEqual((await recover(empty)).position, chainStart(logKey));
  assert.deepEqual(empty.calls, []);
  const { log } = logWithGroup();
  const sealed = fileSystemWith(log.bytes());
  const floor = await sealOf(log.bytes());
  assert.deepEqual((await recover(sealed, floor)).position, floor);
  assert.deepEqual(sealed.calls, []);
});
