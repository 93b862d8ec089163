/**
 * How old a session is, on a board that may not know what time it is.
 *
 * Ages are only ever taken for too low, never for too high:
 *
 * * The time of a session is that of its last write, as the file system saw it.
 * * A clock that shows a time before 2025 has not been set: a board without a battery starts in 1970. As long as it
 *   is not set nothing is old.
 * * A session that was written under such a clock, or under one that was ahead of today's, has no time. It is as old
 *   as the moment at which it was first seen so by a clock that was set; a small file of the store remembers that.
 *
 * The order of sessions is that of their times. Those without one come first, as the newest; among themselves in the
 * order of what the file system says.
 *
 * @module
 */

import { isJsonObject, parseObject } from "../log/json_text.ts";
import { readWhole, replaceFile, unlinkIfThere } from "../log/atomic_file.ts";
import type { DirectoryContext } from "./store_context.ts";

/** Remembers when files without a time were first seen; hidden, and not `.json`, which picoclaw would take over. */
export const retentionNotesName = ".retention";
/** No file of ours was written before; in milliseconds. */
export const clockSetFromMs: number = Date.UTC(2025, 0, 1);
/** So far may a clock have been ahead without anybody calling its times wrong, in milliseconds. */
const aheadMsMax = 86_400_000;
const notesBytesMax = 64 * 1024 * 1024;

/** When something was written, as the file system says. */
export interface Stamp {
  /** What it is known by: a session's name, an item of the trash. */
  name: string;
  /** Its size in bytes. */
  size: number;
  /** Last write, in milliseconds. */
  modifiedMs: number;
}

/** When a file without a time was first seen, and what it was like then. */
type Note = readonly [size: number, modifiedMs: number, seenMs: number];

/** The ages of what a store has, at one moment. */
export class RetentionClock {
  readonly #nowMs: number;
  readonly #known: ReadonlyMap<string, Note>;
  readonly #notes = new Map<string, Note>();

  private constructor(nowMs: number, known: ReadonlyMap<string, Note>) {
    this.#nowMs = nowMs;
    this.#known = known;
  }

  /**
   * Looks at the clock.
   *
   * @param context What the store shares.
   * @param nowMs What it shows, in milliseconds.
   * @returns Ages as of now.
   */
  static async read(context: DirectoryContext, nowMs: number): Promise<RetentionClock> {
    return new RetentionClock(nowMs, await readNotes(context));
  }

  /** Whether it shows a time that can be one. */
  get isSet(): boolean {
    return this.#nowMs >= clockSetFromMs;
  }

  /**
   * How old something is.
   *
   * @param stamp When it was written.
   * @returns Its age in milliseconds; null if that is not known at all.
   */
  ageMs(stamp: Stamp): number | null {
    if (!this.isSet) return null;
    const rank = this.rank(stamp);
    return rank === Infinity ? 0 : Math.max(0, this.#nowMs - rank);
  }

  /**
   * What things are ordered by.
   *
   * @param stamp When it was written.
   * @returns Its time in milliseconds; infinite if it has none and was never seen before.
   */
  rank(stamp: Stamp): number {
    const { name, size, modifiedMs } = stamp;
    const hasTime = modifiedMs >= clockSetFromMs && (!this.isSet || modifiedMs <= this.#nowMs + aheadMsMax);
    if (hasTime) return modifiedMs;
    const note = this.#known.get(name);
    const same = note !== undefined && note[0] === size && note[1] === Math.floor(modifiedMs) ? note : undefined;
    if (same !== undefined) this.#notes.set(name, same);
    else if (this.isSet) this.#notes.set(name, [size, Math.floor(modifiedMs), this.#nowMs]);
    return same === undefined ? Infinity : Math.min(same[2], this.isSet ? this.#nowMs : Infinity);
  }

  /**
   * Remembers what was asked for and had no time. Nothing is written if that is nothing, or the same as before.
   *
   * @param context What the store shares.
   */
  async remember(context: DirectoryContext): Promise<void> {
    if (!this.isSet) return;
    const path = notesPath(context);
    const text = JSON.stringify(Object.fromEntries([...this.#notes].sort()));
    if (text === JSON.stringify(Object.fromEntries([...this.#known].sort()))) return;
    if (this.#notes.size > 0) {
      await replaceFile(context.fileSystem, path, `${path}.tmp`, new TextEncoder().encode(text));
    } else {
      // Not made durable: a note that comes back fits nothing but the file of just that size and time.
      await unlinkIfThere(context.fileSystem, path);
    }
  }
}

function notesPath({ directory }: DirectoryContext): string {
  return `${directory}/${retentionNotesName}`;
}

/** What cannot be read is forgotten: then things are younger. */
async function readNotes(context: DirectoryContext): Promise<Map<string, Note>> {
  const bytes = await readWhole(context.fileSystem, notesPath(context), notesBytesMax);
  const parsed = bytes === null ? null : parseObject(new TextDecoder().decode(bytes));
  const notes = new Map<string, Note>();
  if (parsed === null || !("value" in parsed) || !isJsonObject(parsed.value)) return notes;
  for (const [name, value] of Object.entries(parsed.value)) {
    if (!Array.isArray(value)) continue;
    const [size, modifiedMs, seenMs] = value.map(Number);
    if (size === undefined || modifiedMs === undefined || seenMs === undefined || !(seenMs >= clockSetFromMs)) continue;
    notes.set(name, [size, modifiedMs, seenMs]);
  }
  return notes;
}
