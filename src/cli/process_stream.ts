/**
 * The process's own stdout and stderr as an {@linkcode OutputStream}: waits while a slow reader catches up, and goes
 * quiet when the reader has gone.
 *
 * @module
 */

import type { StandardOutput } from "../fs/runtime_standard_streams.ts";
import type { OutputStream } from "./command.ts";

const bytesWaitingMax = 64 * 1024;

/** stdout or stderr. */
export class ProcessStream implements OutputStream {
  readonly #stream: StandardOutput;
  #waitingLength = 0;
  #closed = false;
  #room: Promise<void> = Promise.resolve();
  #roomFound: (() => void) | null = null;

  /**
   * Takes the stream over.
   *
   * @param stream stdout or stderr.
   */
  constructor(stream: StandardOutput) {
    this.#stream = stream;
    // EPIPE, or a terminal that hung up: there is nobody left to tell.
    stream.on("error", () => this.#close());
  }

  /** Whether a person sees it. */
  get isTerminal(): boolean {
    return this.#stream.isTTY === true;
  }

  /** The terminal's width; 80 where it is not known. */
  get columns(): number {
    const columns = this.#stream.columns;
    return columns === undefined || columns < 20 ? 80 : columns;
  }

  /** Whether the reader has gone. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Writes text; resolves when little enough is waiting.
   *
   * @param text What to write.
   */
  async write(text: string): Promise<void> {
    if (this.#closed || text === "") return;
    this.#waitingLength += text.length;
    if (this.#roomFound === null) this.#room = new Promise((resolve) => this.#roomFound = resolve);
    this.#stream.write(text, (error) => {
      this.#waitingLength -= text.length;
      if (error !== undefined && error !== null) this.#close();
      else if (this.#waitingLength === 0) this.#wake();
    });
    if (this.#waitingLength > bytesWaitingMax) await this.#room;
  }

  /** Resolves when everything has left this process, or the reader has gone. */
  async drained(): Promise<void> {
    if (!this.#closed && this.#waitingLength > 0) await this.#room;
  }

  #close(): void {
    this.#closed = true;
    this.#wake();
  }

  #wake(): void {
    this.#roomFound?.();
    this.#roomFound = null;
  }
}
