/**
 * Real session files go in through the program, in processes of its own, and come out equal as text; picoclaw's real
 * directories open as they are, and picoclaw reads them afterwards.
 *
 * @module
 */
import { test } from "node:test";
import assert from "node:assert/strict";
import { cp, mkdtemp, readdir, readFile, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { runProgramProcess } from "../cli/child_program.ts";
import { slowness } from "../process/spawn_helper.ts";
import { noRealData, realInputData } from "../real_input_data.ts";
import { assertPlainJsonLines } from "./shared_directory.ts";
import { PicoclawReference } from "./picoclaw_reference.ts";

const dataDirectory = realInputData() ?? "";
const skip = dataDirectory === "" ? noRealData : false;
const timeout = 120_000 * slowness;

interface Listed {
  key: string;
  records: number;
  active: number;
}

async function withDirectory(run: (directory: string) => Promise<void>): Promise<void> {
  const directory = await realpath(await mkdtemp(`${tmpdir()}/holdfast-real-`));
  try {
    await run(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Runs the program; `expected` is its exit code. */
async function program(expected: number, args: readonly string[], stdin = ""): Promise<string> {
  const { code, stdout, stderr } = await runProgramProcess(args, stdin);
  assert.equal(code, expected, `${args.join(" ")}: ${stderr}`);
  return stdout;
}

async function list(store: string): Promise<Listed[]> {
  const lines = (await program(0, ["ls", "--json", "--dir", store])).trimEnd().split("\n");
  return lines.filter((line) => line !== "").map((line): Listed => JSON.parse(line));
}

/** The lines that hold a JSON object, without the blanks around it. */
function objectLines(text: string): string[] {
  return text.split("\n").map((line) => line.trim()).filter((line) => {
    try {
      return line.startsWith("{") && JSON.parse(line) !== null;
    } catch {
      return false;
    }
  });
}

/** Files of JSON Lines below a part of the data. */
async function logsIn(...parts: string[]): Promise<string[]> {
  const files: string[] = [];
  for (const part of parts) {
    for (const name of await readdir(join(dataDirectory, part))) {
      if (name.endsWith(".jsonl")) files.push(join(dataDirectory, part, name));
    }
  }
  return files.sort();
}

function together(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}

/** Two at a time: a board has that many cores. */
async function eachOf<T>(items: readonly T[], run: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const worker = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await run(item);
  };
  await Promise.all([worker(), worker()]);
}

test(
  "real input: every file of JSON Lines goes in by import and comes out equal as text",
  { skip, timeout },
  async () => {
    await withDirectory(async (store) => {
      const files = await logsIn("agentsview", "claude-code-log", "pi-mono");
      assert.ok(files.length >= 18, `${files.length} files`);
      // Some files hold lines that are no objects; they are named, and the code says so.
      const { code, stdout } = await runProgramProcess(["import", ...files, "--json", "--dir", store]);
      assert.equal(code, 1);
      const reports = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
      assert.equal(reports.length, files.length);
      await eachOf(files, async (file) => {
        const lines = objectLines(await readFile(file, "utf8"));
        const report = reports.find((one) => basename(one.file) === basename(file));
        assert.deepEqual([report.added, report.skipped], [lines.length, 0], file);
        assert.equal(await program(0, ["export", report.key, "--all", "--dir", store]), together(lines), file);
      });
      assert.equal((await list(store)).length, files.length);
      await program(0, ["check", "--dir", store]);
    });
  },
);

test(
  "real input: large files, files without a last line feed and picoclaw's go in by append and come out of show as text",
  { skip, timeout },
  async () => {
    await withDirectory(async (store) => {
      const files = await logsIn("claude-code-log", "pi-mono", "picoclaw/sessions");
      await eachOf(files, async (file) => {
        const text = await readFile(file, "utf8");
        const lines = objectLines(text);
        const hasOther = text.split("\n").some((line) => line.trim() !== "" && !lines.includes(line.trim()));
        const numbers = await program(hasOther ? 1 : 0, ["append", file, "--dir", store], text);
        assert.equal(numbers, together(lines.map((_, index) => String(index))), file);
        const shown = await program(0, ["show", file, "--json", "--dir", store]);
        assert.equal(shown, together(lines.map((line, index) => `{"sequence":${index},"record":${line}}`)), file);
      });
      await program(0, ["check", "--dir", store]);
    });
  },
);

test("real input: an old session of picoclaw's in one JSON document comes out of an import as its messages", {
  skip,
  timeout,
}, async () => {
  await withDirectory(async (store) => {
    const file = join(dataDirectory, "picoclaw/sessions/discord_42.json");
    await program(0, ["import", file, "--dir", store]);
    const { key, messages }: { key: string; messages: unknown[] } = JSON.parse(await readFile(file, "utf8"));
    const lines = messages.map((message) => JSON.stringify(message));
    assert.equal(await program(0, ["export", key, "--dir", store]), together(lines));
  });
});

for (const name of ["sessions", "torn"]) {
  test(`real input: picoclaw's directory ${name}/ opens, lists, verifies, takes appends, and picoclaw reads it`, {
    skip,
    timeout,
  }, async () => {
    await withDirectory(async (base) => {
      const store = join(base, name);
      await cp(join(dataDirectory, "picoclaw", name), store, { recursive: true });
      const theirs = new PicoclawReference(store);
      const readable = new Set(theirs.listSessions());
      const before = new Map([...readable].map((key) => [key, theirs.getHistory(key)]));
      const listed = await list(store);
      for (const key of readable) assert.ok(listed.some((one) => one.key === key), `${key} is listed`);
      assert.ok(listed.length >= 2);
      // The torn directory has what check must name, and nothing of it is repaired by looking.
      await program(name === "torn" ? 1 : 0, ["check", "--dir", store]);
      for (const { key } of listed) {
        await program(0, ["append", key, "--dir", store], '{"role":"user","content":"more"}\n');
        const history = theirs.getHistory(key);
        assert.deepEqual(history.at(-1), { role: "user", content: "more" });
        if (before.has(key)) assert.deepEqual(history.slice(0, -1), before.get(key), key);
        const exported = await program(0, ["export", key, "--dir", store]);
        assert.deepEqual(exported.trimEnd().split("\n").map((line) => JSON.parse(line)), history, key);
        assertPlainJsonLines(await readFile(theirs.logPath(key), "utf8"), `I21: ${key}`);
      }
      await program(0, ["check", "--dir", store]);
      const legacy = (await readdir(store)).filter((file) =>
        /\.json(\.migrated)?$/.test(file) && !file.includes(".meta.")
      );
      assert.deepEqual(legacy, name === "sessions" ? ["discord_42.json.migrated"] : []);
      if (name === "sessions") assert.ok(theirs.listSessions().includes("discord:42"));
    });
  });
}
