/**
 * `holdfast export KEY`: a session's records as they were written, to stdout or to a file.
 *
 * @module
 */

import type { Session, SessionInfo } from "../../mod.ts";
import { formatNamed } from "../formats/detect.ts";
import type { FormatWriter, SessionFacts, SessionFormat, SessionWriter } from "../formats/session_format.ts";
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
    if (format === undefined || !isWritable(format)) throw new UsageError("That format cannot be written");
    return await withStore(context, { readOnly: true }, async (store) => {
      const session = await existingSession(store, context.parsed.positional(0));
      const out = context.parsed.text("out");
      const { written, unfit } = out === undefined
        ? await exportRecords(context, session, await begin(session, format), (text) => context.stdout.write(text))
        : await exportFile(context, session, format, out);
      if (unfit > 0) await warn(context, `${countOf(unfit, "record")} left out, ${formatCount(written)} written`);
      return unfit > 0 ? exitCodes.failed : exitCodes.done;
    });
  },
};

/** Records are written together from this length on: a call for each costs more than the record. */
const writeLengthMin = 8 * 1024;

interface WritableFormat extends SessionFormat {
  writer: FormatWriter;
}

function isWritable(format: SessionFormat): format is WritableFormat {
  return format.writer !== undefined;
}

/** A writer that has been told what is known of the session. */
interface BegunExport {
  name: string;
  facts: SessionFacts;
  writer: SessionWriter;
}

interface ExportCounts {
  written: number;
  /** Of these, truncated ones. */
  hidden: number;
  unfit: number;
}

async function exportRecords(
  context: CommandContext,
  session: Session,
  { name, writer }: BegunExport,
  write: (text: string) => Promise<void>,
): Promise<ExportCounts> {
  // With --json everything on stdout is JSON already: the records themselves.
  const progress = new Progress(context.stderr, context.parsed.has("json") || !context.stderr.isTerminal);
  const counts: ExportCounts = { written: 0, hidden: 0, unfit: 0 };
  const all = context.parsed.has("all");
  let waiting = writer.begin();
  const firstActive = all ? await firstActiveSequence(session) : 0;
  for await (const { sequence, text } of session.texts({ all })) {
    throwIfInterrupted(context);
    if (context.stdout.closed) break;
    const record = writer.write(text, sequence);
    if (record.kind === "unfit") {
      counts.unfit++;
      await warn(context, `record ${sequence} does not fit ${name}: ${record.reason}`);
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
  await write(waiting + writer.end());
  await progress.done();
  return counts;
}

async function firstActiveSequence(session: Session): Promise<number> {
  for await (const { sequence } of session.texts({ limit: 1 })) return sequence;
  return Infinity;
}

async function begin(session: Session, format: WritableFormat): Promise<BegunExport> {
  const facts = exportedFacts(await session.info());
  return { name: format.name, facts, writer: format.writer.open(facts) };
}

async function exportFile(
  context: CommandContext,
  session: Session,
  format: WritableFormat,
  out: string,
): Promise<ExportCounts> {
  const begun = await begin(session, format);
  const hasCompanions = begun.writer.files(begun.facts).length > 0;
  // The names of the files beside it are made from the first one's: all come from the base path.
  const { extension } = format.writer;
  const base = out.endsWith(extension) ? out.slice(0, -extension.length) : out;
  const path = hasCompanions ? base + extension : out;
  const counts = await writeFile(path, (file) => exportRecords(context, session, begun, (text) => file.write(text)));
  const facts: SessionFacts = { ...begun.facts, skip: counts.hidden, count: counts.written };
  for (const file of begun.writer.files(facts)) {
    await writeFile(base + file.extension, (output) => output.write(file.text));
  }
  return counts;
}

function exportedFacts({ key, summary, title, workspace, createdAt, updatedAt }: SessionInfo): SessionFacts {
  return {
    key,
    summary,
    ...(title === null ? {} : { title }),
    ...(workspace === null ? {} : { workspace }),
    ...(createdAt === null ? {} : { createdAt }),
    ...(updatedAt === null ? {} : { updatedAt }),
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
