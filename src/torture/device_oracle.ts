/**
 * What a session may show on a device that lies: what it would show on an honest one; less, if it says so itself; or,
 * where bytes of before may have come back, what it showed then. Nothing on such a disk says that there was ever more:
 * that is told apart from a loss that could have been reported, and was not.
 *
 * @module
 */

import { systemErrorCode } from "../errors.ts";
import type { StoreEvent } from "../store/store_event.ts";
import { describeError } from "./experiment.ts";
import { activeEntries, type LogEntry, SessionModel, type SessionState, type WorldModel } from "./model.ts";
import { filesOf, sessionKeys, type SubjectSession, type SubjectStore } from "./subject.ts";
import { Violation } from "./violation.ts";

/** Every text that was ever given to a session. */
export type Ledger = ReadonlyMap<number, ReadonlySet<string>>;

/** What was known at a step. */
export interface Note {
  /** What may have been there. */
  readonly world: WorldModel;
  /** How many syncs had begun. */
  readonly syncs: number;
}

/** What may have become of a disk or of a session on it, the better the earlier. */
export const fates = ["intact", "reported", "rolled back", "altered"] as const;

/**
 * What became of a session.
 *
 * | fate | meaning |
 * |---|---|
 * | `intact` | all is there |
 * | `reported` | not all is there, and the session says so |
 * | `rolled back` | its log, its meta file or both are exactly as they were earlier, without a word |
 * | `altered` | all records are there; a flipped bit in the meta file, which has no checksum, gives another summary, or hides others |
 */
export type Fate = typeof fates[number];

/** What a device may have done to a session. */
export interface Damage {
  /** The first of the notes from whose time bytes may have come back; the last: none may have. */
  readonly since: number;
  /** Whether only a flipped bit in the meta file tells it from what an honest device would have left. */
  readonly isBitOfMeta: boolean;
}

/** What a session shows. */
export interface Sight {
  /** Its own records, hidden ones too. */
  readonly log: readonly LogEntry[];
  /** Those that are not hidden. */
  readonly active: readonly LogEntry[];
  /** The summary. */
  readonly summary: string;
  /** How many records of other sessions are among them. */
  readonly strangers: number;
  /** Whether it says itself that something is wrong with its log. */
  readonly isLogReported: boolean;
  /** The same of its meta file. */
  readonly isMetaReported: boolean;
}

/** With which a call may be refused, because what is there cannot be trusted. */
const refusals: ReadonlySet<string> = new Set(["corrupt", "failed", "io"]);

/** What reports that records are missing, or may be. That a replace was forgotten or finished says nothing of others. */
const logReports: ReadonlySet<string> = new Set([
  "torn-tail",
  "damaged-line",
  "quarantined",
  "quarantine-full",
  "first-beyond-end",
]);

/** What reports that the summary is missing, or which records are hidden. */
const metaReports: ReadonlySet<string> = new Set(["meta-rebuilt", "quarantined", "first-beyond-end"]);

/** How a store says no: there is no such thing, or what is there is not trusted. */
export type Refusal = "not-found" | "refused";

/**
 * What an error says that a store answers with because of what the device did.
 *
 * @param error What was thrown.
 * @returns Whether nothing is there, or what is there is not trusted.
 * @throws {Violation} If it is neither, or one already.
 */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Violation) throw error;
  const code = systemErrorCode(error) ?? "none";
  if (code === "not-found") return code;
  if (!refusals.has(code)) throw new Violation("error", describeError(error));
  return "refused";
}

/**
 * Opens a session, lets it recover if it may write, and looks at it: nothing invented, nothing twice, nothing out of
 * order (I2, I3).
 *
 * @param store The store; what its opening was refused with, if it was.
 * @param index Which session.
 * @param known The texts that it may show.
 * @param options The texts of all sessions; what the store has told so far; whether it may write.
 * @returns What it shows.
 */
export async function see(
  store: SubjectStore | Refusal,
  index: number,
  known: ReadonlySet<string>,
  { ledger, events, readOnly }: { ledger: Ledger; events: readonly StoreEvent[]; readOnly: boolean },
): Promise<Sight> {
  const nothing = { log: [], active: [], summary: "", strangers: 0 };
  if (typeof store === "string") {
    return { ...nothing, isLogReported: store === "refused", isMetaReported: store === "refused" };
  }
  const key = sessionKeys[index] ?? "";
  let sight: Pick<Sight, "log" | "active" | "summary" | "strangers"> = nothing;
  let refusal: Refusal | null = null;
  let verdict = { isLogBad: false, isMetaBad: false };
  try {
    const session = await store.session(key);
    if (!readOnly && await store.has(key)) await session.update({}).catch((error) => refusal = refusalOf(error));
    sight = await contentsOf(session, known, ledger);
    verdict = await verdictOf(session);
  } catch (error) {
    refusal = refusalOf(error);
  }
  const isRefused = refusal === "refused";
  const own = events.filter((event) => event.key === key);
  const { log, meta } = filesOf(index);
  const isTold = (types: ReadonlySet<string>, other: string): boolean =>
    own.some(({ type, path }) => types.has(type) && path !== other);
  return {
    ...sight,
    isLogReported: isRefused || verdict.isLogBad || isTold(logReports, meta),
    isMetaReported: isRefused || verdict.isMetaBad || isTold(metaReports, log),
  };
}

async function contentsOf(
  session: SubjectSession,
  known: ReadonlySet<string>,
  ledger: Ledger,
): Promise<Pick<Sight, "log" | "active" | "summary" | "strangers">> {
  const log: LogEntry[] = [];
  let strangers = 0;
  let last = -1;
  let label = -1;
  for await (const { sequence, text } of session.texts({ all: true })) {
    if (!known.has(text) && [...ledger.values()].some((texts) => texts.has(text))) {
      strangers++;
      continue;
    }
    if (!known.has(text)) throw new Violation("I3", `Nobody wrote ${text.slice(0, 100)}`);
    if (log.some((entry) => entry.text === text)) throw new Violation("I3", `Twice: ${text.slice(0, 100)}`);
    const own = labelOf(text);
    if (sequence <= last || own <= label) throw new Violation("I2", `Out of order: ${text.slice(0, 100)}`);
    [last, label] = [sequence, own];
    log.push({ sequence, text });
  }
  const active: LogEntry[] = [];
  for await (const { sequence, text } of session.texts({ all: false })) {
    if (known.has(text)) active.push({ sequence, text });
  }
  return { log, active, summary: session.summary, strangers };
}

async function verdictOf(session: SubjectSession): Promise<{ isLogBad: boolean; isMetaBad: boolean }> {
  const report = await session.verify();
  const isMissing = "missing" in report && report.missing !== undefined;
  return {
    isLogBad: report.damaged.length > 0 || report.tornTail !== null || isMissing,
    isMetaBad: report.meta !== "ok",
  };
}

/**
 * Judges what a session shows.
 *
 * @param index Which session.
 * @param sight What it shows.
 * @param notes What was known, up to the power cut.
 * @param damage What the device may have done to it.
 * @returns What became of it.
 * @throws {Violation} If something is missing without a word.
 */
export function judge(index: number, sight: Sight, notes: readonly Note[], { since, isBitOfMeta }: Damage): Fate {
  const { strangers, isLogReported, isMetaReported } = sight;
  // A page that a device has put into another log brings whole records with it; only the first is tied to a key.
  if (strangers > 0 && !isLogReported) throw new Violation("I3", "Another session's records, without a word");
  const now = modelAt(notes.at(-1), index);
  if (now.states.some((state) => hasLog(sight, state) && hasMeta(sight, state))) return "intact";
  const before = [...new Set(notes.slice(since, -1).map((note) => modelAt(note, index)))];
  const parts = [
    { agrees: hasLog, isReported: isLogReported, excuse: null, name: "records" },
    // Which records are hidden cannot be told of a log that is not whole.
    {
      agrees: hasMeta,
      isReported: isMetaReported || isLogReported,
      excuse: isBitOfMeta ? "altered" : null,
      name: "summary or hidden records",
    },
  ] as const;
  const found = parts.map(({ agrees, isReported, excuse, name }): Fate => {
    if (now.states.some((state) => agrees(sight, state))) return "intact";
    if (isReported) return "reported";
    // Log and meta file are on pages of their own: each may be of another time.
    if (before.some(({ states }) => states.some((state) => agrees(sight, state)))) return "rolled back";
    if (excuse !== null) return excuse;
    throw new Violation("I11", `${sessionKeys[index]}: other ${name}, without a word: ${difference(sight, now)}`);
  });
  return worstOf(found);
}

/**
 * The worst of some fates.
 *
 * @param found Them.
 * @returns It; of none, `intact`.
 */
export function worstOf(found: readonly Fate[]): Fate {
  return fates.findLast((fate) => found.includes(fate)) ?? "intact";
}

function modelAt(note: Note | undefined, index: number): SessionModel {
  return note?.world.sessions[index] ?? new SessionModel();
}

function hasLog({ log }: Sight, state: SessionState): boolean {
  return isSame(log, state.log);
}

function hasMeta({ log, active, summary }: Sight, { first, summary: own }: SessionState): boolean {
  return summary === own && isSame(active, log.filter(({ sequence }) => sequence >= first));
}

function isSame(one: readonly LogEntry[], other: readonly LogEntry[]): boolean {
  return one.length === other.length &&
    one.every(({ sequence, text }, at) => sequence === other[at]?.sequence && text === other[at].text);
}

function difference(sight: Sight, { states }: SessionModel): string {
  const told = (log: readonly LogEntry[], active: readonly LogEntry[], summary: string): string =>
    `[${log.map(({ sequence, text }) => `${sequence}:${labelOf(text)}`).join(" ")}], ` +
    `active from ${active[0]?.sequence ?? "none"}, ${summary === "" ? "no summary" : summary}`;
  const allowed = states.map((state) => told(state.log, activeEntries(state), state.summary));
  return `${told(sight.log, sight.active, sight.summary)}; of now: ${allowed.join(" or ")}`;
}

/**
 * Which record a text is.
 *
 * @param text A text of the laboratory's.
 * @returns Its number, which rises from call to call; -1 if it has none.
 */
export function labelOf(text: string): number {
  return Number(/"content":"(\d+)/.exec(text)?.[1] ?? -1);
}
