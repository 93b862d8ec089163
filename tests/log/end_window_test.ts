import assert from "node:assert/strict";
import { test } from "node:test";
import { EndWindow } from "../../src/log/end_window.ts";
import { readFully } from "../../src/log/log_lines.ts";
import { fileSystemWith, logPath } from "./log_fixture.ts";

const bytes = Uint8Array.from({ length: 1000 }, (_, index) => index % 251);

test("EndWindow gives the file's bytes, whatever was read before, and reads none of them twice", async () => {
  const fileSystem = fileSystemWith(bytes);
  const handle = await fileSystem.open(logPath, { access: "read" });
  const window = new EndWindow(handle, 1000);
  for (const start of [900, 750, 740, 300]) {
    const part = new Uint8Array(start === 900 ? 100 : 200);
    const count = await readFully(window, part.subarray(0, Math.min(part.length, 1000 - start)), start);
    assert.deepEqual(part.subarray(0, count), bytes.subarray(start, start + count));
  }
  const { bytesRead } = fileSystem;
  const again = new Uint8Array(260);
  await readFully(window, again, 740);
  assert.deepEqual(again, bytes.subarray(740));
  assert.equal(fileSystem.bytesRead, bytesRead);
  for (let start = 0; start <= 1000; start += 37) {
    for (const length of [1, 50, 400, 1000]) {
      const part = new Uint8Array(length);
      const count = await readFully(window, part, start);
      assert.deepEqual(part.subarray(0, count), bytes.subarray(start, start + length), `${length} at ${start}`);
    }
  }
});

test("EndWindow passes on what lies behind its end, and forgets nothing by it", async () => {
  const handle = await fileSystemWith(bytes).open(logPath, { access: "read" });
  const window = new EndWindow(handle, 600);
  const part = new Uint8Array(200);
  assert.equal(await readFully(window, part, 500), 200);
  assert.deepEqual(part, bytes.subarray(500, 700));
});

test("I18: EndWindow remembers no more than a bound", async () => {
  const fileSystem = fileSystemWith(new Uint8Array(4 * 1024 * 1024));
  const handle = await fileSystem.open(logPath, { access: "read" });
  const window = new EndWindow(handle, 4 * 1024 * 1024);
  const part = new Uint8Array(64 * 1024);
  const parts = 4 * 1024 * 1024 / part.length;
  for (let index = parts - 1; index >= 0; index--) await readFully(window, part, index * part.length);
  const { bytesRead } = fileSystem;
  for (let index = parts - 1; index >= 0; index--) await readFully(window, part, index * part.length);
  assert.equal(fileSystem.bytesRead - bytesRead, (4 * 1024 - 1536) * 1024);
});
