import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openSource, type SourceItem, sourcePaths } from "../../src/cli/import_source.ts";
import { runtimeFileSystem } from "../../src/fs/runtime_filesystem.ts";
import { withDirectory } from "./in_process.ts";

async function itemsOf(path: string, format?: string): Promise<{ key: string; format: string; items: SourceItem[] }> {
  const source = await openSource(runtimeFileSystem, path, format);
  assert.ok(source !== null);
  const items: SourceItem[] = [];
  for await (const item of source.items()) items.push(item);
  return { key: source.key, format: source.format.name, items };
}

test("sourcePaths lists the logs and documents of a directory by name, and takes a file as it is", async () => {
  await withDirectory(async (base) => {
    for (const name of ["b.jsonl", "a.json", "a.meta.json", ".hidden.jsonl", "c.txt", "d.json.migrated"]) {
      await writeFile(join(base, name), "{}");
    }
    await mkdir(join(base, "e.jsonl"));
    const { paths, isDirectory } = await sourcePaths(runtimeFileSystem, `${base}/`);
    assert.deepEqual([paths, isDirectory], [[join(base, "a.json"), join(base, "b.jsonl")], true]);
    const file = join(base, "c.txt");
    assert.deepEqual(await sourcePaths(runtimeFileSystem, file), { paths: [file], isDirectory: false });
    await assert.rejects(sourcePaths(runtimeFileSystem, join(base, "none")), { code: "io" });
  });
});

test("openSource numbers lines from 1 and counts raw ones as picoclaw does", async () => {
  await withDirectory(async (base) => {
    const file = join(base, "chat.v2.jsonl");
    await writeFile(file, '{"n":1}\n\nnope\n{"n":2}');
    assert.deepEqual(await itemsOf(file), {
      key: "chat.v2",
      format: "jsonl",
      items: [
        { kind: "record", text: '{"n":1}', line: 1, rawIndex: 0 },
        { kind: "damaged", reason: "not JSON", line: 3 },
        { kind: "record", text: '{"n":2}', line: 4, rawIndex: 2 },
      ],
    });
  });
});

test("openSource takes the key from the meta file beside a log, and warns of a damaged one", async () => {
  await withDirectory(async (base) => {
    const file = join(base, "a_b.jsonl");
    await writeFile(file, '{"anything":1}\n');
    await writeFile(join(base, "a_b.meta.json"), '{"key":"a:b","summary":"s","skip":1,"count":1}');
    const { key, format } = await itemsOf(file);
    assert.deepEqual([key, format], ["a:b", "picoclaw"]);
    assert.equal((await itemsOf(file, "jsonl")).format, "jsonl");
    await writeFile(join(base, "a_b.meta.json"), "");
    const source = await openSource(runtimeFileSystem, file, undefined);
    assert.equal(source?.key, "a_b");
    assert.match(source?.warning ?? "", /empty or damaged/);
  });
});

test("openSource of a .json file that holds no session is nothing", async () => {
  await withDirectory(async (base) => {
    await writeFile(join(base, "x.json"), '{"a":[]}');
    assert.equal(await openSource(runtimeFileSystem, join(base, "x.json"), undefined), null);
  });
});
