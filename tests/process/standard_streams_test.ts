/**
 * stdin and stdout as files, pipes, devices and directories, on every runtime.
 *
 * @module
 */
import { test } from "node:test";
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { missingRuntimes, processTimeoutMs, runtimeCommand, runtimeNames } from "./spawn_helper.ts";

const program = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

for (const runtime of runtimeNames) {
  const reason = missingRuntimes([runtime]);
  const title = `standardInput() and standardOutput() on ${runtime}: files, pipes, devices; a directory is refused`;
  if (reason !== undefined) console.log(`skipped: ${title}: ${reason}`);
  test(title, { timeout: processTimeoutMs, skip: reason ?? false }, () => {
    const directory = mkdtempSync(join(tmpdir(), "holdfast-streams-"));
    const [command, ...before] = runtimeCommand(runtime, program);
    const run = (args: readonly string[], stdin: number | "pipe", stdout: number | "pipe", input?: string) =>
      spawnSync(command, [...before, ...args, "--dir", join(directory, "sessions")], {
        encoding: "utf8",
        stdio: [stdin, stdout, "pipe"],
        ...(input === undefined ? {} : { input }),
      });
    const withFile = <T>(path: string, flags: string, use: (descriptor: number) => T): T => {
      const descriptor = openSync(path, flags);
      try {
        return use(descriptor);
      } finally {
        closeSync(descriptor);
      }
    };
    try {
      // Longer than what is read at once, and than a pipe holds.
      const lines = Array.from({ length: 300 }, (_, number) => `{"n":${number},"text":"${"ж".repeat(200)}"}\n`);
      const input = join(directory, "input.jsonl");
      writeFileSync(input, lines.join(""));
      const fromFile = withFile(input, "r", (stdin) => run(["append", "k"], stdin, "pipe"));
      assert.equal(fromFile.stdout, lines.map((_, number) => `${number}\n`).join(""), fromFile.stderr);
      assert.equal(run(["append", "k"], "pipe", "pipe", "{}\n").stdout, "300\n");
      assert.equal(withFile("/dev/null", "r", (stdin) => run(["append", "k"], stdin, "pipe")).stdout, "");
      const refused = withFile(directory, "r", (stdin) => run(["append", "k"], stdin, "pipe"));
      assert.equal(refused.status, 1);
      assert.match(refused.stderr, /stdin is a directory/);
      const output = join(directory, "output.jsonl");
      writeFileSync(output, "before\n");
      withFile(output, "a", (stdout) => assert.equal(run(["export", "k"], "pipe", stdout, "").status, 0));
      assert.equal(readFileSync(output, "utf8"), `before\n${lines.join("")}{}\n`);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
}
