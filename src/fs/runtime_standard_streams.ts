/**
 * stdin, stdout and stderr of the process, without the runtimes' own streams where they are files, pipes or sockets.
 *
 * Loading `process.stdin` and `process.stdout` takes a short run on Bun longer than its work, and Node's stdin ends
 * without a word where it is a directory. A terminal still gets the runtime's stream, which knows its width and its
 * keys.
 *
 * @module
 */
import { fstat, fstatSync, read, type Stats, write } from "node:fs";
import process from "node:process";
import { HoldfastError, systemErrorCode } from "../errors.ts";
import { settled } from "./runtime_callback.ts";

/** What is used of an output stream. */
export interface StandardOutput {
  /** Whether it leads to a terminal. */
  readonly isTTY?: boolean;
  /** The terminal's width. */
  readonly columns?: number;
  /** Writes, and calls back when the text has left this process or cannot. */
  write(text: string, done: (error?: Error | null) => void): boolean;
  /** For errors. */
  on(event: "error", listener: (error: Error) => void): unknown;
}

/** The number of `/dev/null`'s device: a character device, but no terminal. */
const NULL_DEVICE = 0x103;
const inputBytesMax = 64 * 1024;
/** After so long a pipe that takes no more without waiting is tried again. */
const retryMs = 5;

/**
 * stdout or stderr.
 *
 * @param descriptor 1 or 2.
 * @returns The runtime's own stream for a terminal, a plain one otherwise.
 */
export function standardOutput(descriptor: 1 | 2): StandardOutput {
  if (!isPlain(descriptor)) return descriptor === 1 ? process.stdout : process.stderr;
  return new DescriptorOutput(descriptor);
}

/**
 * Whether stdin is a terminal.
 *
 * @returns True where a person may be typing.
 */
export function standardInputIsTerminal(): boolean {
  return !isPlain(0) && process.stdin.isTTY === true;
}

/**
 * stdin; nothing is read before the first piece is asked for.
 *
 * @yields Its bytes; each piece is valid until the next is asked for.
 * @throws {HoldfastError} `io` where it is a directory, which the runtimes' own streams take for an empty file.
 */
export async function* standardInput(): AsyncGenerator<Uint8Array> {
  const stats = await settled<Stats>((done) => fstat(0, done));
  if (stats.isDirectory()) throw new HoldfastError("io", "stdin is a directory: give a file, or pipe into it");
  if (!isPlainKind(stats)) {
    yield* process.stdin;
    return;
  }
  const buffer = new Uint8Array(inputBytesMax);
  for (;;) {
    let count: number;
    try {
      count = await settled<number>((done) => read(0, buffer, 0, buffer.length, null, done));
    } catch (error) {
      // Somebody made the pipe one that does not wait: the runtime's stream knows how to.
      if (systemErrorCode(error) !== "EAGAIN") throw error;
      yield* process.stdin;
      return;
    }
    if (count === 0) return;
    yield buffer.subarray(0, count);
  }
}

function isPlain(descriptor: number): boolean {
  try {
    const stats = fstatSync(descriptor);
    return isPlainKind(stats);
  } catch {
    // Closed: the runtime's stream says so when it is used.
    return false;
  }
}

/** Whoever is started by another program often has sockets for pipes. */
function isPlainKind(stats: Stats): boolean {
  return stats.isFile() || stats.isFIFO() || stats.isSocket() || stats.rdev === NULL_DEVICE;
}

/** Writes one text after the other. */
class DescriptorOutput implements StandardOutput {
  readonly #descriptor: number;
  readonly #waiting: { bytes: Uint8Array; done: (error?: Error | null) => void }[] = [];
  #isWriting = false;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  write(text: string, done: (error?: Error | null) => void): boolean {
    this.#waiting.push({ bytes: new TextEncoder().encode(text), done });
    if (!this.#isWriting) void this.#writeWaiting();
    return false;
  }

  on(): this {
    // Each write tells its own caller.
    return this;
  }

  async #writeWaiting(): Promise<void> {
    this.#isWriting = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      next.done(await this.#writeAll(next.bytes));
    }
    this.#isWriting = false;
  }

  async #writeAll(bytes: Uint8Array): Promise<Error | null> {
    for (let offset = 0; offset < bytes.length;) {
      try {
        offset += await settled<number>((done) =>
          write(this.#descriptor, bytes, offset, bytes.length - offset, null, done)
        );
      } catch (error) {
        if (systemErrorCode(error) !== "EAGAIN") return error instanceof Error ? error : new Error(String(error));
        await new Promise((resolve) => setTimeout(resolve, retryMs));
      }
    }
    return null;
  }
}
