/** Reads whole files through a format's readers, as the program does, without a file system. */
import { JsonPieces } from "../../src/formats/json_pieces.ts";
import { parseJsonLine } from "../../src/formats/jsonl.ts";
import type { FilePart, PartReader, SessionFacts, SessionFormat } from "../../src/formats/session_format.ts";
import { readFileHead } from "../../src/formats/file_head.ts";

/** What a file holds. */
export interface ReadSession {
  facts: SessionFacts;
  /** The records' texts. */
  records: string[];
  /** Of each side record its name and value. */
  sides: [string, string][];
  /** What is not taken. */
  damaged: string[];
}

/** What a format takes a file for; undefined if nothing. */
export function partOf(format: SessionFormat, text: string | Uint8Array): FilePart | undefined {
  return format.detect(readFileHead(bytesOf(text), true));
}

/** Reads a file of lines. */
export function readLines(format: SessionFormat, text: string | Uint8Array, stem: string, key?: string): ReadSession {
  const session = begin();
  const reader = readerOf(format, text, stem, key);
  let line = 0;
  for (const bytes of splitLines(bytesOf(text))) {
    line++;
    const read = parseJsonLine(bytes);
    if (read.kind === "damaged") session.damaged.push(`line ${line}: ${read.reason}`);
    if (read.kind === "record") {
      take(session, reader, { name: "", key: null, text: read.text, value: read.value, line });
    }
  }
  return { ...session, facts: reader.facts };
}

/** Reads a document, fed in chunks of a size. */
export function readDocument(
  format: SessionFormat,
  text: string | Uint8Array,
  stem: string,
  options: { chunkBytes?: number; part?: FilePart; key?: string } = {},
): ReadSession {
  const session = begin();
  const reader = options.part === undefined
    ? readerOf(format, text, stem, options.key)
    : format.reader(options.part, { stem, ...(options.key === undefined ? {} : { key: options.key }) });
  const bytes = bytesOf(text);
  const pieces = new JsonPieces(reader.open ?? new Set());
  const chunkBytes = options.chunkBytes ?? bytes.length;
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    for (const piece of pieces.feed(bytes.subarray(at, at + chunkBytes))) {
      if (piece.kind === "damaged") session.damaged.push(`line ${piece.line}: ${piece.reason}`);
      else take(session, reader, piece);
    }
  }
  for (const piece of pieces.end()) {
    if (piece.kind === "damaged") session.damaged.push(`line ${piece.line}: ${piece.reason}`);
  }
  return { ...session, facts: reader.facts };
}

function begin(): ReadSession {
  return { facts: {}, records: [], sides: [], damaged: [] };
}

function readerOf(format: SessionFormat, text: string | Uint8Array, stem: string, key?: string): PartReader {
  const part = partOf(format, text) ?? format.fallback;
  if (part === undefined) throw new Error(`no file of ${format.name}`);
  return format.reader(part, { stem, ...(key === undefined ? {} : { key }) });
}

function take(session: ReadSession, reader: PartReader, piece: Parameters<PartReader["take"]>[0]): void {
  const taken = reader.take(piece);
  if (taken?.kind === "record") session.records.push(taken.text);
  if (taken?.kind === "side") session.sides.push([taken.name, taken.text]);
  if (taken?.kind === "damaged") session.damaged.push(`line ${piece.line}: ${taken.reason}`);
}

function bytesOf(text: string | Uint8Array): Uint8Array {
  return typeof text === "string" ? new TextEncoder().encode(text) : text;
}

function* splitLines(bytes: Uint8Array): Iterable<Uint8Array> {
  for (let start = 0; start < bytes.length;) {
    const feed = bytes.indexOf(0x0a, start);
    const end = feed < 0 ? bytes.length : feed;
    yield bytes.subarray(start, end);
    start = end + 1;
  }
}
