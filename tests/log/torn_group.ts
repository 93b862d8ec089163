/**
 * What a power cut can leave of a group that was being written, and what must hold after recovery from it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { LogWriter } from "../../src/log/log_writer.ts";
import { type ChainPosition, chainStart } from "../../src/log/record_chain.ts";
import { fileSystemWith, latin1, logKey, logPath, quarantined, readLog, recover, summaryOf } from "./log_fixture.ts";
import type { MemoryFileSystem } from "./memory_filesystem.ts";

/**
 * What stands in a sector that was lost: the fill, or what file systems leave of a growing file; 0xFF as erased flash
 * reads. Text of other files cannot be told from what somebody appended (C2) and is none of them.
 */
export const lostKinds: ReadonlyMap<string, number> = new Map([["LF", 0x0a], ["NUL", 0], ["0xFF", 0xff]]);

const sectorBytes = 512;

/**
 * Every subset of the sectors that a group touches, lost ones reading as one byte.
 *
 * @param whole The log with the group.
 * @param durable How much of it was durable before.
 * @param lost What lost bytes read as.
 * @yields Each state.
 */
export function* sectorSubsets(
  whole: Uint8Array,
  durable: number,
  lost: number,
): Generator<{ bytes: Uint8Array; mask: number }> {
  const first = Math.floor(durable / sectorBytes);
  const count = Math.ceil(whole.length / sectorBytes) - first;
  assert.ok(count <= 10, `${count} sectors are too many`);
  for (let mask = 0; mask < 1 << count; mask++) {
    const bytes = whole.slice();
    for (let sector = 0; sector < count; sector++) {
      if (mask & (1 << sector)) continue;
      const start = Math.max(durable, (first + sector) * sectorBytes);
      bytes.fill(lost, start, (first + sector + 1) * sectorBytes);
    }
    yield { bytes, mask };
  }
}

/** What to expect of a log after a crash. */
export interface Expectation {
  /** What was acknowledged, as `number:text`. */
  acknowledged: readonly string[];
  /** What may follow it, batch by batch: whole ones only, and no later one without an earlier one. */
  issued: readonly (readonly string[])[];
  /** What must stand behind those: acknowledged lines of somebody else. */
  behind?: readonly string[];
  floor?: ChainPosition;
  at: string;
}

/**
 * Recovers a log twice and appends to it.
 *
 * @param bytes The log after a crash.
 * @param expected What must hold.
 * @returns The file system after the first recovery.
 */
export async function assertRecovers(bytes: Uint8Array, expected: Expectation): Promise<MemoryFileSystem> {
  const { at } = expected;
  const floor = expected.floor ?? chainStart(logKey);
  const fileSystem = fileSystemWith(bytes);
  const before = await readLog(fileSystem, { floor });
  const report = await recover(fileSystem, floor);
  const after = await readLog(fileSystem, { floor });
  const texts = summaryOf(after.records);
  assert.deepEqual(summaryOf(before.records), texts, `a reader without the lock sees what recovery keeps, ${at}`);
  assertAllowed(texts, expected);

  const log = fileSystem.get(logPath);
  const aside = quarantined(fileSystem);
  const again = await recover(fileSystem, floor);
  assert.equal(latin1(fileSystem.get(logPath)), latin1(log), `I10: a second recovery changes nothing, ${at}`);
  assert.deepEqual(quarantined(fileSystem), aside, `I10: nothing is set aside twice, ${at}`);
  assert.deepEqual(again.torn, [], `I10: nothing is torn any more, ${at}`);
  assert.deepEqual(again.position, report.position, `I10: the log goes on at the same place, ${at}`);
  for (const { quarantineName, offset, length } of report.torn) {
    assert.equal(
      aside.get(quarantineName ?? ""),
      latin1(bytes.subarray(offset, offset + length)),
      `kept in quarantine, ${at}`,
    );
  }
  await assertNextAppendIsSafe(fileSystem, report.position, texts, at);
  return fileSystem;
}

function assertAllowed(texts: readonly string[], { acknowledged, issued, behind = [], at }: Expectation): void {
  const allowed: string[][] = [];
  for (let batches = 0; batches <= issued.length; batches++) {
    allowed.push([...acknowledged, ...issued.slice(0, batches).flat(), ...behind]);
  }
  const textOnly = (summaries: readonly string[]): string => summaries.join("\n");
  // The numbers of foreign lines depend on what stands in front of them.
  const withoutNumbers = (summaries: readonly string[]): string => textOnly(summaries).replace(/^\d+:/gm, "");
  const isAllowed = behind.length === 0
    ? allowed.some((list) => textOnly(list) === textOnly(texts))
    : allowed.some((list) => withoutNumbers(list) === withoutNumbers(texts));
  assert.ok(isAllowed, `I1, I2, I3, I4, I5: got ${JSON.stringify(texts)}, ${at}`);
}

/** Appends a record, and reads all of it back, also after one more recovery. */
export async function assertNextAppendIsSafe(
  fileSystem: MemoryFileSystem,
  position: ChainPosition,
  texts: readonly string[],
  at: string,
): Promise<void> {
  const handle = await fileSystem.open(logPath, { access: "write" });
  const writer = new LogWriter(fileSystem, { handle, path: logPath, position, sequenceMin: 0 }, () => {});
  const sequence = await writer.append([['{"next":1}'], ['{"next":2}']], true);
  await writer.close();
  const numbers = texts.map((text) => Number.parseInt(text, 10));
  assert.ok(numbers.every((number) => number < sequence), `the next number is a new one, ${at}`);
  const wanted = [...texts, `${sequence}:{"next":1}`, `${sequence + 1}:{"next":2}`];
  const { records } = await readLog(fileSystem);
  assert.deepEqual(summaryOf(records), wanted, `the next append is safe, ${at}`);
  assert.deepEqual(records.slice(-2).map(({ trust }) => trust), ["verified", "verified"], at);
  await recover(fileSystem);
  assert.deepEqual(summaryOf((await readLog(fileSystem)).records), wanted, `the next append stays, ${at}`);
}
