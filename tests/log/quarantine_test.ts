import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import { quarantineBytesMax, quarantineFiles, type QuarantinePiece, setAside } from "../../src/log/quarantine.ts";
import { checksumText, harmlessByte } from "../../src/log/record_format.ts";
import { fileSystemWith, logPath, quarantined, quarantinePath, utf8 } from "./log_fixture.ts";
import { type MemoryFileSystem, systemError } from "./memory_filesystem.ts";

async function aside(fileSystem: MemoryFileSystem, piece: QuarantinePiece): Promise<string> {
  const handle = await fileSystem.open(logPath, { access: "read" });
  try {
    return await setAside(fileSystem, quarantinePath, handle, piece);
  } finally {
    await handle.close();
  }
}

const piece: QuarantinePiece = { kind: "torn", offset: 5, length: 7 };

test("setAside() keeps the bytes under a name that says what and where, durable in this order", async () => {
  const fileSystem = fileSystemWith(utf8("0123456789abcdef"));
  const name = await aside(fileSystem, piece);
  assert.equal(name, `torn-5-${checksumText(crc32(utf8("56789ab")))}`);
  assert.deepEqual(quarantined(fileSystem), new Map([[name, "56789ab"]]));
  const temporary = `${quarantinePath}/torn.tmp`;
  assert.deepEqual(fileSystem.calls, [
    `mkdir ${quarantinePath}`,
    "syncDirectory /",
    `create ${temporary}`,
    `write ${temporary} 0 7`,
    `sync ${temporary}`,
    `rename ${temporary} ${quarantinePath}/${name}`,
    `syncDirectory ${quarantinePath}`,
  ]);
  assert.equal(fileSystem.openCount, 0);
});

test("B9: the same piece is not set aside twice, also where a part of it was made harmless meanwhile", async () => {
  const fileSystem = fileSystemWith(utf8("0123456789abcdef"));
  const name = await aside(fileSystem, piece);
  assert.equal(await aside(fileSystem, piece), name);
  const handle = await fileSystem.open(logPath, { access: "write" });
  await handle.write(Uint8Array.of(harmlessByte, 0x36, 0x0a), 5);
  assert.equal(await aside(fileSystem, piece), name);
  assert.equal(quarantined(fileSystem).size, 1);
  // Other bytes, another place or another reason are another piece.
  await handle.write(utf8("x"), 6);
  await handle.close();
  assert.notEqual(await aside(fileSystem, piece), name);
  await aside(fileSystem, { ...piece, offset: 6 });
  await aside(fileSystem, { ...piece, kind: "damaged" });
  assert.equal(quarantined(fileSystem).size, 4);
});

test("a longer piece of the same place is set aside anew", async () => {
  const fileSystem = fileSystemWith(utf8("0123456789abcdef"));
  await aside(fileSystem, piece);
  await aside(fileSystem, { ...piece, length: 9 });
  assert.deepEqual(new Set(quarantined(fileSystem).values()), new Set(["56789ab", "56789abcd"]));
});

test("I18: the quota holds, and the oldest make room", async () => {
  const mebibyte = 1024 * 1024;
  const bytes = new Uint8Array(quarantineBytesMax + 8 * mebibyte);
  for (let index = 0; index < bytes.length; index += 512) bytes[index] = index >> 12;
  const fileSystem = fileSystemWith(bytes);
  const names: string[] = [];
  for (let index = 0; index < 6; index++) {
    names.push(await aside(fileSystem, { kind: "torn", offset: (6 - index) * 1000, length: 4 * mebibyte }));
    const held = (await quarantineFiles(fileSystem, quarantinePath)).reduce((sum, { size }) => sum + size, 0);
    assert.ok(held <= quarantineBytesMax);
  }
  assert.deepEqual(new Set(quarantined(fileSystem).keys()), new Set(names.slice(-4)));
  // One that is larger than the quota is cut, and is the only one then.
  const large = await aside(fileSystem, { kind: "damaged", offset: 0, length: bytes.length });
  const files = await quarantineFiles(fileSystem, quarantinePath);
  assert.deepEqual(files.map(({ name, size }) => [name, size]), [[large, quarantineBytesMax]]);
  assert.equal(await aside(fileSystem, { kind: "damaged", offset: 0, length: bytes.length }), large);
});

test("I16: names that are not ours are neither counted nor removed", async () => {
  const bytes = new Uint8Array(quarantineBytesMax);
  const fileSystem = fileSystemWith(bytes);
  await aside(fileSystem, { kind: "torn", offset: 0, length: 10 });
  const foreign = [
    "notes.txt",
    "torn-1",
    "torn-1-0123ABCD",
    "torn-1-0123abcd.bak",
    "xtorn-1-0123abcd",
    "torn--1-0123abcd",
  ];
  for (const name of foreign) fileSystem.put(`${quarantinePath}/${name}`, bytes);
  await fileSystem.makeDirectory(`${quarantinePath}/torn-9-0123abcd`);
  assert.equal((await quarantineFiles(fileSystem, quarantinePath)).length, 1);
  await aside(fileSystem, { kind: "torn", offset: 0, length: quarantineBytesMax });
  const left = quarantined(fileSystem);
  for (const name of foreign) assert.ok(left.has(name), name);
  assert.equal(left.size, foreign.length + 1);
});

test("quarantineFiles() of no directory is none", async () => {
  assert.deepEqual(await quarantineFiles(fileSystemWith(new Uint8Array(0)), quarantinePath), []);
});

test("setAside() that fails at any call leaves no file of ours but whole ones, and works the next time", async () => {
  const clean = fileSystemWith(utf8("0123456789abcdef"));
  const name = await aside(clean, piece);
  for (let failing = 0; failing < clean.calls.length; failing++) {
    const fileSystem = fileSystemWith(utf8("0123456789abcdef"));
    let count = 0;
    fileSystem.hook = () => {
      if (count++ === failing) throw systemError("EIO");
    };
    await assert.rejects(aside(fileSystem, piece), { code: "EIO" });
    assert.equal(fileSystem.openCount, 0);
    for (const { size } of await quarantineFiles(fileSystem, quarantinePath)) assert.equal(size, piece.length);
    fileSystem.hook = () => {};
    assert.equal(await aside(fileSystem, piece), name);
    assert.deepEqual(quarantined(fileSystem), quarantined(clean), `call ${failing}`);
  }
});

test("what a crash left under the temporary name does not count and goes", async () => {
  const fileSystem = fileSystemWith(utf8("0123456789abcdef"));
  await fileSystem.makeDirectory(quarantinePath);
  fileSystem.put(`${quarantinePath}/torn.tmp`, "half of a copy that is longer");
  const name = await aside(fileSystem, piece);
  assert.deepEqual(quarantined(fileSystem), new Map([[name, "56789ab"]]));
});
