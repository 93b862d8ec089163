/**
 * The operations that make one session out of another, and that move records from the log to the archive.
 *
 * @module
 */

import { systemErrorCode } from "../errors.ts";
import { archiveSegments } from "../log/archive.ts";
import type { Experiment, NewEffect } from "./experiment.ts";
import { type LogEntry, mayBeGone, type SessionState } from "./model.ts";
import type { Operation } from "./operations.ts";
import { filesOf, sessionKeys } from "./subject.ts";
import { Violation } from "./violation.ts";

/**
 * What compaction takes out of the log, and into the archive if it is kept.
 *
 * @param state The session.
 * @param archive Whether it is kept.
 * @returns The session after it.
 */
export function compacted(state: SessionState, archive: boolean): SessionState {
  const keepFrom = Math.min(state.first, state.log.at(-1)?.sequence ?? 0);
  const archivedBelow = state.archivedBelow ?? 0;
  if (archive) return state.log.length === 0 ? state : { ...state, archivedBelow: Math.max(archivedBelow, keepFrom) };
  const log = state.log.filter(({ sequence }) => sequence < archivedBelow || sequence >= keepFrom);
  return { ...state, log };
}

/** Takes out of the log what is hidden, and keeps it. */
export async function compactToArchive(experiment: Experiment, { session }: Operation): Promise<void> {
  const effect: NewEffect = { words: "compact to the archive", apply: (state) => compacted(state, true) };
  await experiment.change(session, [effect], true, async () => {
    await (await experiment.session(session)).compact({ archive: true });
  });
}

/**
 * What the records of the log are, without those of the archive.
 *
 * @param state The session.
 * @returns Them, in order.
 */
export function unarchived({ log, archivedBelow = 0 }: SessionState): readonly LogEntry[] {
  return log.filter(({ sequence }) => sequence >= archivedBelow);
}

/** Begins the other session with the records of this one: up to the last, or (`early`) to the one before. */
export async function fork(experiment: Experiment, { session, variant }: Operation): Promise<void> {
  // What is in doubt is looked up first.
  await experiment.texts(session, []);
  const target = session === 0 ? 1 : 0;
  const [from, to] = [sessionKeys[session] ?? "", sessionKeys[target] ?? ""];
  const there = await whatIsThere(experiment, [from, to]);
  if (!there.has(from) || there.has(to)) return await refusedFork(experiment, target, from, to);
  const source = experiment.model(session).latest;
  const gone = experiment.newLife();
  const records = unarchived(source);
  // A record that the store may have removed by itself is none to fork at.
  const early = variant === "early" ? records.at(-2) : undefined;
  const last = early === undefined || mayBeGone(source, early.sequence) ? records.at(-1) : early;
  const effect: NewEffect = {
    words: `fork of session ${session}`,
    apply: () => ({ ...forked(source, last), ...lifeOf(gone) }),
  };
  await experiment.change(target, [effect], true, async () => {
    await (await experiment.store()).fork(
      from,
      to,
      variant === "early" && last !== undefined ? { at: last.sequence } : {},
    );
    // What is in a fork is durable in its source, too.
    await experiment.settle(session, async () => {});
  });
}

function lifeOf({ life }: SessionState): Partial<SessionState> {
  return life === undefined ? {} : { life };
}

function forked(source: SessionState, last: LogEntry | undefined): SessionState {
  const records = unarchived(source);
  if (last === undefined) return { ...source, log: [], archivedBelow: 0 };
  const keepsHidden = last === records.at(-1) || last.sequence >= source.first;
  return {
    ...source,
    log: source.log.filter(({ sequence }) => sequence <= last.sequence),
    first: keepsHidden ? source.first : records[0]?.sequence ?? 0,
    summary: keepsHidden ? source.summary : "",
  };
}

/** A look from outside, where no call fails. */
async function whatIsThere(experiment: Experiment, keys: readonly string[]): Promise<ReadonlySet<string>> {
  const there = new Set<string>();
  const other = await experiment.openAnother(true).catch(() => null);
  if (other === null) return there;
  for (const key of keys) if (await other.has(key)) there.add(key);
  await other.close();
  return there;
}

async function refusedFork(experiment: Experiment, target: number, from: string, to: string): Promise<void> {
  await experiment.change(target, [], false, async () => {
    const code = await (await experiment.store()).fork(from, to).then(() => "none", (error: unknown) => {
      const known = systemErrorCode(error);
      if (known === "exists" || known === "not-found") return known;
      throw error;
    });
    if (code === "none") throw new Violation("I3", "A fork that cannot be was made");
  });
}

/** After recovery no file of an archive is the log itself (I18), and each can be read. */
export async function checkArchives(experiment: Experiment): Promise<void> {
  const { fileSystem, touched } = experiment;
  const store = await experiment.store();
  for (const session of touched) {
    if (!await store.has(sessionKeys[session] ?? "") || !await experiment.holds(session)) continue;
    const { archive, log } = filesOf(session);
    const inode = await fileSystem.stat(log).then((stat) => stat.inode, () => null);
    for (const segment of await archiveSegments(fileSystem, archive)) {
      if (segment.inode === inode) throw new Violation("I18", `Left over after recovery: ${segment.path}`);
    }
  }
}
