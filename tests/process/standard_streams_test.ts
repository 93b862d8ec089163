/**
 * stdin and stdout as files, pipes, devices and directories, on every runtime.
 *
 * @module
 */
import { test } from "node:test";
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { childRuntimes, missingRuntimes, processTimeoutMs, runtimeCommand } from "./spawn_helper.ts";

const program = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

for (const runtime of childRuntimes) {
  const reason = missingRuntimes([runtime]);
  const title = `standardInput() and standardOutput() on ${runtime}: files, pipes, devices; a directory is refused`;
  if (reason !== undefined) console.log(`skipped: ${title}: ${reason}`);
  test(title, { timeout: processTimeoutMs, skip: reason ?? false }, () => {
    const directory = mkdtempSync(join(tmpdir(), "holdfast-streams-"));
    const [command, ...before] = runtimeCommand(runtime, program);
    // By a shell, as Deno's spawn takes no descriptors.
    const run = (
      args: string,
      stdin: string,
      stdout = "",
    ): { status: number | null; stdout: string; stderr: string } =>
      spawnSync(
        "sh",
        ["-c", `exec "$@" ${args} --dir "${directory}/sessions" < ${stdin} ${stdout}`, "sh", command, ...before],
        { encoding: "utf8" },
      );
    try {
      // Longer than what is read at once, and than a pipe holds.
      const lines = Array.from({ length: 300 }, (_, number) => `{"n":${number},"text":"${"ж".repeat(200)}"}\n`);
      const input = join(directory, "input.jsonl");
      writeFileSync(input, lines.join(""));
      const fromFile = run("append k", input);
      assert.equal(fromFile.stdout, lines.map((_, number) => `${number}\n`).join(""), fromFile.stderr);
      const [shell, ...words] = ["sh", "-c", `echo "{}" | "$@" append k --dir "${directory}/sessions"`, "sh", command];
      const piped = spawnSync(shell ?? "sh", [...words, ...before], { encoding: "utf8" });
      assert.equal(piped.stdout, "300\n", piped.stderr);
      assert.equal(run("append k", "/dev/null").stdout, "");
      const refused = run("append k", directory);
      assert.equal(refused.status, 1);
      assert.match(refused.stderr, /stdin is a directory/);
      const output = join(directory, "output.jsonl");

      assert.equal(run("export k", "/dev/null", `> ${output}`).status, 0);
      assert.equal(readFileSync(output, "utf8"), `${lines.join("")}{}\n`);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
}
