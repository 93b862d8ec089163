import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../properties.ts";
import { LogWriter } from "../../src/log/log_writer.ts";
import { findSeal, makeSeal } from "../../src/log/seal.ts";
import { type ChainPosition, chainStart } from "../../src/log/record_chain.ts";
import { fileSystemWith, joined, logKey, logPath, readLog, recover, utf8 } from "./log_fixture.ts";

/** One life of a log: some groups that were acknowledged, one that was not, a power cut, and what came before recovery. */
interface Life {
  groups: readonly (readonly (readonly number[])[])[];
  torn: readonly (readonly number[])[];
  /** Which sectors of the torn group are on the disk. */
  mask: number;
  lost: number;
  /** How much of the file's end is cut or filled, in bytes. */
  end: { kind: "cut" | "fill" | "nul" | "none"; bytes: number };
  /** Lines of picoclaw's behind that. */
  foreign: readonly string[];
  sealed: boolean;
}

const batch = fc.array(fc.integer({ min: 0, max: 700 }), { minLength: 1, maxLength: 3 });
const group = fc.array(batch, { minLength: 1, maxLength: 3 });
const life: fc.Arbitrary<Life> = fc.record({
  groups: fc.array(group, { maxLength: 2 }),
  torn: fc.oneof(fc.constant([]), group),
  mask: fc.nat(0xfff),
  lost: fc.constantFrom(0, 0x0a, 0xff),
  end: fc.record({
    kind: fc.constantFrom("cut" as const, "fill" as const, "nul" as const, "none" as const),
    bytes: fc.nat(1500),
  }),
  foreign: fc.array(fc.constantFrom('{"role":"user"}', `{"role":"tool","c":"${"f".repeat(490)}"}`), { maxLength: 2 }),
  sealed: fc.boolean(),
});

/** A log over several lives, and what must be in it. */
class Cycle {
  bytes: Uint8Array = new Uint8Array(0);
  readonly #acknowledged: string[] = [];
  #count = 0;
  #floor: ChainPosition = chainStart(logKey);

  async live(one: Life): Promise<void> {
    const fileSystem = fileSystemWith(this.bytes);
    const { position } = await recover(fileSystem, this.#floor);
    const handle = await fileSystem.open(logPath, { access: "write" });
    const writer = new LogWriter(fileSystem, { handle, path: logPath, position, sequenceMin: 0 }, () => {});
    for (const sizes of one.groups) {
      const batches = this.#batches(sizes);
      await writer.append(batches, true);
      this.#acknowledged.push(...batches.flat());
    }
    if (one.sealed && one.torn.length === 0) {
      const seal = await makeSeal(handle, writer.position, 0);
      const floor = seal === null ? null : await findSeal(handle, seal, writer.tailOffset);
      if (floor !== null) this.#floor = floor;
    }
    const durable = writer.tailOffset;
    const issued = this.#batches(one.torn);
    if (issued.length > 0) await writer.append(issued, false);
    await writer.close();
    this.bytes = crashed(fileSystem.get(logPath), durable, one);
    // What picoclaw appends does not match a fragment's position, as the fill's end sees to (H6, H13).
    const isGlued = this.bytes.length > 0 && ![0, 0x0a].includes(this.bytes.at(-1) ?? 0);
    const foreign = isGlued || this.bytes.length % 512 === 0 ? [] : one.foreign;
    this.bytes = joined([this.bytes, ...foreign.map((line) => utf8(`${line}\n`))]);
    await this.#check(issued, foreign);
  }

  #batches(sizes: readonly (readonly number[])[]): string[][] {
    return sizes.map((lengths) => lengths.map((length) => `{"n":${this.#count++},"o":{"c":"${"x".repeat(length)}"}}`));
  }

  async #check(issued: readonly (readonly string[])[], foreign: readonly string[]): Promise<void> {
    const before = await readLog(this.bytes, { floor: this.#floor });
    const fileSystem = fileSystemWith(this.bytes);
    await recover(fileSystem, this.#floor);
    const after = await readLog(fileSystem, { floor: this.#floor });
    const texts = after.records.map(({ text }) => text);
    assert.deepEqual(before.records.map(({ text }) => text), texts, "a reader without the lock sees the same");
    assert.deepEqual(before.records.map(({ sequence }) => sequence), after.records.map(({ sequence }) => sequence));
    const allowed = Array.from({ length: issued.length + 1 }, (_, count) => issued.slice(0, count).flat());
    const kept = allowed.find((list) => [...this.#acknowledged, ...list, ...foreign].join() === texts.join());
    assert.ok(
      kept !== undefined,
      `I1 to I5: ${texts.length} of ${this.#acknowledged.length} + ${issued.flat().length} records`,
    );
    // What was shown stays (I6).
    this.#acknowledged.push(...kept, ...foreign);
    const numbers = after.records.map(({ sequence }) => sequence);
    assert.ok(numbers.every((number, index) => index === 0 || number > (numbers[index - 1] ?? 0)), "numbers rise");
  }
}

function crashed(whole: Uint8Array, durable: number, { mask, lost, end }: Life): Uint8Array {
  const bytes = whole.slice();
  for (let sector = Math.floor(durable / 512); sector * 512 < bytes.length; sector++) {
    if (mask & (1 << (sector % 12))) continue;
    bytes.fill(lost, Math.max(durable, sector * 512), (sector + 1) * 512);
  }
  if (end.kind === "cut") return bytes.slice(0, Math.max(durable, bytes.length - end.bytes));
  const tail = new Uint8Array(end.kind === "none" ? 0 : end.bytes).fill(end.kind === "fill" ? 0x0a : 0);
  return joined([bytes, tail]);
}

test("I1 to I6, I10: any lives of a log, with a power cut at the end of each, keep what was acknowledged", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 6 }), async (lives) => {
      const cycle = new Cycle();
      for (const one of lives) await cycle.live(one);
    }),
    { numRuns: 400 },
  );
});
