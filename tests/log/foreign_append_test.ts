import assert from "node:assert/strict";
import { test } from "node:test";
import { readForeignAppend, readForeignAppendSync } from "../../src/log/foreign_append.ts";
import { fileSystemWith, joined, LogBuilder, logPath, readLog, utf8 } from "./log_fixture.ts";

test("A5: what somebody else appended moves the log on as a scan does, blocking or not", async () => {
  const long = `{"c":"${"x".repeat(200_000)}"}\n`;
  const appended = [
    "",
    '{"role":"user"}\n',
    '{"role":"user"}',
    `${long}${long}`,
    "\n\n\0{}\r\n\0x\n",
    '{"a":1}\n{"b":2}\n',
  ];
  for (const text of appended) {
    const log = new LogBuilder().own('{"a":0}').own('{"a":1}');
    const { kept } = (await readLog(log.bytes())).tail;
    const bytes = joined([log.bytes(), utf8(text)]);
    const handle = await fileSystemWith(bytes).open(logPath, { access: "read" });
    const found = await readForeignAppend(handle, kept, bytes.length);
    assert.deepEqual(found, readForeignAppendSync(handle, kept));
    assert.equal(found.position.offset, bytes.length);
    assert.equal(found.terminated, text === "" || text.endsWith("\n"));
    const scanned = (await readLog(joined([bytes, utf8(found.terminated ? "" : "\n")]))).tail.kept;
    // Where the last line is no record, a scan ends in front of it.
    if (!text.endsWith("\0x\n")) {
      const rawCount = scanned.rawCount ?? 4;
      assert.deepEqual({ ...found.position, offset: scanned.offset }, { ...scanned, rawCount });
    }
    assert.deepEqual(await readForeignAppend(handle, { ...kept, rawCount: null }, bytes.length), {
      ...found,
      position: { ...found.position, rawCount: null },
    });
    await handle.close();
  }
});

test("a number that was reserved is not given back", async () => {
  const log = new LogBuilder().own('{"a":0}');
  const { kept } = (await readLog(log.bytes())).tail;
  const bytes = joined([log.bytes(), utf8("{}\n")]);
  const handle = await fileSystemWith(bytes).open(logPath, { access: "read" });
  const { position } = await readForeignAppend(handle, { ...kept, sequence: 40 }, bytes.length);
  assert.equal(position.sequence, 41);
  await handle.close();
});
