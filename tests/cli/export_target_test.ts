/** Sessions of every program, exported into directories of every program, and imported from there. */
import assert from "node:assert/strict";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { names, testdata } from "../formats/fixtures.ts";
import { PicoclawReference } from "../interop/picoclaw_reference.ts";
import { jsonLines, run, type RunResult, withDirectory } from "./in_process.ts";

type On = (args: readonly string[], stdin?: string) => Promise<RunResult>;

/** Runs a test body with a store, and a directory beside it. */
async function withStore(body: (on: On, base: string) => Promise<void>): Promise<void> {
  await withDirectory(async (base) => {
    await body((args, stdin = "") => run([...args, "--dir", join(base, "store")], { stdin }), base);
  });
}

async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(directory.length + 1)).sort();
}

const talk = [
  { role: "user", content: "Where is the needle?", created_at: "2026-01-02T03:04:05Z" },
  { type: "setting", value: 1 },
  { role: "assistant", content: [{ type: "tool_use", id: "t1", name: "find", input: { path: "." } }] },
  { role: "user", content: [{ type: "tool_result", tool_use_id: "t1", content: "x".repeat(120_000) }] },
].map((record) => JSON.stringify(record) + "\n").join("");

test("export --out DIR/ lays every format out as its program has it, and import takes it back", async () => {
  await withStore(async (on, base) => {
    await on(["append", "telegram:1"], talk);
    const expected: Record<string, RegExp[]> = {
      jsonl: [/^telegram-1-[0-9a-f]{8}\.jsonl$/],
      picoclaw: [/^telegram_1\.jsonl$/, /^telegram_1\.meta\.json$/],
      gencode: [
        /^blobs\/tool-result\/telegram-1-[0-9a-f]{8}\/t1$/,
        /^transcripts\/telegram-1-[0-9a-f]{8}\.jsonl$/,
        /^transcripts-index\.json$/,
      ],
      omega: [/^sessions\/telegram-1-[0-9a-f]{8}\.index\.json$/, /^sessions\/telegram-1-[0-9a-f]{8}\.jsonl$/],
      codetether: [/^sessions\/telegram-1-[0-9a-f]{8}\.json$/],
      markdown: [/^telegram-1-[0-9a-f]{8}\.md$/],
      html: [/^telegram-1-[0-9a-f]{8}\.html$/],
    };
    for (const [format, patterns] of Object.entries(expected)) {
      const out = join(base, "out", format);
      const { code, stdout, stderr } = await on(["export", "telegram:1", "--format", format, "--out", `${out}/`]);
      assert.deepEqual([code, stdout], [0, ""], stderr);
      const files = (await filesBelow(out)).sort((a, b) => a < b ? -1 : 1);
      assert.equal(files.length, patterns.length, files.join(" "));
      for (const pattern of patterns) {
        assert.ok(files.some((file) => pattern.test(file)), `${files.join(" ")} ${pattern}`);
      }
      for (const file of files) assert.equal((await stat(join(out, file))).mode & 0o777, 0o600);
      if (format === "markdown" || format === "html") continue;
      if (format !== "jsonl") {
        assert.match(stderr, new RegExp(`${format} does not hold: .*a record that is no message`));
      }
      const [report] = jsonLines((await run(["import", out, "--dir", join(base, format), "--json"])).stdout);
      assert.deepEqual([Object(report).format, Object(report).damaged], [format, []]);
      const { key } = Object(report);
      const back = await run(["export", key, "--dir", join(base, format)]);
      assert.match(back.stdout, /Where is the needle\?/);
      if (format === "gencode") {
        assert.ok(back.stdout.includes("x".repeat(120_000)), "the large result is in its record");
      }
    }
  });
});

test("export --format gencode into a directory with other sessions keeps them in the index", async () => {
  await withStore(async (on, base) => {
    const directory = join(base, "project");
    await mkdir(directory);
    await writeFile(
      join(directory, "transcripts-index.json"),
      await readFile(join(testdata, "gencode/-home-me-app/transcripts-index.json")),
    );
    for (const key of ["one", "two", "one"]) {
      await on(["append", key], '{"role":"user","content":"hi"}\n');
      // A directory that exists needs no slash.
      assert.equal((await on(["export", key, "--format", "gencode", "--out", directory])).code, 0);
    }
    const { entries } = JSON.parse(await readFile(join(directory, "transcripts-index.json"), "utf8"));
    const count = entries.map((entry: unknown) => [Object(entry).transcriptId, Object(entry).messageCount]);
    assert.deepEqual(Object.fromEntries(count), { "later-1": 1, [names.gencode]: 5, one: 2, two: 1 });
    assert.equal(count.length, 4);
  });
});

test("export --format picoclaw of another program's session: picoclaw reads every line, the meta counts lines and hidden ones", async () => {
  await withStore(async (on, base) => {
    const [user, , call] = talk.split("\n");
    const results = JSON.stringify({
      role: "user",
      content: [
        { type: "tool_result", tool_use_id: "t1", content: "a" },
        { type: "tool_result", tool_use_id: "t2", content: "b" },
      ],
    });
    await on(["append", "telegram:1"], `${user}\n${call}\n${results}\n{"role":"assistant","content":"Found."}\n`);
    await on(["truncate", "telegram:1", "--keep", "1", "--summary", "They searched."]);
    const directory = join(base, "sessions");
    await on(["export", "telegram:1", "--format", "picoclaw", "--all", "--out", `${directory}/`]);
    const { skip, count } = JSON.parse(await readFile(join(directory, "telegram_1.meta.json"), "utf8"));
    assert.deepEqual([skip, count], [4, 5]);
    const picoclaw = new PicoclawReference(directory);
    assert.deepEqual(picoclaw.getHistory("telegram:1").map(({ content }) => content), ["Found."]);
    assert.deepEqual(picoclaw.log, []);
  });
});

test("export of branched sessions: pages and linear formats follow the active branch, JSON Lines keeps all", async () => {
  await withStore(async (on) => {
    await on(["import", join(testdata, "pi")]);
    for (const format of ["markdown", "html", "picoclaw", "codetether", "gencode"]) {
      const { stdout, stderr } = await on(["export", "pi-three", "--format", format]);
      assert.doesNotMatch(stdout, /abandoned/, format);
      assert.match(stdout, /again/, format);
      assert.match(stderr, /a record on a branch that the conversation left \(2 times\)/, format);
    }
    assert.match((await on(["export", "pi-three"])).stdout, /abandoned/);
  });
});

test("export brings codetether's document and OmegaLLM's index back as they were imported", async () => {
  await withStore(async (on, base) => {
    await on(["import", join(testdata, "codetether/sessions"), join(testdata, "omega")]);
    const id = names.codetether;
    await on(["export", id, "--format", "codetether", "--out", `${base}/c/`]);
    for (const path of [`${id}.json`, `${id}.journal.jsonl`, `${id}.tasks.jsonl`, `recall/sessions/${id}.json`]) {
      const expected = JSON.stringify(jsonOf(await readFile(join(testdata, "codetether/sessions", path), "utf8")));
      assert.equal(JSON.stringify(jsonOf(await readFile(join(base, "c/sessions", path), "utf8"))), expected, path);
    }
    await on(["export", "demo", "--format", "omega", "--out", `${base}/o/`]);
    for (const path of ["demo.jsonl", "demo.index.json"]) {
      const expected = (await readFile(join(testdata, "omega/sessions", path), "utf8")).trim();
      assert.equal((await readFile(join(base, "o/sessions", path), "utf8")).trim(), expected);
    }
  });
});

function jsonOf(text: string): unknown {
  return text.includes("\n{") && !text.startsWith("{\n") ? jsonLines(text) : JSON.parse(text);
}

test("export --format html to a file: the whole page, its heading what was asked, what was lost on stderr", async () => {
  await withStore(async (on, base) => {
    await on(["append", "k"], talk);
    const file = join(base, "talk.html");
    const { code, stderr } = await on(["export", "k", "--format", "html", "--out", file]);
    assert.equal(code, 0);
    assert.equal(stderr, "holdfast: html does not hold: a record that is no message\n");
    const page = await readFile(file, "utf8");
    assert.match(page, /^<!DOCTYPE html>/);
    assert.match(page, /<h1>Where is the needle\?<\/h1>/);
    assert.match(page, /<\/html>\n$/);
    assert.deepEqual(await filesBelow(base).then((files) => files.filter((name) => name.endsWith(".tmp"))), []);
  });
});
