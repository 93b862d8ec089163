/**
 * `holdfast import FILE…`: other programs' session files into the store. What is there already is left out, so that an
 * import that was interrupted goes on where it was.
 *
 * @module
 */

import { HoldfastError, type SessionStore } from "../../mod.ts";
import { sessionFormats } from "../formats/detect.ts";
import { runtimeFileSystem } from "../fs/runtime_filesystem.ts";
import { type Command, type CommandContext, exitCodes, Interruption, UsageError } from "./command.ts";
import { type ImportReport, importSource } from "./import_session.ts";
import { findFiles } from "./import_files.ts";
import { type ImportPlan, planImport } from "./import_plan.ts";
import { type ImportSource, openSource } from "./import_source.ts";
import { errorMessage } from "./program.ts";
import { Progress } from "./progress.ts";
import { storeDirectory, throwIfInterrupted, warn, withStore, writeJson } from "./store_access.ts";
import { countOf, formatCount, visibleLine } from "./terminal_text.ts";

const damagedLinesShownMax = 20;
const leftOutShownMax = 20;

/** The command. */
export const command: Command = {
  description: {
    name: "import",
    summary: "bring other programs' session files into the store",
    details: [
      "A FILE is a session of picoclaw, gencode, OmegaLLM, codetether, Codex, Claude Code or pi, or plain JSON Lines; " +
      "or a directory, which is searched with all that are in it. The format is told from the content. Files that " +
      "belong to a session (its meta file, index, receipts, journal, large values) are read with it.",
      "Lines keep their text byte for byte; those that hold no JSON object are named and left out, and the exit code " +
      "is 1. What a session has beside its records becomes records of the type holdfast.sidecar. All branches of a " +
      "conversation are kept, in the order of the file, unless --active asks for the one that ends in its newest record.",
      "Importing a file again adds nothing: its records are compared with those in the session, and only what follows " +
      "them is added. If they differ, nothing is changed.",
    ],
    positionals: [{ name: "FILE", required: true, multiple: true, description: "files or directories" }],
    options: [
      { name: "key", value: "KEY", description: "the session's key, instead of the file's own" },
      { name: "active", description: "of a conversation with branches the active one only, without side chains" },
      {
        name: "format",
        value: "F",
        choices: sessionFormats.map(({ name }) => name),
        description: "the files' format, instead of the detected one",
      },
    ],
    examples: [
      { does: "everything of picoclaw's", line: "holdfast import ~/.picoclaw/workspace/sessions" },
      { does: "one file", line: "holdfast import chat.jsonl --key telegram:123" },
    ],
  },
  async run(context) {
    const files: { path: string; isGiven: boolean }[] = [];
    let directories = 0;
    let passedOver = 0;
    let isIncomplete = false;
    for (const given of context.parsed.positionals) {
      const found = await findFiles(runtimeFileSystem, given, storeDirectory(context));
      if (found.isDirectory) directories++;
      passedOver += found.passedOver;
      for (const directory of found.unreadable) await warn(context, `${directory} cannot be read; left out`);
      isIncomplete ||= found.unreadable.length > 0;
      files.push(...found.files.map((path) => ({ path, isGiven: !found.isDirectory })));
    }
    const progress = new Progress(context.stderr, context.parsed.has("json"));
    let looked = 0;
    const plan = await planImport(runtimeFileSystem, files, context.parsed.text("format"), async () => {
      throwIfInterrupted(context);
      await progress.update(() => `${formatCount(looked)} of ${countOf(files.length, "file")} looked at`);
      looked++;
    });
    await progress.done();
    if (context.parsed.text("key") !== undefined && (files.length > 1 || directories > 0)) {
      throw new UsageError("--key names one session, so there can be one FILE only");
    }
    await warnOfLeftOut(context, plan, passedOver);
    const given = new Set(files.filter(({ isGiven }) => isGiven).map(({ path }) => path));
    isIncomplete ||= plan.leftOut.some(({ path, failed }) => failed === true || given.has(path));
    if (plan.sessions.length === 0) return exitCodes.failed;
    const exitCode = await withStore(context, {}, (store) => importAll(context, store, plan));
    return isIncomplete && exitCode === exitCodes.done ? exitCodes.failed : exitCode;
  },
};

async function warnOfLeftOut(context: CommandContext, plan: ImportPlan, passedOver: number): Promise<void> {
  for (const { path, reason } of plan.leftOut.slice(0, leftOutShownMax)) await warn(context, `${path} ${reason}`);
  const more = plan.leftOut.length - leftOutShownMax;
  if (more > 0) await warn(context, `and ${countOf(more, "more file")} left out`);
  if (plan.sessions.length === 0 && plan.leftOut.length === 0) {
    const hidden = passedOver === 0 ? "" : `; ${countOf(passedOver, "hidden or special name")} passed over`;
    await warn(context, `no files with sessions were found${hidden}`);
  }
}

async function importAll(context: CommandContext, store: SessionStore, plan: ImportPlan): Promise<number> {
  const json = context.parsed.has("json");
  const progress = new Progress(context.stderr, json);
  const totals = { files: 0, added: 0, skipped: 0, damaged: 0 };
  let exitCode: number = exitCodes.done;
  for (const planned of plan.sessions) {
    throwIfInterrupted(context);
    const { path } = planned;
    try {
      const source = await openSource(runtimeFileSystem, planned, { active: context.parsed.has("active") });
      const report = await importSource(store, source, {
        key: context.parsed.text("key") ?? source.key,
        signal: context.signal,
        onProgress: (records) =>
          progress.update(() => `${visibleLine(path)}: ${countOf(records, "record")}, ${percentOf(source)}`),
      });
      await progress.done();
      for (const warning of source.warnings) await warn(context, warning);
      for (const note of report.added > 0 ? source.notes : []) await warn(context, note);
      await writeReport(context, report);
      totals.files++;
      totals.added += report.added;
      totals.skipped += report.skipped;
      totals.damaged += report.damaged.length;
      if (report.damaged.length > 0) exitCode = exitCodes.failed;
    } catch (error) {
      await progress.done();
      if (error instanceof Interruption || !(error instanceof HoldfastError)) throw error;
      // One file is all there was: its own message, hint and exit code.
      if (plan.sessions.length === 1 || error.code === "disk-full") throw error;
      await warn(context, `${path}: ${errorMessage(error)}`);
      exitCode = exitCodes.failed;
    }
  }
  if (!json && totals.files + plan.leftOut.length > 1) await writeTotals(context, totals, plan);
  return exitCode;
}

function percentOf({ bytesRead, size }: ImportSource): string {
  return `${size === 0 ? 100 : Math.min(100, Math.floor(bytesRead / size * 100))} %`;
}

async function writeTotals(
  context: CommandContext,
  { files, added, skipped, damaged }: Record<"files" | "added" | "skipped" | "damaged", number>,
  plan: ImportPlan,
): Promise<void> {
  const beside = plan.sidecarCount === 0 ? "" : ` and ${formatCount(plan.sidecarCount)} beside them`;
  const left = plan.leftOut.length === 0 ? "" : `; ${countOf(plan.leftOut.length, "other file")} left out`;
  await context.stdout.write(
    `${countOf(files, "file")}${beside}: ${added} added, ${skipped} skipped, ${damaged} damaged${left}\n`,
  );
}

async function writeReport(context: CommandContext, report: ImportReport): Promise<void> {
  if (context.parsed.has("json")) return await writeJson(context, report);
  const { file, format, key, added, skipped, damaged } = report;
  const facts = [`${formatCount(added)} added`];
  if (skipped > 0) facts.push(`${formatCount(skipped)} there already`);
  if (damaged.length > 0) facts.push(`${countOf(damaged.length, "damaged line")}`);
  await context.stdout.write(
    `${visibleLine(file)} (${format}) → ${visibleLine(key)}: ${facts.join(", ")}\n`,
  );
  for (const { line, reason } of damaged.slice(0, damagedLinesShownMax)) {
    await warn(context, `${file}, line ${line}: ${reason}; not imported`);
  }
  if (damaged.length > damagedLinesShownMax) {
    await warn(context, `${file}: and ${damaged.length - damagedLinesShownMax} more; --json names them all`);
  }
}
