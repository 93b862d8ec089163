/**
 * A bucket that no power cut of the board reaches, and what may be in it. Never changed: a moment's bucket can be kept
 * for as long as one likes.
 *
 * @module
 */

import { mixHashes } from "../testing/image_hash.ts";
import type { LogEntry, SessionState } from "./model.ts";

/** The bucket, and what was ever in a session that it may hold. */
export class BucketModel {
  /** What it holds, by name. */
  readonly objects: ReadonlyMap<string, Uint8Array>;
  /** Whether anything was ever sent, or is about to be. */
  readonly isUsed: boolean;
  /** One number for all of it. */
  readonly fingerprint: number;
  readonly #lives: ReadonlyMap<string, ReadonlySet<string>>;

  /**
   * Creates one.
   *
   * @param objects What it holds.
   * @param isUsed Whether it counts.
   * @param fingerprint One number for all of it.
   * @param lives What was ever in each life of each session.
   */
  constructor(
    objects: ReadonlyMap<string, Uint8Array> = new Map(),
    isUsed = false,
    fingerprint = 0,
    lives: ReadonlyMap<string, ReadonlySet<string>> = new Map(),
  ) {
    this.objects = objects;
    this.isUsed = isUsed;
    this.fingerprint = fingerprint;
    this.#lives = lives;
  }

  /** The same, and from now on it is remembered what may be in it. */
  inUse(): BucketModel {
    return this.isUsed ? this : new BucketModel(this.objects, true, 1, this.#lives);
  }

  /** The same with an object, or with another one in its place. */
  with(name: string, bytes: Uint8Array): BucketModel {
    const objects = new Map(this.objects).set(name, bytes);
    let hash = hashOf(name);
    for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
    return new BucketModel(objects, true, mixHashes(this.fingerprint, hash >>> 0), this.#lives);
  }

  /** The same, when a session may be in some states. */
  remembering(session: number, states: readonly SessionState[]): BucketModel {
    let { fingerprint } = this;
    const lives = new Map<string, Set<string>>();
    for (const { life = 0, log } of states) {
      const name = lifeName(session, life);
      const known = this.#lives.get(name);
      for (const entry of log) {
        const word = wordOf(entry);
        if (known?.has(word) === true || lives.get(name)?.has(word) === true) continue;
        if (!lives.has(name)) lives.set(name, new Set(known));
        lives.get(name)?.add(word);
        fingerprint = mixHashes(fingerprint, hashOf(name + word));
      }
    }
    if (lives.size === 0) return this;
    return new BucketModel(this.objects, this.isUsed, fingerprint, new Map([...this.#lives, ...lives]));
  }

  /** Whether records are all of one life of a session. */
  areOfOneLife(session: number, entries: readonly LogEntry[]): boolean {
    const sought = entries.map(wordOf);
    return sought.length === 0 || [...this.#lives].some(([name, known]) => {
      return name.startsWith(`${session} `) && sought.every((word) => known.has(word));
    });
  }
}

function lifeName(session: number, life: number): string {
  return `${session} ${life}`;
}

const words = new WeakMap<LogEntry, string>();

/** Of each entry once: all of them are looked at with every change. */
function wordOf(entry: LogEntry): string {
  let word = words.get(entry);
  if (word === undefined) words.set(entry, word = `${entry.sequence} ${entry.text}`);
  return word;
}

function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}
