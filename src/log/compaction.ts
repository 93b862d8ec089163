/**
 * Writes a log anew: what is kept of the old one (compaction) or a new history (replace), under a temporary name,
 * durable before anything points to it. Renaming it into place is the caller's, who also orders it with the meta file.
 *
 * In a new log nothing is deferred and no batch is open: all of it is durable before it can be seen. Damaged lines are
 * not laundered by a new checksum: they are left out, and the caller sets their bytes aside.
 *
 * @module
 */

import { HoldfastError } from "../errors.ts";
import type { FileHandle, FileStat, FileSystem } from "../fs/filesystem.ts";
import { createTemporary, unlinkIfThere, writeFully } from "./atomic_file.ts";
import { joinLine } from "./blob_member.ts";
import { toLineText } from "./json_text.ts";
import type { RecordTrust } from "./log_reader.ts";
import type { ChainPosition } from "./record_chain.ts";
import { type EncodedLine, encodeLine, foreignChecksum, lineBytesMax } from "./record_format.ts";

/** A record on its way into a new log. */
export interface RewrittenRecord {
  /** Its number there. */
  sequence: number;
  /** As its author gave it. */
  text: string;
  /** How far its old checksum vouched for it; what was not verified is marked so for ever. */
  trust: RecordTrust;
  /** Which of its values are blobs, and only previews here, as `readReferences` takes it; absent: none. */
  blobs?: string;
}

/** A new log that no name leads to yet but a temporary one. */
export interface RewrittenLog {
  /** The log, open for writing. */
  handle: FileHandle;
  /** Where it goes on. */
  position: ChainPosition;
  /** Number and checksum of its first record; null if it is empty. */
  first: { sequence: number; checksum: number } | null;
}

const writeBytes = 256 * 1024;

/**
 * Writes a new log; durable when it resolves, but for its name.
 *
 * @param fileSystem The port.
 * @param temporaryPath Its temporary name; taken away again if anything fails.
 * @param like The log that it will replace, whose mode and owner it takes; null for a new one.
 * @param seed What seeds the first line: that of the log which it replaces, or the checksum of the session's key.
 * @param records What it holds, in order of their numbers.
 * @returns The new log.
 * @throws {HoldfastError} `too-large` if a record does not fit into a line, with the number that it has.
 */
export async function writeNewLog(
  fileSystem: FileSystem,
  temporaryPath: string,
  like: FileStat | null,
  seed: number,
  records: AsyncIterable<readonly RewrittenRecord[]>,
): Promise<RewrittenLog> {
  const handle = await createTemporary(fileSystem, temporaryPath, like);
  try {
    const log = await writeRecords(handle, seed, records);
    await handle.syncData();
    return log;
  } catch (error) {
    await handle.close().catch(() => undefined);
    await unlinkIfThere(fileSystem, temporaryPath).catch(() => undefined);
    throw error;
  }
}

async function writeRecords(
  handle: FileHandle,
  seed: number,
  records: AsyncIterable<readonly RewrittenRecord[]>,
): Promise<RewrittenLog> {
  const buffer = new WriteBuffer(handle);
  let checksum = seed;
  let sequenceNext = 0;
  let rawCount = 0;
  let first: RewrittenLog["first"] = null;
  for await (const group of records) {
    for (const { sequence, text, trust, blobs } of group) {
      const flags = { batchContinues: false, deferred: false, adopted: trust !== "verified" };
      const stored = blobs === undefined ? toLineText(text) : joinLine(toLineText(text), blobs);
      const marked = encodeLine(stored, sequence, flags, checksum);
      const line = marked.bytes.length > lineBytesMax
        ? foreignLine({ sequence, text, trust }, sequenceNext, checksum)
        : marked;
      checksum = line.checksum;
      first ??= { sequence, checksum };
      sequenceNext = sequence + 1;
      rawCount++;
      await buffer.write(line.bytes);
    }
  }
  const offset = await buffer.end();
  return { handle, position: { offset, checksum, sequence: sequenceNext, rawCount }, first };
}

/** A foreign line that has no room for a mark stays foreign; its number is then the one behind the line before. */
function foreignLine({ sequence, text, trust }: RewrittenRecord, sequenceNext: number, seed: number): EncodedLine {
  const bytes = new TextEncoder().encode(`${text}\n`);
  if (trust !== "foreign" || sequence !== sequenceNext || bytes.length > lineBytesMax) {
    throw new HoldfastError(
      "too-large",
      `Record ${sequence} has no room for its mark in a line of ${lineBytesMax} bytes`,
    );
  }
  return { bytes, checksum: foreignChecksum(bytes.subarray(0, -1), seed) };
}

/** Gathers lines into few, large writes. */
class WriteBuffer {
  readonly #handle: FileHandle;
  readonly #buffer = new Uint8Array(writeBytes);
  #filled = 0;
  #offset = 0;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#filled + bytes.length > this.#buffer.length) await this.#empty();
    if (bytes.length > this.#buffer.length) {
      await writeFully(this.#handle, bytes, this.#offset);
      this.#offset += bytes.length;
      return;
    }
    this.#buffer.set(bytes, this.#filled);
    this.#filled += bytes.length;
  }

  async end(): Promise<number> {
    await this.#empty();
    return this.#offset;
  }

  async #empty(): Promise<void> {
    await writeFully(this.#handle, this.#buffer.subarray(0, this.#filled), this.#offset);
    this.#offset += this.#filled;
    this.#filled = 0;
  }
}
