/**
 * What deploy/README.md says of backups: a store can be copied under its writer.
 *
 * @module
 */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openStore, type RecordObject } from "../../mod.ts";

/** Copies a directory as a person would, in a process of its own, while this one goes on. */
function copy(from: string, to: string): Promise<number | null> {
  const child = spawn("cp", ["-a", from, to], { stdio: "ignore" });
  return new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
}

test("a copy of a store that is being written, truncated and compacted has all that was acknowledged before (I1, I4)", async () => {
  const scratch = mkdtempSync(join(tmpdir(), "holdfast-backup-"));
  const directory = join(scratch, "sessions");
  const store = await openStore(directory);
  try {
    const session = await store.session("agent");
    let acknowledged = 0;
    let stopped = false;
    const write = async (): Promise<void> => {
      while (!stopped) {
        await session.append({ n: acknowledged, text: "x".repeat(acknowledged * 37 % 900) });
        acknowledged++;
        if (acknowledged % 20 === 0) await session.truncate(10, { summary: `up to ${acknowledged}` });
        if (acknowledged % 60 === 0) await session.compact();
      }
    };
    const writing = write();
    for (let round = 0; round < 12; round++) {
      const target = join(scratch, `copy-${round}`);
      const before = acknowledged;
      // 1: a temporary file went while it was being copied; the next name has its bytes.
      assert.ok([0, 1].includes(await copy(directory, target) ?? -1));
      await checkCopy(target, before);
      rmSync(target, { recursive: true });
    }
    stopped = true;
    await writing;
    assert.ok(acknowledged > 60, `${acknowledged} records are too few to be a test`);
  } finally {
    await store.close();
    rmSync(scratch, { recursive: true, force: true });
  }
});

/** The copy is opened, goes on, and is a store at rest. */
async function checkCopy(directory: string, before: number): Promise<void> {
  await using copied = await openStore(directory);
  if (before === 0 && !await copied.has("agent")) return;
  const session = await copied.session("agent");
  const numbers = (await session.history()).map((record: RecordObject) => Number(record.n));
  const last = numbers.at(-1) ?? -1;
  assert.ok(last >= before - 1, `the copy ends with ${last}, and ${before - 1} was acknowledged before it began`);
  const first = numbers[0] ?? 0;
  assert.deepEqual(numbers, Array.from({ length: numbers.length }, (_, index) => first + index));
  await session.append({ n: last + 1 });
  const report = await session.verify();
  assert.deepEqual([report.ok, report.damaged, report.meta], [true, [], "ok"]);
}

test("a copy of a store at rest is the store", async () => {
  const scratch = mkdtempSync(join(tmpdir(), "holdfast-backup-"));
  try {
    const directory = join(scratch, "sessions");
    {
      await using store = await openStore(directory);
      await (await store.session("agent")).appendAll([{ n: 0 }, { n: 1 }]);
    }
    cpSync(directory, join(scratch, "copy"), { recursive: true });
    await using copied = await openStore(join(scratch, "copy"), { readOnly: true });
    assert.deepEqual(await (await copied.session("agent")).history(), [{ n: 0 }, { n: 1 }]);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
});
