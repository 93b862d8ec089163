/**
 * Reads a session that is to be imported: its facts, and its records one by one, however large the file is.
 *
 * @module
 */

import { toHoldfastError } from "../errors.ts";
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
import { fileChunks, inputLines } from "./input_lines.ts";

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
  /** Its records, in order; may be asked for more than once. */
  items(): AsyncIterable<SourceItem>;
}

/**
 * Opens a session for import.
 *
 * @param fileSystem The port.
 * @param planned Where it is.
 * @returns The source.
 * @throws {HoldfastError} `io` if a file cannot be read.
 */
export async function openSource(fileSystem: FileSystem, planned: PlannedSession): Promise<ImportSource> {
  try {
    const { size } = await fileSystem.stat(await fileSystem.realPath(planned.path));
    const source = new FileSource(fileSystem, planned, size);
    await source.describe();
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
      for await (const piece of filePieces(this.#fileSystem, path, sidecar.part, reader)) {
        if (piece.kind === "damaged") damaged = true;
        else reader.take(piece);
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

  async *items(): AsyncIterableIterator<SourceItem> {
    this.bytesRead = 0;
    this.warnings = [...this.#describingWarnings];
    this.#reader = this.#newReader();
    yield* this.#partItems(this.path, this.#planned.part, this.#reader, "");
    for (const { path, sidecar } of this.#planned.sidecars) {
      if (sidecar.describes === true) continue;
      const name = path.slice(path.lastIndexOf("/") + 1);
      const reader = this.format.reader(sidecar.part, { stem: stemOf(path), key: this.key });
      yield* this.#partItems(path, sidecar.part, reader, `${name}: `);
    }
    this.notes = (this.#reader.notes?.() ?? []).map((note) => `${this.path}: ${note}`);
  }

  #newReader(): PartReader {
    return this.format.reader(this.#planned.part, { stem: stemOf(this.path) });
  }

  async #ownKey(): Promise<string | undefined> {
    const reader = this.#newReader();
    let pieces = 0;
    let length = 0;
    for await (const piece of filePieces(this.#fileSystem, this.path, this.#planned.part, reader)) {
      if (piece.kind === "damaged") continue;
      reader.take(piece);
      length += piece.text.length;
      if (reader.facts.key !== undefined || ++pieces > keySearchPieces || length > keySearchLength) break;
    }
    return reader.facts.key;
  }

  async *#partItems(
    path: string,
    part: FilePart,
    reader: PartReader,
    prefix: string,
  ): AsyncIterableIterator<SourceItem> {
    const count = (bytes: number): void => {
      if (path === this.path) this.bytesRead += bytes;
    };
    for await (const piece of filePieces(this.#fileSystem, path, part, reader, count)) {
      const { line } = piece;
      if (piece.kind === "damaged") {
        yield { kind: "damaged", reason: prefix + piece.reason, line };
        continue;
      }
      const taken = reader.take(piece);
      if (taken?.kind === "damaged") yield { kind: "damaged", reason: prefix + taken.reason, line };
      if (taken?.kind === "side") {
        const name = { format: this.format.name, part: part.name, name: taken.name };
        yield { kind: "side", text: sideRecordText(name, taken.text), line };
      }
      if (taken?.kind === "record") {
        const record = { kind: "record", text: taken.text, line, rawIndex: piece.rawIndex } as const;
        const filled = this.format.blobs === undefined
          ? taken.text
          : await this.#withBlobs(this.format.blobs, taken.text, piece.value, line);
        yield filled === taken.text ? record : { ...record, text: filled, original: taken.text };
      }
    }
  }

  async #withBlobs(blobs: BlobFiles, text: string, value: unknown, line: number): Promise<string> {
    let filled = text;
    for (const relative of isJsonObject(value) ? blobs.find(value) : []) {
      const content = await this.#blob(blobs, relative);
      const candidate = content === undefined ? undefined : blobs.fill(filled, relative, content);
      if (candidate !== undefined && candidate.length <= blobBytesMax) filled = candidate;
      else {
        const why = content === undefined ? "is not there or cannot be read" : "is too large for a record";
        this.warnings.push(`${this.path}, line ${line}: ${relative} ${why}; the record keeps its preview`);
      }
    }
    return filled;
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

async function* filePieces(
  fileSystem: FileSystem,
  path: string,
  part: FilePart,
  reader: PartReader,
  onRead: (bytes: number) => void = () => {},
): AsyncIterableIterator<FilePiece> {
  const chunks = countedChunks(fileSystem, path, onRead);
  if (part.layout === "lines") return yield* linePieces(chunks);
  const pieces = new JsonPieces(reader.open ?? new Set());
  for await (const chunk of chunks) yield* numbered(pieces.feed(chunk));
  yield* numbered(pieces.end());
}

async function* linePieces(chunks: AsyncIterable<Uint8Array>): AsyncIterableIterator<FilePiece> {
  for await (const { bytes, number: line, rawIndex } of inputLines(chunks)) {
    const read = bytes === null ? { kind: "damaged", reason: "over 10 MiB" } as const : parseJsonLine(bytes);
    if (read.kind === "damaged") yield { ...read, line };
    if (read.kind === "record") yield { ...read, kind: "piece", name: "", key: null, line, rawIndex };
  }
}

function* numbered(pieces: Iterable<JsonPiece>): Iterable<FilePiece> {
  for (const piece of pieces) yield piece.kind === "damaged" ? piece : { ...piece, rawIndex: Number(piece.key ?? 0) };
}

async function* countedChunks(
  fileSystem: FileSystem,
  path: string,
  onRead: (bytes: number) => void,
): AsyncIterableIterator<Uint8Array> {
  for await (const chunk of fileChunks(fileSystem, path)) {
    onRead(chunk.length);
    yield chunk;
  }
}
