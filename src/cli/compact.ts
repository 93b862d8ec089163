/**
 * `holdfast compact KEY|--all`: takes truncated records out of the log.
 *
 * @module
 */

import { HoldfastError, type SessionStore, type StoreEvent } from "../../mod.ts";
import { type Command, type CommandContext, exitCodes, UsageError } from "./command.ts";
import { Progress } from "./progress.ts";
import { existingSession, reportEvent, throwIfInterrupted, warn, withStore, writeJson } from "./store_access.ts";
import { countOf, formatBytes, visibleLine } from "./terminal_text.ts";

/** The command. */
export const command: Command = {
  description: {
    name: "compact",
    summary: "take truncated records out of the log, for good",
    details: [
      "The log is written anew with the active records and takes the old one's place in one step; a crash leaves the " +
      "one or the other. SIGINT and SIGTERM stop it between two sessions.",
      "With --all, sessions that another process is writing are skipped and counted; then the large values that no " +
      "record names any more are removed, also those of sessions that were deleted.",
      "A damaged line does not get into the new log: it is set aside in the quarantine, and the exit code is 1.",
    ],
    positionals: [{ name: "KEY", required: false, description: "the session's key" }],
    options: [
      { name: "all", description: "every session" },
      { name: "archive", description: "keep what is taken out beside the log; show --all reads through it" },
    ],
    examples: [{ does: "every night", line: "holdfast compact --all" }],
  },
  async run(context) {
    const key = context.parsed.positionals[0];
    const all = context.parsed.has("all");
    if ((key === undefined) !== all) throw new UsageError("Give a KEY or --all, one of the two");
    let isDamaged = false;
    const onEvent = (event: StoreEvent): void => {
      isDamaged ||= event.type === "quarantined";
      void reportEvent(context, event);
    };
    const code = await withStore(context, { onEvent }, async (store) => {
      if (key === undefined) return await compactAll(context, store);
      await existingSession(store, key);
      throwIfInterrupted(context);
      await compactOne(context, store, key);
      throwIfInterrupted(context);
      return exitCodes.done;
    });
    return isDamaged ? exitCodes.failed : code;
  },
};

async function compactAll(context: CommandContext, store: SessionStore): Promise<number> {
  const progress = new Progress(context.stderr, context.parsed.has("json"));
  const keys = (await store.list()).map(({ key }) => key);
  let lockedCount = 0;
  let failedCount = 0;
  for (const [index, key] of keys.entries()) {
    throwIfInterrupted(context);
    await progress.update(() => `compacting ${index + 1} of ${keys.length}: ${visibleLine(key)}`);
    try {
      await compactOne(context, store, key, progress);
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      await progress.done();
      const locked = error.code === "locked";
      if (locked) lockedCount++;
      else failedCount++;
      if (context.parsed.has("json")) await writeJson(context, { key, skipped: error.code });
      await warn(context, `${key}: skipped: ${error.message}`);
    }
  }
  throwIfInterrupted(context);
  const isCollected = await collectBlobs(context, store, progress);
  throwIfInterrupted(context);
  if (lockedCount > 0) await warn(context, `${countOf(lockedCount, "session")} skipped, written by another process`);
  if (failedCount > 0) await warn(context, `${countOf(failedCount, "session")} could not be compacted`);
  return failedCount > 0 || !isCollected ? exitCodes.failed : exitCodes.done;
}

/** Nothing is said of it where there are no large values. */
async function collectBlobs(context: CommandContext, store: SessionStore, progress: Progress): Promise<boolean> {
  await progress.update(() => "looking for large values that no record names");
  try {
    const { kept, removed, bytesRemoved } = await store.collectBlobs();
    await progress.done();
    if (kept + removed === 0) return true;
    if (context.parsed.has("json")) await writeJson(context, { blobs: { kept, removed, bytesRemoved } });
    else {await context.stdout.write(
        `${countOf(removed, "blob")} removed, ${formatBytes(bytesRemoved)}; ${kept} kept\n`,
      );}
    return true;
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    await progress.done();
    await warn(context, error.message);
    // Whoever collects them now does what was asked for.
    return error.code === "locked";
  }
}

async function compactOne(
  context: CommandContext,
  store: SessionStore,
  key: string,
  progress?: Progress,
): Promise<void> {
  const session = await store.session(key);
  const archive = context.parsed.has("archive");
  const { removed, bytesBefore, bytesAfter, archived } = await session.compact(archive ? { archive } : {});
  await progress?.done();
  if (context.parsed.has("json")) {
    return await writeJson(context, { key, removed, bytesBefore, bytesAfter, ...(archived > 0 ? { archived } : {}) });
  }
  const sizes = removed === 0 ? formatBytes(bytesAfter) : `${formatBytes(bytesBefore)} → ${formatBytes(bytesAfter)}`;
  const kept = archived === 0 ? "" : `, ${countOf(archived, "record")} kept in the archive`;
  await context.stdout.write(`${visibleLine(key)}: ${countOf(removed, "record")} removed${kept}, ${sizes}\n`);
}
