/** Writes whole sessions in a format, as the program does, without a store and a file system. */
import { ActiveBranch } from "../../src/formats/active_branch.ts";
import { openingOf } from "../../src/formats/message_view.ts";
import type { JsonObject } from "../../src/log/json_text.ts";
import type { FormatWriter, SessionFacts, WrittenFile } from "../../src/formats/session_format.ts";
import { parseSideRecord } from "../../src/formats/side_record.ts";
import { formatWriters } from "../../src/formats/written_formats.ts";

/** What was written. */
export interface WrittenSession {
  /** The session's file. */
  text: string;
  /** The files beside it, by their paths. */
  files: Map<string, WrittenFile>;
  /** The large values beside it, by their paths. */
  blobs: Map<string, string>;
  /** What the format did not hold. */
  lost: readonly string[];
  /** Why records were left out. */
  unfit: string[];
  /** How many records of the format there are. */
  count: number;
  /** The places of the records that are not on the active branch. */
  offBranch: ReadonlySet<number>;
}

/** A writer by its name. */
export function writerNamed(name: string): FormatWriter {
  const writer = formatWriters.find((format) => format.name === name);
  if (writer === undefined) throw new Error(`no format: ${name}`);
  return writer;
}

/** Writes a session. */
export function writeSession(
  name: string,
  facts: SessionFacts,
  texts: readonly string[],
  options: { stem?: string; hasFiles?: boolean } = {},
): WrittenSession {
  const format = writerNamed(name);
  const branch = new ActiveBranch();
  const sides = new Map<string, string>();
  for (const text of texts) {
    const side = parseSideRecord(text);
    if (side?.format === name) sides.set(`${side.part}/${side.name}`, side.valueText);
    branch.add(side === undefined ? Object(JSON.parse(text)) : {});
  }
  const isContinued = parseSideRecord(texts.at(-1) ?? "") === undefined;
  const opening = texts.map((text) => openingOf(Object(JSON.parse(text)))).find((line) => line !== undefined);
  const offBranch = branch.offBranch();
  const { stem = facts.key ?? "k", hasFiles = false } = options;
  const writer = format.open(facts, {
    stem,
    hasFiles,
    sides,
    isContinued,
    ...(opening === undefined ? {} : { opening }),
  });
  const written: WrittenSession = {
    text: writer.begin(),
    files: new Map(),
    blobs: new Map(),
    lost: [],
    unfit: [],
    count: 0,
    offBranch,
  };
  for (const [sequence, text] of texts.entries()) {
    const record = writer.write(text, { sequence, isOffBranch: offBranch.has(sequence) });
    if (record.kind === "unfit") written.unfit.push(record.reason);
    if (record.kind !== "line") continue;
    written.text += record.text;
    written.count += record.count ?? 1;
    for (const blob of record.blobs ?? []) written.blobs.set(blob.path, blob.text);
  }
  written.text += writer.end();
  for (const file of writer.files({ ...facts, skip: 0, count: written.count })) written.files.set(file.path, file);
  written.lost = writer.lost();
  return written;
}

/** What is known of {@linkcode talk}. */
export const facts: SessionFacts & { key: string } = {
  key: "s1",
  title: "A talk",
  workspace: "/home/me/app",
  createdAt: "2026-01-02T03:04:05Z",
  updatedAt: "2026-01-02T04:00:00Z",
};

/** A talk in three shapes: picoclaw's, Anthropic's in pi's envelope, codetether's; with a setting, a call and a result. */
export const talk: string[] = [
  { role: "user", content: "List <the> files", created_at: "2026-01-02T03:04:06Z" },
  { type: "model_change", model: "m" },
  {
    type: "message",
    timestamp: "2026-01-02T03:04:07Z",
    message: {
      role: "assistant",
      content: [
        { type: "thinking", thinking: "hm", signature: "c2ln" },
        { type: "text", text: "I look." },
        { type: "toolCall", id: "t1", name: "bash", arguments: { command: "ls" } },
      ],
    },
  },
  {
    type: "message",
    message: { role: "toolResult", toolCallId: "t1", content: [{ type: "text", text: "a\nb" }], isError: true },
  },
  { role: "assistant", content: [{ type: "text", text: "Two." }] },
].map((record) => JSON.stringify(record));

/** The lines of a written file, decoded. */
export const linesOf = ({ text }: WrittenSession): JsonObject[] =>
  text.trimEnd().split("\n").map((line) => Object(JSON.parse(line)));
