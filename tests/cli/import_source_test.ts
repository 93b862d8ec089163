import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { planImport } from "../../src/cli/import_plan.ts";
import { type ImportSource, openSource, type SourceItem } from "../../src/cli/import_source.ts";
import { runtimeFileSystem } from "../../src/fs/runtime_filesystem.ts";
import { withDirectory } from "./in_process.ts";

async function sourceOf(path: string, format?: string): Promise<ImportSource> {
  const { sessions } = await planImport(runtimeFileSystem, [{ path, isGiven: true }], format);
  assert.ok(sessions[0] !== undefined);
  return await openSource(runtimeFileSystem, sessions[0]);
}

async function itemsOf(path: string, format?: string): Promise<{ key: string; format: string; items: SourceItem[] }> {
  const source = await sourceOf(path, format);
  const items: SourceItem[] = [];
  for await (const some of source.items()) items.push(...some);
  return { key: source.key, format: source.format.name, items };
}

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
    const source = await sourceOf(file);
    assert.equal(source.key, "a_b");
    assert.match(source.warnings.join(), /empty or damaged/);
  });
});
