import assert from "node:assert/strict";
import { chmod, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { bucketHelp } from "../../src/cli/bucket_access.ts";
import { command as pullCommand } from "../../src/cli/pull.ts";
import { command as pushCommand } from "../../src/cli/push.ts";
import { command as sinkCommand } from "../../src/cli/sink.ts";
import { accessKeyId, S3Server, secretAccessKey } from "../sink/s3_server.ts";
import { jsonLines, run, type RunResult, threeRecords, withDirectory } from "./in_process.ts";

interface Bench {
  server: S3Server;
  base: string;
  /** Everything that was printed. */
  printed: string[];
  on: (
    board: string,
    args: readonly string[],
    more?: { stdin?: string; environment?: Record<string, string> },
  ) => Promise<RunResult>;
}

async function withBench(body: (bench: Bench) => Promise<void>): Promise<void> {
  await withDirectory(async (base) => {
    const server = await S3Server.start();
    const printed: string[] = [];
    try {
      await body({
        server,
        base,
        printed,
        on: async (board, args, more = {}) => {
          const environment = { ...server.environment(), ...more.environment };
          const result = await run([...args, "--dir", join(base, board)], { ...more, environment });
          printed.push(result.stdout, result.stderr);
          return result;
        },
      });
    } finally {
      await server.close();
    }
  });
}

/** In no order: sessions are listed by their last write. */
const linesOf = (text: string): string[] => text.split("\n").sort();

async function filesBelow(directory: string): Promise<string> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return (await Promise.all(files.map((file) => readFile(join(file.parentPath ?? file.path, file.name), "latin1"))))
    .join("\n");
}

test("push, sink status and pull: a new board has what the old one had, and nobody sees a credential", async () => {
  await withBench(async ({ on, base, printed, server }) => {
    for (const key of ["telegram:123", "b"]) await on("old", ["append", key], { stdin: threeRecords });
    assert.deepEqual(
      jsonLines((await on("old", ["sink", "status", "--json"])).stdout).map((one) => JSON.stringify(one)),
      [
        '{"key":"b","id":null,"epoch":0,"uploaded":0,"next":3}',
        '{"key":"telegram:123","id":null,"epoch":0,"uploaded":0,"next":3}',
      ],
    );
    const pushed = await on("old", ["push"]);
    assert.deepEqual([pushed.code, pushed.stdout.split(",")[0]], [0, "6 records in 2 objects"]);
    assert.match((await on("old", ["push"])).stdout, /^nothing new/);
    const [first] = jsonLines((await on("old", ["push", "--json"])).stdout);
    assert.match(JSON.stringify(first), /^{"key":"b","id":"[0-9a-f-]{36}","epoch":1,"uploaded":3,"next":3}$/);
    assert.match((await on("old", ["sink", "status"])).stdout, /^b\t[0-9a-f-]{36}\t3\t0\n/);
    assert.equal(jsonLines((await on("new", ["pull", "--list", "--json"])).stdout).length, 2);
    const pulled = await on("new", ["pull", "--all"]);
    assert.deepEqual([pulled.code, pulled.stdout.split("\n").map((line) => line.split(",")[0]).sort()], [0, [
      "",
      "b: 3 records",
      "telegram:123: 3 records",
    ]]);
    assert.match((await on("new", ["pull", "b"])).stdout, /is here already/);
    for (const args of [["show", "b", "--json"], ["check", "--json"], ["ls"], ["stats"]]) {
      const [old, anew] = [await on("old", args), await on("new", args)];
      assert.equal(anew.code, 0);
      if (args[0] !== "ls" && args[0] !== "stats") assert.deepEqual(linesOf(anew.stdout), linesOf(old.stdout));
    }
    assert.equal((await on("new", ["pull", "nobody"])).code, 1);
    server.fault = () => "503";
    const refused = await on("old", ["append", "b"], { stdin: '{"n":4}\n' }).then(() => on("old", ["push"]));
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /503, SlowDown/);
    const everything = [...printed, await filesBelow(base), ...[...server.held].map(([name, bytes]) => name + bytes)]
      .join("\n");
    for (const secret of [accessKeyId, secretAccessKey]) assert.ok(!everything.includes(secret));
  });
});

test("pull says what an encrypted bucket needs, and does not send anybody to check a store that is well", async () => {
  await withBench(async ({ on }) => {
    const keyed = (digits: string) => ({ environment: { HOLDFAST_S3_ENCRYPTION_KEY: digits.repeat(32) } });
    await on("old", ["append", "chat"], { stdin: threeRecords });
    assert.equal((await on("old", ["push"], keyed("07"))).code, 0);
    const other = await on("new", ["pull", "--all"], keyed("08"));
    assert.equal(other.code, 1);
    assert.match(other.stderr, /^holdfast: Object \S+ is encrypted with another key\n$/);
    const none = await on("new", ["pull", "--all"]);
    assert.equal(none.code, 1);
    assert.match(none.stderr, /^holdfast: Object \S+ is encrypted; set HOLDFAST_S3_ENCRYPTION_KEY\n$/);
    assert.match((await on("new", ["pull", "--all"], keyed("07"))).stdout, /^chat: 3 records/);
  });
});

test("push, pull and sink say how they are used wrongly, with exit code 2", async () => {
  await withBench(async ({ on }) => {
    for (const args of [["pull"], ["pull", "a", "--all"], ["sink", "flush"], ["sink"], ["push", "a"]]) {
      assert.equal((await on("old", args)).code, 2, args.join(" "));
    }
    const missing = await on("old", ["push"], { environment: { AWS_SECRET_ACCESS_KEY: "" } });
    assert.deepEqual([missing.code, /AWS_SECRET_ACCESS_KEY is not set/.test(missing.stderr)], [2, true]);
    for (const { description } of [pushCommand, pullCommand]) {
      for (const paragraph of bucketHelp) assert.ok(description.details?.includes(paragraph));
    }
    assert.equal(sinkCommand.description.positionals.length, 1);
  });
});

test("push reads credentials from a file of mode 600, and refuses one that others can read", async () => {
  await withBench(async ({ on, server, base }) => {
    await on("old", ["append", "a"], { stdin: threeRecords });
    const path = join(base, "s3.env");
    await writeFile(path, Object.entries(server.environment()).map((pair) => pair.join("=")).join("\n"));
    const blank = Object.fromEntries(Object.keys(server.environment()).map((name) => [name, ""]));
    const environment = { ...blank, HOLDFAST_S3_FILE: path };
    await chmod(path, 0o644);
    const refused = await on("old", ["push"], { environment });
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /chmod 600/);
    await chmod(path, 0o600);
    assert.equal((await on("old", ["push"], { environment })).code, 0);
  });
});
