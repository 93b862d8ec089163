import assert from "node:assert/strict";
import { mkdir, readdir, readFile, realpath, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { Interruption } from "../../src/cli/command.ts";
import { jsonLines, run, withDirectory } from "./in_process.ts";

test("bench --json has one value per line, and leaves nothing but the picture", async () => {
  await withDirectory(async (base) => {
    const svg = join(base, "latency.svg");
    const args = [
      "bench",
      "--on",
      base,
      "--records",
      "10",
      "--bytes",
      "200",
      "--concurrent",
      "3",
      "--svg",
      svg,
      "--json",
    ];
    const { code, stdout, stderr } = await run(args);
    assert.deepEqual([code, stderr], [0, ""]);
    const values = jsonLines(stdout).map((value) => Object(value));
    assert.deepEqual(values.map(({ measure, records }) => [measure, records]), [
      ["place", undefined],
      ...[10, 10, 10, 10, 10].map((records) => ["appends", records]),
      ...Array.from({ length: 4 }, () => ["life", undefined]),
    ]);
    assert.deepEqual([values[0].directory, values[0].recordBytes], [await realpath(base), 200]);
    for (const { latencyMs, syncsPerRecord, recordsPerTurn } of values.slice(1, 5)) {
      assert.deepEqual(Object.keys(latencyMs), ["p50", "p99", "p999", "max"]);
      assert.ok(
        syncsPerRecord >= 1 / recordsPerTurn && syncsPerRecord <= 1 / recordsPerTurn + 0.2,
        `${syncsPerRecord}`,
      );
    }
    assert.deepEqual(await readdir(base), ["latency.svg"]);
    assert.match(await readFile(svg, "utf8"), /^<svg [^]*<\/svg>\n$/);
  });
});

test("bench measures where the store is, or would be, and touches no session", async () => {
  await withDirectory(async (base) => {
    const inStore = join(base, "store");
    await mkdir(inStore);
    await writeFile(join(inStore, "k.jsonl"), '{"role":"user"}\n');
    for (const dir of [inStore, join(inStore, "not/yet")]) {
      const { code, stdout } = await run(["bench", "--dir", dir, "--records", "2"]);
      assert.equal(code, 0);
      assert.ok(stdout.startsWith(await realpath(inStore)), stdout);
    }
    assert.deepEqual(await readdir(inStore), ["k.jsonl"]);
  });
});

test("bench that is interrupted leaves nothing behind", async () => {
  await withDirectory(async (base) => {
    const interruption = new AbortController();
    interruption.abort(new Interruption("SIGINT"));
    const args = ["bench", "--on", base, "--svg", join(base, "x.svg")];
    assert.deepEqual(await run(args, { signal: interruption.signal }), { code: 130, stdout: "", stderr: "" });
    assert.deepEqual(await readdir(base), []);
  });
});

test("bench refuses a directory that is not there, a file, and wrong numbers, before it measures", async () => {
  await withDirectory(async (base) => {
    const file = join(base, "file");
    await writeFile(file, "x");
    const outcomes = [
      [["--on", join(base, "none")], 1, /No such directory/],
      [["--on", file], 1, /Not a directory/],
      [["--on", base, "--svg", join(base, "none/x.svg")], 1, /creating the output file/],
      [["--bytes", "1", "--on", base], 2, /--bytes must be from 64/],
    ] as const;
    for (const [args, expected, message] of outcomes) {
      const { code, stderr } = await run(["bench", ...args]);
      assert.equal(code, expected, stderr);
      assert.match(stderr, message);
    }
    assert.deepEqual(await readdir(base), ["file"]);
  });
});
