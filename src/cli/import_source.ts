/**
 * Reads a session that is to be imported: its facts, and its records one by one, however large the file is.
 *
 * @module
 */

import { toHoldfastError } from "../errors.ts";
import { ActiveBranch } from "../formats/active_branch.ts";
import { formatNamed } from "../formats/detect.ts";
import { type JsonPiece, JsonPieces } from "../formats/json_pieces.ts";
import { parseJsonLine } from "../formats/jsonl.ts";
import type {
  BlobFiles,
  FilePart,
  PartReader,
  SessionFacts,
  SessionFormat,
  SourcePiece,
} from "../formats/session_format.ts";
import { sideRecordText } from "../formats/side_record.ts";
import type { FileSystem } from "../fs/filesystem.ts";
import { isJsonObject } from "../log/json_text.ts";
import { directoryOf, joinPath, stemOf } from "./import_files.ts";
import type { PlannedSession } from "./import_plan.ts";
import { fileChunks, type InputLine, LineSplitter } from "./input_lines.ts";

/** How far into a file its session id is looked for. */
const keySearchPieces = 200;
const keySearchLength = 8 * 1024 * 1024;
/** A file that is read for its facts alone. */
const describingBytesMax = 16 * 1024 * 1024;
const blobBytesMax = 10 * 1024 * 1024;

/** A record of a session's files, or a piece of them that is none. */
export type SourceItem =
  | {
    kind: "record";
    text: string;
    line: number;
    /** Which of the lines that picoclaw would count it is, from 0. */
    rawIndex: number;
    /** The text as it stands in the file, where a large value from beside it was put into the record. */
    original?: string;
  }
  | { kind: "side"; text: string; line: number }
  | { kind: "damaged"; reason: string; line: number };

/** One session to import. */
export interface ImportSource {
  /** The session's file, as given, or found in a directory that was given. */
  readonly path: string;
  /** Detected from content, or as asked for. */
  readonly format: SessionFormat;
  /** What is known of the session; complete once the items have been read. */
  readonly facts: SessionFacts;
  /** The file's own session id, else the stem of its name. */
  readonly key: string;
  /** Whether side records of it may be in a session. */
  readonly hasSides: boolean;
  /** What a person should know, one sentence each; complete once the items have been read. */
  readonly warnings: readonly string[];
  /** What the reader has to say of the file, likewise; of interest when something of it was imported. */
  readonly notes: readonly string[];
  /** The size of the session's file in bytes. */
  readonly size: number;
  /** How many bytes of it have been read. */
  readonly bytesRead: number;
  /** Its records, in order, some at a time: those of a chunk of a file. May be asked for more than once. */
  items(): AsyncIterable<readonly SourceItem[]>;
}

/** What of a session is wanted. */
export interface SourceOptions {
  /**
   * Whether records of other branches and of side chains are left out.
   *
   * @default {false}
   */
  active?: boolean;
}

/**
 * Opens a session for import.
 *
 * @param fileSystem The port.
 * @param planned Where it is.
 * @param options What of it is wanted.
 * @returns The source.
 * @throws {HoldfastError} `io` if a file cannot be read.
 */
export async function openSource(
  fileSystem: FileSystem,
  planned: PlannedSession,
  options: SourceOptions = {},
): Promise<ImportSource> {
  try {
    const { size } = await fileSystem.stat(await fileSystem.realPath(planned.path));
    const source = new FileSource(fileSystem, planned, size);
    await source.describe();
    if (options.active === true) await source.chooseActive();
    return source;
  } catch (error) {
    throw toHoldfastError(error, "reading", planned.path);
  }
}

class FileSource implements ImportSource {
  readonly path: string;
  readonly format: SessionFormat;
  readonly size: number;
  readonly hasSides: boolean;
  bytesRead = 0;
  warnings: string[] = [];
  notes: string[] = [];
  key: string;
  readonly #fileSystem: FileSystem;
  readonly #planned: PlannedSession;
  #describing: SessionFacts = {};
  #describingWarnings: string[] = [];
  #reader: PartReader;
  /** Which of the session's own records are left out, by their places. */
  #offBranch: ReadonlySet<number> | null = null;

  constructor(fileSystem: FileSystem, planned: PlannedSession, size: number) {
    this.#fileSystem = fileSystem;
    this.#planned = planned;
    this.path = planned.path;
    this.format = planned.format;
    this.size = size;
    this.key = stemOf(planned.path);
    // By format and not by what is there: a file that was beside it once may have gone.
    this.hasSides = (planned.format.sidecars ?? []).some(({ describes }) => describes !== true);
    this.#reader = this.#newReader();
  }

  /** The session's own file knows best, what is written beside it may add to that. */
  get facts(): SessionFacts {
    return { ...this.#describing, ...this.#reader.facts, key: this.key };
  }

  /** Finds the key, and reads what only describes the session. */
  async describe(): Promise<void> {
    const own = await this.#ownKey();
    if (own !== undefined) this.key = own;
    for (const { path, sidecar } of this.#planned.sidecars) {
      if (sidecar.describes !== true) continue;
      const reader = formatOf(this.#planned).reader(sidecar.part, { stem: stemOf(path), key: this.key });
      const { size } = await this.#fileSystem.stat(path);
      if (size > describingBytesMax) {
        this.#describingWarnings.push(`${path} is over 16 MiB, and is not read: no facts from it`);
        continue;
      }
      let damaged = size === 0;
      for await (const pieces of filePieces(this.#fileSystem, path, sidecar.part, reader)) {
        for (const piece of pieces) {
          if (piece.kind === "damaged") damaged = true;
          else reader.take(piece);
        }
      }
      if (damaged || Object.keys(reader.facts).length === 0 && sidecar.part.name === "meta") {
        this.#describingWarnings.push(
          `${path} is empty or damaged` +
            (sidecar.part.name === "meta" ? ": no summary, and the key is the file's name" : ""),
        );
      }
      this.#describing = { ...this.#describing, ...reader.facts };
      if (own === undefined && reader.facts.key !== undefined) this.key = reader.facts.key;
    }
    this.warnings = [...this.#describingWarnings];
  }

  /** Finds the records of other branches. */
  async chooseActive(): Promise<void> {
    const branch = new ActiveBranch();
    for await (const pieces of filePieces(this.#fileSystem, this.path, this.#planned.part, this.#newReader())) {
      for (const piece of pieces) {
        if (piece.kind === "piece" && piece.name === "" && isJsonObject(piece.value)) branch.add(piece.value);
      }
    }
    this.#offBranch = branch.offBranch();
  }

  async *items(): AsyncIterableIterator<SourceItem[]> {
    this.bytesRead = 0;
    this.warnings = [...this.#describingWarnings];
    this.#reader = this.#newReader();
    const own = this.#partItems(this.path, this.#planned.part, this.#reader, "");
    yield* this.#offBranch === null ? own : withoutPlaces(own, this.#offBranch);
    for (const { path, sidecar } of this.#planned.sidecars) {
      if (sidecar.describes === true) continue;
      const name = path.slice(path.lastIndexOf("/") + 1);
      const reader = this.format.reader(sidecar.part, { stem: stemOf(path), key: this.key });
      yield* this.#partItems(path, sidecar.part, reader, `${name}: `);
    }
    const left = this.#offBranch?.size ?? 0;
    const notes = this.#offBranch === null
      ? this.#reader.notes?.() ?? []
      : left === 0
      ? []
      : [`${left} ${left === 1 ? "record" : "records"} of other branches left out`];
    this.notes = notes.map((note) => `${this.path}: ${note}`);
  }

  #newReader(): PartReader {
    return this.format.reader(this.#planned.part, { stem: stemOf(this.path) });
  }

  async #ownKey(): Promise<string | undefined> {
    const reader = this.#newReader();
    let pieces = 0;
    let length = 0;
    for await (const found of filePieces(this.#fileSystem, this.path, this.#planned.part, reader)) {
      for (const piece of found) {
        if (piece.kind === "damaged") continue;
        reader.take(piece);
        length += piece.text.length;
        if (reader.facts.key !== undefined || ++pieces > keySearchPieces || length > keySearchLength) {
          return reader.facts.key;
        }
      }
    }
    return reader.facts.key;
  }

  async *#partItems(
    path: string,
    part: FilePart,
    reader: PartReader,
    prefix: string,
  ): AsyncIterableIterator<SourceItem[]> {
    const count = (bytes: number): void => {
      if (path === this.path) this.bytesRead += bytes;
    };
    for await (const pieces of filePieces(this.#fileSystem, path, part, reader, count)) {
      const items: SourceItem[] = [];
      for (const piece of pieces) {
        const item = this.#itemOf(piece, reader, part, prefix);
        if (item !== undefined) items.push(await this.#whole(item, piece));
      }
      if (items.length > 0) yield items;
    }
  }

  #itemOf(piece: FilePiece, reader: PartReader, part: FilePart, prefix: string): SourceItem | undefined {
    const { line } = piece;
    if (piece.kind === "damaged") return { kind: "damaged", reason: prefix + piece.reason, line };
    const taken = reader.take(piece);
    switch (taken?.kind) {
      case "record":
        return { kind: "record", text: taken.text, line, rawIndex: piece.rawIndex };
      case "side": {
        const name = { format: this.format.name, part: part.name, name: taken.name };
        return { kind: "side", text: sideRecordText(name, taken.text), line };
      }
      case "damaged":
        return { kind: "damaged", reason: prefix + taken.reason, line };
      default:
        return undefined;
    }
  }

  /** Puts large values from beside the session into a record. */
  #whole(item: SourceItem, piece: FilePiece): SourceItem | Promise<SourceItem> {
    const { blobs } = this.format;
    if (blobs === undefined || item.kind !== "record" || piece.kind !== "piece" || !isJsonObject(piece.value)) {
      return item;
    }
    const paths = blobs.find(piece.value);
    return paths.length === 0 ? item : this.#withBlobs(item, blobs, paths);
  }

  async #withBlobs(
    item: SourceItem & { kind: "record" },
    blobs: BlobFiles,
    paths: readonly string[],
  ): Promise<SourceItem> {
    let filled = item.text;
    for (const relative of paths) {
      const content = await this.#blob(blobs, relative);
      const candidate = content === undefined ? undefined : blobs.fill(filled, relative, content);
      if (candidate !== undefined && candidate.length <= blobBytesMax) filled = candidate;
      else {
        const why = content === undefined ? "is not there or cannot be read" : "is too large for a record";
        this.warnings.push(`${this.path}, line ${item.line}: ${relative} ${why}; the record keeps its preview`);
      }
    }
    return filled === item.text ? item : { ...item, text: filled, original: item.text };
  }

  /** Only a file of the size of a record, and no symbolic link. */
  async #blob(blobs: BlobFiles, relative: string): Promise<string | undefined> {
    for (const base of blobs.bases) {
      const path = joinPath(joinPath(directoryOf(this.path), base), relative);
      try {
        const { kind, size } = await this.#fileSystem.stat(path);
        if (kind !== "file" || size > blobBytesMax) continue;
        const decoder = new TextDecoder("utf-8", { fatal: true });
        let text = "";
        for await (const chunk of fileChunks(this.#fileSystem, path)) text += decoder.decode(chunk, { stream: true });
        return text + decoder.decode();
      } catch {
        continue;
      }
    }
    return undefined;
  }
}

/** A log of plain messages is described by picoclaw's meta file, also where another format was asked for. */
function formatOf({ format }: PlannedSession): SessionFormat {
  return format.name === "jsonl" ? formatNamed("picoclaw") ?? format : format;
}

type FilePiece =
  | (SourcePiece & { kind: "piece"; rawIndex: number })
  | { kind: "damaged"; reason: string; line: number };

/** Leaves out records by their places among the records. */
async function* withoutPlaces(
  source: AsyncIterable<SourceItem[]>,
  places: ReadonlySet<number>,
): AsyncIterableIterator<SourceItem[]> {
  let count = 0;
  for await (const items of source) yield items.filter(({ kind }) => kind !== "record" || !places.has(count++));
}

/** The pieces of a file, those that end in the same chunk together. */
async function* filePieces(
  fileSystem: FileSystem,
  path: string,
  part: FilePart,
  reader: PartReader,
  onRead: (bytes: number) => void = () => {},
): AsyncIterableIterator<FilePiece[]> {
  const splitter = part.layout === "lines" ? new LineSplitter() : new JsonPieces(reader.open ?? new Set());
  const piecesOf = (found: Iterable<InputLine | JsonPiece>): FilePiece[] => {
    const pieces: FilePiece[] = [];
    for (const one of found) {
      const piece = pieceOf(one);
      if (piece !== undefined) pieces.push(piece);
    }
    return pieces;
  };
  for await (const chunk of fileChunks(fileSystem, path)) {
    onRead(chunk.length);
    const pieces = piecesOf(splitter.feed(chunk));
    if (pieces.length > 0) yield pieces;
  }
  yield piecesOf(splitter.end());
}

function pieceOf(found: InputLine | JsonPiece): FilePiece | undefined {
  if ("kind" in found) {
    if (found.kind === "damaged") return found;
    const { name, key, text, value, line } = found;
    return { kind: "piece", name, key, text, value, line, rawIndex: Number(key ?? 0) };
  }
  const { bytes, number: line, rawIndex } = found;
  if (bytes === null) return { kind: "damaged", reason: "over 10 MiB", line };
  const read = parseJsonLine(bytes);
  if (read.kind === "damaged") return { kind: "damaged", reason: read.reason, line };
  if (read.kind === "blank") return undefined;
  return { kind: "piece", name: "", key: null, text: read.text, value: read.value, line, rawIndex };
}
