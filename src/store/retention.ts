/**
 * Housekeeping: what is old or too much goes to the trash, what is in the trash long enough goes for good, and what
 * crashes have left goes as well. One step at a time, so that whoever stops in between leaves nothing half done.
 *
 * Nothing here waits for anybody: a session that is being written, by this store or by another process, is passed over.
 * One that was written to since it was looked at stays, too.
 *
 * @module
 */

import { HoldfastError, type HoldfastErrorCode, systemErrorCode, toHoldfastError } from "../errors.ts";
import { directoryOf, statIfThere, unlinkIfThere } from "../log/atomic_file.ts";
import { OpenSession } from "./open_session.ts";
import { RetentionClock } from "./retention_clock.ts";
import { planRetention, type RetentionLimits, type RetentionReason } from "./retention_plan.ts";
import { type SessionFiles, sessionFiles } from "./session_name.ts";
import { trashDirectoryName } from "./session_trash.ts";
import type { StoreContext } from "./store_context.ts";
import { type StoreSurvey, type SurveyedSession, surveyStore } from "./store_survey.ts";
import { emptyTrash, goneIds, listTrash, type RankedTrashEntry, removeGone } from "./trash_items.ts";

/** How long the trash is kept where nothing else is said: 30 days, in milliseconds. */
export const trashAgeMsDefault: number = 30 * 86_400_000;

/** Options of `SessionStore.retain`. Without a limit no session goes. */
export interface RetentionOptions extends RetentionLimits {
  /**
   * What is in the trash for longer goes for good, in milliseconds; 0: at once. `Infinity`: never.
   *
   * @default {2592000000, 30 days}
   */
  trashAgeMsMax?: number;
  /**
   * If the trash has more bytes, the oldest goes for good.
   *
   * @default {no limit}
   */
  trashBytesMax?: number;
  /**
   * If what was set aside in quarantine has more bytes in the whole store, the oldest goes for good.
   *
   * @default {no limit but the 16 MiB of each session}
   */
  quarantineBytesMax?: number;
  /**
   * Whether it is only told what would be done; nothing is written.
   *
   * @default {false}
   */
  dryRun?: boolean;
  /**
   * What time it is, in milliseconds, for a board that knows better than its clock.
   *
   * @default {what the clock shows}
   */
  nowMs?: number;
  /** Told how many sessions have been looked at, of how many. What it throws ends the call. */
  onProgress?: (done: number, all: number) => void;
}

/** One thing that was done, or would be. */
export interface RetentionStep {
  /**
   * `trash`: a session went to the trash; `empty`: one in the trash went for good; `quarantine`: so did bytes that were
   * set aside; `sweep`: so did what a crash has left.
   */
  action: "trash" | "empty" | "quarantine" | "sweep";
  /** Which limit it was over; `leftover`: a crash has left it. */
  reason: RetentionReason | "leftover";
  /** The session's key; null where it is not known. */
  key: string | null;
  /** The file or directory. */
  path: string;
  /** How many bytes its files had. */
  bytes: number;
  /** How old it was, in milliseconds; null where that is not known. */
  ageMs: number | null;
  /**
   * Why it was not done: `changed`, if it was written to meanwhile; else the code of an error, `locked` where it is
   * being written. Null: it was done, or would be.
   */
  skipped: HoldfastErrorCode | "changed" | null;
}

/** What the store does for it. */
export interface RetentionHost {
  /** What all parts share. */
  readonly context: StoreContext;
  /** Whether a session is in use in this store. */
  isInUse(key: string): boolean;
  /** Puts a session into the trash; null if it may not go any more. */
  trash(key: string, isUnchanged: (files: SessionFiles) => Promise<boolean>): Promise<string | null>;
}

type Outcome = RetentionStep["skipped"];

/**
 * Keeps house.
 *
 * @param host The store.
 * @param options The limits.
 * @returns Each step behind its being done.
 */
export async function* retainSessions(host: RetentionHost, options: RetentionOptions): AsyncGenerator<RetentionStep> {
  const { context } = host;
  const { dryRun = false, nowMs = Date.now() } = options;
  const clock = await RetentionClock.read(context, nowMs);
  const survey = await surveyStore(context, options.onProgress);
  yield* sweep(context, survey, dryRun);
  const candidates = survey.sessions.filter(({ isGone }) => !isGone).map((session) => {
    return { ...session, rank: clock.rank(session), ageMs: clock.ageMs(session) };
  });
  for (const { candidate, reason } of planRetention(candidates, options)) {
    const { key, bytes, ageMs, files } = candidate;
    const skipped = host.isInUse(key) ? "locked" : dryRun ? null : await outcomeOf(context, async () => {
      return await host.trash(key, async () => await isAsSurveyed(context, candidate)) === null ? "changed" : null;
    });
    yield { action: "trash", reason, key, path: files.log, bytes, ageMs, skipped };
  }
  yield* emptyOld(context, clock, options);
  yield* thinQuarantine(context, clock, survey, options);
  if (!dryRun) await clock.remember(context);
}

async function isAsSurveyed({ fileSystem }: StoreContext, session: SurveyedSession): Promise<boolean> {
  const { files } = session;
  const stat = await statIfThere(fileSystem, files.log) ?? await statIfThere(fileSystem, files.meta);
  return stat?.size === session.size && stat.modifiedMs === session.modifiedMs;
}

/** What crashes have left of sessions that nobody has opened since. */
async function* sweep(context: StoreContext, survey: StoreSurvey, dryRun: boolean): AsyncGenerator<RetentionStep> {
  const leftover = { action: "sweep", reason: "leftover", ageMs: null } as const;
  for (const { key, files, bytes } of survey.sessions.filter(({ isGone }) => isGone)) {
    const finish = async (): Promise<Outcome> => {
      await (await OpenSession.open(context, key)).release();
      return null;
    };
    const skipped = dryRun ? null : await outcomeOf(context, finish);
    yield { ...leftover, key, path: files.meta, bytes, skipped };
  }
  for (const { name, path } of survey.temporaries) {
    const stat = await statIfThere(context.fileSystem, path);
    // It went with its session.
    if (stat === null) continue;
    const skipped = dryRun ? null : await whileClosed(context, name, async () => await unlinkDurably(context, path));
    yield { ...leftover, key: null, path, bytes: stat.size, skipped };
  }
  for (const name of survey.locks) {
    const { lock: path } = sessionFiles(context.directory, name);
    const skipped = dryRun ? null : await whileClosed(context, name, () => Promise.resolve());
    // Of a session that is just being made.
    if (skipped !== "locked") yield { ...leftover, key: null, path, bytes: 0, skipped };
  }
  for (const id of await goneIds(context)) {
    const path = `${context.directory}/${trashDirectoryName}/${id}`;
    const skipped = dryRun ? null : await outcomeOf(context, async () => {
      await removeGone(context, id);
      return null;
    });
    yield { ...leftover, key: null, path, bytes: 0, skipped };
  }
}

async function* emptyOld(
  context: StoreContext,
  clock: RetentionClock,
  options: RetentionOptions,
): AsyncGenerator<RetentionStep> {
  const { trashAgeMsMax = trashAgeMsDefault, trashBytesMax = Infinity, dryRun = false } = options;
  const entries = await listTrash(context);
  let held = entries.reduce((sum, { bytes }) => sum + bytes, 0);
  const stamp = ({ id, bytes, modifiedMs }: RankedTrashEntry) => {
    return { name: `${trashDirectoryName}/${id}`, size: bytes, modifiedMs };
  };
  const ranked = entries.map((entry) => ({ entry, rank: clock.rank(stamp(entry)), ageMs: clock.ageMs(stamp(entry)) }));
  ranked.sort((one, other) => one.rank === other.rank ? 0 : one.rank - other.rank);
  for (const { entry: { id, key, bytes }, ageMs } of ranked) {
    // What is not to be kept at all needs no clock.
    const isOld = trashAgeMsMax === 0 || (ageMs !== null && ageMs > trashAgeMsMax);
    if (!isOld && held <= trashBytesMax) continue;
    const skipped = dryRun ? null : await outcomeOf(context, async () => {
      await emptyTrash(context, id);
      return null;
    });
    if (skipped === null) held -= bytes;
    const path = `${context.directory}/${trashDirectoryName}/${id}`;
    yield { action: "empty", reason: isOld ? "age" : "bytes", key, path, bytes, ageMs, skipped };
  }
}

async function* thinQuarantine(
  context: StoreContext,
  clock: RetentionClock,
  survey: StoreSurvey,
  { quarantineBytesMax = Infinity, dryRun = false }: RetentionOptions,
): AsyncGenerator<RetentionStep> {
  let held = survey.quarantine.reduce((sum, { size }) => sum + size, 0);
  if (held <= quarantineBytesMax) return;
  const keys = new Map(survey.sessions.map(({ name, key }) => [name, key]));
  const ranked = survey.quarantine.map((file) => ({ ...file, rank: clock.rank({ ...file, name: file.path }) }));
  ranked.sort((one, other) => one.rank === other.rank ? one.modifiedMs - other.modifiedMs : one.rank - other.rank);
  for (const { name, path, size, modifiedMs } of ranked) {
    if (held <= quarantineBytesMax) return;
    // It went to the trash with its session.
    if (await statIfThere(context.fileSystem, path) === null) {
      held -= size;
      continue;
    }
    const skipped = dryRun ? null : await whileClosed(context, name, async () => await unlinkDurably(context, path));
    if (skipped === null) held -= size;
    const ageMs = clock.ageMs({ name: path, size, modifiedMs });
    yield { action: "quarantine", reason: "bytes", key: keys.get(name) ?? null, path, bytes: size, ageMs, skipped };
  }
}

async function unlinkDurably({ fileSystem }: StoreContext, path: string): Promise<void> {
  if (await unlinkIfThere(fileSystem, path)) await fileSystem.syncDirectory(directoryOf(path));
}

/** Runs a step if nobody has a session open for writing. */
async function whileClosed(context: StoreContext, name: string, step: () => Promise<void>): Promise<Outcome> {
  const { fileSystem, directory } = context;
  return await outcomeOf(context, async () => {
    const { lock } = sessionFiles(directory, name);
    const attempt = await fileSystem.lock(lock, fileSystem.processName ?? "another process, keeping house");
    if (!attempt.acquired) return "locked";
    try {
      await step();
    } finally {
      await attempt.lock.release();
    }
    return null;
  });
}

/** What one step cannot do keeps no other from being done. */
async function outcomeOf(context: StoreContext, step: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await step();
  } catch (error) {
    if (!(error instanceof HoldfastError) && systemErrorCode(error) === undefined) throw error;
    return toHoldfastError(error, "keeping house", context.directory).code;
  }
}
