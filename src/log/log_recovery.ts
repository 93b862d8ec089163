/**
 * Recovery: acts on the verdict on a log's end when a session is first opened for writing, before anything is shown or
 * built upon. Runs under the session's lock; the same on every run, and a crash in it is survived like any other (I10).
 *
 * @module
 */

import { systemErrorCode } from "../errors.ts";
import type { FileHandle, FileSystem, ReadableFile } from "../fs/filesystem.ts";
import { writeFully } from "./atomic_file.ts";
import { EndWindow } from "./end_window.ts";
import { readFully } from "./log_lines.ts";
import { type QuarantinePiece, setAside } from "./quarantine.ts";
import type { ChainPosition } from "./record_chain.ts";
import { batchBytesMax, fragmentByte, harmlessByte, lineFeed, unsyncedBytesMax } from "./record_format.ts";
import { readUnsealedTail, type UnsealedTail } from "./unsealed_tail.ts";

/** A piece of the log that was set aside. */
export interface RecoveredPiece extends QuarantinePiece {
  /** The file that holds it; null: there was no space for a copy, and it was never acknowledged. */
  quarantineName: string | null;
}

/** What recovery found and did. */
export interface RecoveryReport {
  /** Where the log goes on; everything in front is durable. */
  position: ChainPosition;
  /** What was torn, in order. */
  torn: RecoveredPiece[];
  /** Bytes that were written again because nothing said that they were durable. */
  rewrittenBytes: number;
  /**
   * Whether the log alone does not say any more what recovery knew, which is worth a seal: lines were made harmless
   * where they stand, because somebody else's follow (H8); a glued line was kept, which blanks behind it would make a
   * torn one; or the record that vouched for all in front of it was torn.
   */
  keptInPlace: boolean;
}

const rewriteBytes = 256 * 1024;

/**
 * Makes the end of a log whole and durable.
 *
 * @param fileSystem The port.
 * @param handle The log, open for writing.
 * @param floor The seal, or the start of the log.
 * @param quarantineDirectory Where torn bytes go.
 * @returns What was found and done; all of it is durable.
 */
export async function recoverLog(
  fileSystem: FileSystem,
  handle: FileHandle,
  floor: ChainPosition,
  quarantineDirectory: string,
): Promise<RecoveryReport> {
  const { size } = await handle.stat();
  if (size === floor.offset) return { position: floor, torn: [], rewrittenBytes: 0, keptInPlace: false };
  const window = new EndWindow(handle, size);
  const tail = await readUnsealedTail(window, floor, size);
  const torn: RecoveredPiece[] = [];
  for (const piece of tornPieces(tail)) {
    torn.push({ ...piece, quarantineName: await setAsideIfRoom(fileSystem, quarantineDirectory, handle, piece) });
  }
  for (const { offset, isFragment } of tail.torn) {
    await writeFully(handle, Uint8Array.of(isFragment ? fragmentByte : harmlessByte), offset);
  }
  // No more of ours can be unsynced, and picoclaw's lines are not ours to write again: it synced what it acknowledged.
  const unsyncedStart = tail.hasOwn
    ? Math.max(tail.durableOffset, tail.kept.offset - unsyncedBytesMax - batchBytesMax)
    : tail.kept.offset;
  // What was just made harmless is not at hand.
  const source = tail.torn.length > 0 ? handle : window;
  const rewrittenBytes = await writeAgain(handle, source, unsyncedStart, tail.kept.offset);
  let end = tail.kept.offset;
  if (!tail.keptTerminated) await writeFully(handle, Uint8Array.of(lineFeed), end++);
  else if (end > 0) await endWithLineFeed(handle, end - 1);
  if (size > end) await handle.truncate(end);
  await handle.syncData();
  const isVouched = tail.durableOffset < tail.kept.offset || tail.durableOffset === floor.offset;
  const position = tail.torn.length > 0
    // What is on the disk now is what the chain must say.
    ? (await readUnsealedTail(handle, floor, end)).kept
    : { ...tail.kept, offset: end };
  return { position, torn, rewrittenBytes, keptInPlace: tail.torn.length > 0 || tail.keptGlued || !isVouched };
}

/** What must be set aside: torn lines that stay, each; and all behind the last line that is kept, as one. */
function tornPieces(tail: UnsealedTail): QuarantinePiece[] {
  const pieces = tail.torn.map(({ offset, length }): QuarantinePiece => ({ kind: "torn", offset, length }));
  const { offset } = tail.kept;
  if (tail.tornEnd > offset) pieces.push({ kind: "torn", offset, length: tail.tornEnd - offset });
  return pieces;
}

async function setAsideIfRoom(
  fileSystem: FileSystem,
  directory: string,
  handle: FileHandle,
  piece: QuarantinePiece,
): Promise<string | null> {
  try {
    return await setAside(fileSystem, directory, handle, piece);
  } catch (error) {
    // Recovery must succeed on a full disk; what is torn was never acknowledged.
    const code = systemErrorCode(error);
    if (code === "ENOSPC" || code === "EDQUOT" || code === "disk-full") return null;
    throw error;
  }
}

/** A NUL, which a cut sector leaves, ends a line for us, but for no other reader (I21). */
async function endWithLineFeed(handle: FileHandle, offset: number): Promise<void> {
  const last = new Uint8Array(1);
  await readFully(handle, last, offset);
  if (last[0] !== lineFeed) await writeFully(handle, Uint8Array.of(lineFeed), offset);
}

/** After a failed sync the kernel may hold pages that look clean and are on no disk: the same bytes make them dirty. */
async function writeAgain(handle: FileHandle, source: ReadableFile, start: number, end: number): Promise<number> {
  for (let offset = start; offset < end; offset += rewriteBytes) {
    const bytes = new Uint8Array(Math.min(rewriteBytes, end - offset));
    await writeFully(handle, bytes.subarray(0, await readFully(source, bytes, offset)), offset);
  }
  return end - start;
}
