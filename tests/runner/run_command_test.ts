import assert from "node:assert/strict";
import { test } from "node:test";
import { runCommand } from "./run_command.ts";

const timeoutMs = 60_000;

test("runCommand() keeps both outputs, and says how it ended", async () => {
  const good = await runCommand({ program: "sh", args: ["-c", "echo a; echo b >&2"], timeoutMs });
  assert.deepEqual([good.ok, good.output.split("\n").sort().join(""), good.ending], [true, "ab", "exit code 0"]);
  const bad = await runCommand({ program: "sh", args: ["-c", "echo $A; exit 3"], environment: { A: "b" }, timeoutMs });
  assert.deepEqual([bad.ok, bad.output, bad.ending], [false, "b\n", "exit code 3"]);
});

test("runCommand() tells of a program that is not there", async () => {
  const result = await runCommand({ program: "/no/such/program", args: [], timeoutMs });
  assert.equal(result.ok, false);
  assert.match(result.ending, /could not be started/);
});

test("runCommand() ends a command that takes too long, with its children", async () => {
  // Resolves only when the grandchild, which holds the output open too, is gone.
  const result = await runCommand({ program: "sh", args: ["-c", "sleep 1000 & wait"], timeoutMs: 50 });
  assert.equal(result.ok, false);
  assert.match(result.ending, /took longer/);
});
