/** Writes whole sessions in a format, as the program does, without a store and a file system. */
import { ActiveBranch } from "../../src/formats/active_branch.ts";
import { openingOf } from "../../src/formats/message_view.ts";
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
