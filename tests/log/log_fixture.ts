/**
 * Builds logs line by line, and reads and recovers them, for the tests of the log.
 *
 * @module
 */

import assert from "node:assert/strict";
import { toLineText } from "../../src/log/json_text.ts";
import { type LogRecord, readRecords } from "../../src/log/log_reader.ts";
import { recoverLog, type RecoveryReport } from "../../src/log/log_recovery.ts";
import { type ChainPosition, chainStart, type DamagedLine } from "../../src/log/record_chain.ts";
import { encodeLine, foreignChecksum, keyChecksum, type RecordFlags } from "../../src/log/record_format.ts";
import { readUnsealedTail, type UnsealedTail } from "../../src/log/unsealed_tail.ts";
import { MemoryFileSystem } from "./memory_filesystem.ts";

/** The key of every log here, if nothing else is said. */
export const logKey = "telegram:123";
/** Where a log stands. */
export const logPath = "/log.jsonl";
/** Where its quarantine is. */
export const quarantinePath = "/log.quarantine";

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Flags from their text: `+~?`, in any order. */
export function flagsOf(text: string): RecordFlags {
  return { batchContinues: text.includes("+"), deferred: text.includes("~"), adopted: text.includes("?") };
}

/** One line of a log that was built. */
export interface BuiltLine {
  offset: number;
  /** Behind its LF. */
  end: number;
  sequence: number;
  text: string;
}

/** Builds a log: every verb adds at the end. */
export class LogBuilder {
  readonly lines: BuiltLine[] = [];
  readonly #parts: Uint8Array[] = [];
  #length = 0;
  #checksum: number;
  #sequence = 0;

  constructor(key: string = logKey) {
    this.#checksum = keyChecksum(key);
  }

  get length(): number {
    return this.#length;
  }

  /** A record of ours. */
  own(text: string, flags = "", sequence = this.#sequence): this {
    const line = encodeLine(toLineText(text), sequence, flagsOf(flags), this.#checksum);
    this.#checksum = line.checksum;
    return this.#line(line.bytes, text, sequence);
  }

  /** A line of picoclaw's. */
  foreign(text: string): this {
    const bytes = utf8(text);
    this.#checksum = foreignChecksum(bytes, this.#checksum);
    return this.#line(utf8(`${text}\n`), text, this.#sequence);
  }

  /** Bytes that the chain knows nothing of. */
  raw(bytes: Uint8Array | string): this {
    const part = typeof bytes === "string" ? utf8(bytes) : bytes;
    this.#parts.push(part);
    this.#length += part.length;
    return this;
  }

  /** Bytes of one value up to an offset. */
  fillTo(offset: number, byte = 0x0a): this {
    assert.ok(offset >= this.#length, `fill to ${offset} behind ${this.#length}`);
    return this.raw(new Uint8Array(offset - this.#length).fill(byte));
  }

  bytes(): Uint8Array {
    return joined(this.#parts);
  }

  #line(bytes: Uint8Array, text: string, sequence: number): this {
    this.lines.push({ offset: this.#length, end: this.#length + bytes.length, sequence, text });
    this.#sequence = sequence + 1;
    return this.raw(bytes);
  }
}

/** A record's text whose line, LF included, is so many bytes long. */
export function textForLine(lineBytes: number, sequence: number, flags = "", filler = "x"): string {
  const empty = encodeLine('{"c":""}', sequence, flagsOf(flags), 0).bytes.length;
  assert.ok(lineBytes >= empty, `no line has ${lineBytes} bytes`);
  return `{"c":"${filler.repeat(lineBytes - empty).slice(0, lineBytes - empty)}"}`;
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** What a lock-free reader gets. */
export interface ReadLog {
  records: LogRecord[];
  damage: DamagedLine[];
  tail: UnsealedTail;
}

export interface ReadOptions {
  floor?: ChainPosition;
  sequenceMin?: number;
}

/** Reads a log as a reader without the lock does. */
export async function readLog(bytes: Uint8Array | MemoryFileSystem, options: ReadOptions = {}): Promise<ReadLog> {
  const fileSystem = bytes instanceof MemoryFileSystem ? bytes : fileSystemWith(bytes);
  const floor = options.floor ?? chainStart(logKey);
  const handle = await fileSystem.open(logPath, { access: "read" });
  const { size } = await handle.stat();
  const tail = await readUnsealedTail(handle, floor, size);
  const records: LogRecord[] = [];
  const damage: DamagedLine[] = [];
  const onDamage = (line: DamagedLine): void => void damage.push(line);
  const plan = { start: chainStart(logKey), tail, sequenceMin: options.sequenceMin ?? 0, onDamage };
  for await (const group of readRecords(handle, plan)) records.push(...group);
  await handle.close();
  return { records, damage, tail };
}

/** Recovers a log in place. */
export async function recover(
  fileSystem: MemoryFileSystem,
  floor: ChainPosition = chainStart(logKey),
): Promise<RecoveryReport> {
  const handle = await fileSystem.open(logPath, { access: "write" });
  try {
    return await recoverLog(fileSystem, handle, floor, quarantinePath);
  } finally {
    await handle.close();
  }
}

/** A file system that holds nothing but a log. */
export function fileSystemWith(bytes: Uint8Array): MemoryFileSystem {
  const fileSystem = new MemoryFileSystem();
  fileSystem.put(logPath, bytes);
  return fileSystem;
}

/** What is in quarantine: file names and what they hold. */
export function quarantined(fileSystem: MemoryFileSystem): Map<string, string> {
  const paths = fileSystem.paths().filter((path) => path.startsWith(`${quarantinePath}/`));
  return new Map(paths.map((path) => [path.slice(quarantinePath.length + 1), latin1(fileSystem.get(path))]));
}

/** Bytes as a text of the same length. */
export function latin1(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}

/** `number:text` of each record. */
export function summaryOf(records: readonly LogRecord[]): string[] {
  return records.map(({ sequence, text }) => `${sequence}:${text}`);
}
