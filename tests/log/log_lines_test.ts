import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../properties.ts";
import { linesFromEnd, LogLines, readFully } from "../../src/log/log_lines.ts";
import { lineBytesMax } from "../../src/log/record_format.ts";
import { fileSystemWith, joined, latin1, logPath, utf8 } from "./log_fixture.ts";

interface SeenLine {
  offset: number;
  length: number;
  text: string | null;
  terminated: boolean;
}

async function forwards(bytes: Uint8Array, start = 0, end = bytes.length): Promise<SeenLine[]> {
  const handle = await fileSystemWith(bytes).open(logPath, { access: "read" });
  const lines = new LogLines(handle, start, end);
  const seen: SeenLine[] = [];
  while (await lines.fill()) {
    for (let line = lines.next(); line !== null; line = lines.next()) {
      const { offset, length, terminated } = line;
      seen.push({ offset, length, text: line.bytes === null ? null : latin1(line.bytes), terminated });
    }
  }
  await handle.close();
  return seen;
}

async function backwards(bytes: Uint8Array, start = 0, end = bytes.length): Promise<SeenLine[]> {
  const handle = await fileSystemWith(bytes).open(logPath, { access: "read" });
  const kept = [];
  for await (const line of linesFromEnd(handle, start, end)) kept.push(line);
  await handle.close();
  // Only now: their bytes stay valid.
  return kept.map(({ bytes: content, ...line }) => ({ ...line, text: content === null ? null : latin1(content) }))
    .reverse();
}

/** Lines of all lengths around a chunk, fill, and NULs. */
const anyLog = fc.array(
  fc.oneof(
    fc.constantFrom("\n", "\0", "\n\n\0\n", "{}\n", "é\n", "\r\n"),
    fc.constantFrom(1, 1000, 65_000, 65_535, 65_536, 65_537, 131_072, 200_000).map((length) => "x".repeat(length)),
    fc.constantFrom(1, 4095, 65_536, 150_000).map((length) => "\n".repeat(length)),
    fc.constantFrom(1, 65_536, 70_000).map((length) => "\0".repeat(length)),
    fc.string({ maxLength: 30 }).map((text) => `${text}\n`),
  ),
  { maxLength: 10 },
).map((parts) => utf8(parts.join("")));

test("linesFromEnd() gives the same lines as forwards, the last first, for any log", async () => {
  await fc.assert(
    fc.asyncProperty(anyLog, async (bytes) => {
      assert.deepEqual(await backwards(bytes), await forwards(bytes));
    }),
    { numRuns: 300 },
  );
});

test("linesFromEnd() and LogLines stop where they were told (every start and end)", async () => {
  const bytes = utf8('{"a":1}\n\n\0{"b":1}\0{"c":1}\n{"d"');
  for (let end = 0; end <= bytes.length; end++) {
    for (let start = 0; start <= end; start++) {
      const expected = (await forwards(bytes.subarray(start, end))).map((line) => ({
        ...line,
        offset: line.offset + start,
      }));
      assert.deepEqual(await forwards(bytes, start, end), expected, `forwards ${start} to ${end}`);
      assert.deepEqual(await backwards(bytes, start, end), expected, `backwards ${start} to ${end}`);
    }
  }
});

/** All of a line but its text, which takes long to compare. */
function placeOf({ offset, length, terminated, text }: SeenLine): unknown {
  return { offset, length, terminated, isHeld: text !== null };
}

test("B7: both ways, lines around the limit are the same, and longer ones are not held", async () => {
  for (const over of [-1, 0, 1, 5_000_000]) {
    const long = new Uint8Array(lineBytesMax - 1 + over).fill(0x78);
    for (const parts of [[utf8("{}\n"), long, utf8("\n{}\n")], [long], [utf8("\0"), long, utf8("\n")]]) {
      const bytes = joined(parts);
      const lines = await backwards(bytes);
      assert.deepEqual(lines.map(placeOf), (await forwards(bytes)).map(placeOf));
      assert.equal(lines.find(({ length }) => length > 2)?.text === null, over > 0);
    }
  }
});

test("I18: linesFromEnd() reads no more of a log than is asked for", async () => {
  const line = utf8(`{"c":"${"x".repeat(1000)}"}\n`);
  const fileSystem = fileSystemWith(joined(Array.from({ length: 3000 }, () => line)));
  const handle = await fileSystem.open(logPath, { access: "read" });
  const { size } = await handle.stat();
  let count = 0;
  for await (const _ of linesFromEnd(handle, 0, size)) if (++count === 60) break;
  assert.ok(fileSystem.bytesRead <= 128 * 1024, `${fileSystem.bytesRead} bytes read`);
  await handle.close();
});

test("a file that was cut meanwhile ends there, and one that grew is read no further", async () => {
  const bytes = utf8('{"a":1}\n{"b":1}\n{"c":1}\n');
  assert.deepEqual((await forwards(bytes, 0, 1000)).map(({ text }) => text), ['{"a":1}', '{"b":1}', '{"c":1}']);
  assert.deepEqual((await backwards(bytes, 0, 1000)).map(({ text }) => text), ['{"a":1}', '{"b":1}', '{"c":1}']);
  assert.deepEqual((await forwards(bytes, 0, 16)).map(({ text }) => text), ['{"a":1}', '{"b":1}']);
});

test("readFully() reads on after short reads, and says how much there was", async () => {
  const handle = await fileSystemWith(utf8("0123456789")).open(logPath, { access: "read" });
  const short = { ...handle, read: (buffer: Uint8Array, offset: number) => handle.read(buffer.subarray(0, 3), offset) };
  const buffer = new Uint8Array(8);
  assert.equal(await readFully(Object.assign(Object.create(handle) as typeof handle, short), buffer, 1), 8);
  assert.equal(latin1(buffer), "12345678");
  assert.equal(await readFully(handle, buffer, 8), 2);
  assert.equal(await readFully(handle, buffer, 10), 0);
  await handle.close();
});
