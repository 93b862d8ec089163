/**
 * The agent on Deno: stdin and event streams through `@std/streams`. `main_portable.ts` is the same on Node.
 *
 * @module
 */

import { TextLineStream } from "@std/streams/text-line-stream";
import type { ResponseBody } from "./chat_client.ts";
import { runAgent } from "./run_agent.ts";
import { watchdogOf } from "./watchdog.ts";

const stop = new AbortController();
for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.addSignalListener(signal, () => stop.abort(new Error(signal)));
}

function lines(body: ResponseBody): AsyncIterable<string> {
  return body.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
}

function start(program: string, args: readonly string[]): void {
  try {
    new Deno.Command(program, { args: [...args], stdin: "null", stdout: "null", stderr: "null" }).spawn().unref();
  } catch {
    // Not installed, or not allowed: nobody listens then.
  }
}

const variable = (name: string): string | undefined => Deno.env.get(name);

Deno.exit(
  await runAgent({
    args: Deno.args,
    variable,
    questions: lines(Deno.stdin.readable),
    print: (text) => void Deno.stdout.writeSync(new TextEncoder().encode(text)),
    warn: (line) => console.error(line),
    readText: (path) => Deno.readTextFile(path),
    fetch: (url, init) => fetch(url, init),
    lines,
    signal: stop.signal,
    watchdog: watchdogOf({
      variable,
      start,
      every: (intervalMs, call) => {
        const timer = setInterval(call, intervalMs);
        return () => clearInterval(timer);
      },
    }),
  }),
);
