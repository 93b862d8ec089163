/**
 * `holdfast check [KEY…]`: every line against its checksum, every file against its rules. Writes nothing.
 *
 * @module
 */

import { HoldfastError, type SessionStore, type StoreEvent, type VerifyReport } from "../../mod.ts";
import { checkQuickly } from "./check_quick.ts";
import { type Command, type CommandContext, exitCodes } from "./command.ts";
import { errorMessage } from "./program.ts";
import { Progress } from "./progress.ts";
import { existingSession, reportEvent, throwIfInterrupted, warn, withStore, writeJson } from "./store_access.ts";
import { countOf, painterFor, visibleLine } from "./terminal_text.ts";
import { findToolCallNotes, type ToolCallNote } from "./tool_call_notes.ts";

const damagedLinesShownMax = 20;

/** The command. */
export const command: Command = {
  description: {
    name: "check",
    summary: "check every line against its checksum; exit code 1 if there is damage",
    details: [
      "Reads only, and needs no lock. Foreign lines (without our checksum: picoclaw's, or written by hand) are " +
      "counted and are no damage. A large value (blob) that is missing or damaged is. A torn tail is what a power cut " +
      "leaves of a record that was never acknowledged: the next writer sets it aside by itself.",
      "Tool calls without a result, and results without a call, among the active records are pointed out. They are no " +
      "damage; but a provider refuses them, and a program shows them to none (pairToolCalls).",
      "--quick looks at meta files, locks and the unsealed end of each log only, 1 MiB of it at the most: a health " +
      "check for a timer. It counts a torn tail as no fault.",
    ],
    positionals: [{ name: "KEY", required: false, multiple: true, description: "only these sessions" }],
    options: [{ name: "quick", description: "only meta files, locks and the ends of the logs" }],
    examples: [
      { does: "everything, from a timer", line: "holdfast check --json" },
      { does: "is the store healthy?", line: "holdfast check --quick" },
    ],
  },
  async run(context) {
    const tally: Tally = { sessions: 0, records: 0, damaged: 0, unreadable: 0, missing: 0 };
    const onEvent = (event: StoreEvent): void => {
      if (event.type === "session-unreadable") tally.unreadable++;
      void reportEvent(context, event);
    };
    return await withStore(context, { readOnly: true, onEvent }, async (store) => {
      const given = context.parsed.positionals;
      if (context.parsed.has("quick")) return await checkQuickly(context, store, given);
      const keys = given.length > 0 ? given : (await store.list()).map(({ key }) => key);
      return await checkAll(context, store, keys, tally);
    });
  },
};

/** How many of what were seen. */
interface Tally {
  sessions: number;
  records: number;
  damaged: number;
  /** Files that are there, and that the operating system, or their kind, keeps from being read. */
  unreadable: number;
  /** Keys that were given, and that no session has. */
  missing: number;
}

async function checkAll(
  context: CommandContext,
  store: SessionStore,
  keys: readonly string[],
  tally: Tally,
): Promise<number> {
  const json = context.parsed.has("json");
  const progress = new Progress(context.stderr, json);
  for (const [index, key] of keys.entries()) {
    throwIfInterrupted(context);
    await progress.update(() => `checking ${index + 1} of ${keys.length}: ${visibleLine(key)}`);
    try {
      const session = await existingSession(store, key);
      const report = await session.verify();
      const calls = await findToolCallNotes(session);
      await progress.done();
      tally.sessions++;
      tally.records += report.records;
      if (!report.ok) tally.damaged++;
      if (json) await writeJson(context, machineReport(report, calls.notes));
      else await context.stdout.write(readableReport(context, report) + noteOf(calls));
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      await progress.done();
      tally[error.code === "not-found" ? "missing" : "unreadable"]++;
      await warn(context, `${key}: ${errorMessage(error)}`);
    }
  }
  await progress.done();
  if (!json) await context.stdout.write(conclusion(context, tally));
  return tally.damaged + tally.unreadable + tally.missing > 0 ? exitCodes.failed : exitCodes.done;
}

/** The promised members in their order; missing records and the meta file are mentioned only when there is a reason. */
function machineReport(report: VerifyReport, notes: readonly ToolCallNote[]): Record<string, unknown> {
  const { key, ok, records, verified, foreign, damaged, tornTail, missing, meta, metaReason } = report;
  const aboutMeta = meta === "ok" ? {} : { meta, ...(metaReason === undefined ? {} : { metaReason }) };
  const aboutMissing = missing === undefined ? {} : { missing };
  const aboutCalls = notes.length === 0 ? {} : { toolCalls: notes };
  const aboutBlobs = report.blobs === 0 ? {} : { blobs: report.blobs, damagedBlobs: report.damagedBlobs };
  const aboutArchive = report.archive === undefined ? {} : { archive: report.archive };
  const about = { ...aboutMissing, ...aboutBlobs, ...aboutArchive, ...aboutMeta, ...aboutCalls };
  return { key, ok, records, verified, foreign, damaged, tornTail, ...about };
}

/**
 * One session's report for people: a line, and one more for each damage.
 *
 * @param context For colour.
 * @param report What was found.
 * @returns The text.
 */
export function readableReport(context: CommandContext, report: VerifyReport): string {
  const paint = painterFor(context.stdout, context.environment);
  const { key, ok, records, foreign, unverified, damaged, tornTail, missing, meta, metaReason } = report;
  const facts = [countOf(records, "record")];
  if (foreign > 0) facts.push(`${foreign} foreign`);
  if (unverified > 0) facts.push(`${unverified} taken over unverified`);
  if (report.blobs > 0) facts.push(countOf(report.blobs, "blob"));
  if (report.archive !== undefined) facts.push(`${report.archive.records} more in the archive`);
  const verdict = ok ? paint("ok", "green") : paint("DAMAGED", "red", "bold");
  const lines = [`${verdict}  ${visibleLine(key)}: ${facts.join(", ")}`];
  for (const { offset, length, reason } of damaged.slice(0, damagedLinesShownMax)) {
    lines.push(`      damaged: offset ${offset}, ${countOf(length, "byte")}: ${visibleLine(reason)}`);
  }
  if (damaged.length > damagedLinesShownMax) lines.push(`      and ${damaged.length - damagedLinesShownMax} more`);
  if (tornTail !== null) {
    lines.push(`      torn tail: offset ${tornTail.offset}, ${countOf(tornTail.length, "byte")}, never acknowledged`);
  }
  lines.push(...archiveLines(report.archive?.damaged ?? []), ...blobLines(report.damagedBlobs));
  if (missing !== undefined) {
    lines.push(`      missing: records ${missing.from} to ${missing.to} were durable, and the log ends before them`);
  }
  if (meta !== "ok") {
    lines.push(`      meta file ${meta}${metaReason === undefined ? "" : `: ${visibleLine(metaReason)}`}`);
  }
  return lines.join("\n") + "\n";
}

function archiveLines(damaged: NonNullable<VerifyReport["archive"]>["damaged"]): string[] {
  const lines = damaged.slice(0, damagedLinesShownMax).map(({ file, offset, length, reason }) =>
    `      archive: ${file}, offset ${offset}, ${countOf(length, "byte")}: ${visibleLine(reason)}`
  );
  if (damaged.length > lines.length) lines.push(`      and ${damaged.length - lines.length} more in the archive`);
  return lines;
}

/** No damage: a provider would refuse such a history, and `pairToolCalls` shows it one that it takes. */
function noteOf({ notes: [first], count }: { notes: readonly ToolCallNote[]; count: number }): string {
  if (first === undefined) return "";
  const { sequence, fault, id } = first;
  const example = `record ${sequence}, ${fault.replace("-", " ")} ${visibleLine(id)}`;
  return `      note: ${countOf(count, "tool call")} without its result or the other way round; first: ${example}\n`;
}

function blobLines(damaged: VerifyReport["damagedBlobs"]): string[] {
  const lines = damaged.slice(0, damagedLinesShownMax).map(({ sequence, pointer, hash, reason }) =>
    `      blob: record ${sequence}, ${visibleLine(pointer)}: ${reason}: blobs/${hash}`
  );
  if (damaged.length > lines.length) lines.push(`      and ${damaged.length - lines.length} more blobs`);
  return lines;
}

function conclusion(context: CommandContext, { sessions, records, damaged, unreadable, missing }: Tally): string {
  const paint = painterFor(context.stdout, context.environment);
  const checked = `${countOf(sessions, "session")}, ${countOf(records, "record")} checked: `;
  const findings: string[] = [];
  if (damaged > 0) {
    findings.push(`${paint(`${countOf(damaged, "session")} damaged`, "red", "bold")}; see: holdfast repair KEY`);
  }
  if (unreadable > 0) findings.push(paint(`${countOf(unreadable, "session")} could not be read`, "red", "bold"));
  if (missing > 0) findings.push(`${countOf(missing, "session")} not found`);
  return `${checked}${findings.length === 0 ? paint("no damage", "green") : findings.join("; ")}\n`;
}
