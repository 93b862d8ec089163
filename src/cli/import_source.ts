/**
 * Finds what an import reads: the files behind a path, their format, their key, and their records one by one.
 *
 * @module
 */

import { HoldfastError, toHoldfastError } from "../errors.ts";
import { detectFormat, detectionBytes, formatNamed } from "../formats/detect.ts";
import type { SessionDocument, SessionFacts, SessionFormat } from "../formats/session_format.ts";
import type { FileSystem } from "../fs/filesystem.ts";
import { readMark } from "../log/record_format.ts";
import { fileChunks, inputLines } from "./input_lines.ts";

const documentBytesMax = 256 * 1024 * 1024;
const companionBytesMax = 16 * 1024 * 1024;

/** A record of a file, or a line that is none. */
export type SourceItem =
  | { kind: "record"; text: string; line: number; rawIndex: number }
  | { kind: "damaged"; reason: string; line: number };

/** One file to import. */
export interface ImportSource {
  /** As given, or found in a directory that was given. */
  readonly path: string;
  /** Detected from content, or as asked for. */
  readonly format: SessionFormat;
  /** From the file beside it, or the document itself. */
  readonly facts: SessionFacts;
  /** The file's own session id, else the stem of its name. */
  readonly key: string;
  /** Something about the file that a person should know. */
  readonly warning: string | null;
  /** Its size in bytes. */
  readonly size: number;
  /** Its records, in order; may be asked for more than once. */
  items(): AsyncIterable<SourceItem>;
}

/**
 * Lists the files behind a path: itself, or in a directory each `.jsonl` file and each `.json` file that may be a
 * session.
 *
 * @param fileSystem The port.
 * @param path A file or directory.
 * @returns The files, in the order of their names, and whether the path was a directory.
 */
export async function sourcePaths(
  fileSystem: FileSystem,
  path: string,
): Promise<{ paths: string[]; isDirectory: boolean }> {
  try {
    const { kind } = await fileSystem.stat(await fileSystem.realPath(path));
    if (kind !== "directory") return { paths: [path], isDirectory: false };
    const names = (await fileSystem.readDirectory(path)).filter((entry) => entry.kind === "file")
      .map(({ name }) => name)
      .filter((name) => !name.startsWith(".") && !name.endsWith(".meta.json") && /\.jsonl?$/.test(name));
    return { paths: names.sort().map((name) => `${path.replace(/\/+$/, "")}/${name}`), isDirectory: true };
  } catch (error) {
    throw toHoldfastError(error, "looking for files to import", path);
  }
}

/**
 * Opens a file for import.
 *
 * @param fileSystem The port.
 * @param path The file.
 * @param formatName As asked for; detected if undefined.
 * @returns The source; null for a `.json` file that holds no session.
 */
export async function openSource(
  fileSystem: FileSystem,
  path: string,
  formatName: string | undefined,
): Promise<ImportSource | null> {
  try {
    const { size } = await fileSystem.stat(await fileSystem.realPath(path));
    const detected = detectFormat(await readHead(fileSystem, path));
    const format = (formatName === undefined ? undefined : formatNamed(formatName)) ?? detected.format;
    const document = detected.layout === "document" ? await readDocument(fileSystem, path, size, format) : null;
    if (document === null && path.endsWith(".json")) return null;
    const companion = document === null ? await readCompanion(fileSystem, path) : { facts: {}, warning: null };
    const facts = document?.facts ?? companion.facts;
    const stem = path.slice(path.lastIndexOf("/") + 1).replace(/\.(jsonl|json)$/, "");
    return {
      path,
      size,
      // A log with picoclaw's meta file is picoclaw's, whatever its lines look like.
      format: formatName === undefined && companion.facts.key !== undefined
        ? formatNamed("picoclaw") ?? format
        : format,
      facts,
      key: facts.key ?? stem,
      warning: companion.warning,
      items: () => document === null ? lineItems(fileSystem, path, format) : documentItems(document),
    };
  } catch (error) {
    throw toHoldfastError(error, "reading", path);
  }
}

async function readHead(fileSystem: FileSystem, path: string): Promise<Uint8Array> {
  const head = new Uint8Array(detectionBytes);
  let length = 0;
  for await (const chunk of fileChunks(fileSystem, path)) {
    const part = chunk.subarray(0, head.length - length);
    head.set(part, length);
    length += part.length;
    if (length === head.length) break;
  }
  return head.subarray(0, length);
}

async function readText(fileSystem: FileSystem, path: string): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of fileChunks(fileSystem, path)) text += decoder.decode(chunk, { stream: true });
  return text + decoder.decode();
}

async function readDocument(
  fileSystem: FileSystem,
  path: string,
  size: number,
  format: SessionFormat,
): Promise<SessionDocument | null> {
  if (format.readDocument === undefined) return null;
  if (size > documentBytesMax) {
    throw new HoldfastError("too-large", "A session in one document is over 256 MiB", { path });
  }
  return format.readDocument(await readText(fileSystem, path)) ?? null;
}

/** The meta file beside a log: `chat.meta.json` for `chat.jsonl`. */
async function readCompanion(
  fileSystem: FileSystem,
  path: string,
): Promise<{ facts: SessionFacts; warning: string | null }> {
  const companion = formatNamed("picoclaw")?.companion;
  if (companion === undefined || !path.endsWith(".jsonl")) return { facts: {}, warning: null };
  const companionPath = path.slice(0, -".jsonl".length) + companion.extension;
  try {
    const { kind, size } = await fileSystem.stat(companionPath);
    if (kind !== "file" || size > companionBytesMax) return { facts: {}, warning: null };
  } catch {
    return { facts: {}, warning: null };
  }
  const facts = companion.read(await readText(fileSystem, companionPath));
  if (facts !== undefined) return { facts, warning: null };
  return { facts: {}, warning: `${companionPath} is empty or damaged: no summary, and the key is the file's name` };
}

async function* lineItems(
  fileSystem: FileSystem,
  path: string,
  format: SessionFormat,
): AsyncIterableIterator<SourceItem> {
  let first = true;
  for await (const line of inputLines(fileChunks(fileSystem, path))) {
    if (line.bytes === null) {
      yield { kind: "damaged", reason: "over 10 MiB", line: line.number };
      continue;
    }
    if (first) refuseOwnLog(path, line.bytes);
    first = false;
    const read = format.readLine(line.bytes, line.number);
    if (read.kind === "damaged") yield { ...read, line: line.number };
    if (read.kind === "record") yield { ...read, line: line.number, rawIndex: line.rawIndex };
  }
}

/** Its lines carry marks, which are no part of the records, and its meta says which of them count. */
function refuseOwnLog(path: string, line: Uint8Array): void {
  if (readMark(line).kind !== "marked") return;
  throw new HoldfastError(
    "io",
    "This is a log of a Holdfast store; take it from there with: holdfast export KEY --dir THAT-STORE --out FILE",
    { path },
  );
}

async function* documentItems({ records }: SessionDocument): AsyncIterableIterator<SourceItem> {
  for (const [index, text] of records.entries()) yield { kind: "record", text, line: index + 1, rawIndex: index };
}
