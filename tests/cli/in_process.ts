/** Runs the program without a process, against strings. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { OutputStream } from "../../src/cli/command.ts";
import { runProgram } from "../../src/cli/program.ts";

/** An output stream that keeps what it gets. */
export class TextStream implements OutputStream {
  readonly isTerminal: boolean;
  readonly columns: number;
  closed = false;
  text = "";
  #closeAfter: number;

  constructor(options: { isTerminal?: boolean; columns?: number; closeAfter?: number } = {}) {
    this.isTerminal = options.isTerminal ?? false;
    this.columns = options.columns ?? 80;
    this.#closeAfter = options.closeAfter ?? Infinity;
  }

  write(text: string): Promise<void> {
    if (!this.closed) this.text += text;
    if (this.text.length >= this.#closeAfter) this.closed = true;
    return Promise.resolve();
  }
}

export interface RunOptions {
  stdin?: string | Uint8Array | AsyncIterable<Uint8Array>;
  environment?: Record<string, string>;
  stdout?: TextStream;
  stderr?: TextStream;
  signal?: AbortSignal;
}

export interface RunResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs `holdfast` with these arguments. */
export async function run(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const stdout = options.stdout ?? new TextStream();
  const stderr = options.stderr ?? new TextStream();
  const code = await runProgram({
    args,
    stdin: inputOf(options.stdin ?? ""),
    stdout,
    stderr,
    environment: options.environment ?? {},
    signal: options.signal ?? new AbortController().signal,
  });
  return { code, stdout: stdout.text, stderr: stderr.text };
}

async function* inputOf(stdin: string | Uint8Array | AsyncIterable<Uint8Array>): AsyncIterableIterator<Uint8Array> {
  if (typeof stdin === "string") stdin = new TextEncoder().encode(stdin);
  if (stdin instanceof Uint8Array) yield stdin;
  else yield* stdin;
}

/** The JSON values of an output, one per line. */
export function jsonLines(text: string): unknown[] {
  return text.split("\n").slice(0, -1).map((line): unknown => JSON.parse(line));
}

/** Runs a test body with a directory of its own, which goes afterwards. */
export async function withDirectory(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "holdfast-cli-"));
  try {
    await body(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Runs `holdfast` on one store. */
export type ProgramOnStore = (args: readonly string[], options?: RunOptions) => Promise<RunResult>;

/** Runs a test body with a store's directory, which is not there yet, and the program on it. */
export async function withProgram(body: (on: ProgramOnStore, directory: string) => Promise<void>): Promise<void> {
  await withDirectory(async (base) => {
    const directory = join(base, "sessions");
    await body((args, options) => run([...args, "--dir", directory], options), directory);
  });
}

/** Three records of a conversation. */
export const threeRecords = '{"role":"user","content":"one"}\n{"role":"assistant","content":"two"}\n' +
  '{"role":"user","content":"three"}\n';
