/**
 * A process of a soak, as its parent sees it: one JSON value per line, and an end.
 *
 * @module
 */

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";

const running = new Set<ChildProcessWithoutNullStreams>();

/** Ends every process that still runs; for use when the program has to end. */
export function killSoakProcesses(): void {
  for (const child of running) child.kill("SIGKILL");
}

/** A process of a soak. */
export class SoakProcess {
  /** What it has said so far. */
  readonly said: Record<string, unknown>[] = [];
  /** What it wrote to stderr. */
  errors = "";
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #ended: Promise<number | null>;
  #wake: () => void = () => {};

  constructor(
    program: string,
    script: string,
    args: readonly string[],
    onValue: (value: Record<string, unknown>) => void = () => {},
  ) {
    this.#child = spawn(program, [script, ...args]);
    running.add(this.#child);
    let rest = "";
    this.#child.stdout.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const value: Record<string, unknown> = JSON.parse(line);
        this.said.push(value);
        onValue(value);
      }
      this.#wake();
    });
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => this.errors += text);
    this.#child.stdin.on("error", () => {});
    this.#ended = new Promise((resolve, reject) => {
      this.#child.once("error", reject);
      this.#child.once("close", (code) => {
        running.delete(this.#child);
        resolve(code);
        this.#wake();
      });
    });
  }

  /** Resolves when it has said so many values of a kind, or has ended. */
  async hasSaid(member: string, count: number): Promise<void> {
    let isEnded = false;
    void this.#ended.then(() => isEnded = true);
    while (!isEnded && this.said.filter((value) => member in value).length < count) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  /** Goes on after a turn was refused. */
  goOn(): void {
    this.#child.stdin.write("go\n");
  }

  /** SIGKILL, or SIGTERM. */
  kill(signal: "SIGKILL" | "SIGTERM"): void {
    this.#child.kill(signal);
  }

  /** Its exit code; null if a signal ended it. */
  async ended(): Promise<number | null> {
    return await this.#ended;
  }
}
