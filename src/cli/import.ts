/**
 * `holdfast import FILE…`: other programs' session files into the store. What is there already is left out, so that an
 * import that was interrupted goes on where it was.
 *
 * @module
 */

import { HoldfastError, type SessionStore } from "../../mod.ts";
import { runtimeFileSystem } from "../fs/runtime_filesystem.ts";
import { type Command, type CommandContext, exitCodes, Interruption, UsageError } from "./command.ts";
import { type ImportReport, importSource } from "./import_session.ts";
import { openSource, sourcePaths } from "./import_source.ts";
import { errorMessage } from "./program.ts";
import { Progress } from "./progress.ts";
import { throwIfInterrupted, warn, withStore, writeJson } from "./store_access.ts";
import { countOf, formatCount, visibleLine } from "./terminal_text.ts";

const damagedLinesShownMax = 20;

/** The command. */
export const command: Command = {
  description: {
    name: "import",
    summary: "bring other programs' session files into the store",
    details: [
      "A FILE is JSON Lines, a log of picoclaw's (key, summary and skip come from the meta file beside it), a " +
      "picoclaw session of one JSON document, or a directory of these. The format is told from the content. Lines keep their " +
      "text byte for byte; those that hold no JSON object are named and left out, and the exit code is 1.",
      "Importing a file again adds nothing: its records are compared with those in the session, and only what follows " +
      "them is added. If they differ, nothing is changed.",
    ],
    positionals: [{ name: "FILE", required: true, multiple: true, description: "files or directories" }],
    options: [
      { name: "key", value: "KEY", description: "the session's key, instead of the file's own" },
      {
        name: "format",
        value: "F",
        choices: ["jsonl", "picoclaw"],
        description: "the files' format, instead of the detected one",
      },
    ],
    examples: [
      { does: "everything of picoclaw's", line: "holdfast import ~/.picoclaw/workspace/sessions" },
      { does: "one file", line: "holdfast import chat.jsonl --key telegram:123" },
    ],
  },
  async run(context) {
    const paths: string[] = [];
    let directories = 0;
    for (const given of context.parsed.positionals) {
      const found = await sourcePaths(runtimeFileSystem, given);
      if (found.isDirectory) directories++;
      if (found.paths.length === 0) {
        await warn(context, `${given}: no .jsonl or .json files in it; directories inside it are not searched`);
      }
      paths.push(...found.paths);
    }
    if (paths.length === 0) return exitCodes.failed;
    if (context.parsed.text("key") !== undefined && (paths.length > 1 || directories > 0)) {
      throw new UsageError("--key names one session, so there can be one FILE only");
    }
    return await withStore(context, {}, (store) => importAll(context, store, paths));
  },
};

async function importAll(context: CommandContext, store: SessionStore, paths: readonly string[]): Promise<number> {
  const json = context.parsed.has("json");
  const progress = new Progress(context.stderr, json);
  const totals = { files: 0, added: 0, skipped: 0, damaged: 0 };
  let exitCode: number = exitCodes.done;
  for (const path of paths) {
    throwIfInterrupted(context);
    try {
      const source = await openSource(runtimeFileSystem, path, context.parsed.text("format"));
      if (source === null) {
        await warn(context, `${path}: holds no session; left out`);
        if (paths.length === 1) exitCode = exitCodes.failed;
        continue;
      }
      if (source.warning !== null) await warn(context, source.warning);
      const report = await importSource(store, source, {
        key: context.parsed.text("key") ?? source.key,
        signal: context.signal,
        onProgress: (records) => progress.update(() => `${visibleLine(path)}: ${formatCount(records)} records`),
      });
      await progress.done();
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
      if (paths.length === 1 || error.code === "disk-full") throw error;
      await warn(context, `${path}: ${errorMessage(error)}`);
      exitCode = exitCodes.failed;
    }
  }
  if (!json && totals.files > 1) {
    const { files, added, skipped, damaged } = totals;
    await context.stdout.write(`${countOf(files, "file")}: ${added} added, ${skipped} skipped, ${damaged} damaged\n`);
  }
  return exitCode;
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
