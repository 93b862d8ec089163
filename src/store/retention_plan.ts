/**
 * Which sessions go, by age, number and bytes. Pure: nothing is read or written.
 *
 * @module
 */

/** What a store may keep; what is absent has no limit. */
export interface RetentionLimits {
  /** Sessions that were last written to longer ago go, in milliseconds. */
  ageMsMax?: number;
  /** Of more sessions, the oldest go. */
  sessionsMax?: number;
  /** If their files have more bytes together, the oldest go; the newest session stays in any case. */
  bytesMax?: number;
}

/** Why a session goes. */
export type RetentionReason = "age" | "count" | "bytes";

/** A session, as the plan needs to know it. */
export interface RankedCandidate {
  /** The higher, the newer; infinite where it is not known. */
  rank: number;
  /** Its age in milliseconds; null if that is not known. */
  ageMs: number | null;
  /** Last write as the file system saw it, in milliseconds; decides between equals. */
  modifiedMs: number;
  /** The name of its files; decides between what is still equal. */
  name: string;
  /** How many bytes its files have. */
  bytes: number;
}

/**
 * Decides what goes.
 *
 * @param candidates All sessions.
 * @param limits What may stay.
 * @returns What goes and why, the oldest first.
 */
export function planRetention<T extends RankedCandidate>(
  candidates: readonly T[],
  limits: RetentionLimits,
): { candidate: T; reason: RetentionReason }[] {
  const { ageMsMax = Infinity, sessionsMax = Infinity, bytesMax = Infinity } = limits;
  const oldestFirst = [...candidates].sort((one, other) => compare(one, other));
  let count = oldestFirst.length;
  let bytes = oldestFirst.reduce((sum, candidate) => sum + candidate.bytes, 0);
  const going: { candidate: T; reason: RetentionReason }[] = [];
  for (const candidate of oldestFirst) {
    const { ageMs } = candidate;
    const reason = ageMs !== null && ageMs > ageMsMax
      ? "age"
      : count > sessionsMax
      ? "count"
      : bytes > bytesMax && count > 1
      ? "bytes"
      : null;
    if (reason === null) continue;
    going.push({ candidate, reason });
    count--;
    bytes -= candidate.bytes;
  }
  return going;
}

function compare(one: RankedCandidate, other: RankedCandidate): number {
  if (one.rank !== other.rank) return one.rank < other.rank ? -1 : 1;
  return one.modifiedMs - other.modifiedMs || (one.name < other.name ? -1 : 1);
}
