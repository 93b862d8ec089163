/** The demo passes as it is, and fails loudly when a promise is broken on purpose. */
import assert from "node:assert/strict";
import { cp, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { projectDirectory, runProgramProcess } from "../cli/child_program.ts";
import { jsonLines, withDirectory } from "../cli/in_process.ts";

interface Breakage {
  file: string;
  exact: string;
  replacement: string;
}

/** A copy of the program in which one text is replaced; fails if the text is not there, or more than once. */
async function brokenCopy(base: string, ...breakages: Breakage[]): Promise<string> {
  const copy = join(base, "program");
  await mkdir(copy);
  for (const name of ["src", "mod.ts", "package.json", "deno.json"]) {
    await cp(join(projectDirectory, name), join(copy, name), { recursive: true });
  }
  await symlink(join(projectDirectory, "node_modules"), join(copy, "node_modules"));
  for (const { file, exact, replacement } of breakages) {
    const source = await readFile(join(copy, file), "utf8");
    assert.equal(source.split(exact).length, 2, `${file} holds ${JSON.stringify(exact)} once`);
    await writeFile(join(copy, file), source.replace(exact, () => replacement));
  }
  return copy;
}

async function demo(args: readonly string[], base: string, directory = projectDirectory): Promise<Demo> {
  const store = join(base, "store");
  const { code, stdout, stderr } = await runProgramProcess(["demo", "--json", "--dir", store, ...args], "", {
    directory,
  });
  return { code, stderr, report: Object(stdout === "" ? {} : jsonLines(stdout)[0]) };
}

interface Demo {
  code: number | null;
  stderr: string;
  report: Record<string, number | string | null>;
}

test("demo loses, doubles and moves nothing (I1, I2, I3)", async () => {
  await withDirectory(async (base) => {
    const { code, stderr, report } = await demo(["--kills", "6", "--seed", "1"], base);
    assert.equal(code, 0, `${stderr}${report["fault"]}`);
    const { lost, duplicated, outOfOrder, invented, damaged, kills, acknowledged, recovered } = report;
    assert.deepEqual({ lost, duplicated, outOfOrder, invented, damaged }, {
      lost: 0,
      duplicated: 0,
      outOfOrder: 0,
      invented: 0,
      damaged: 0,
    });
    assert.deepEqual([kills, acknowledged, recovered], [6, 1200, 1200]);
  });
});

test("demo takes a transcript, writes a short one several times over, and refuses a directory that has a demo", async () => {
  await withDirectory(async (base) => {
    const transcript = join(base, "chat.jsonl");
    await writeFile(
      transcript,
      '{"role":"user","content":"hi","n":12345678901234567890}\nnope\n{"role":"assistant","content":""}',
    );
    const { code, stderr, report } = await demo([transcript, "--kills", "2"], base);
    assert.equal(code, 0, `${stderr}${report["fault"]}`);
    assert.deepEqual([report["kills"], report["acknowledged"]], [2, 1200]);
    const again = await demo([transcript], base);
    assert.deepEqual([again.code, again.report], [1, {}]);
    assert.match(again.stderr, /holdfast rm demo/);
  });
});

test("demo fails when a record is acknowledged before it is written", async () => {
  await withDirectory(async (base) => {
    const copy = await brokenCopy(base, {
      file: "src/cli/append.ts",
      exact: "session.appendText(read.text)",
      replacement:
        `(globalThis.early ??= session.tail(1).then(({ firstSequence }) => ({ sequence: (firstSequence ?? -1) + 1 }))).then((early) => {
        setTimeout(() => session.appendText(read.text).catch(() => {}), 60_000).unref();
        return { sequence: early.sequence++, duplicate: false };
      })`,
    });
    const { code, report } = await demo(["--kills", "8", "--seed", "1"], base, copy);
    assert.equal(code, 1);
    assert.ok(Number(report["lost"]) > 0, JSON.stringify(report));
  });
});

test("demo fails when recovery leaves a torn tail where it is and the next record is glued to it (W1)", async () => {
  await withDirectory(async (base) => {
    const copy = await brokenCopy(base, {
      file: "src/log/log_recovery.ts",
      exact: "let end = tail.kept.offset;",
      replacement: "let end = size;",
    }, {
      // The last torn byte would be made the end of a line.
      file: "src/log/log_recovery.ts",
      exact: "else if (end > 0) await endWithLineFeed(handle, end - 1);",
      replacement: "",
    }, {
      // Fill would stand between what is torn and the next record.
      file: "src/store/store_options.ts",
      exact: "options.preallocate ?? true",
      replacement: "options.preallocate ?? false",
    });
    const { code, report } = await demo(["--kills", "24", "--seed", "1"], base, copy);
    assert.equal(code, 1);
    assert.notEqual(report["fault"], null);
  });
});

test("demo fails when recovery takes what is torn for a record", async () => {
  await withDirectory(async (base) => {
    const copy = await brokenCopy(base, {
      file: "src/cli/demo_run.ts",
      exact: "session.texts({ all: true })",
      replacement:
        "(async function* () { yield* session.texts({ all: true }); yield { sequence: -1, text: '{\"ro' }; })()",
    });
    const { code, report } = await demo(["--kills", "1", "--seed", "1"], base, copy);
    assert.deepEqual([code, report["invented"]], [1, 1]);
  });
});
