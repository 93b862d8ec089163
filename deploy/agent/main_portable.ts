/**
 * The agent on Node and Bun, for machines without Deno.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { writeSync } from "node:fs";
import { readFile } from "node:fs/promises";
import process from "node:process";
import { createInterface } from "node:readline";
import type { ResponseBody } from "./chat_client.ts";
import { runAgent } from "./run_agent.ts";
import { watchdogOf } from "./watchdog.ts";

const stop = new AbortController();
for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => stop.abort(new Error(signal)));

async function* lines(body: ResponseBody): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    const parts = (rest + decoder.decode(value, { stream: !done })).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
    if (!done) continue;
    if (rest !== "") yield rest;
    return;
  }
}

async function* questions(): AsyncGenerator<string> {
  yield* createInterface({ input: process.stdin, crlfDelay: Infinity });
}

const variable = (name: string): string | undefined => process.env[name];

process.exit(
  await runAgent({
    args: process.argv.slice(2),
    variable,
    // Opened when the first line is asked for: what comes before somebody listens would be lost.
    questions: { [Symbol.asyncIterator]: questions },
    print: (text) => void writeSync(1, text),
    warn: (line) => console.error(line),
    readText: (path) => readFile(path, "utf8"),
    fetch: (url, init) => fetch(url, init),
    lines,
    signal: stop.signal,
    watchdog: watchdogOf({
      variable,
      start: (program, args) => void spawn(program, args, { stdio: "ignore" }).on("error", () => {}).unref(),
      every: (intervalMs, call) => {
        const timer = setInterval(call, intervalMs);
        timer.unref();
        return () => clearInterval(timer);
      },
    }),
  }),
);
