/**
 * `holdfast retain`: housekeeping, by age, number and bytes.
 *
 * @module
 */

import { HoldfastError, type RetentionOptions, type RetentionStep, type SessionStore } from "../../mod.ts";
import { type Command, type CommandContext, exitCodes } from "./command.ts";
import { Progress } from "./progress.ts";
import { throwIfInterrupted, warn, withStore, writeJson } from "./store_access.ts";
import { countOf, formatBytes, visibleLine } from "./terminal_text.ts";

const dayMs = 86_400_000;

/** The command. */
export const command: Command = {
  description: {
    name: "retain",
    summary: "keep house: what is old or too much goes to the trash, and in time from there",
    details: [
      "Without --age, --sessions or --bytes no session goes. What goes is in the trash first, where restore finds it; " +
      "what is there for 30 days (--trash-age) goes for good, and so do files that crashes have left.",
      "Sessions that are being written are skipped and counted. As long as the clock shows a time before 2025, nothing " +
      "is old; a session that was written under such a clock is as old as the first retain that saw it so.",
      "SIGINT and SIGTERM stop it between two steps; doing it again goes on.",
    ],
    positionals: [],
    options: [
      { name: "age", value: "DAYS", kind: "count", description: "sessions not written to for so many days" },
      { name: "sessions", value: "N", kind: "count", description: "the oldest beyond N sessions" },
      { name: "bytes", value: "BYTES", kind: "count", description: "the oldest, if all together have more bytes" },
      {
        name: "trash-age",
        value: "DAYS",
        kind: "count",
        description: "how long the trash is kept (30); 0: not at all",
      },
      { name: "trash-bytes", value: "BYTES", kind: "count", description: "the oldest in the trash, if it has more" },
      { name: "quarantine-bytes", value: "BYTES", kind: "count", description: "the oldest bytes that were set aside" },
      { name: "dry-run", description: "only say what would be done" },
    ],
    examples: [
      { does: "what would go", line: "holdfast retain --age 90 --sessions 1000 --dry-run" },
      { does: "every night", line: "holdfast retain --age 90 --bytes 2000000000" },
    ],
  },
  async run(context) {
    const dryRun = context.parsed.has("dry-run");
    return await withStore(context, dryRun ? { readOnly: true } : {}, async (store) => {
      return await retain(context, store, { ...limits(context), dryRun });
    });
  },
};

function limits({ parsed }: CommandContext): RetentionOptions {
  const options: RetentionOptions = {};
  const days = (name: string): number | undefined => {
    const count = parsed.count(name);
    return count === undefined ? undefined : count * dayMs;
  };
  const [ageMsMax, trashAgeMsMax] = [days("age"), days("trash-age")];
  const [sessionsMax, bytesMax] = [parsed.count("sessions"), parsed.count("bytes")];
  const [trashBytesMax, quarantineBytesMax] = [parsed.count("trash-bytes"), parsed.count("quarantine-bytes")];
  if (ageMsMax !== undefined) options.ageMsMax = ageMsMax;
  if (trashAgeMsMax !== undefined) options.trashAgeMsMax = trashAgeMsMax;
  if (sessionsMax !== undefined) options.sessionsMax = sessionsMax;
  if (bytesMax !== undefined) options.bytesMax = bytesMax;
  if (trashBytesMax !== undefined) options.trashBytesMax = trashBytesMax;
  if (quarantineBytesMax !== undefined) options.quarantineBytesMax = quarantineBytesMax;
  return options;
}

async function retain(context: CommandContext, store: SessionStore, options: RetentionOptions): Promise<number> {
  const { dryRun = false } = options;
  const json = context.parsed.has("json");
  const progress = new Progress(context.stderr, json);
  let looked = "";
  const onProgress = (done: number, all: number): void => {
    throwIfInterrupted(context);
    looked = `${done} of ${countOf(all, "session")} looked at`;
    void progress.update(() => looked);
  };
  const counts = { done: 0, bytes: 0, locked: 0, failed: 0, emptied: 0 };
  for await (const step of store.retain({ ...options, onProgress })) {
    await progress.done();
    if (json) await writeJson(context, { ...step, dryRun });
    else await context.stdout.write(lineOf(step, dryRun));
    if (step.skipped === null) {
      counts.done++;
      counts.bytes += step.bytes;
      if (step.action === "empty") counts.emptied++;
    } else if (step.skipped === "locked" || step.skipped === "changed") counts.locked++;
    else {
      counts.failed++;
      await warn(context, `${step.path}: skipped: ${step.skipped}`);
    }
    throwIfInterrupted(context);
    await progress.update(() => `${counts.done} done; ${visibleLine(step.path)}`);
  }
  await progress.done();
  throwIfInterrupted(context);
  // What went for good may have been the last to name a large value.
  const isCollected = dryRun || counts.emptied === 0 || await collectBlobs(context, store);
  if (!json) {
    const what = `${countOf(counts.done, "step")}${dryRun ? " would be done" : ""}, ${formatBytes(counts.bytes)}`;
    await context.stdout.write(`${what}\n`);
  }
  if (counts.locked > 0) await warn(context, `${countOf(counts.locked, "session")} skipped, in use`);
  return counts.failed > 0 || !isCollected ? exitCodes.failed : exitCodes.done;
}

async function collectBlobs(context: CommandContext, store: SessionStore): Promise<boolean> {
  try {
    const { kept, removed, bytesRemoved } = await store.collectBlobs();
    if (kept + removed === 0) return true;
    if (context.parsed.has("json")) await writeJson(context, { blobs: { kept, removed, bytesRemoved } });
    else {await context.stdout.write(
        `${countOf(removed, "blob")} removed, ${formatBytes(bytesRemoved)}; ${kept} kept\n`,
      );}
    return true;
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    await warn(context, error.message);
    // Whoever collects them now does what was asked for.
    return error.code === "locked";
  }
}

const reasons: Readonly<Record<RetentionStep["reason"], string>> = {
  age: "too old",
  count: "too many",
  bytes: "too many bytes",
  leftover: "left by a crash",
};

const deeds: Readonly<Record<RetentionStep["action"], [done: string, wouldBe: string]>> = {
  trash: ["moved to the trash", "would go to the trash"],
  empty: ["removed from the trash", "would be removed from the trash"],
  quarantine: ["removed from quarantine", "would be removed from quarantine"],
  sweep: ["removed", "would be removed"],
};

function lineOf({ action, reason, key, path, bytes, ageMs, skipped }: RetentionStep, dryRun: boolean): string {
  const name = visibleLine(action === "trash" || action === "empty" ? key ?? path : path);
  const deed = skipped === null ? deeds[action][dryRun ? 1 : 0] : `skipped (${skipped})`;
  const age = ageMs === null ? "" : `, ${countOf(Math.floor(ageMs / dayMs), "day")} old`;
  return `${name}: ${deed}: ${reasons[reason]}, ${formatBytes(bytes)}${age}\n`;
}
