/**
 * `holdfast check [KEY…]`: every line against its checksum, every file against its rules. Writes nothing.
 *
 * @module
 */

import { HoldfastError, type SessionStore, type VerifyReport } from "../../mod.ts";
import { type Command, type CommandContext, exitCodes } from "./command.ts";
import { errorMessage } from "./program.ts";
import { Progress } from "./progress.ts";
import { existingSession, throwIfInterrupted, warn, withStore, writeJson } from "./store_access.ts";
import { countOf, painterFor, visibleLine } from "./terminal_text.ts";

const damagedLinesShownMax = 20;

/** The command. */
export const command: Command = {
  description: {
    name: "check",
    summary: "check every line against its checksum; exit code 1 if there is damage",
    details: [
      "Reads only, and needs no lock. Foreign lines (without our checksum: picoclaw's, or written by hand) are " +
      "counted and are no damage. A torn tail is what a power cut leaves of a record that was never acknowledged: the next " +
      "writer sets it aside by itself.",
    ],
    positionals: [{ name: "KEY", required: false, multiple: true, description: "only these sessions" }],
    options: [],
    examples: [{ does: "everything, from a timer", line: "holdfast check --json" }],
  },
  async run(context) {
    return await withStore(context, { readOnly: true }, async (store) => {
      const given = context.parsed.positionals;
      const keys = given.length > 0 ? given : (await store.list()).map(({ key }) => key);
      return await checkAll(context, store, keys);
    });
  },
};

async function checkAll(context: CommandContext, store: SessionStore, keys: readonly string[]): Promise<number> {
  const json = context.parsed.has("json");
  const progress = new Progress(context.stderr, json);
  let damagedCount = 0;
  let recordCount = 0;
  for (const [index, key] of keys.entries()) {
    throwIfInterrupted(context);
    await progress.update(() => `checking ${index + 1} of ${keys.length}: ${visibleLine(key)}`);
    try {
      const report = await (await existingSession(store, key)).verify();
      await progress.done();
      recordCount += report.records;
      if (!report.ok) damagedCount++;
      if (json) await writeJson(context, machineReport(report));
      else await context.stdout.write(readableReport(context, report));
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      await progress.done();
      damagedCount++;
      await warn(context, `${key}: ${errorMessage(error)}`);
    }
  }
  await progress.done();
  if (!json) await context.stdout.write(conclusion(context, keys.length, recordCount, damagedCount));
  return damagedCount > 0 ? exitCodes.failed : exitCodes.done;
}

/** The promised members in their order; the meta file is mentioned only when something is wrong with it. */
function machineReport(report: VerifyReport): Record<string, unknown> {
  const { key, ok, records, verified, foreign, damaged, tornTail, meta, metaReason } = report;
  const aboutMeta = meta === "ok" ? {} : { meta, ...(metaReason === undefined ? {} : { metaReason }) };
  return { key, ok, records, verified, foreign, damaged, tornTail, ...aboutMeta };
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
  const { key, ok, records, foreign, unverified, damaged, tornTail, meta, metaReason } = report;
  const facts = [countOf(records, "record")];
  if (foreign > 0) facts.push(`${foreign} foreign`);
  if (unverified > 0) facts.push(`${unverified} taken over unverified`);
  const verdict = ok ? paint("ok", "green") : paint("DAMAGED", "red", "bold");
  const lines = [`${verdict}  ${visibleLine(key)}: ${facts.join(", ")}`];
  for (const { offset, length, reason } of damaged.slice(0, damagedLinesShownMax)) {
    lines.push(`      damaged: offset ${offset}, ${countOf(length, "byte")}: ${visibleLine(reason)}`);
  }
  if (damaged.length > damagedLinesShownMax) lines.push(`      and ${damaged.length - damagedLinesShownMax} more`);
  if (tornTail !== null) {
    lines.push(`      torn tail: offset ${tornTail.offset}, ${countOf(tornTail.length, "byte")}, never acknowledged`);
  }
  if (meta !== "ok") {
    lines.push(`      meta file ${meta}${metaReason === undefined ? "" : `: ${visibleLine(metaReason)}`}`);
  }
  return lines.join("\n") + "\n";
}

function conclusion(context: CommandContext, sessions: number, records: number, damaged: number): string {
  const paint = painterFor(context.stdout, context.environment);
  const checked = `${countOf(sessions, "session")}, ${countOf(records, "record")} checked: `;
  if (damaged === 0) return `${checked}${paint("no damage", "green")}\n`;
  return `${checked}${paint(`${countOf(damaged, "session")} damaged`, "red", "bold")}; see: holdfast repair KEY\n`;
}
