import assert from "node:assert/strict";
import { readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { Interruption } from "../../src/cli/command.ts";
import { jsonLines, run, type RunOptions, type RunResult, withDirectory } from "./in_process.ts";

type On = (args: readonly string[], options?: RunOptions) => Promise<RunResult>;

async function withFiles(files: Record<string, string>, body: (on: On, base: string) => Promise<void>): Promise<void> {
  await withDirectory(async (base) => {
    for (const [name, text] of Object.entries(files)) await writeFile(join(base, name), text);
    await body((args, options) => run([...args, "--dir", join(base, "store")], options), base);
  });
}

const texts = Array.from({ length: 50 }, (_, n) => `{"n":${n}, "big":1234567890123456789${n}}`);
const message = (content: string): string =>
  `{"role":"user","content":"${content}","created_at":"2026-01-02T03:04:05Z"}`;

test("import takes a file's lines byte for byte, names what is no object, and exits with 1 for it", async () => {
  await withFiles({ "chat.jsonl": `\ufeff${texts.join("\r\n")}\n\nnope\n[1]` }, async (on, base) => {
    const file = join(base, "chat.jsonl");
    const { code, stdout } = await on(["import", file, "--json"]);
    assert.equal(code, 1);
    assert.deepEqual(jsonLines(stdout), [{
      file,
      format: "jsonl",
      key: "chat",
      added: 50,
      skipped: 0,
      damaged: [{ line: 52, reason: "not JSON" }, { line: 53, reason: "a JSON array, not an object" }],
    }]);
    assert.equal((await on(["export", "chat"])).stdout, texts.map((text) => text + "\n").join(""));
  });
});

test("import of the same file again adds nothing, of a longer one what follows", async () => {
  await withFiles({ "chat.jsonl": texts.join("\n") }, async (on, base) => {
    const file = join(base, "chat.jsonl");
    const counts = async (): Promise<unknown> => {
      const { added, skipped } = Object(jsonLines((await on(["import", file, "--json"])).stdout)[0]);
      return [added, skipped];
    };
    await writeFile(file, texts.slice(0, 20).join("\n"));
    assert.deepEqual(await counts(), [20, 0]);
    assert.deepEqual(await counts(), [0, 20]);
    await writeFile(file, texts.join("\n"));
    assert.deepEqual(await counts(), [30, 20]);
    await on(["append", "chat"], { stdin: '{"later":1}' });
    assert.deepEqual(await counts(), [0, 50]);
    await on(["truncate", "chat", "--keep", "3"]);
    await on(["compact", "chat"]);
    assert.deepEqual(await counts(), [0, 50]);
    assert.equal(jsonLines((await on(["export", "chat", "--all"])).stdout).length, 3);
  });
});

test("import refuses a file that differs from the session, and changes nothing", async () => {
  await withFiles({ "chat.jsonl": texts.join("\n"), "short.jsonl": '{"n":0}' }, async (on, base) => {
    await on(["append", "chat"], { stdin: `${texts[0]}\n{"else":1}\n` });
    const { code, stdout, stderr } = await on(["import", join(base, "chat.jsonl")]);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /line 2 differs from record 1; nothing was changed; import it under another --key/);
    assert.equal((await on(["import", join(base, "chat.jsonl"), "--key", "other"])).code, 0);
    await on(["truncate", "other", "--keep", "1"]);
    await on(["compact", "other"]);
    const behind = await on(["import", join(base, "short.jsonl"), "--key", "other"]);
    assert.equal(behind.code, 1);
    assert.match(behind.stderr, /begin behind the file's last one/);
  });
});

test("import that is interrupted keeps a beginning, and goes on from there", async () => {
  await withFiles({ "chat.jsonl": texts.join("\n") }, async (on, base) => {
    const controller = new AbortController();
    controller.abort(new Interruption("SIGTERM"));
    const file = join(base, "chat.jsonl");
    assert.equal((await on(["import", file], { signal: controller.signal })).code, 143);
    assert.equal((await on(["import", file])).code, 0);
    assert.equal((await on(["export", "chat"])).stdout, texts.map((text) => text + "\n").join(""));
  });
});

test("import of lines with U+2028, '#' keys and blanks twice adds nothing the second time", async () => {
  const odd = `{"s":"a\u2028b\u2029"}\n{"#":"1","##":2}\n  { "x" : 1 }  \n{"s":"\\ud800"}\n{}\n`;
  await withFiles({ "odd.jsonl": odd }, async (on, base) => {
    const file = join(base, "odd.jsonl");
    assert.match((await on(["import", file])).stdout, /5 added/);
    assert.match((await on(["import", file])).stdout, /0 added, 5 there already/);
    const back = jsonLines((await on(["export", "odd"])).stdout);
    assert.deepEqual(back, odd.trim().split("\n").map((line): unknown => JSON.parse(line)));
  });
});

const meta = {
  key: "telegram:1",
  summary: "They greeted.",
  skip: 3,
  count: 5,
  "created_at": "2026-01-02T03:04:05Z",
  "updated_at": "2026-01-02T03:04:06Z",
  aliases: ["agent:main:telegram:direct:1"],
};
const picoclawFiles = {
  // Line 2 is damaged and counts for skip.
  "telegram_1.jsonl": `${message("a")}\n{"role":"us\n${message("b")}\n\n${message("c")}\n${message("d")}\n`,
  "telegram_1.meta.json": JSON.stringify(meta),
  "old.json": JSON.stringify({
    key: "discord:9",
    messages: [{ role: "user", content: "q" }],
    summary: "legacy",
    created: "2026-01-02T03:04:05Z",
    updated: "2026-01-02T03:04:05Z",
  }),
  "settings.json": '{"theme":"dark"}',
  "notes.txt": "no session",
  "gone.json.migrated": "{}",
  ".tmp-1.jsonl": "{}",
};

test("import walks a directory of picoclaw's: key, summary and skip from the meta, old sessions, and nothing else", async () => {
  await withFiles(picoclawFiles, async (on, base) => {
    const { code, stdout, stderr } = await on(["import", base, "--json"]);
    assert.equal(code, 1);
    assert.match(stderr, /settings\.json holds no session/);
    const reports = jsonLines(stdout).map((report) => Object(report));
    assert.deepEqual(reports.map(({ key, format, added, damaged }) => [key, format, added, damaged.length]), [
      ["discord:9", "picoclaw", 1, 0],
      ["telegram:1", "picoclaw", 4, 1],
    ]);
    const sessions = jsonLines((await on(["ls", "--json"])).stdout).map((info) => Object(info));
    const telegram = sessions.find(({ key }) => key === "telegram:1");
    assert.deepEqual([telegram.records, telegram.active, telegram.summary], [4, 2, "They greeted."]);
    assert.equal(sessions.find(({ key }) => key === "discord:9").summary, "legacy");
    assert.match(
      (await on(["import", base])).stdout,
      /2 files and 1 beside them: 0 added, 5 skipped, 1 damaged; 3 other/,
    );
    assert.deepEqual((await readdir(base)).sort(), [...Object.keys(picoclawFiles), "store"].sort());
  });
});

test("import --key wins over the file's own key, and is for one file only", async () => {
  await withFiles(picoclawFiles, async (on, base) => {
    await on(["import", join(base, "telegram_1.jsonl"), "--key", "mine"]);
    assert.match((await on(["ls"])).stdout, /^mine\t2\t4\t/);
    assert.equal((await on(["import", base, "--key", "mine"])).code, 2);
    assert.equal((await on(["import", join(base, "old.json"), join(base, "settings.json"), "--key", "x"])).code, 2);
  });
});

test("import follows a symbolic link, and a file that is not there is a clear error", async () => {
  await withFiles({ "chat.jsonl": texts.join("\n") }, async (on, base) => {
    await symlink(join(base, "chat.jsonl"), join(base, "latest.jsonl"));
    assert.match((await on(["import", join(base, "latest.jsonl")])).stdout, /→ latest: 50 added/);
    const { code, stderr } = await on(["import", join(base, "nope.jsonl")]);
    assert.equal(code, 1);
    assert.match(stderr, /nope\.jsonl/);
  });
});

test("import refuses a log of a Holdfast store, and says how to take it out", async () => {
  await withFiles({}, async (on, base) => {
    await on(["append", "k"], { stdin: texts.join("\n") });
    const { code, stderr } = await on(["import", join(base, "store/k.jsonl"), "--key", "l"]);
    assert.equal(code, 1);
    assert.match(stderr, /holdfast export KEY/);
  });
});

test("import of a directory without session files says so, and exits with 1", async () => {
  await withFiles({}, async (on, base) => {
    const { code, stderr } = await on(["import", base]);
    assert.equal(code, 1);
    assert.match(stderr, /no files with sessions were found/);
  });
});
