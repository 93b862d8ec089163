/** Whole directories of other programs' sessions, with what lies beside them. */
import assert from "node:assert/strict";
import { appendFile, cp, mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { parseSideRecord } from "../../src/formats/side_record.ts";
import { names, testdata } from "../formats/fixtures.ts";
import { noRealData, realInputData } from "../real_input_data.ts";
import { jsonLines, run, type RunResult, withDirectory } from "./in_process.ts";

type Import = (...args: string[]) => Promise<RunResult>;

/** Runs a test body with a copy of a directory of fixtures, and the program on an empty store. */
async function withFixture(
  directory: string,
  body: (tools: { base: string; on: Import; add: () => Promise<[number, number]> }) => Promise<void>,
): Promise<void> {
  await withDirectory(async (root) => {
    const base = join(root, "files");
    await cp(join(testdata, directory), base, { recursive: true });
    const on: Import = (...args) => run([...args, "--dir", join(root, "store")]);
    const add = async (): Promise<[number, number]> => {
      const reports = jsonLines((await on("import", base, "--json")).stdout).map((report) => Object(report));
      const sum = (name: string): number => reports.reduce((total, report) => total + report[name], 0);
      return [sum("added"), sum("skipped")];
    };
    await body({ base, on, add });
  });
}

async function recordsOf(on: Import, key: string): Promise<string[]> {
  return (await on("export", key, "--all")).stdout.trimEnd().split("\n");
}

test("import of a directory of every format: each session once, sidecars with theirs, the rest named and counted", async () => {
  await withFixture("", async ({ on, base }) => {
    const { code, stdout, stderr } = await on("import", base);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /16 files and 10 beside them: 107 added, 0 skipped, 0 damaged; 3 other files left out\n$/);
    assert.match(stderr, /README\.md holds no session; left out/);
    assert.match(stderr, /listing_cache\.json is a listing cache that codetether makes anew; left out/);
    assert.match((await on("import", base)).stdout, /: 0 added, 107 skipped, 0 damaged; 3 other files left out\n$/);
    const sessions = jsonLines((await on("ls", "--json")).stdout).map((info) => Object(info));
    assert.deepEqual(
      sessions.map(({ key, records, title }) => [key, records, title]).sort(),
      [
        [names.codetether, 23, "Hello"],
        [names.gencode, 8, "Listing files"],
        ["7f9f9a2e-1b3c", 6, "Newest name"],
        [names.claude, 10, "Fixing the login bug"],
        [`${names.claude}/agent-5f2c`, 2, null],
        ["demo", 12, null],
        ["discord:9", 2, null],
        ["later-1", 5, "From the index"],
        ["notes", 4, null],
        ["old-flat-1", 6, null],
        ["pi-one", 4, null],
        ["pi-three", 8, "Tree of a talk"],
        ["pi-two", 4, null],
        ["repl-main", 8, null],
        ["stray-thread", 1, null],
        ["telegram:77", 4, null],
      ].sort(),
    );
    assert.equal((await on("check")).code, 0);
  });
});

test("import of a file that belongs to a session says so, and with its session takes it along", async () => {
  await withFixture("omega/sessions", async ({ on, base }) => {
    const index = join(base, "demo.index.json");
    const alone = await on("import", index);
    assert.equal(alone.code, 1);
    assert.match(alone.stderr, /is the index of a session of the format omega, which is not there/);
    const both = await on("import", index, join(base, "demo.jsonl"));
    assert.deepEqual([both.code, both.stderr], [0, ""]);
    assert.match(both.stdout, /→ demo: 12 added/);
  });
});

test("import again after the other program has gone on adds what is new: records, receipts, changed facts", async () => {
  await withFixture("omega/sessions", async ({ on, base, add }) => {
    assert.deepEqual(await add(), [12, 0]);
    await appendFile(join(base, "demo.jsonl"), '{"seq":6,"ts":1795178793390,"type":"result","value":"ok"}\n');
    const index = (await readFile(join(base, "demo.index.json"), "utf8"))
      .replace('"eventCount": 6', '"eventCount": 7')
      .replace("the whole first reply", "the reply that took its place (O6)")
      .replace('"receipts": {', '"receipts": {\n    "77": { "key": "77" },');
    await writeFile(join(base, "demo.index.json"), index);
    assert.deepEqual(await add(), [4, 10]);
    assert.deepEqual(await add(), [0, 14]);
    const receipts = (await recordsOf(on, "demo")).map(parseSideRecord)
      .filter((side) => side?.name === "receipts/015abdf862");
    assert.equal(receipts.length, 2);
    assert.match(receipts[1]?.valueText ?? "", /took its place/);
    await rm(join(base, "demo.index.json"));
    assert.deepEqual(await add(), [0, 8]);
  });
});

test("import of a codetether session that has grown adds the new messages and the members that changed", async () => {
  await withFixture("codetether", async ({ on, base, add }) => {
    assert.deepEqual(await add(), [24, 0]);
    const path = join(base, "sessions", `${names.codetether}.json`);
    const text = await readFile(path, "utf8");
    await writeFile(
      path,
      text.replace(
        '],"pages":[',
        ',{"role":"user","content":[{"type":"text","text":"more"}]}],"pages":["conversation",',
      )
        .replace("00:01:00.5Z", "00:02:00Z"),
    );
    assert.deepEqual(await add(), [3, 22]);
    assert.deepEqual(await add(), [0, 25]);
    // Also when what was imported first has been removed from the log.
    assert.equal((await on("truncate", names.codetether, "--keep", "4")).code, 0);
    assert.equal((await on("compact", names.codetether)).code, 0);
    const grown = await readFile(path, "utf8");
    await writeFile(path, grown.replace('],"pages":[', ',{"role":"user","content":[]}],"pages":['));
    const again = await on("import", path, "--json");
    assert.equal(Object(jsonLines(again.stdout)[0]).damaged?.length, 0, again.stderr);
    assert.ok((await recordsOf(on, names.codetether)).includes('{"role":"user","content":[]}'));
  });
});

test("import of gencode puts a large result into its record; one that is gone leaves the preview, and may come later", async () => {
  await withFixture("gencode", async ({ on, base, add }) => {
    const blob = join(base, "-home-me-app/blobs/tool-result", names.gencode, "t1");
    const content = await readFile(blob, "utf8");
    await rm(blob);
    const first = await on("import", base);
    assert.match(first.stderr, /line 4: blobs\/tool-result\/\S+\/t1 is not there or cannot be read; the record keeps/);
    await writeFile(blob, content);
    assert.deepEqual(await add(), [0, 13]);
    await on("rm", names.gencode);
    assert.deepEqual(await add(), [8, 5]);
    const record = Object(JSON.parse((await recordsOf(on, names.gencode))[3] ?? ""));
    assert.equal(record.message.content[0].content[0].text, content);
    assert.deepEqual(await add(), [0, 13]);
  });
});

test("import follows no symbolic link out of a directory, neither of a session nor of a large value", async () => {
  await withFixture("gencode", async ({ on, base }) => {
    const secret = join(base, "..", "secret");
    await writeFile(secret, '{"secret":1}\n{"secret":2}\n');
    const blob = join(base, "-home-me-app/blobs/tool-result", names.gencode, "t1");
    await rm(blob);
    await symlink(secret, blob);
    await symlink(secret, join(base, "link.jsonl"));
    await symlink("..", join(base, "loop"));
    const { stdout } = await on("import", base);
    assert.match(stdout, /13 added/);
    assert.doesNotMatch((await recordsOf(on, names.gencode)).join("\n"), /secret/);
  });
});

test("import leaves out other programs' files in a directory, hidden ones, and the store itself", async () => {
  await withDirectory(async (base) => {
    const store = join(base, "store");
    await run(["append", "own", "--dir", store], { stdin: '{"n":1}\n' });
    await mkdir(join(base, ".hidden"));
    await writeFile(join(base, ".hidden", "a.jsonl"), '{"n":1}\n');
    await writeFile(join(base, "package.json"), '{\n  "name": "x"\n}\n');
    await writeFile(join(base, "one-line"), '{"theme":"dark"}\n');
    await writeFile(join(base, "two-lines.log"), '{"n":1}\n{"n":2}\n');
    await writeFile(join(base, "picture.png"), new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0]));
    await writeFile(join(base, "empty.jsonl"), "");
    const { code, stdout, stderr } = await run(["import", base, "--dir", store]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /two-lines\.log \(jsonl\) → two-lines\.log: 2 added\n1 file: .*; 4 other files left out/);
    for (const name of ["package.json", "one-line", "picture.png", "empty.jsonl"]) {
      assert.match(stderr, new RegExp(`${name} holds no session; left out`));
    }
  });
});

test("import leaves out what programs leave behind beside a session, and takes a file once", async () => {
  await withFixture("", async ({ on, base }) => {
    const old = join(base, "picoclaw/sessions/discord_9.json");
    await cp(old, `${old}.migrated`);
    const log = join(base, "picoclaw/sessions/telegram_77");
    const legacy = (await readFile(old, "utf8")).replace("discord:9", "telegram:77");
    await writeFile(`${log}.json`, legacy);
    const document = join(base, "codetether/sessions", `${names.codetether}.json`);
    await writeFile(`${document}.tmp`, (await readFile(document, "utf8")).slice(0, -40));
    const { code, stdout, stderr } = await on("import", base, document, join(base, "pi"));
    assert.equal(code, 0, stderr);
    assert.match(stdout, /16 files and 10 beside them: 107 added, 0 skipped, 0 damaged; 6 other files left out\n$/);
    assert.match(stderr, /discord_9\.json\.migrated was taken over by picoclaw/);
    assert.match(stderr, /telegram_77\.json is older than the log of the same name/);
    assert.match(stderr, /\.json\.tmp was left behind when the session beside it was saved/);
    // Where it is all that is left, it is taken.
    await rm(document);
    assert.match((await on("import", join(base, "codetether/sessions"))).stdout, /\.json\.tmp \(codetether\) → /);
  });
});

test("import --active takes the newest record and its parents, and goes on with that branch", async () => {
  await withFixture("pi", async ({ on, base }) => {
    const file = join(base, "v3.jsonl");
    const first = await on("import", file, "--active");
    assert.match(first.stdout, /→ pi-three: 6 added/);
    assert.match(first.stderr, /v3\.jsonl: 2 records of other branches left out/);
    assert.doesNotMatch((await recordsOf(on, "pi-three")).join(), /abandoned/);
    await appendFile(file, '{"type":"message","id":"h","parentId":"g","timestamp":"t","message":{}}\n');
    assert.match((await on("import", file, "--active")).stdout, /1 added, 6 there already/);
    await appendFile(file, '{"type":"message","id":"i","parentId":"c","timestamp":"t","message":{}}\n');
    assert.match((await on("import", file, "--active")).stderr, /line 3 differs from record 2; nothing was changed/);
    assert.match((await on("import", join(base, "v1.jsonl"), "--active")).stdout, /→ pi-one: 4 added/);
  });
});

test("import --format takes a file for what it is said to be, and refuses what that format cannot be", async () => {
  await withFixture("pi", async ({ on, base }) => {
    assert.match((await on("import", join(base, "v1.jsonl"), "--format", "jsonl")).stdout, /\(jsonl\) → v1: 4 added/);
    assert.match((await on("import", join(base, "v1.jsonl"), "--format", "omega")).stdout, /\(omega\) → v1: /);
    const refused = await on("import", join(base, "v1.jsonl"), "--format", "codetether");
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /holds no session of the format codetether/);
  });
});

test("import of a session that somebody has continued here is refused, and nothing changes", async () => {
  await withFixture("pi", async ({ on, base }) => {
    const file = join(base, "v1.jsonl");
    await on("import", file);
    await run(["append", "pi-one", "--dir", join(base, "..", "store")], { stdin: '{"role":"user"}' });
    assert.match((await on("import", file)).stdout, /0 added, 4 there already/);
    const before = await recordsOf(on, "pi-one");
    await appendFile(file, '{"type":"message","message":{}}\n');
    const { code, stderr } = await on("import", file);
    assert.equal(code, 1);
    assert.match(stderr, /line 5 differs from record 4; nothing was changed; import it under another --key/);
    assert.deepEqual(await recordsOf(on, "pi-one"), before);
    assert.match((await on("import", file, "--key", "other")).stdout, /→ other: 5 added/);
  });
});

const data = realInputData();
test(
  "real input: the whole directory is imported by formats, with counts, and a second time adds nothing",
  data === undefined ? { skip: noRealData } : {},
  async () => {
    await withDirectory(async (base) => {
      const store = join(base, "store");
      const counts: Record<string, [files: number, records: number]> = {};
      // Two of picoclaw's directories hold sessions of the same keys.
      for (const directory of ["agentsview", "claude-code-log", "pi-mono", "picoclaw/sessions"]) {
        const args = ["import", join(data ?? "", directory), "--json", "--dir", store];
        const reports = jsonLines((await run(args)).stdout).map((report) => Object(report));
        for (const { format, added, skipped } of reports) {
          assert.equal(skipped, 0);
          const [files, records] = counts[format] ?? [0, 0];
          counts[format] = [files + 1, records + added];
        }
        for (const report of jsonLines((await run(args)).stdout)) assert.equal(Object(report).added, 0);
      }
      assert.deepEqual(counts, {
        "claude-code": [9, 70],
        codex: [6, 20],
        jsonl: [2, 11],
        pi: [2, 1029],
        picoclaw: [4, 129],
      });
      const torn = await run(["import", join(data ?? "", "picoclaw/torn"), "--json", "--dir", join(base, "torn")]);
      assert.equal(torn.code, 1);
      assert.deepEqual(
        jsonLines(torn.stdout).map((report) => [Object(report).key, Object(report).added, Object(report).damaged]),
        [["agent:main:main", 6, [{ line: 7, reason: "not JSON" }]], ["empty_meta", 1, []]],
      );
    });
  },
);
