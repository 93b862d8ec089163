/**
 * Bounds how long a buffered record waits for the disk where nothing durable follows it. An alarm is set only while one
 * waits: an idle board is never woken, and a board that appends durably never sets one.
 *
 * @module
 */

import type { FileSystem } from "../fs/filesystem.ts";

/** Whose records wait. */
export interface BackgroundSyncOwner {
  /** Whether anything that was appended is not durable yet. */
  readonly hasUnsynced: boolean;
  /** Makes all of it durable. */
  flush(): Promise<void>;
}

/** The alarm of one session. */
export class BackgroundSync {
  readonly #owner: BackgroundSyncOwner;
  readonly #start: FileSystem["startTimer"];
  readonly #intervalMs: number;
  #cancel: (() => void) | null = null;

  /**
   * Sets nothing yet.
   *
   * @param owner Whose records wait.
   * @param fileSystem Has the clock; without one, or with an endless interval, no alarm is ever set.
   * @param intervalMs How long a record may wait, in milliseconds.
   */
  constructor(owner: BackgroundSyncOwner, fileSystem: FileSystem, intervalMs: number) {
    this.#owner = owner;
    this.#start = fileSystem.startTimer?.bind(fileSystem);
    this.#intervalMs = intervalMs;
  }

  /** Looks whether something waits: sets the alarm with the first record that does, and takes it away with the last. */
  look(): void {
    if (!this.#owner.hasUnsynced) {
      this.#cancel?.();
      this.#cancel = null;
    } else if (this.#cancel === null && this.#intervalMs !== Infinity) {
      this.#cancel = this.#start?.(this.#intervalMs, () => this.#ring()) ?? null;
    }
  }

  #ring(): void {
    this.#cancel = null;
    // A sync that fails makes the session fail, which is told as an event.
    if (this.#owner.hasUnsynced) this.#owner.flush().catch(() => undefined);
  }
}
