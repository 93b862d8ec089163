/**
 * A program under measurement: how long it runs, and what the kernel says of it meanwhile.
 *
 * @module
 */

import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** A program and what stands before its own arguments. */
export type ProgramCommand = readonly [program: string, ...args: string[]];

/** What the kernel says of a running process. */
export interface ProcessFacts {
  /** What it has in memory now, in bytes. */
  residentBytes: number;
  /** The most it has had. */
  peakBytes: number;
  /** Of what it has now, what is nobody else's and no part of a file. */
  ownBytes: number;
  /** Its threads. */
  threads: number;
  /** Its open files. */
  openFiles: number;
}

/**
 * Asks the kernel.
 *
 * @param pid The process.
 * @returns What it says.
 */
export function factsOf(pid: number): ProcessFacts {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? NaN);
  return {
    residentBytes: field("VmRSS") * 1024,
    peakBytes: field("VmHWM") * 1024,
    ownBytes: field("RssAnon") * 1024,
    threads: field("Threads"),
    openFiles: readdirSync(`/proc/${pid}/fd`).length,
  };
}

/**
 * Runs a program to its end.
 *
 * @param command The program.
 * @param args Its arguments.
 * @param input What it reads.
 * @returns Milliseconds from its start to its end.
 */
export function runMs([program, ...before]: ProgramCommand, args: readonly string[], input: string): number {
  const begun = performance.now();
  const { status, stderr, error } = spawnSync(program, [...before, ...args], { input, encoding: "utf8" });
  const elapsedMs = performance.now() - begun;
  if (status !== 0) {
    throw new Error(`${program} ${args.join(" ")} ended with ${status}: ${error?.message ?? stderr.slice(0, 500)}`);
  }
  return elapsedMs;
}

/**
 * Runs several in turn, and again. Whatever else the machine does only makes one slower: the best run of each counts.
 *
 * @param rounds How often.
 * @param runs Each runs one and says how long it took.
 * @returns The best of each.
 */
export function bestInTurn(rounds: number, runs: readonly (() => number)[]): number[] {
  const best = runs.map(() => Infinity);
  for (let round = 0; round < rounds; round++) {
    runs.forEach((run, index) => best[index] = Math.min(best[index] ?? Infinity, run()));
  }
  return best;
}

/** A program that appends what it is given, one line and one receipt at a time. */
export class Appender {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  readonly #ended: Promise<unknown>;
  #said = "";

  /**
   * Starts it.
   *
   * @param command The program.
   * @param args Its arguments.
   */
  constructor([program, ...before]: ProgramCommand, args: readonly string[]) {
    this.#child = spawn(program, [...before, ...args]);
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => this.#said += text);
    // That it has ended shows at its output, with what it said.
    this.#child.stdin.on("error", () => {});
    this.#ended = new Promise((resolve) => this.#child.once("close", resolve));
    this.#lines = linesOf(this.#child.stdout)[Symbol.asyncIterator]();
  }

  /** Its process. */
  get pid(): number {
    return this.#child.pid ?? NaN;
  }

  /**
   * Appends a record.
   *
   * @param line The record, with its line end.
   */
  async append(line: string): Promise<void> {
    this.#child.stdin.write(line);
    if ((await this.#lines.next()).done !== true) return;
    await this.#ended;
    throw new Error(`The program ended before it had appended: ${this.#said}`);
  }

  /** Ends it. */
  async end(): Promise<void> {
    this.#child.stdin.end();
    await this.#ended;
  }
}

async function* linesOf(stream: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (const bytes of stream) {
    const lines = (rest + new TextDecoder().decode(bytes)).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}
