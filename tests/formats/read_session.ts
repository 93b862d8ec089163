/** Reads whole files through a format's readers, as the program does, without a file system. */
import { type JsonPiece, JsonPieces } from "../../src/formats/json_pieces.ts";
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

/** How to read a file. */
export interface ReadOptions {
  /** What it is; detected if absent. */
  part?: FilePart;
  /** The key of the session that a sidecar belongs to. */
  key?: string;
  /** How many bytes come at a time, of a document. */
  chunkBytes?: number;
}

/** Reads a file of lines. */
export function readLines(
  format: SessionFormat,
  text: string | Uint8Array,
  stem: string,
  options: ReadOptions = {},
): ReadSession {
  const session = begin();
  const reader = readerOf(format, text, stem, options);
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

/** Reads a document. */
export function readDocument(
  format: SessionFormat,
  text: string | Uint8Array,
  stem: string,
  options: ReadOptions = {},
): ReadSession {
  const session = begin();
  const reader = readerOf(format, text, stem, options);
  const bytes = bytesOf(text);
  const pieces = new JsonPieces(reader.open ?? new Set());
  const chunkBytes = options.chunkBytes ?? Math.max(bytes.length, 1);
  const takeAll = (found: Iterable<JsonPiece>): void => {
    for (const piece of found) {
      if (piece.kind === "damaged") session.damaged.push(`line ${piece.line}: ${piece.reason}`);
      else take(session, reader, piece);
    }
  };
  for (let at = 0; at < bytes.length; at += chunkBytes) takeAll(pieces.feed(bytes.subarray(at, at + chunkBytes)));
  takeAll(pieces.end());
  return { ...session, facts: reader.facts };
}

function begin(): ReadSession {
  return { facts: {}, records: [], sides: [], damaged: [] };
}

function readerOf(format: SessionFormat, text: string | Uint8Array, stem: string, options: ReadOptions): PartReader {
  const part = options.part ?? partOf(format, text) ?? format.fallback;
  if (part === undefined) throw new Error(`no file of ${format.name}`);
  return format.reader(part, { stem, ...(options.key === undefined ? {} : { key: options.key }) });
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
