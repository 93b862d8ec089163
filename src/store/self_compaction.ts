/**
 * A writer that holds its session for months compacts the log itself: nobody else can while it has the lock.
 *
 * @module
 */

import { compactHistory } from "./history_edits.ts";
import type { OpenSession } from "./open_session.ts";
import type { ResolvedOptions } from "./store_options.ts";

/** When a log is compacted behind a truncation. */
export interface SelfCompaction {
  /** The share of its lines that are hidden. */
  readonly deadShareMin: number;
  /** How many lines are hidden. */
  readonly deadLinesMin: number;
}

/**
 * Compacts the log of a session if enough of it is hidden. The truncation before it is committed, and stays so: what
 * cannot be done now is told of, and done behind the next one.
 *
 * @param session The open session.
 * @param options The store's.
 */
export async function compactIfDue(session: OpenSession, { selfCompaction, archive }: ResolvedOptions): Promise<void> {
  if (selfCompaction === null || session.writer === null) return;
  const { skip } = session.meta;
  // Picoclaw may have said more than there are.
  if (skip < selfCompaction.deadLinesMin || skip <= 1) return;
  const lines = await session.countLines();
  if (Math.min(skip, lines) < lines * selfCompaction.deadShareMin) return;
  try {
    await compactHistory(session, false, archive);
  } catch (error) {
    // Its end is told of by itself.
    if (session.failure !== null) return;
    const reason = error instanceof Error ? error.message : String(error);
    const message = `Log could not be compacted yet: ${reason}`;
    session.report({ type: "compaction-postponed", path: session.files.log, message });
  }
}
