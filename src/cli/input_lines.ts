/**
 * Lines out of a stream of bytes, numbered as an editor numbers them, never holding more than one.
 *
 * @module
 */

import { LineScanner, type ScannedLine } from "../log/line_scanner.ts";
import type { FileSystem } from "../fs/filesystem.ts";

/** One line that is not empty. */
export interface InputLine {
  /** From 1, empty lines counted. */
  readonly number: number;
  /** Its bytes, valid until the next line is asked for; null if it is longer than 10 MiB. */
  readonly bytes: Uint8Array | null;
  /** In bytes. */
  readonly length: number;
  /** Whether a line feed ends it; only the last one may lack it. */
  readonly terminated: boolean;
  /** Which of the lines that picoclaw would count it is, from 0. */
  readonly rawIndex: number;
}

const lineFeed = 0x0a;

/** Splits bytes into lines, chunk by chunk. */
export class LineSplitter {
  readonly #scanner = new LineScanner();
  readonly #numbers = new LineNumbers();

  /**
   * Takes the next bytes.
   *
   * @param chunk The bytes; they are not kept.
   * @returns The lines that end in it and hold something.
   */
  *feed(chunk: Uint8Array): Iterable<InputLine> {
    for (let fed = 0; fed < chunk.length;) {
      const room = this.#scanner.reserve();
      const part = chunk.subarray(fed, fed + room.length);
      room.set(part);
      this.#numbers.feed(part);
      this.#scanner.commit(part.length);
      fed += part.length;
      for (let line = this.#scanner.next(); line !== null; line = this.#scanner.next()) {
        if (!isBlank(line)) yield inputLine(line, this.#numbers);
      }
    }
  }

  /**
   * To be called behind the last bytes.
   *
   * @returns The last line, where no line feed ends it.
   */
  *end(): Iterable<InputLine> {
    const last = this.#scanner.end();
    if (last !== null && !isBlank(last)) yield inputLine(last, this.#numbers);
  }
}

/**
 * Splits a stream into lines.
 *
 * @param source The bytes.
 * @returns The lines that hold something.
 */
export async function* inputLines(source: AsyncIterable<Uint8Array>): AsyncIterableIterator<InputLine> {
  const splitter = new LineSplitter();
  for await (const chunk of source) yield* splitter.feed(chunk);
  yield* splitter.end();
}

function inputLine(line: ScannedLine, numbers: LineNumbers): InputLine {
  return {
    number: numbers.numberAt(line.offset),
    bytes: line.bytes,
    length: line.length,
    terminated: line.terminated,
    rawIndex: line.rawIndex,
  };
}

function isBlank({ bytes }: ScannedLine): boolean {
  return bytes !== null && bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}

/** Counts line feeds in front of an offset; the scanner itself does not count empty lines. */
class LineNumbers {
  #waiting: number[] = [];
  #taken = 0;
  #passed = 0;
  #fed = 0;

  feed(bytes: Uint8Array): void {
    if (this.#taken > 0) this.#waiting = this.#waiting.slice(this.#taken);
    this.#taken = 0;
    for (let index = bytes.indexOf(lineFeed); index >= 0; index = bytes.indexOf(lineFeed, index + 1)) {
      this.#waiting.push(this.#fed + index);
    }
    this.#fed += bytes.length;
  }

  numberAt(offset: number): number {
    for (;;) {
      const next = this.#waiting[this.#taken];
      if (next === undefined || next >= offset) return this.#passed + 1;
      this.#taken++;
      this.#passed++;
    }
  }
}

/**
 * Reads a file from its start, without holding more than a chunk.
 *
 * @param fileSystem The port.
 * @param path The file; a symbolic link is followed.
 * @returns Its bytes; each chunk is valid until the next is asked for.
 */
export async function* fileChunks(fileSystem: FileSystem, path: string): AsyncIterableIterator<Uint8Array> {
  const handle = await fileSystem.open(await fileSystem.realPath(path), { access: "read" });
  try {
    const buffer = new Uint8Array(64 * 1024);
    for (let offset = 0;;) {
      const count = await handle.read(buffer, offset);
      if (count === 0) return;
      offset += count;
      yield buffer.subarray(0, count);
    }
  } finally {
    await handle.close();
  }
}

/**
 * A stream that ends when a signal is aborted, also while it waits for more.
 *
 * @param source The bytes.
 * @param signal Ends it.
 * @returns The same bytes.
 */
export async function* untilAborted(
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncIterableIterator<Uint8Array> {
  let stop: () => void = () => {};
  const onAbort = () => stop();
  signal.addEventListener("abort", onAbort);
  const iterator = source[Symbol.asyncIterator]();
  try {
    while (!signal.aborted) {
      // No `Promise.race` with one promise for the signal: that one would keep every piece until the end.
      const result = await new Promise<IteratorResult<Uint8Array> | null>((resolve, reject) => {
        stop = () => resolve(null);
        iterator.next().then(resolve, reject);
      });
      if (result === null || result.done === true || signal.aborted) return;
      yield result.value;
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
