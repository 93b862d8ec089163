/**
 * What seeds a session's log. It is the checksum of the session's key; a fork shares its origin's bytes, and so has its
 * origin's seed. The meta file says so (`holdfast.seed`); but picoclaw drops `holdfast` when it writes, and a meta file
 * can be lost, so a small file beside the log says it once more. It is only looked at in those cases, and it counts
 * unless the log's first line does not fit it.
 *
 * @module
 */

import type { FileSystem } from "../fs/filesystem.ts";
import { createTemporary, readWhole, writeFully } from "../log/atomic_file.ts";
import { parseObject } from "../log/json_text.ts";
import { firstLine } from "../log/log_lines.ts";
import { checksumText, keyChecksum, lineChecksum, readMark } from "../log/record_format.ts";
import { readParent, type SessionMeta, type SessionParent } from "./session_meta.ts";
import type { SessionFiles } from "./session_name.ts";

/** Where a fork comes from. */
export interface SessionOrigin {
  /** The fork's own key. */
  key: string;
  /** What seeds its log. */
  seed: number;
  /** Where it branches off. */
  parent: SessionParent | null;
}

/** No key comes near; it is read whole. */
const originBytesMax = 64 * 1024;

/**
 * What seeds a session's log, as its meta file says.
 *
 * @param key The session's key.
 * @param meta What its meta file says.
 * @returns The seed of the first line.
 */
export function seedOf(key: string, meta: Pick<SessionMeta, "seed"> | null): number {
  return meta?.seed === undefined ? keyChecksum(key) : Number.parseInt(meta.seed, 16);
}

/**
 * Where a session comes from, if its meta file does not know it any more, but the log and the file beside it do.
 *
 * @param fileSystem The port.
 * @param files The session's paths.
 * @param key Its key.
 * @param meta What its meta file says; null if there is none to go by.
 * @returns What the meta file should say; nothing if it says it, or there is nothing to say.
 */
export async function lostOrigin(
  fileSystem: FileSystem,
  files: SessionFiles,
  key: string,
  meta: SessionMeta | null,
): Promise<Partial<Pick<SessionMeta, "seed" | "parent">>> {
  // A meta file that we wrote last says what there is to say.
  if (meta !== null && (meta.first !== undefined || meta.seed !== undefined)) return {};
  const origin = await fittingOrigin(fileSystem, files);
  return origin?.key === key ? { seed: checksumText(origin.seed), parent: origin.parent } : {};
}

/**
 * Where the log of a name comes from, whoever asks.
 *
 * @param fileSystem The port.
 * @param files The paths of the name.
 * @returns The origin, if one is noted and the log's first line, where it is ours, fits it.
 */
export async function fittingOrigin(fileSystem: FileSystem, files: SessionFiles): Promise<SessionOrigin | null> {
  const bytes = await readWhole(fileSystem, files.origin, originBytesMax);
  const origin = bytes === null ? null : parseOrigin(bytes);
  if (origin === null) return null;
  const line = await firstLine(fileSystem, files.log);
  if (line === null || line === "no log") return null;
  const verdict = readMark(line);
  // Behind a foreign line the seed decides whether a record counts as verified, and nothing else.
  if (verdict.kind !== "marked") return origin;
  return lineChecksum(line, verdict.mark, origin.seed) === verdict.mark.checksum ? origin : null;
}

function parseOrigin(bytes: Uint8Array): SessionOrigin | null {
  const parsed = parseObject(new TextDecoder().decode(bytes));
  if ("reason" in parsed) return null;
  const { key, seed, parent } = parsed.value;
  if (typeof key !== "string" || typeof seed !== "string" || !/^[0-9a-f]{8}$/.test(seed)) return null;
  return { key, seed: Number.parseInt(seed, 16), parent: readParent(parent) };
}

/**
 * Notes where a session comes from. What it holds is durable when it resolves, its name is not.
 *
 * @param fileSystem The port.
 * @param files The session's paths; nobody reads them yet.
 * @param origin Where it comes from.
 */
export async function writeOrigin(fileSystem: FileSystem, files: SessionFiles, origin: SessionOrigin): Promise<void> {
  const { key, seed, parent } = origin;
  const text = `${JSON.stringify({ key, seed: checksumText(seed), parent })}\n`;
  const handle = await createTemporary(fileSystem, files.origin, null);
  try {
    await writeFully(handle, new TextEncoder().encode(text), 0);
    await handle.syncData();
  } finally {
    await handle.close();
  }
}
