import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "../properties.ts";
import { emptyTree, FileTree } from "../../src/testing/file_tree.ts";
import { noise, remains } from "../../src/testing/garbage.ts";
import { SimulatedFileSystem } from "../../src/testing/mod.ts";
import { crashCopy, diskWith, everyChoice, many, put, textAt } from "./simulation_verbs.ts";

function isObjectLine(line: string): boolean {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null;
  } catch {
    return false;
  }
}

/** A tree with one file in it. */
function treeWith(text: string): FileTree {
  const tree = emptyTree({ mode: 0o755, userId: 0, groupId: 0 }, 0);
  tree.nodes.set(2, {
    kind: "file",
    inode: 2,
    owner: {},
    size: 0,
    pages: [],
    mode: 0o600,
    userId: 0,
    groupId: 0,
    modifiedMs: 0,
    linkCount: 1,
  });
  const file = tree.mutableFile(2);
  assert.ok(file !== undefined);
  tree.writeBytes(file, new TextEncoder().encode(text), 0);
  tree.resize(file, text.length);
  return tree;
}

test("noise() and remains() hold a control character in every stretch of a line and of a sector", () => {
  const lines = treeWith(many('{"a":{"b":1}}\n{}\n', 300));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3000 }), fc.nat(5000), fc.integer(), (length, offset, seed) => {
      for (const bytes of [noise(length, offset, seed), remains(length, offset, seed, lines)]) {
        assert.equal(bytes.length, length);
        let isBroken = true;
        for (let index = 0; index <= length; index++) {
          const byte = bytes[index];
          const isEdge = index > 0 && (offset + index) % 512 === 0;
          if (byte === undefined || isEdge || byte === 0x0a || byte === 0) {
            assert.ok(isBroken, `a stretch that ends at ${index}`);
            isBroken = byte === undefined || byte === 0x0a || byte === 0;
            if (isBroken) continue;
          }
          const isControl = byte !== undefined && byte >= 1 && byte <= 8;
          const startsStretch = index === 0 || isEdge || bytes[index - 1] === 0x0a || bytes[index - 1] === 0;
          isBroken = startsStretch ? isControl : isBroken || isControl;
        }
      }
    }),
    { numRuns: 200 },
  );
});

test("remains() are bytes of another file, the same for the same seed", () => {
  const tree = treeWith(many("abcdefgh", 1000));
  const one = remains(600, 100, 5, tree);
  assert.deepEqual(one, remains(600, 100, 5, tree));
  assert.ok([...one].filter((byte) => byte >= 0x61 && byte <= 0x68).length > 590);
});

test("remains() are noise where there is no other file", () => {
  const tree = emptyTree({ mode: 0o755, userId: 0, groupId: 0 }, 0);
  assert.deepEqual(remains(100, 0, 3, tree), noise(100, 0, 3));
});

test("I3: no power cut completes or makes a JSON line that was not written whole", async () => {
  const line = `${JSON.stringify({ role: "user", content: many("x", 700), more: { a: [1, 2] } })}\n`;
  for (let seed = 0; seed < 40; seed++) {
    const fileSystem: SimulatedFileSystem = await diskWith({ model: "weak", seed }, {
      "/log": many(line, 2),
      "/other": many('{"b":2}\n{"c":{}}\n', 400),
    });
    await put(fileSystem, "/log", line + line, 2 * line.length);
    const all = [...everyChoice(fileSystem)];
    for (let index = seed % 3; index < all.length; index += 3) {
      const text = (await textAt(crashCopy(fileSystem, all[index] ?? []), "/log")) ?? "";
      for (const found of text.split(/[\n\0]/)) {
        if (isObjectLine(found)) assert.ok(`${found}\n` === line || found === "{}" || found === '{"a":[1,2]}', found);
      }
    }
  }
});
