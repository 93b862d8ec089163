/**
 * `holdfast export KEY`: a session's records as they were written, to stdout or to a file.
 *
 * @module
 */

import type { Session, SessionInfo } from "../../mod.ts";
import { formatNamed } from "../formats/detect.ts";
import type { SessionFacts, SessionFormat } from "../formats/session_format.ts";
import { runtimeFileSystem } from "../fs/runtime_filesystem.ts";
import { type Command, type CommandContext, exitCodes, UsageError } from "./command.ts";
import { OutputFile } from "./output_file.ts";
import { Progress } from "./progress.ts";
import { existingSession, throwIfInterrupted, warn, withStore } from "./store_access.ts";
import { countOf, formatCount } from "./terminal_text.ts";

/** The command. */
export const command: Command = {
  description: {
    name: "export",
    summary: "write a session's records to stdout or a file",
    details: [
      "jsonl: one record per line, byte for byte as it was appended. picoclaw: the same, with its meta file beside it " +
      "when --out is given (--out chat makes chat.jsonl and chat.meta.json); records that picoclaw could not read are " +
      "named and left out, and the exit code is 1.",
      "A file appears whole or not at all.",
    ],
    positionals: [{ name: "KEY", required: true, description: "the session's key" }],
    options: [
      { name: "format", value: "F", choices: ["jsonl", "picoclaw"], description: "the file's format" },
      { name: "out", value: "FILE", description: "write a file instead of stdout" },
      { name: "all", description: "truncated records too" },
    ],
    examples: [
      {
        does: "a copy to another store",
        line: "holdfast export KEY --all | holdfast append KEY --dir /mnt/usb/sessions",
      },
      { does: "a file", line: "holdfast export telegram:123 --out chat.jsonl" },
    ],
  },
  async run(context) {
    const format = formatNamed(context.parsed.text("format") ?? "jsonl");
    if (format?.writeRecord === undefined) throw new UsageError("That format cannot be written");
    return await withStore(context, { readOnly: true }, async (store) => {
      const session = await existingSession(store, context.parsed.positional(0));
      const out = context.parsed.text("out");
      const { written, unfit } = out === undefined
        ? await exportRecords(context, session, format, (text) => context.stdout.write(text))
        : await exportFile(context, session, format, out);
      if (unfit > 0) await warn(context, `${countOf(unfit, "record")} left out, ${formatCount(written)} written`);
      return unfit > 0 ? exitCodes.failed : exitCodes.done;
    });
  },
};

/** Records are written together from this length on: a call for each costs more than the record. */
const writeLengthMin = 8 * 1024;

interface ExportCounts {
  written: number;
  /** Of these, truncated ones. */
  hidden: number;
  unfit: number;
}

async function exportRecords(
  context: CommandContext,
  session: Session,
  format: SessionFormat,
  write: (text: string) => Promise<void>,
): Promise<ExportCounts> {
  // With --json everything on stdout is JSON already: the records themselves.
  const progress = new Progress(context.stderr, context.parsed.has("json") || !context.stderr.isTerminal);
  const counts: ExportCounts = { written: 0, hidden: 0, unfit: 0 };
  const all = context.parsed.has("all");
  let waiting = "";
  const firstActive = all ? await firstActiveSequence(session) : 0;
  for await (const { sequence, text } of session.texts({ all })) {
    throwIfInterrupted(context);
    if (context.stdout.closed) break;
    const record = format.writeRecord?.(text) ?? { kind: "unfit", reason: "the format is only read" };
    if (record.kind === "unfit") {
      counts.unfit++;
      await warn(context, `record ${sequence} does not fit ${format.name}: ${record.reason}`);
      continue;
    }
    waiting += record.text;
    if (waiting.length >= writeLengthMin) {
      await write(waiting);
      waiting = "";
    }
    counts.written++;
    if (sequence < firstActive) counts.hidden++;
    await progress.update(() => `${formatCount(counts.written)} records exported`);
  }
  await write(waiting);
  await progress.done();
  return counts;
}

async function firstActiveSequence(session: Session): Promise<number> {
  for await (const { sequence } of session.texts({ limit: 1 })) return sequence;
  return Infinity;
}

async function exportFile(
  context: CommandContext,
  session: Session,
  format: SessionFormat,
  out: string,
): Promise<ExportCounts> {
  const { companion } = format;
  // The meta file's name is made from the log's: both come from the base path.
  const base = companion === undefined ? out : out.replace(/\.jsonl$/, "");
  const info = await session.info();
  const path = companion === undefined ? out : `${base}.jsonl`;
  const counts = await writeFile(path, (file) => exportRecords(context, session, format, (text) => file.write(text)));
  if (companion !== undefined) {
    const meta = companion.write(companionFacts(info, counts));
    await writeFile(base + companion.extension, (file) => file.write(meta));
  }
  return counts;
}

function companionFacts(info: SessionInfo, { written, hidden }: ExportCounts): SessionFacts {
  return {
    key: info.key,
    summary: info.summary,
    skip: hidden,
    count: written,
    ...(info.createdAt === null ? {} : { createdAt: info.createdAt }),
    ...(info.updatedAt === null ? {} : { updatedAt: info.updatedAt }),
  };
}

async function writeFile<T>(path: string, fill: (file: OutputFile) => Promise<T>): Promise<T> {
  const file = await OutputFile.create(runtimeFileSystem, path);
  try {
    const result = await fill(file);
    await file.commit();
    return result;
  } catch (error) {
    await file.abandon();
    throw error;
  }
}
