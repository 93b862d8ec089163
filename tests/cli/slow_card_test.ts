import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { FileSystem } from "../../src/fs/filesystem.ts";
import { runtimeFileSystem } from "../../src/fs/runtime_filesystem.ts";
import { seededRandom } from "../../src/cli/seeded_random.ts";
import { slowCard } from "../../src/cli/slow_card.ts";
import { withDirectory } from "./in_process.ts";

test("slowCard writes the same bytes, some of them in two parts", async () => {
  await withDirectory(async (directory) => {
    let writes = 0;
    const counting: FileSystem = {
      ...runtimeFileSystem,
      async open(path, options) {
        const handle = await runtimeFileSystem.open(path, options);
        const write = handle.write.bind(handle);
        return Object.assign(handle, {
          write(bytes: Uint8Array, offset: number) {
            writes++;
            return write(bytes, offset);
          },
        });
      },
    };
    const path = join(directory, "file");
    const handle = await slowCard(counting, seededRandom(1)).open(path, { access: "write", create: "exclusive" });
    const expected: string[] = [];
    for (let offset = 0, n = 0; n < 40; n++) {
      const line = `line ${n} ${"x".repeat(n)}\n`;
      assert.equal(await handle.write(new TextEncoder().encode(line), offset), line.length);
      offset += line.length;
      expected.push(line);
    }
    await handle.close();
    assert.equal(await readFile(path, "utf8"), expected.join(""));
    assert.ok(writes > 50 && writes < 80, `${writes} writes`);
  });
});
