/**
 * The measured process of `memory_bound.ts`: does one thing, and at its end writes the peak of its resident memory
 * (`VmHWM`) to a file.
 *
 *     memory_probe.ts REPORT_FILE empty
 *     memory_probe.ts REPORT_FILE records DIRECTORY KEY
 *     memory_probe.ts REPORT_FILE program ARGUMENTS…
 *
 * @module
 */

import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";

/** Reads what the process has used at the most, in bytes. */
function peakBytes(): number {
  const match = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"));
  if (match === null) throw new Error("No VmHWM in /proc/self/status");
  return Number(match[1]) * 1024;
}

const [reportFile = "", mode, ...rest] = process.argv.slice(2);
process.on("exit", () => writeFileSync(reportFile, JSON.stringify({ peakBytes: peakBytes() })));

if (mode === "records") {
  const [directory = "", key = ""] = rest;
  const { openStore } = await import("../mod.ts");
  await using store = await openStore(directory, { readOnly: true });
  let count = 0;
  for await (const { record } of (await store.session(key)).records()) {
    if (typeof record["content"] === "string") count++;
  }
  console.log(count);
} else if (mode === "program") {
  process.argv.splice(2, process.argv.length - 2, ...rest);
  await import("../src/cli/main.ts");
} else if (mode !== "empty") {
  throw new RangeError(`No such mode: ${mode}`);
}
