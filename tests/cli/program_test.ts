import assert from "node:assert/strict";
import { test } from "node:test";
import { programVersion } from "../../src/cli/program_version.ts";
import { run } from "./in_process.ts";

test("holdfast without a command says how to use it on stderr and exits with 2", async () => {
  const { code, stdout, stderr } = await run([]);
  assert.deepEqual([code, stdout], [2, ""]);
  assert.match(stderr, /usage: holdfast <command>/);
});

test("holdfast --version and --help print on stdout and exit with 0", async () => {
  assert.deepEqual(await run(["--version"]), { code: 0, stdout: `holdfast ${programVersion}\n`, stderr: "" });
  for (const args of [["--help"], ["-h"], ["help"]]) assert.equal((await run(args)).code, 0);
});

test("an unknown command or option is named with a hint, exit code 2", async () => {
  assert.deepEqual(await run(["shwo"]), {
    code: 2,
    stdout: "",
    stderr: "holdfast: Unknown command shwo\n  Did you mean holdfast show?\n",
  });
  for (
    const args of [["ls", "--limt"], ["--json", "ls"], ["truncate", "k"], ["compact"], ["compact", "k", "--all"], [
      "rm",
    ]]
  ) {
    const { code, stdout, stderr } = await run([...args]);
    assert.deepEqual([code, stdout], [2, ""], args.join(" "));
    assert.match(stderr, /^holdfast: .+\n {2}.+\n$/);
  }
});
