/**
 * Starts contenders in processes of their own and tells them what to do.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** How records are appended. */
export interface AppendSpec {
  /** How many records, all clients together. */
  records: number;
  /** The length of each one's JSON text. */
  recordBytes: number;
  /** How many appends are under way at a time. */
  clients: number;
  /** How many sessions they go to, in turn. */
  sessions: number;
  /** How many records become durable together; 1: each for itself. */
  turnRecords: number;
  /** After so many seconds no further append is begun. */
  secondsMax: number;
  /** Whether the system calls in front of and behind it are marked for `strace`. */
  marked: boolean;
}

/** What is read. */
export type ReadKind = "full" | "history" | "tail" | "list";

/** What a contender's process can be told. */
export type Command =
  | { op: "choose"; contender: string; directory: string; modulePath: string }
  | { op: "open" | "verify" | "counters" | "close" }
  | { op: "append" } & AppendSpec
  | { op: "fill" | "fillSerially"; session: string; records: number; recordBytes: number }
  | { op: "read"; kind: ReadKind; session: string; count: number; times: number }
  | { op: "openAndAppend"; session: string; recordBytes: number };

/** Times of single operations in milliseconds. */
export interface Latencies {
  p50: number;
  p99: number;
  p999: number;
  max: number;
}

/** What a contender's process answers. */
export interface Answers {
  choose: { title: string; note: string; recordsMax: number };
  open: Record<string, never>;
  append: { seconds: number; records: number; latencies: Latencies };
  verify: { records: number };
  fill: Record<string, never>;
  fillSerially: Record<string, never>;
  read: { milliseconds: number[]; growthBytes: number; bytesRead: number };
  openAndAppend: { milliseconds: number; bytesRead: number };
  counters: Record<string, number>;
  close: Record<string, never>;
}

/** The runtimes that a contender can be started on. */
export type Runtime = "node24" | "node20" | "deno";

/** A contender in one build on one runtime. */
export interface Subject {
  /** Unique, for the JSON file. */
  id: string;
  /** Short, for tables and charts. */
  title: string;
  /** Its name in the registry. */
  contender: string;
  /** Which `mod.ts` a Holdfast comes from. */
  modulePath: string;
  /** What it runs on. */
  runtime: Runtime;
}

const running = new Set<ChildProcess>();
const processPath = fileURLToPath(new URL("./contender_process.ts", import.meta.url));
const peersNode = fileURLToPath(new URL("./peers/node_modules/.bin/node", import.meta.url));
const ownDeno = fileURLToPath(new URL("../node_modules/.bin/deno", import.meta.url));

/**
 * Makes sure that what `bench/peers` pins is installed.
 *
 * @throws {Error} If it is not, with what to do.
 */
export function assertPeersInstalled(): void {
  if (!existsSync(peersNode)) {
    throw new Error(
      "The other stores are not installed. Run: npm run bench:install (that is, npm ci --prefix bench/peers)",
    );
  }
}

/** The command that runs a TypeScript file on a runtime. */
function launcher(runtime: Runtime): string[] {
  switch (runtime) {
    case "node24":
      return [peersNode, "--disable-warning=ExperimentalWarning", processPath];
    case "node20":
      return [process.execPath, "--import", "tsx", processPath];
    case "deno":
      return [ownDeno, "run", "--allow-all", "--no-check", processPath];
  }
}

/** A contender in its own process. */
export class ContenderClient {
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  readonly #title: string;

  /**
   * Starts the process.
   *
   * @param subject What to run.
   * @param wrapper A command in front of it, such as `strace` with its options.
   */
  constructor(subject: Subject, wrapper: readonly string[] = []) {
    const [program = "", ...args] = [...wrapper, ...launcher(subject.runtime)];
    this.#title = subject.title;
    this.#child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
    running.add(this.#child);
    this.#child.once("close", () => running.delete(this.#child));
    if (this.#child.stdout === null) throw new Error("No pipe from the contender");
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /**
   * Starts a contender and opens its store.
   *
   * @param subject What to run.
   * @param directory Where its files go.
   * @param wrapper A command in front of it.
   * @returns The client, and what the contender says of itself.
   */
  static async open(
    subject: Subject,
    directory: string,
    wrapper: readonly string[] = [],
  ): Promise<{ client: ContenderClient; about: Answers["choose"] }> {
    const client = new ContenderClient(subject, wrapper);
    const { contender, modulePath } = subject;
    const about = await client.tell({ op: "choose", contender, directory, modulePath });
    await client.tell({ op: "open" });
    return { client, about };
  }

  /**
   * Tells the contender to do something and waits for it.
   *
   * @param command What to do.
   * @returns What it answers.
   * @throws {Error} If it failed.
   */
  async tell<O extends Command["op"]>(command: Command & { op: O }): Promise<Answers[O]> {
    this.#child.stdin?.write(`${JSON.stringify(command)}\n`);
    for (;;) {
      const { value, done } = await this.#answers.next();
      if (done === true) throw new Error(`${this.#title} ended while it was to ${command.op}`);
      // What a package prints by itself is no answer.
      if (!value.startsWith('{"result":') && !value.startsWith('{"error":')) continue;
      const answer: { result: Answers[O] } | { error: string } = JSON.parse(value);
      if ("error" in answer) throw new Error(`${this.#title} could not ${command.op}: ${answer.error}`);
      return answer.result;
    }
  }

  /** Closes the store, opens it again, and reads back all that was acknowledged. */
  async verifyAfterReopening(): Promise<number> {
    await this.tell({ op: "close" });
    await this.tell({ op: "open" });
    return (await this.tell({ op: "verify" })).records;
  }

  /** Ends the process. */
  async end(): Promise<void> {
    await this.#ended(() => this.#child.stdin?.end());
  }

  /** Ends the process as a power cut would: nothing is closed. */
  async kill(): Promise<void> {
    await this.#ended(() => this.#child.kill("SIGKILL"));
  }

  async #ended(how: () => unknown): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const closed = new Promise<void>((resolve) => this.#child.once("close", () => resolve()));
    how();
    await closed;
  }
}

/** Kills every contender that still runs; for use when the program has to end. */
export function killContenders(): void {
  for (const child of running) child.kill("SIGKILL");
}
