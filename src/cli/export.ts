/**
 * `holdfast export KEY`: a session in a file of this or another program, or as a page for people.
 *
 * @module
 */

import type { Session, SessionInfo } from "../../mod.ts";
import { ActiveBranch } from "../formats/active_branch.ts";
import type { FormatWriter, SessionFacts, SessionWriter } from "../formats/session_format.ts";
import { openingOf } from "../formats/message_view.ts";
import { parseSideRecord } from "../formats/side_record.ts";
import { formatWriters } from "../formats/written_formats.ts";
import { runtimeFileSystem } from "../fs/runtime_filesystem.ts";
import { parseObject } from "../log/json_text.ts";
import { type Command, type CommandContext, exitCodes, UsageError } from "./command.ts";
import { type ExportTarget, exportTarget, makeDirectoryOf, writeBlob, writeCompanion } from "./export_target.ts";
import { writeOutputFile } from "./output_file.ts";
import { Progress } from "./progress.ts";
import { existingSession, throwIfInterrupted, warn, withStore } from "./store_access.ts";
import { countOf, formatCount } from "./terminal_text.ts";

/** The command. */
export const command: Command = {
  description: {
    name: "export",
    summary: "write a session in this or another program's format, or as a page",
    details: [
      "With --out FILE the files that belong beside it are written there too (--out chat makes chat.jsonl and " +
      "chat.meta.json for picoclaw). With --out DIR/, or a directory that exists, everything is laid out as the format's " +
      "own program has it, indexes and large values included. A file appears whole or not at all, and replaces one that " +
      "is there.",
      ...formatWriters.map(({ name, title, losses }) => `${name}: ${title}. Does not hold: ${losses.join(" ")}`),
      "What a format did not hold of the session is said on stderr. Messages that the format should hold and cannot are " +
      "named, and the exit code is 1.",
    ],
    positionals: [{ name: "KEY", required: true, description: "the session's key" }],
    options: [
      { name: "format", value: "F", choices: formatWriters.map(({ name }) => name), description: "the file's format" },
      { name: "out", value: "FILE", description: "write a file, or the format's files in a directory" },
      { name: "all", description: "truncated records too" },
    ],
    examples: [
      {
        does: "a copy to another store",
        line: "holdfast export KEY --all | holdfast append KEY --dir /mnt/usb/sessions",
      },
      { does: "a file", line: "holdfast export telegram:123 --out chat.jsonl" },
      { does: "a page to read and to give away", line: "holdfast export telegram:123 --format html --out chat.html" },
      {
        does: "for gencode to go on with",
        line: "holdfast export KEY --format gencode --out ~/.gen/projects/-home-me-app/",
      },
    ],
  },
  async run(context) {
    const name = context.parsed.text("format") ?? "jsonl";
    const format = formatWriters.find((writer) => writer.name === name);
    if (format === undefined) throw new UsageError("That format cannot be written");
    return await withStore(context, { readOnly: true }, async (store) => {
      const session = await existingSession(store, context.parsed.positional(0));
      const target = await exportTarget(runtimeFileSystem, format, session.key, context.parsed.text("out"));
      const { counts, writer } = await exportSession(context, session, format, target);
      const lost = writer.lost();
      if (lost.length > 0) await warn(context, `${name} does not hold: ${lost.join("; ")}`);
      const { written, unfit } = counts;
      if (unfit > 0) await warn(context, `${countOf(unfit, "record")} left out, ${formatCount(written)} written`);
      return unfit > 0 ? exitCodes.failed : exitCodes.done;
    });
  },
};

/** Records are written together from this length on: a call for each costs more than the record. */
const writeLengthMin = 8 * 1024;
/** So many records that do not fit are named. */
const namedMax = 20;

interface ExportCounts {
  written: number;
  /** Of these, truncated ones. */
  hidden: number;
  unfit: number;
}

/** What has to be known of a session before its first record can be written. */
interface Survey {
  /** By their place among the records that are exported, from 0. */
  offBranch: ReadonlySet<number>;
  sides: ReadonlyMap<string, string>;
  isContinued: boolean;
  opening?: string;
}

async function exportSession(
  context: CommandContext,
  session: Session,
  format: FormatWriter,
  target: ExportTarget,
): Promise<{ counts: ExportCounts; writer: SessionWriter }> {
  const facts = exportedFacts(await session.info());
  const survey = await surveySession(context, session, format);
  const hasFiles = target.isDirectory;
  const { sides, isContinued, opening } = survey;
  const named = opening === undefined ? {} : { opening };
  const writer = format.open(facts, { stem: target.stem, hasFiles, sides, isContinued, ...named });
  const { path } = target;
  if (path === null) {
    const write = (text: string): Promise<void> => context.stdout.write(text);
    return { counts: await exportRecords(context, session, { format, writer, survey, target, write }), writer };
  }
  if (target.isDirectory) await makeDirectoryOf(runtimeFileSystem, path);
  const counts = await writeOutputFile(
    runtimeFileSystem,
    path,
    (file) => exportRecords(context, session, { format, writer, survey, target, write: (text) => file.write(text) }),
  );
  for (const file of writer.files({ ...facts, skip: counts.hidden, count: counts.written })) {
    if (target.isDirectory || file.isShared !== true) await writeCompanion(runtimeFileSystem, target, file);
  }
  return { counts, writer };
}

interface BegunExport {
  format: FormatWriter;
  writer: SessionWriter;
  survey: Survey;
  target: ExportTarget;
  write: (text: string) => Promise<void>;
}

async function exportRecords(
  context: CommandContext,
  session: Session,
  { format, writer, survey, target, write }: BegunExport,
): Promise<ExportCounts> {
  // With --json everything on stdout is JSON already: the records themselves.
  const progress = new Progress(context.stderr, context.parsed.has("json") || !context.stderr.isTerminal);
  const counts: ExportCounts = { written: 0, hidden: 0, unfit: 0 };
  const all = context.parsed.has("all");
  let waiting = writer.begin();
  const firstActive = all ? await firstActiveSequence(session) : 0;
  let place = 0;
  for await (const { sequence, text } of session.texts({ all })) {
    throwIfInterrupted(context);
    if (context.stdout.closed) break;
    const record = writer.write(text, { sequence, isOffBranch: survey.offBranch.has(place++) });
    if (record.kind === "aside") continue;
    if (record.kind === "unfit") {
      if (counts.unfit++ < namedMax) {
        await warn(context, `record ${sequence} does not fit ${format.name}: ${record.reason}`);
      }
      continue;
    }
    for (const blob of record.blobs ?? []) await writeBlob(runtimeFileSystem, target, blob);
    waiting += record.text;
    if (waiting.length >= writeLengthMin) {
      await write(waiting);
      waiting = "";
    }
    counts.written += record.count ?? 1;
    if (sequence < firstActive) counts.hidden += record.count ?? 1;
    await progress.update(() => `${formatCount(counts.written)} records exported`);
  }
  await write(waiting + writer.end());
  await progress.done();
  return counts;
}

/** Looks through the session once, if the format wants to know where its branches are and what was kept beside it. */
async function surveySession(context: CommandContext, session: Session, format: FormatWriter): Promise<Survey> {
  const sides = new Map<string, string>();
  if (!format.wantsBranch) return { offBranch: new Set(), sides, isContinued: false };
  const branch = new ActiveBranch();
  let opening: string | undefined;
  let isContinued = false;
  for await (const { text } of session.texts({ all: context.parsed.has("all") })) {
    throwIfInterrupted(context);
    const side = parseSideRecord(text);
    if (side?.format === format.name) sides.set(`${side.part}/${side.name}`, side.valueText);
    isContinued = side === undefined;
    const parsed = side === undefined ? parseObject(text) : { reason: "" };
    branch.add("reason" in parsed ? {} : parsed.value);
    if (opening === undefined && !("reason" in parsed)) opening = openingOf(parsed.value);
  }
  return { offBranch: branch.offBranch(), sides, isContinued, ...(opening === undefined ? {} : { opening }) };
}

async function firstActiveSequence(session: Session): Promise<number> {
  for await (const { sequence } of session.texts({ limit: 1 })) return sequence;
  return Infinity;
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
