/**
 * What every file format of `formats/` offers. A format does no I/O and knows no store: the caller reads the file, cuts
 * it into lines (or hands it over whole) and gets records as JSON texts.
 *
 * @module
 */

/** How a file holds its records. */
export type FileLayout =
  /** One record per line. The file may be of any size. */
  | "lines"
  /** One JSON document that holds them all. */
  | "document";

/** What became of one line. */
export type ReadLine =
  | { kind: "record"; /** A JSON object on one line, as it was written. */ text: string }
  | { kind: "blank" }
  | { kind: "damaged"; /** Why it is not taken, as a noun phrase. */ reason: string };

/** What became of one record on its way into another format. */
export type WrittenRecord =
  | { kind: "line"; /** The line with its line feed. */ text: string }
  | { kind: "unfit"; /** Why the format cannot hold it. */ reason: string };

/** What a file says about its session besides the records. */
export interface SessionFacts {
  /** The session's key or identifier. */
  key?: string;
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

/** A whole file of the layout `document`. */
export interface SessionDocument {
  /** What it says about the session. */
  facts: SessionFacts;
  /** The records in order, each a JSON object on one line. */
  records: readonly string[];
}

/** A second file beside the one with the records. */
export interface CompanionFile {
  /** What takes the place of the records file's extension: `.meta.json`. */
  readonly extension: string;
  /**
   * Reads it.
   *
   * @param text The whole file.
   * @returns What it says, or undefined where it is damaged or something else.
   */
  read(text: string): SessionFacts | undefined;
  /**
   * Writes it.
   *
   * @param facts What it is to say; what is absent gets the format's empty value.
   * @returns The whole file.
   */
  write(facts: SessionFacts): string;
}

/** One file format. */
export interface SessionFormat {
  /** The name for `--format` and in reports. Never changes. */
  readonly name: string;
  /**
   * Recognises the format by how a file begins.
   *
   * @param head The first 64 KiB or so as text; it may end anywhere.
   * @returns The layout, or undefined where the file is not, or cannot be told to be, of this format.
   */
  detect(head: string): FileLayout | undefined;
  /**
   * Reads a line of a file of the layout `lines`.
   *
   * @param bytes The line, with or without its line feed.
   * @param lineNumber Its number from 1, for formats in which the place of a line matters.
   * @returns The record, or why there is none.
   */
  readLine(bytes: Uint8Array, lineNumber: number): ReadLine;
  /**
   * Reads a file of the layout `document`; formats without one lack this method.
   *
   * @param text The whole file.
   * @returns Its content, or undefined where it is damaged or something else (it may still be one of lines).
   */
  readDocument?(text: string): SessionDocument | undefined;
  /**
   * Writes a record as a line; formats that are only read lack this method.
   *
   * @param text The record: a JSON object as text.
   * @returns The line, or why the format cannot hold the record.
   */
  writeRecord?(text: string): WrittenRecord;
  /** The second file of the format, if it has one. */
  readonly companion?: CompanionFile;
}
