/**
 * Decides what an import reads: which files are sessions, which belong to one, and which are neither.
 *
 * @module
 */

import { systemErrorCode, toHoldfastError } from "../errors.ts";
import { type DetectedFormat, detectFormat, detectionBytes, formatNamed } from "../formats/detect.ts";
import { readFileHead } from "../formats/file_head.ts";
import { jsonl, jsonlLog } from "../formats/jsonl.ts";
import type { FilePart, SessionFormat, SidecarFile } from "../formats/session_format.ts";
import type { FileSystem } from "../fs/filesystem.ts";
import { readMark } from "../log/record_format.ts";
import { directoryOf, joinPath, stemOf } from "./import_files.ts";
import { fileChunks } from "./input_lines.ts";

/** A first line is read to its end up to here: a longer one is no record. */
const headBytesMax = 11 * 1024 * 1024;

/** A session to import. */
export interface PlannedSession {
  /** Its file. */
  readonly path: string;
  /** Detected from content, or as asked for. */
  readonly format: SessionFormat;
  /** What the file is. */
  readonly part: FilePart;
  /** The files beside it that are there. */
  readonly sidecars: readonly { path: string; sidecar: SidecarFile }[];
}

/** A file that is not imported by itself. */
export interface LeftOutFile {
  /** The file. */
  readonly path: string;
  /** Why, as the end of a sentence that begins with the path. */
  readonly reason: string;
  /** Whether it should have been read. */
  readonly failed?: true;
}

/** What an import reads. */
export interface ImportPlan {
  /** The sessions, in the order of their files. */
  readonly sessions: readonly PlannedSession[];
  /** The files that hold nothing that can be taken. */
  readonly leftOut: readonly LeftOutFile[];
  /** How many files are read with a session that they belong to. */
  readonly sidecarCount: number;
}

/**
 * Looks into files and sorts them.
 *
 * @param fileSystem The port.
 * @param files The files; one found in a directory is taken for plain JSON Lines only if its name or content says so.
 * @param formatName As asked for; detected if undefined.
 * @param onFile Told before each file; may throw to stop.
 * @returns The plan.
 * @throws {HoldfastError} `io` if a file cannot be read.
 */
export async function planImport(
  fileSystem: FileSystem,
  files: readonly { path: string; isGiven: boolean }[],
  formatName: string | undefined,
  onFile: () => Promise<void> = () => Promise.resolve(),
): Promise<ImportPlan> {
  const sessions = new Map<string, DetectedFormat & { path: string }>();
  const others = new Map<string, LeftOutFile>();
  for (const { path, isGiven } of files) {
    await onFile();
    // A file that is given twice, or given and found, is one file.
    const plain = plainPath(path);
    if (sessions.has(plain) || others.has(plain)) continue;
    const verdict = await inspect(fileSystem, path, isGiven, formatName);
    if ("reason" in verdict) others.set(plain, { path, ...verdict });
    else sessions.set(plain, { ...verdict, path });
  }
  for (const [plain, session] of sessions) {
    const reason = reasonToLeave(plain, session, sessions);
    if (reason === null || files.some(({ path, isGiven }) => isGiven && path === session.path)) continue;
    sessions.delete(plain);
    others.set(plain, { path: session.path, reason });
  }
  const claimed = new Set<string>();
  const blobDirectories = new Set<string>();
  const planned = new Map<string, PlannedSession>();
  for (const [plain, session] of sessions) {
    const sidecars = await sidecarsOf(fileSystem, session);
    for (const { path } of sidecars) claimed.add(path);
    planned.set(plain, withDetectedSidecar({ ...session, sidecars }, formatName));
    const { blobs } = session.format;
    for (const base of blobs?.bases ?? []) {
      blobDirectories.add(`${joinPath(joinPath(directoryOf(plain), base), blobs?.directory ?? "")}/`);
    }
  }
  const isClaimed = (plain: string): boolean =>
    claimed.has(plain) || [...blobDirectories].some((directory) => plain.startsWith(directory));
  const own = [...planned].filter(([plain]) => !isClaimed(plain)).map(([, session]) => session);
  const leftOut = [...others].filter(([plain]) => !isClaimed(plain)).map(([, file]) => file);
  const sidecarCount = planned.size + others.size - own.length - leftOut.length;
  return { sessions: own, leftOut, sidecarCount };
}

function plainPath(path: string): string {
  return joinPath(directoryOf(path), path.slice(path.lastIndexOf("/") + 1));
}

/** What programs leave behind when they rewrite or take over a session, where the session itself is there. */
function reasonToLeave(
  plain: string,
  { format, part }: DetectedFormat,
  sessions: ReadonlyMap<string, unknown>,
): string | null {
  if (plain.endsWith(".json.migrated")) return "was taken over by picoclaw into a log; left out";
  if (plain.endsWith(".tmp") && sessions.has(plain.slice(0, -".tmp".length))) {
    return "was left behind when the session beside it was saved; left out";
  }
  const isOlder = format.name === "picoclaw" && part.name === "legacy" && sessions.has(`${plain}l`);
  return isOlder ? "is older than the log of the same name beside it; left out" : null;
}

async function inspect(
  fileSystem: FileSystem,
  path: string,
  isGiven: boolean,
  formatName: string | undefined,
): Promise<DetectedFormat | { reason: string; failed?: true }> {
  const head = await headOf(fileSystem, path).catch((error: unknown) => toHoldfastError(error, "reading", path));
  if (head instanceof Error) {
    if (isGiven) throw head;
    return { reason: `cannot be read (${systemErrorCode(head.cause) ?? head.message}); left out`, failed: true };
  }
  const { bytes, isWhole } = head;
  const lineFeed = bytes.indexOf(0x0a);
  if (readMark(bytes.subarray(0, lineFeed < 0 ? bytes.length : lineFeed)).kind === "marked") {
    return {
      reason: "is a log of a Holdfast store; take it from there with: holdfast export KEY --dir THAT-STORE --out FILE",
    };
  }
  if (formatName !== undefined) {
    const format = formatNamed(formatName);
    const part = format?.detect(readFileHead(bytes, isWhole)) ?? format?.fallback;
    if (format !== undefined && part?.role === "session") return { format, part };
    return { reason: `holds no session of the format ${formatName}; left out` };
  }
  const detected = detectFormat(bytes, isWhole);
  if (detected === undefined) {
    // Somebody says that there is something in it, and it begins as an object does: each line says what it is.
    const mayBeLines = isGiven && bytes.find((byte) => byte > 0x20) === 0x7b && !path.endsWith(".json");
    return mayBeLines ? { format: jsonl, part: jsonlLog } : { reason: "holds no session; left out" };
  }
  const { format, part } = detected;
  if (part.role === "cache") return { reason: `is a ${part.name} that ${format.name} makes anew; left out` };
  if (part.role === "sidecar") {
    return { reason: `is the ${part.name} of a session of the format ${format.name}, which is not there; left out` };
  }
  // Any JSON object on a line is JSON Lines: in a directory that is no reason to make a session of every settings file.
  const isLoneObject = format.name === "jsonl" && !/\.(?:jsonl|ndjson)$/.test(path) && isWhole && isOneLine(bytes);
  if (isLoneObject && (!isGiven || path.endsWith(".json"))) return { reason: "holds no session; left out" };
  return detected;
}

function isOneLine(bytes: Uint8Array): boolean {
  const first = bytes.indexOf(0x0a);
  return first < 0 || bytes.subarray(first).every((byte) => byte === 0x0a || byte === 0x0d || byte === 0x20);
}

interface Head {
  bytes: Uint8Array;
  isWhole: boolean;
}

/** The beginning of a file; where it says nothing, with the whole of its first line if that can be. */
async function headOf(fileSystem: FileSystem, path: string): Promise<Head> {
  const head = await readHead(fileSystem, path, detectionBytes);
  const isCutLine = !head.isWhole && head.bytes.indexOf(0x0a) < 0;
  return isCutLine && detectFormat(head.bytes) === undefined ? await readHead(fileSystem, path, headBytesMax) : head;
}

/** Reads on to the end of a line, but no further than need be. */
async function readHead(fileSystem: FileSystem, path: string, bytesMax: number): Promise<Head> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  let isWhole = true;
  for await (const chunk of fileChunks(fileSystem, path)) {
    const isLast = length + chunk.length >= bytesMax || (length >= detectionBytes && chunk.indexOf(0x0a) >= 0);
    chunks.push(chunk.slice(0, bytesMax - length));
    length += chunk.length;
    if (!isLast) continue;
    isWhole = (await fileSystem.stat(await fileSystem.realPath(path))).size <= Math.min(length, bytesMax);
    break;
  }
  const bytes = new Uint8Array(Math.min(length, bytesMax));
  let filled = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, filled);
    filled += chunk.length;
  }
  return { bytes, isWhole };
}

async function sidecarsOf(
  fileSystem: FileSystem,
  { path, format }: DetectedFormat & { path: string },
): Promise<{ path: string; sidecar: SidecarFile }[]> {
  const found: { path: string; sidecar: SidecarFile }[] = [];
  // A log of plain messages may be picoclaw's all the same: its meta file says so.
  const sidecars = format.name === "jsonl" ? formatNamed("picoclaw")?.sidecars : format.sidecars;
  for (const sidecar of sidecars ?? []) {
    for (const relative of sidecar.paths({ stem: stemOf(path) })) {
      const candidate = joinPath(directoryOf(path), relative);
      if (candidate === path || !await isFile(fileSystem, candidate)) continue;
      found.push({ path: candidate, sidecar });
      break;
    }
  }
  return found;
}

function withDetectedSidecar(session: PlannedSession, formatName: string | undefined): PlannedSession {
  const picoclaw = formatNamed("picoclaw");
  if (session.format.name !== "jsonl" || session.sidecars.length === 0 || picoclaw === undefined) return session;
  return formatName === undefined ? { ...session, format: picoclaw } : session;
}

async function isFile(fileSystem: FileSystem, path: string): Promise<boolean> {
  try {
    return (await fileSystem.stat(path)).kind === "file";
  } catch {
    return false;
  }
}
