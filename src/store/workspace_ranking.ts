/**
 * What the index of workspaces holds: for each workspace the sessions that were written to last, newest first, and how
 * each log looked when that was put down. Pure: text to ranking and back.
 *
 * Order is the order in which sessions were first written to after they were opened, so it needs no clock. A log that
 * looks otherwise than it did was written to since; a session that is not in the list was not.
 *
 * @module
 */

import { crc32 } from "../log/checksum.ts";
import { isJsonObject, parseObject } from "../log/json_text.ts";

/** A session in the index. */
export interface RankedSession {
  /** The session's key. */
  key: string;
  /** The name of its files, without directory and suffix. */
  name: string;
  /** The log's size when the entry was made, in bytes; 0 if there was none. */
  size: number;
  /** The log's last write at that time, as the file system saw it, in whole milliseconds; 0 if there was none. */
  modifiedMs: number;
  /**
   * Whether it is in the list only because somebody may have it open: nothing is known of its place among the others
   * before it is written to.
   */
  held: boolean;
}

/** How a log looks. */
export type LogStamp = Pick<RankedSession, "size" | "modifiedMs">;

/** All workspaces that are known, the one whose answer changed last at the end. */
export type WorkspaceRanking = Map<string, RankedSession[]>;

/** Workspaces beyond are forgotten, the one that has not changed for longest first; their sessions are then looked at. */
export const workspacesMax = 256;
/** Sessions of a workspace beyond are forgotten, unless somebody may have them open. */
export const rankedMax = 8;
/** Where more than this are open at once, the workspace is not in the index, and its sessions are looked at. */
export const entriesMax = 128;

/** File times within this are the same moment: the kernel's clock for files ticks every 1 to 10 ms. */
const tickMs = 10;

/**
 * Reads an index.
 *
 * @param bytes The file's bytes.
 * @returns The ranking; null if it is damaged.
 */
export function parseRanking(bytes: Uint8Array): WorkspaceRanking | null {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
  const lastLine = text.lastIndexOf("\n", text.length - 2) + 1;
  if (text.slice(lastLine) !== sealOf(text.slice(0, lastLine))) return null;
  const ranking: WorkspaceRanking = new Map();
  for (const line of text.slice(0, lastLine).split("\n").slice(0, -1)) {
    const parsedLine = parseObject(line);
    if (!("value" in parsedLine)) return null;
    const { workspace, sessions } = parsedLine.value;
    if (typeof workspace !== "string" || !Array.isArray(sessions)) return null;
    const parsed = sessions.map(parseSession).filter((session) => session !== null);
    if (parsed.length !== sessions.length) return null;
    ranking.set(workspace, parsed);
  }
  return ranking;
}

/**
 * Writes an index: one line of JSON for each workspace, and one with the checksum of those.
 *
 * @param ranking The ranking.
 * @returns The file's bytes.
 */
export function encodeRanking(ranking: WorkspaceRanking): Uint8Array {
  const lines = [...ranking].map(([workspace, sessions]) => {
    const shown = sessions.map(({ held, ...session }) => held ? { ...session, held } : session);
    return `${JSON.stringify({ workspace, sessions: shown })}\n`;
  });
  const text = lines.join("");
  return new TextEncoder().encode(text + sealOf(text));
}

/**
 * Puts the sessions of a workspace in the order in which they were written to, newest first, as far as that is known.
 *
 * @param sessions As they were put down.
 * @param stamps How their logs look now, in the same order.
 * @param lastHere The key that this process wrote to last; it decides where file times cannot.
 * @returns Them in order; what is only `held`, and was not written to since, at the end.
 */
export function rankNow(
  sessions: readonly RankedSession[],
  stamps: readonly LogStamp[],
  lastHere: string | undefined,
): RankedSession[] {
  const now = sessions.map((session, index) => {
    const stamp = stamps[index] ?? session;
    const changed = wasWritten(session, stamp);
    return { ...session, ...stamp, held: session.held && !changed, changed };
  });
  const newestMs = Math.max(0, ...now.filter(({ changed }) => changed).map(({ modifiedMs }) => modifiedMs));
  const decided = now.find(({ key, changed, modifiedMs }) =>
    key === lastHere && changed && modifiedMs >= newestMs - tickMs
  );
  const group = ({ held, changed, key }: typeof now[number]): number =>
    held ? 3 : !changed ? 2 : key === decided?.key ? 0 : 1;
  now.sort((one, other) => group(one) - group(other) || (group(one) === 1 ? other.modifiedMs - one.modifiedMs : 0));
  return now.map(({ changed: _, ...session }) => session);
}

/** Taking the fill away makes a log smaller and leaves its time: that is no write. */
function wasWritten(before: LogStamp, now: LogStamp): boolean {
  return now.modifiedMs !== before.modifiedMs || now.size > before.size;
}

function parseSession(value: unknown): RankedSession | null {
  if (!isJsonObject(value)) return null;
  const { key, name, size, modifiedMs, held = false } = value;
  if (typeof key !== "string" || typeof name !== "string" || name === "" || name.includes("/")) return null;
  if (typeof size !== "number" || typeof modifiedMs !== "number" || typeof held !== "boolean") return null;
  return { key, name, size, modifiedMs, held };
}

function sealOf(text: string): string {
  const checksum = crc32(new TextEncoder().encode(text)).toString(16).padStart(8, "0");
  return `{"format":1,"checksum":"${checksum}"}\n`;
}
