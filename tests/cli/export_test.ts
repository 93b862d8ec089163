import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { withProgram } from "./in_process.ts";

const texts = Array.from({ length: 50 }, (_, n) => `{"n":${n}, "big":1234567890123456789${n}}`);
const message = (content: string): string =>
  `{"role":"user","content":"${content}","created_at":"2026-01-02T03:04:05Z"}`;

test("export --out writes a file that only its owner may read, whole, and leaves no other behind", async () => {
  await withProgram(async (on, directory) => {
    const base = dirname(directory);
    await writeFile(join(base, "chat.jsonl"), "an older export");
    await on(["append", "k"], { stdin: texts.join("\n") });
    const file = join(base, "chat.jsonl");
    assert.deepEqual(await on(["export", "k", "--out", file]), { code: 0, stdout: "", stderr: "" });
    assert.equal(await readFile(file, "utf8"), texts.map((text) => text + "\n").join(""));
    assert.deepEqual((await readdir(base)).sort(), ["chat.jsonl", "sessions"]);
    const refused = await on(["export", "k", "--out", join(base, "no/such/file")]);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /no\/such\/file/);
  });
});

test("export --format picoclaw writes log and meta, and names records that picoclaw could not read", async () => {
  await withProgram(async (on, directory) => {
    const base = dirname(directory);
    await on(["append", "telegram:1"], { stdin: ["a", "b", "c", "d"].map((text) => message(text) + "\n").join("") });
    await on(["truncate", "telegram:1", "--keep", "2", "--summary", "They greeted."]);
    await on(["append", "telegram:1"], { stdin: '{"not":"a message"}' });
    const out = join(base, "out");
    const { code, stderr } = await on(["export", "telegram:1", "--format", "picoclaw", "--all", "--out", out]);
    assert.equal(code, 1);
    assert.match(stderr, /record 4 does not fit picoclaw/);
    assert.equal(
      await readFile(`${out}.jsonl`, "utf8"),
      ["a", "b", "c", "d"].map((text) => message(text) + "\n").join(""),
    );
    const { key, summary, skip, count } = JSON.parse(await readFile(`${out}.meta.json`, "utf8"));
    assert.deepEqual({ key, summary, skip, count }, { key: "telegram:1", summary: "They greeted.", skip: 2, count: 4 });
    assert.match((await on(["import", `${out}.jsonl`, "--key", "again"])).stdout, /4 added/);
    assert.match((await on(["ls"])).stdout, /^again\t2\t4\t/m);
  });
});
