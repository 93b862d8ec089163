/**
 * `holdfast check --quick`: is this store healthy, at a cost that does not grow with it. For timers and watchdogs.
 *
 * @module
 */

import { HoldfastError, type SessionStore, type StoreEvent } from "../../mod.ts";
import { runtimeFileSystem } from "../fs/runtime_filesystem.ts";
import { quickCheckSession, quickCheckStore, type QuickReport } from "../store/quick_check.ts";
import type { DirectoryContext } from "../store/store_context.ts";
import { createStoreCounters } from "../store/store_counters.ts";
import { type CommandContext, exitCodes } from "./command.ts";
import { errorMessage } from "./program.ts";
import { Progress } from "./progress.ts";
import { reportEvent, throwIfInterrupted, warn, writeJson } from "./store_access.ts";
import { countOf, painterFor, visibleLine } from "./terminal_text.ts";

/** How many of what were seen. */
interface QuickTally {
  sessions: number;
  inUse: number;
  torn: number;
  faulty: number;
  unreadable: number;
  missing: number;
}

/**
 * Looks at sessions and says what is wrong. Sound ones are only counted, so that a healthy store is one line.
 *
 * @param context The command's.
 * @param store The store, open for reading.
 * @param keys Only these sessions; none: all.
 * @returns The exit code: 0 healthy, 1 not.
 */
export async function checkQuickly(
  context: CommandContext,
  store: SessionStore,
  keys: readonly string[],
): Promise<number> {
  const json = context.parsed.has("json");
  const progress = new Progress(context.stderr, json);
  const tally: QuickTally = { sessions: 0, inUse: 0, torn: 0, faulty: 0, unreadable: 0, missing: 0 };
  const report = (event: StoreEvent): void => {
    if (event.type === "session-unreadable") tally.unreadable++;
    void reportEvent(context, event);
  };
  const counters = createStoreCounters();
  const directory: DirectoryContext = { fileSystem: runtimeFileSystem, directory: store.directory, counters, report };
  const onProgress = async (done: number, all: number): Promise<void> => {
    throwIfInterrupted(context);
    await progress.update(() => `looking at ${done + 1} of ${all}`);
  };
  const reports = keys.length > 0 ? checkKeys(context, directory, keys, tally) : quickCheckStore(directory, onProgress);
  for await (const found of reports) {
    await progress.done();
    tally.sessions++;
    if (found.lock === "present") tally.inUse++;
    if (found.tornTail !== null) tally.torn++;
    if (!found.ok) tally.faulty++;
    if (json) await writeJson(context, found);
    else await context.stdout.write(readableFault(context, found));
  }
  await progress.done();
  if (!json) await context.stdout.write(conclusion(context, tally));
  return tally.faulty + tally.unreadable + tally.missing > 0 ? exitCodes.failed : exitCodes.done;
}

async function* checkKeys(
  context: CommandContext,
  directory: DirectoryContext,
  keys: readonly string[],
  tally: QuickTally,
): AsyncGenerator<QuickReport> {
  for (const key of keys) {
    throwIfInterrupted(context);
    try {
      const report = await quickCheckSession(directory, key);
      if (report !== null) {
        yield report;
        continue;
      }
      tally.missing++;
      await warn(context, `There is no session ${JSON.stringify(key)} in ${directory.directory}`);
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      tally.unreadable++;
      await warn(context, `${key}: ${errorMessage(error)}`);
    }
  }
}

function readableFault(context: CommandContext, report: QuickReport): string {
  const { key, ok, damaged, tornTail, missing, meta, metaReason, lock } = report;
  if (ok && tornTail === null) return "";
  const paint = painterFor(context.stdout, context.environment);
  const lines = [`${ok ? paint("torn", "yellow") : paint("FAULTY", "red", "bold")}  ${visibleLine(key)}`];
  const first = damaged[0];
  if (first !== undefined) {
    const what = `${countOf(damaged.length, "line")}, first: offset ${first.offset}, ${visibleLine(first.reason)}`;
    lines.push(`        damaged: ${what}; see: holdfast check`);
  }
  if (missing !== undefined) {
    lines.push(`        missing: records ${missing.from} to ${missing.to} were durable, and the log ends before them`);
  }
  if (meta !== "ok") {
    const why = metaReason === undefined ? "" : `: ${visibleLine(metaReason)}`;
    lines.push(`        meta file ${meta}${why}; holdfast repair makes it anew`);
  }
  if (lock === "blocked") lines.push("        what has the lock file's name is no file: nobody can write; remove it");
  if (tornTail !== null) {
    const { offset, length } = tornTail;
    lines.push(`        torn tail: offset ${offset}, ${countOf(length, "byte")}, never acknowledged; no fault`);
  }
  return lines.join("\n") + "\n";
}

function conclusion(context: CommandContext, tally: QuickTally): string {
  const paint = painterFor(context.stdout, context.environment);
  const { sessions, inUse, torn, faulty, unreadable, missing } = tally;
  const facts = [countOf(sessions, "session")];
  if (inUse > 0) facts.push(`${inUse} in use or left by a killed writer`);
  if (torn > 0) facts.push(`${torn} with a torn tail`);
  const findings: string[] = [];
  if (faulty > 0) findings.push(paint(`${faulty} faulty`, "red", "bold"));
  if (unreadable > 0) findings.push(paint(`${unreadable} could not be read`, "red", "bold"));
  if (missing > 0) findings.push(`${missing} not found`);
  return `${facts.join(", ")}: ${findings.length === 0 ? paint("healthy", "green") : findings.join(", ")}\n`;
}
