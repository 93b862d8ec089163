#!/usr/bin/env node
/**
 * The program `holdfast`: gives {@linkcode runProgram} the process's streams and signals, and its exit code to the
 * process.
 *
 * @module
 */

import process from "node:process";
import { standardInput, standardInputIsTerminal, standardOutput } from "../fs/runtime_standard_streams.ts";
import { Interruption } from "./command.ts";
import { ProcessStream } from "./process_stream.ts";
import { runProgram } from "./program.ts";

const stdout = new ProcessStream(standardOutput(1));
const stderr = new ProcessStream(standardOutput(2));
const interruption = new AbortController();

for (const signalName of ["SIGINT", "SIGTERM"] as const) {
  process.on(signalName, () => {
    const reason = new Interruption(signalName);
    // The first one asks for the next safe point, a second one does not wait for it.
    if (interruption.signal.aborted) process.exit(reason.exitCode);
    interruption.abort(reason);
  });
}

const exitCode = await runProgram({
  args: process.argv.slice(2),
  stdin: { [Symbol.asyncIterator]: standardInput },
  stdinIsTerminal: standardInputIsTerminal,
  stdout,
  stderr,
  environment: process.env,
  signal: interruption.signal,
});
await stdout.drained();
await stderr.drained();
process.exit(exitCode);
