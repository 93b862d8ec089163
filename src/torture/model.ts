/**
 * What the user of a store was told, and so what may be there after the power comes back.
 *
 * A session's calls take effect one after the other. So what a power cut can leave is a prefix of the effects that are
 * not acknowledged yet, on top of what is: the base, with the first 0, 1, 2 … effects (I1, I2, I4, I5, I8, I9).
 * Models are never changed: a moment's model can be kept for as long as one likes.
 *
 * @module
 */

import { mixHashes } from "../testing/image_hash.ts";
import { BucketModel } from "./bucket_model.ts";
import type { SessionFacts } from "./watched_facts.ts";

/** A record as a reader sees it. */
export interface LogEntry {
  /** Its number. */
  readonly sequence: number;
  /** Its text. */
  readonly text: string;
}

/** Numbers from one to below another. */
export interface NumberRange {
  /** The first. */
  readonly from: number;
  /** One past the last. */
  readonly below: number;
}

/** What a session looks like from outside. */
export interface SessionState {
  /** All records that are still in the log, hidden ones too. */
  readonly log: readonly LogEntry[];
  /** The number of the first active record. */
  readonly first: number;
  /** The summary. */
  readonly summary: string;
  /** What else is known of it. */
  readonly facts: SessionFacts;
  /** Records with a lower number are in the archive: no compaction removes them. */
  readonly archivedBelow?: number;
  /**
   * What the store may have removed without being asked to: of each range the oldest first. What is archived later may
   * be without it, too, and then begins another range. The ranges rise, and do not overlap.
   */
  readonly mayGo?: readonly NumberRange[];
  /** Tells sessions of one key apart that came one after the other, once there is a bucket. */
  readonly life?: number;
}

/** A session that nobody has written to. */
export const emptyState: SessionState = { log: [], first: 0, summary: "", facts: {} };

/**
 * Whether the store may have removed a record without being asked to.
 *
 * @param state The session.
 * @param sequence The record's number.
 * @returns Whether it is in one of the ranges.
 */
export function mayBeGone({ mayGo = [] }: SessionState, sequence: number): boolean {
  return mayGo.some(({ from, below }) => sequence >= from && sequence < below);
}

/**
 * The number that the next record gets.
 *
 * @param state The session.
 * @returns One past the last line, or the number of the first active record if that is higher.
 */
export function nextSequence(state: SessionState): number {
  return Math.max((state.log.at(-1)?.sequence ?? -1) + 1, state.first);
}

/**
 * The records that are not hidden.
 *
 * @param state The session.
 * @returns Them, in order.
 */
export function activeEntries(state: SessionState): readonly LogEntry[] {
  return state.log.filter(({ sequence }) => sequence >= state.first);
}

/**
 * The records that are in the archive.
 *
 * @param state The session.
 * @returns Them, in order.
 */
export function archivedEntries({ log, archivedBelow = 0 }: SessionState): readonly LogEntry[] {
  return log.filter(({ sequence }) => sequence < archivedBelow);
}

/** One step of a session that is there whole, or not at all. */
export interface Effect {
  /** Tells it from the others. */
  readonly id: number;
  /** What it does, in words. */
  readonly words: string;
  /** What it makes of a session. */
  readonly apply: (state: SessionState) => SessionState;
  /** Whether an open for writing has to complete it, because what it is made of is durable (migration). */
  readonly completed?: boolean;
  /** Whether somebody else does it, for whom what we have not made durable yet is not in front. */
  readonly foreign?: boolean;
  /** Whether the kernel has it: the death of the program alone does not undo it. */
  readonly inKernel?: boolean;
}

/** What may be there of one session. */
export class SessionModel {
  /** What is acknowledged as durable. */
  readonly base: SessionState;
  /** What was issued since, in order. */
  readonly effects: readonly Effect[];
  /** The base, then what it becomes with each effect more. */
  readonly states: readonly SessionState[];
  /** What else may be there: lines of somebody else, without what we had written before them and not made durable. */
  readonly extras: readonly SessionState[];
  /** Whether the base was shown by a session that is open for writing, rather than acknowledged (I6). */
  readonly shown: boolean;
  #fingerprint: string | undefined;

  /**
   * Creates a model.
   *
   * @param base What is acknowledged.
   * @param effects What was issued since.
   * @param shown Whether the base was seen, not acknowledged.
   */
  constructor(base: SessionState = emptyState, effects: readonly Effect[] = [], shown = false) {
    this.base = base;
    this.effects = effects;
    this.shown = shown;
    const states = [base];
    let state = base;
    for (const effect of effects) states.push(state = effect.apply(state));
    this.states = states;
    this.extras = effects.some(({ foreign }) => foreign) ? mixedStates(base, effects) : [];
  }

  /** What is there if nothing is lost. */
  get latest(): SessionState {
    return this.states[this.states.length - 1] ?? this.base;
  }

  /** One text for all that the oracle goes by. */
  get fingerprint(): string {
    return this.#fingerprint ??=
      `${this.shown}${
        this.effects.map(({ completed, inKernel }) => `${completed ? "!" : "."}${inKernel ? "k" : ""}`).join("")
      }` +
      JSON.stringify(this.states);
  }

  /** A call has been made. */
  issue(...effects: Effect[]): SessionModel {
    return new SessionModel(this.base, [...this.effects, ...effects], this.shown);
  }

  /** A call has resolved: all up to its last effect is durable. */
  acknowledge(id: number): SessionModel {
    const index = this.effects.findLastIndex((effect) => effect.id <= id);
    if (index < 0) return this;
    return new SessionModel(this.states[index + 1], this.effects.slice(index + 1));
  }

  /** A call has resolved as soon as the kernel had it. */
  handOver(id: number): SessionModel {
    const effects = this.effects.map((effect) => effect.id === id ? { ...effect, inKernel: true } : effect);
    return new SessionModel(this.base, effects, this.shown);
  }

  /** A call was refused: nothing of it has happened. */
  withdraw(id: number): SessionModel {
    return new SessionModel(this.base, this.effects.filter((effect) => effect.id !== id), this.shown);
  }

  /**
   * A session that is open for writing has shown what is there.
   *
   * @param index How many effects are there; beyond, which of the extras.
   * @param log The records with their numbers as they were shown, which decides for extras.
   */
  collapse(index: number, log: readonly LogEntry[] | null): SessionModel {
    if (index === 0 && this.effects.length === 0) return this;
    return new SessionModel(this.states[index] ?? this.#extra(index, log), [], index > 0);
  }

  /**
   * The program died, and somebody who has not opened the session for writing has seen what is there: what is not seen
   * will not come any more, what is seen may still be lost.
   *
   * @param index How many effects are seen.
   * @param log As for {@linkcode SessionModel.collapse}.
   */
  cut(index: number, log: readonly LogEntry[] | null): SessionModel {
    if (index > this.effects.length) return new SessionModel(this.#extra(index, log));
    return index === this.effects.length ? this : new SessionModel(this.base, this.effects.slice(0, index), this.shown);
  }

  #extra(index: number, log: readonly LogEntry[] | null): SessionState {
    const state = this.extras[index - this.states.length] ?? this.base;
    return log === null ? state : { ...state, log };
  }

  /** The power was cut: what only the kernel had is as undecided as the rest. */
  withoutKernel(): SessionModel {
    if (this.keptAtLeast() === 0) return this;
    return new SessionModel(this.base, this.effects.map((effect) => ({ ...effect, inKernel: false })), this.shown);
  }

  /** The least number of effects that an open for writing has to bring back. */
  completedAtLeast(): number {
    return this.effects.findLastIndex(({ completed }) => completed === true) + 1;
  }

  /** The least number of effects that survive the death of the program alone. */
  keptAtLeast(): number {
    return this.effects.findLastIndex(({ inKernel }) => inKernel === true) + 1;
  }
}

/**
 * Some of our effects, from the first on, and some of the others', in the order in which they were issued. What is torn
 * of ours keeps a place for each of its pieces, so the numbers of what follows are the store's to say.
 */
function mixedStates(base: SessionState, effects: readonly Effect[]): SessionState[] {
  const ours = effects.filter(({ foreign }) => foreign !== true).length;
  const states: SessionState[] = [];
  for (let own = 0; own < ours; own++) {
    for (let others = 1; others <= effects.length - ours; others++) {
      let state = base;
      let ownLeft = own;
      let othersLeft = others;
      for (const effect of effects) {
        if ((effect.foreign === true ? othersLeft-- : ownLeft--) > 0) state = effect.apply(state);
      }
      states.push(state);
    }
  }
  return states;
}

/** All sessions of the laboratory, by their index. */
export class WorldModel {
  /** Them. */
  readonly sessions: readonly SessionModel[];
  /** What was sent away. */
  readonly bucket: BucketModel;
  #fingerprint: number | undefined;

  /**
   * Creates a world.
   *
   * @param sessions One model for each session.
   * @param bucket What was sent away.
   */
  constructor(sessions: readonly SessionModel[], bucket: BucketModel = new BucketModel()) {
    this.sessions = sessions;
    this.bucket = bucket;
  }

  /** The same world, but for one session. */
  with(index: number, change: (model: SessionModel) => SessionModel): WorldModel {
    const before = this.sessions[index] ?? new SessionModel();
    const after = change(before);
    if (after === before) return this;
    const sessions = this.sessions.slice();
    sessions[index] = after;
    return new WorldModel(sessions, this.bucket.isUsed ? this.bucket.remembering(index, after.states) : this.bucket);
  }

  /** The same world with another bucket, which may hold what is there now. */
  withBucket(bucket: BucketModel): WorldModel {
    if (bucket === this.bucket) return this;
    let after = bucket;
    for (const [index, { states }] of this.sessions.entries()) after = after.remembering(index, states);
    return new WorldModel(this.sessions, after);
  }

  /** The same after a power cut. */
  withoutKernel(): WorldModel {
    const sessions = this.sessions.map((session) => session.withoutKernel());
    return sessions.some((session, index) => session !== this.sessions[index])
      ? new WorldModel(sessions, this.bucket)
      : this;
  }

  /** One number below 2^53 for what was acknowledged and what may be there. */
  get fingerprint(): number {
    if (this.#fingerprint !== undefined) return this.#fingerprint;
    const hash = hashText(this.sessions.map(({ fingerprint }) => fingerprint).join("\n"));
    return this.#fingerprint = this.bucket.isUsed ? mixHashes(hash, this.bucket.fingerprint) : hash;
  }
}

/**
 * A number for a text.
 *
 * @param text Any text.
 * @returns An integer below 2^53.
 */
export function hashText(text: string): number {
  let high = 0xdeadbeef | 0;
  let low = 0x41c6ce57 | 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    high = Math.imul(high ^ code, 2654435761);
    low = Math.imul(low ^ code, 1597334677);
  }
  return mixHashes(high >>> 0, low >>> 0);
}
