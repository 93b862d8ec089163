/** Real session files of other programs go in through the program and come out equal as text. */
import assert from "node:assert/strict";
import { cp, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { noRealData, realInputData } from "../real_input_data.ts";
import { jsonLines, run, withDirectory } from "./in_process.ts";

const dataDirectory = realInputData() ?? "";
const skip = dataDirectory === "" ? noRealData : false;

/** The lines of a file that hold a JSON object. */
function objectLines(text: string): string[] {
  return text.split("\n").map((line) => line.trim()).filter((line) => {
    try {
      return line.startsWith("{") && JSON.parse(line) !== null;
    } catch {
      return false;
    }
  });
}

async function logsBelow(directory: string): Promise<string[]> {
  const names = await readdir(directory, { recursive: true });
  return names.filter((name) => name.endsWith(".jsonl")).sort();
}

test(
  "real input: every file of JSON Lines comes out of an import as it went in, and out of an append",
  { skip },
  async () => {
    await withDirectory(async (base) => {
      const store = join(base, "store");
      const files = await logsBelow(dataDirectory);
      assert.ok(files.length > 15);
      for (const file of files) {
        const text = await readFile(join(dataDirectory, file), "utf8");
        const expected = objectLines(text).map((line) => line + "\n").join("");
        const imported = await run(["import", join(dataDirectory, file), "--key", file, "--json", "--dir", store]);
        const report = Object(jsonLines(imported.stdout)[0]);
        const count = expected.split("\n").length - 1;
        assert.deepEqual([report.added, report.skipped], [count, 0], file);
        assert.equal(imported.code, report.damaged.length > 0 ? 1 : 0, file);
        assert.equal((await run(["export", file, "--all", "--dir", store])).stdout, expected, file);
        const again = await run(["import", join(dataDirectory, file), "--key", file, "--json", "--dir", store]);
        assert.deepEqual([Object(jsonLines(again.stdout)[0]).added, Object(jsonLines(again.stdout)[0]).skipped], [
          0,
          count,
        ]);
        await run(["append", `appended:${file}`, "--dir", store], { stdin: text });
        assert.equal((await run(["export", `appended:${file}`, "--dir", store])).stdout, expected, file);
      }
      const { code, stdout } = await run(["check", "--dir", store]);
      assert.equal(code, 0, stdout);
    });
  },
);

test(
  "real input: picoclaw's directories, the torn one too, open as they are: list, show, check, append",
  { skip },
  async () => {
    for (const name of ["sessions", "torn"]) {
      await withDirectory(async (base) => {
        const store = join(base, name);
        await cp(join(dataDirectory, "picoclaw", name), store, { recursive: true });
        const before = jsonLines((await run(["ls", "--json", "--dir", store])).stdout).map((info) => Object(info));
        assert.ok(before.length >= 2, name);
        assert.match((await run(["check", "--dir", store])).stdout, /records/);
        for (const { key, active } of before) {
          const shown = jsonLines((await run(["show", key, "--json", "--dir", store])).stdout);
          // A line that is damaged keeps its number, and is counted.
          assert.ok(shown.length > 0 && shown.length <= active, key);
          const appended = await run(["append", key, "--dir", store], { stdin: '{"role":"user","content":"more"}\n' });
          assert.equal(appended.code, 0, appended.stderr);
          const after = jsonLines((await run(["show", key, "--json", "--dir", store])).stdout);
          assert.deepEqual(after.slice(0, -1), shown, key);
          assert.deepEqual(Object(after.at(-1)).record, { role: "user", content: "more" });
        }
      });
    }
  },
);

test("real input: conversations are shown without a control character", { skip }, async () => {
  await withDirectory(async (store) => {
    for (const file of await logsBelow(dataDirectory)) {
      await run(["import", join(dataDirectory, file), "--key", file, "--dir", store]);
      const { code, stdout } = await run(["show", file, "--dir", store]);
      assert.equal(code, 0);
      // deno-lint-ignore no-control-regex
      assert.doesNotMatch(stdout, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/, file);
    }
  });
});
