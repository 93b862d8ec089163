import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { programVersion } from "../../src/cli/program_version.ts";
import { projectDirectory, runProgramProcess, startProgram } from "./child_program.ts";
import { withDirectory } from "./in_process.ts";

test("main.ts begins with the line that makes it a program, and knows package.json's version", async () => {
  assert.match(await readFile(join(projectDirectory, "src/cli/main.ts"), "utf8"), /^#!\/usr\/bin\/env node\n/);
  const { version } = JSON.parse(await readFile(join(projectDirectory, "package.json"), "utf8"));
  assert.equal(programVersion, version);
});

test("the program as a process: append, show, exit codes, and a pipe that is closed early", async () => {
  await withDirectory(async (directory) => {
    const lines = Array.from({ length: 3000 }, (_, n) => `{"n":${n},"text":"${"ä".repeat(50)}"}\n`).join("");
    const appended = await runProgramProcess(["append", "k", "--dir", directory], lines);
    assert.deepEqual([appended.code, appended.stderr], [0, ""]);
    assert.equal(appended.stdout, Array.from({ length: 3000 }, (_, n) => `${n}\n`).join(""));
    assert.equal((await runProgramProcess(["export", "k", "--dir", directory])).stdout, lines);

    const head = startProgram(["show", "k", "--dir", directory]);
    await head.printed(/#1 /);
    head.child.stdout?.destroy();
    const { code, stderr } = await head.ended;
    assert.deepEqual([code, stderr], [0, ""]);

    assert.equal((await runProgramProcess(["shwo"])).code, 2);
    assert.equal((await runProgramProcess(["show", "nope", "--dir", directory])).code, 1);
  });
});

test("append whose receipts nobody reads stores everything all the same", async () => {
  await withDirectory(async (directory) => {
    const program = startProgram(["append", "k", "--dir", directory]);
    program.write('{"n":0}\n');
    await program.printed(/0\n/);
    program.child.stdout?.destroy();
    for (let n = 1; n < 500; n++) program.write(`{"n":${n}}\n`);
    program.child.stdin?.end();
    assert.equal((await program.ended).code, 0);
    const { stdout } = await runProgramProcess(["export", "k", "--dir", directory]);
    assert.equal(stdout.split("\n").length, 501);
  });
});

test("under Deno the program needs only read and write on the directory", async () => {
  await withDirectory(async (base) => {
    const directory = join(base, "store");
    // The sources themselves must be readable; the store's parent is where its directory is made.
    const denoPermissions = [`--allow-read=${base},${projectDirectory}`, `--allow-write=${base}`];
    const on = (args: readonly string[], stdin = ""): ReturnType<typeof runProgramProcess> =>
      runProgramProcess([...args, "--dir", directory], stdin, { denoPermissions });
    assert.deepEqual(await on(["append", "k"], '{"n":1}\n{"n":2}\n'), { code: 0, stdout: "0\n1\n", stderr: "" });
    for (
      const args of [["show", "k"], ["ls"], ["check"], ["stats"], ["export", "k"], ["truncate", "k", "--keep", "1"], [
        "compact",
        "k",
      ], ["rm", "k"]]
    ) {
      const { code, stderr } = await on(args);
      assert.deepEqual([code, stderr], [0, ""], args[0]);
    }
  });
});
