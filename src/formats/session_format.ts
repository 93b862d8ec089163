/**
 * What every file format of `formats/` offers: a detector and a reader, and, where it is also written, a
 * {@linkcode FormatWriter}. A format does no I/O and knows no store: the caller reads the files, cuts them into lines
 * or pieces, and gets records as JSON texts; it hands over records and gets the text of files.
 *
 * How a session's files become records:
 *
 * - Where the source is JSON Lines every line is a record with its text byte for byte, whatever it means to its
 *   program: header, message, edit, marker. So nothing is lost, the tree of a branched session stays in the records'
 *   own ids, and a writer can give the file back. Which records are the conversation is asked of `active_branch.ts`.
 * - Where the source is one JSON document, its messages are the records, and every other member is a *side record*
 *   (`side_record.ts`).
 * - What stands in files beside it (an index, a journal, receipts) becomes side records as well, or facts.
 * - A side record is appended when the newest one of its name in the session differs, so that a second import of
 *   unchanged files adds nothing.
 *
 * @module
 */
import type { JsonObject } from "../log/json_text.ts";
import type { FileHead } from "./file_head.ts";

/** How a file holds its records. */
export type FileLayout =
  /** One record per line. The file may be of any size. */
  | "lines"
  /** One JSON object that holds them all; it is read in pieces, so it may be of any size too. */
  | "document";

/** What a file is in its format. */
export interface FilePart {
  /** A short name, unique in the format: `log`, `session`, `index`. */
  readonly name: string;
  /** How it is read. */
  readonly layout: FileLayout;
  /** `session`: it makes a session. `sidecar`: it belongs to one. `cache`: its program makes it anew; not read. */
  readonly role: "session" | "sidecar" | "cache";
}

/** What became of one line. */
export type ReadLine =
  | { kind: "record"; /** A JSON object on one line, as it was written. */ text: string }
  | { kind: "blank" }
  | { kind: "damaged"; /** Why it is not taken, as a noun phrase. */ reason: string };

/** A line of a file of lines, or a piece of a document. */
export interface SourcePiece {
  /** Empty for a line; in a document the name of the top-level member. */
  readonly name: string;
  /** Null for a line and a whole member; the index or name of an element where the reader opens that member. */
  readonly key: string | null;
  /** JSON text: an object for a line, any value for a piece. */
  readonly text: string;
  /** The same, decoded. */
  readonly value: unknown;
  /** The line on which it begins, from 1. */
  readonly line: number;
}

/** What a reader makes of a piece. */
export type TakenPiece =
  | { kind: "record"; /** A JSON object. */ text: string }
  | { kind: "side"; /** What it is called in its part. */ name: string; /** Any JSON value. */ text: string }
  | { kind: "damaged"; /** Why it is not taken, as a noun phrase. */ reason: string };

/** What the files say about a session besides its records. */
export interface SessionFacts {
  /** The session's key or identifier. */
  key?: string;
  /** A title for people. */
  title?: string;
  /** The directory that the session worked in. */
  workspace?: string;
  /** A summary of what came before. */
  summary?: string;
  /** When the session was created, RFC 3339. */
  createdAt?: string;
  /** When it was last written to, RFC 3339. */
  updatedAt?: string;
  /** How many lines at the beginning are hidden. */
  skip?: number;
  /** How many lines there are. */
  count?: number;
  /** Where the session belongs, as JSON text. */
  scope?: string;
  /** Other keys of the session. */
  aliases?: readonly string[];
}

/** Reads one file, piece by piece, in order. */
export interface PartReader {
  /** What is known of the session so far. */
  readonly facts: SessionFacts;
  /** Of a document: the members whose elements are pieces of their own. */
  readonly open?: ReadonlySet<string>;
  /** What it has to say about the file as a whole, once it has been read: one sentence each, for a person. */
  readonly notes?: () => readonly string[];
  /**
   * Takes the next piece.
   *
   * @param piece The line or piece.
   * @returns What it becomes; undefined where it only adds to the facts.
   */
  take(piece: SourcePiece): TakenPiece | undefined;
}

/** How a session's file is called, where the format wants to know. */
export interface FileName {
  /** The name without its directory and without `.jsonl` or `.json`. */
  readonly stem: string;
  /** Of a sidecar: the key of the session that it is read for. */
  readonly key?: string;
}

/** A file beside a session's. */
export interface SidecarFile {
  /** Which {@linkcode FilePart} it is. */
  readonly part: FilePart;
  /**
   * Where it may be.
   *
   * @param session The session's file.
   * @returns Paths relative to the directory of the session's file, with `/`; the first that is there counts.
   */
  paths(session: FileName): readonly string[];
  /** Whether it is read before the session, for its facts alone: it may hold the key. It is small, or damaged. */
  readonly describes?: boolean;
}

/** Large values that a format keeps in files of their own. */
export interface BlobFiles {
  /**
   * Names the files that a record refers to.
   *
   * @param value The record, decoded.
   * @returns Their paths as the record has them; safe to join to a directory.
   */
  find(value: JsonObject): readonly string[];
  /** The directories that those paths may start from, relative to that of the session's file. */
  readonly bases: readonly string[];
  /** The directory below a base that holds nothing else: `blobs`. */
  readonly directory: string;
  /**
   * Puts a file's content in the place of the reference.
   *
   * @param text The record.
   * @param path As {@linkcode BlobFiles.find} named it.
   * @param content What is in the file.
   * @returns The record with the content in it; everything else as it was.
   */
  fill(text: string, path: string, content: string): string;
}

/** A large value that goes to a file of its own, before the record that names it. */
export interface WrittenBlob {
  /** Where, relative to the directory of the session's file, with `/`. */
  readonly path: string;
  /** The whole file. */
  readonly text: string;
}

/** What became of one record on its way into another format. */
export type WrittenRecord =
  | {
    kind: "line";
    /** What goes to the file, line feeds included; may be empty. */
    text: string;
    /** How many records of the format it is, where that is not one. */
    count?: number;
    /** Files that must be there before the text is. */
    blobs?: readonly WrittenBlob[];
  }
  | {
    /** It is no part of what the format holds; {@linkcode SessionWriter.lost} counts it if it is a loss. */
    kind: "aside";
  }
  | { kind: "unfit"; /** Why the format cannot hold it. */ reason: string };

/** A second file of an export. */
export interface WrittenFile {
  /** Where, relative to the directory of the session's file, with `/`. */
  readonly path: string;
  /** The whole file. */
  readonly text: string;
  /** Whether it belongs to a whole directory of sessions, and is not written beside a single file. */
  readonly isShared?: boolean;
  /**
   * Puts it together with what is there already; it replaces that if absent.
   *
   * @param existing The file that is there.
   * @returns What to write instead.
   */
  merge?(existing: string): string;
}

/** What a writer is told of a record beside its text. */
export interface RecordPlace {
  /** Its number in the session. */
  readonly sequence: number;
  /** Whether it is on a branch that the conversation has left; see `active_branch.ts`. */
  readonly isOffBranch: boolean;
}

/** Writes one session; what it writes is asked for in order and never held whole. */
export interface SessionWriter {
  /** The beginning of the file, before the first record. */
  begin(): string;
  /**
   * Writes a record.
   *
   * @param text The record: a JSON object as text.
   * @param place Where it stands in the session.
   * @returns What goes to the file, or that or why nothing does.
   */
  write(text: string, place: RecordPlace): WrittenRecord;
  /** The end of the file, behind the last record. */
  end(): string;
  /**
   * The files beside it, once the session has been written.
   *
   * @param facts As given at the beginning, with what is only known at the end: `count` and `skip`.
   */
  files(facts: SessionFacts): readonly WrittenFile[];
  /** What of this session the format did not hold: a noun phrase each, with how often. */
  lost(): readonly string[];
}

/** What a writer is told of a session beside its facts. */
export interface WriterOptions {
  /** The name of the session's file without directory and extension. */
  readonly stem: string;
  /** Whether the files beside the session's are wanted; if not, everything has to stand in the one file. */
  readonly hasFiles: boolean;
  /** The side records of this format in the session, the newest of each name: JSON text by `part/name`, in order. */
  readonly sides: ReadonlyMap<string, string>;
  /** Whether other records follow the newest of those: the session has gone on since. */
  readonly isContinued: boolean;
  /** What the user asked first, for a heading where the session has no title. */
  readonly opening?: string;
}

/** The writing half of a format; `written_formats.ts` has them all. */
export interface FormatWriter {
  /** The name for `--format`. Never changes. */
  readonly name: string;
  /** What it is, for a person: `a page for the browser`. */
  readonly title: string;
  /** The extension of the file with the records: `.jsonl`. */
  readonly extension: string;
  /** The directory of that file where a directory is written; empty for the directory itself. */
  readonly directory: string;
  /** What the format cannot hold, one sentence each; shown in help, and listed in the format's own file. */
  readonly losses: readonly string[];
  /** Whether it wants to know which records are on branches that were left. */
  readonly wantsBranch: boolean;
  /**
   * Begins a session.
   *
   * @param facts What is known of it.
   * @param options Where it goes.
   * @returns The writer of this one session.
   */
  open(facts: SessionFacts, options: WriterOptions): SessionWriter;
}

/** One file format. */
export interface SessionFormat {
  /** The name for `--format` and in reports. Never changes. */
  readonly name: string;
  /** What it is, for a person: `Codex rollouts`. */
  readonly title: string;
  /**
   * Recognises the format's files by how they begin.
   *
   * @param head The beginning of the file; it may end anywhere.
   * @returns What the file is, or undefined where it is not, or cannot be told to be, of this format.
   */
  detect(head: FileHead): FilePart | undefined;
  /**
   * Begins to read a file.
   *
   * @param part What it is.
   * @param file How it is called.
   * @returns The reader of this one file.
   */
  reader(part: FilePart, file: FileName): PartReader;
  /** What a file is taken for that cannot be told, where this format was asked for by name. */
  readonly fallback?: FilePart;
  /** The files that belong to a session beside its own. */
  readonly sidecars?: readonly SidecarFile[];
  /** The large values beside it. */
  readonly blobs?: BlobFiles;
}
