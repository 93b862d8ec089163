/**
 * Puts a mutant through a test file of the product: a copy of the tests beside the mutant's source, in a process of its
 * own. For what the laboratory's operations do not reach: lines of megabytes, places that a search passes.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { cpSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import {
  currentRuntime,
  prefixedCommand,
  processTimeoutMs,
  runtimeProgram,
  typeLoaderArguments,
} from "../process/spawn_helper.ts";
import type { Caught, Hunt } from "./hunts.ts";

const projectDirectory = fileURLToPath(new URL("../../", import.meta.url));
/** How each runtime's runner tells a test that failed. */
const failedTest = /^(?:not ok \d+ - (.+)|(.+) \.\.\. .*FAILED.*|\(fail\) (.+?)(?: \[.+\])?)$/m;
/** The runner above us tells its children to speak to it. */
const { NODE_TEST_CONTEXT: _, ...environment } = process.env;

const known = new Map<string, Hunt>();

/**
 * A hunt that runs a test file.
 *
 * @param path The file, from `tests/`.
 * @returns The hunt; it says which test failed, and the promise that the test's title names.
 */
export function ownTest(path: string): Hunt {
  const hunt = known.get(path) ??
    { name: path, isOfSuite: true, run: async ({ directory }) => await runTestFile(directory, path) };
  known.set(path, hunt);
  return hunt;
}

async function runTestFile(directory: string, path: string): Promise<Caught | null> {
  for (const part of ["src", "tests", "mod.ts", "deno.json", "package.json"]) {
    // What the mutant changes is there, and stays.
    cpSync(join(projectDirectory, part), join(directory, part), { recursive: true, force: part.endsWith(".json") });
  }
  const { hasPassed, output } = await run(directory, join("tests", path));
  if (hasPassed) return null;
  const title = failedTest.exec(output)?.slice(1).find((text) => text !== undefined)?.trim();
  if (title === undefined) return { invariant: "a test", message: output.slice(-2000) };
  return { invariant: /\b(?:I\d+|S\d)\b/.exec(title)?.[0] ?? "a test", message: title };
}

function run(directory: string, file: string): Promise<{ hasPassed: boolean; output: string }> {
  const runtime = currentRuntime();
  const words = {
    node: [...typeLoaderArguments(), "--test-reporter=tap", file],
    deno: ["test", "--allow-all", "--no-check", "--no-lock", file],
    bun: ["test", `./${file}`],
  }[runtime];
  const [command, ...args] = prefixedCommand(runtimeProgram(runtime) ?? runtime, words);
  const child = spawn(command, args, {
    cwd: directory,
    env: { ...environment, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
    // A mutant may turn in circles for good.
    timeout: 5 * processTimeoutMs,
    killSignal: "SIGKILL",
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => output += text);
  child.stderr.setEncoding("utf8").on("data", (text: string) => output += text);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      if (signal !== null) output += `\nIt did not end, and was ended by ${signal}`;
      resolve({ hasPassed: code === 0, output });
    });
  });
}
