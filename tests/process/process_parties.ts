/**
 * A directory and the processes on it, all ended and removed when a test is over.
 *
 * @module
 */
import assert from "node:assert/strict";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import {
  missingRuntimes,
  processTimeoutMs,
  type RuntimeChild,
  type RuntimeName,
  slowness,
  spawnRuntime,
} from "./spawn_helper.ts";

/** Children in one directory, Deno's with no more than the right to that directory. */
export class ProcessParties {
  readonly directory: string;
  readonly #children: RuntimeChild[] = [];

  constructor(directory: string) {
    this.directory = directory;
  }

  /** Starts a fixture with the directory as its first argument, and waits until it is ready. */
  async start(runtime: RuntimeName, fixture: string, ...args: readonly string[]): Promise<RuntimeChild> {
    const program = fileURLToPath(new URL(`fixtures/${fixture}.ts`, import.meta.url));
    const denoPermissions = [`--allow-read=${this.directory}`, `--allow-write=${this.directory}`];
    const child = spawnRuntime(runtime, program, { args: [this.directory, ...args], denoPermissions });
    this.#children.push(child);
    assert.equal(await child.readLine(), "ready");
    return child;
  }

  /** Ends all children: whoever waits for an answer is told so. */
  async kill(): Promise<void> {
    for (const child of this.#children) await child.kill();
  }

  /** Ends all children, and removes the directory. */
  async end(): Promise<void> {
    await this.kill();
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** The answer of `fixtures/session_user.ts`. */
export interface Answer {
  value?: unknown;
  error?: string;
  message?: string;
}

/** Sends a command to `fixtures/session_user.ts`. */
export async function ask(child: RuntimeChild, ...command: readonly unknown[]): Promise<Answer> {
  child.writeLine(JSON.stringify(command));
  const answer: Answer = JSON.parse(await child.readLine());
  return answer;
}

/** {@linkcode ask}, for what must work. */
export async function tell(child: RuntimeChild, ...command: readonly unknown[]): Promise<unknown> {
  const { value, error, message } = await ask(child, ...command);
  assert.equal(error, undefined, message);
  return value;
}

/** A test of several processes, skipped with a reason where a runtime is missing. */
export function processTest(
  title: string,
  runtimes: readonly RuntimeName[],
  body: (parties: ProcessParties) => Promise<void>,
): void {
  const reason = missingRuntimes(runtimes);
  if (reason !== undefined) console.log(`skipped: ${title}: ${reason}`);
  test(title, { timeout: processTimeoutMs, skip: reason ?? false }, async () => {
    const parties = new ProcessParties(await realpath(await mkdtemp(`${tmpdir()}/holdfast-process-`)));
    // A test that waits for an answer in vain must not keep its children.
    const guard = setTimeout(() => void parties.kill(), 50_000 * slowness);
    try {
      await body(parties);
    } finally {
      clearTimeout(guard);
      await parties.end();
    }
  });
}
