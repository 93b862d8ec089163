/**
 * Large values in files of their own: what is in the log and in `blobs/`, what it costs, what comes back. gencode, which
 * did this before, is known to put blobs back into its log, to write them without a sync, and to lose those of forks (G6 to
 * G8): none of that must be found here.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "../properties.ts";
import type { RecordObject } from "../../mod.ts";
import { lineBytesMax } from "../../src/log/record_format.ts";
import { SimulatedFileSystem } from "../../src/testing/mod.ts";
import { objectText } from "../log/json_text_test.ts";
import { hasCode, simulatedTest, StoreBench, storeTest } from "./store_fixture.ts";

const options = { blobs: { valueBytesMin: 2000, previewBytesMax: 40 } };
const large = (start: string): string => `${start} ${"größer ".repeat(400)}`;
const nameOf = (text: string): string => createHash("sha256").update(text).digest("hex");
const decoder = new TextDecoder();

async function blobNames(bench: StoreBench): Promise<string[]> {
  return (await bench.names("/blobs")).filter((name) => /^[0-9a-f]{64}$/.test(name));
}

storeTest("append() keeps a large value out of the log, and every read gives it back", async (bench) => {
  const session = await bench.openSession("chat", options);
  const content = large("a");
  const record = { role: "tool", content, parts: [{ text: content }, { text: "small" }] };
  await session.append(record);
  const line = (await bench.text("chat.jsonl")).trim();
  assert.ok(line.length < 700, line);
  const stored = JSON.parse(line);
  assert.match(stored.content, /^a (größer )*[größer]*… \[\d+ bytes: blobs\/[0-9a-f]{64}\]$/);
  assert.deepEqual(Object.keys(stored["#blobs"]), ["/content", "/parts/0/text"]);
  assert.deepEqual(await blobNames(bench), [nameOf(content)]);
  assert.equal(decoder.decode(await bench.read(`blobs/${nameOf(content)}`)), content);
  assert.equal((await bench.base.stat(bench.path("blobs"))).mode, 0o700);
  assert.equal((await bench.base.stat(bench.path(`blobs/${nameOf(content)}`))).mode, 0o600);

  assert.deepEqual(await session.history(), [record]);
  assert.deepEqual((await session.tail(1)).records, [record]);
  for await (const entry of session.records({ follow: true, limit: 1 })) assert.deepEqual(entry.record, record);
  for await (const { text } of session.texts()) assert.equal(text, JSON.stringify(record));
  assert.equal((await session.history({ previews: true }))[0]?.["content"], stored.content);
  assert.equal((await session.tail(1, { previews: true })).records[0]?.["content"], stored.content);
  // Who has not asked for blobs reads them all the same.
  assert.deepEqual(await (await bench.openSession("chat", { readOnly: true })).history(), [record]);
});

test("appendText() with blobs gives back any record as it was written: numbers, spelling, doubled keys, markers", async () => {
  const machine = new SimulatedFileSystem();
  const bench = new StoreBench(machine, "/sessions");
  const session = await bench.openSession("chat", { blobs: { valueBytesMin: 1024, previewBytesMax: 16 } });
  const hash = "0123456789abcdef".repeat(4);
  const body = fc.oneof(
    fc.constantFrom("x", "ü", "💾", "\\u0041", "\\/", "\\ud800", "\u2028", "\ufeff", '\\"', "\\n", "a💾"),
    fc.constantFrom(`… [2000 bytes: blobs/${hash}]`, `,\\"#blobs\\":{\\"/content\\":\\"${hash} 5\\"}`),
  ).chain((unit) => fc.integer({ min: 0, max: 1030 }).map((count) => `"${unit.repeat(count)}"`));
  const key = fc.constantFrom('"content"', '"#"', '"#blobs"', '"#blobs#"', '"a/b~c"', '"__proto__"', '"\\u0023blobs"');
  const member = fc.tuple(key, fc.oneof(body, body.map((text) => `{"#blobs":[${text},${text}]}`), fc.json()));
  const text = fc.oneof(
    objectText,
    fc.array(member, { minLength: 1, maxLength: 4 }).map((all) => `{${all.map((one) => one.join(":")).join(", ")}}`),
  );
  let sequence = 0;
  await fc.assert(
    fc.asyncProperty(text, async (given) => {
      await session.appendText(given);
      for await (const read of session.texts({ from: sequence, limit: 1 })) {
        assert.equal(read.text, given.trim().replace(/[\r\n]+/g, " ").replaceAll("\u2028", "\\u2028"));
      }
      sequence++;
    }),
    { numRuns: 150 },
  );
  assert.ok((await blobNames(bench)).length > 20);
  assert.equal((await session.verify()).ok, true);
  await bench.closeAll();
});

test("a preview is cut between two characters, and says where the rest is", async () => {
  const bench = new StoreBench(new SimulatedFileSystem(), "/sessions");
  for (const unit of ["x", "ü", "€", "💾", "\u0301e"]) {
    for (let previewBytesMax = 0; previewBytesMax < 9; previewBytesMax++) {
      const session = await bench.openSession("chat", { blobs: { valueBytesMin: 1024, previewBytesMax } });
      const content = unit.repeat(1024);
      await session.append({ content });
      const [preview] = (await session.tail(1, { previews: true })).records;
      const [head = "", rest] = String(preview?.["content"]).split("…");
      assert.ok(content.startsWith(head), head);
      assert.ok(!head.includes("\ufffd"));
      const bytes = new TextEncoder().encode(head).length;
      assert.ok(bytes <= previewBytesMax && bytes > previewBytesMax - 4, `${bytes} of ${previewBytesMax}`);
      assert.equal(rest, ` [${new TextEncoder().encode(content).length} bytes: blobs/${nameOf(content)}]`);
      await bench.closeAll();
    }
  }
});

simulatedTest(
  "G7: a record that is read and appended again names its blob; nothing is written a second time",
  async (bench) => {
    const store = await bench.open(options);
    const session = await store.session("chat");
    await session.append({ role: "tool", content: large("a") });
    const before = { ...store.counters };
    for (let turn = 0; turn < 3; turn++) await session.append((await session.history())[0] ?? {});
    await (await store.session("other")).append((await session.history())[0] ?? {});
    await session.replace(await session.history());
    assert.equal(store.counters.blobs, before.blobs);
    assert.deepEqual(await blobNames(bench), [nameOf(large("a"))]);
    assert.ok((await bench.text("chat.jsonl")).trim().length < 2500);
    assert.deepEqual(await session.history(), Array(4).fill({ role: "tool", content: large("a") }));
  },
);

simulatedTest("G8: a blob is synced, and its name is, before the record that names it is written", async (bench) => {
  const session = await bench.openSession("chat", options);
  await session.append({ n: 0 });
  const calls: string[] = [];
  bench.port.onCall = ({ method, path }) => {
    if (["write", "syncData", "rename", "syncDirectory"].includes(method)) calls.push(`${method} ${path}`);
  };
  const order = ["write chat.tmp", "syncData chat.tmp", "rename", "syncDirectory blobs", "write chat.jsonl"];
  for (const durability of ["durable", "buffered"] as const) {
    calls.length = 0;
    await session.append({ content: large(durability) }, { durability });
    const done = calls.filter((call) => !call.endsWith("/sessions"));
    const place = (step: string): number => {
      const [method = "", name = ""] = step.split(" ");
      return done.findIndex((call) => call.startsWith(method) && call.includes(name));
    };
    const places = order.map(place);
    assert.ok(places.every((at, index) => at >= 0 && at > (places[index - 1] ?? -1)), `${durability}: ${done.join()}`);
  }
});

simulatedTest(
  "a blob costs one write, one sync, one rename and one sync of its directory; one that is known, none",
  async (bench) => {
    const store = await bench.open(options);
    const session = await store.session("chat");
    for (const n of [0, 1, 2]) await session.append({ n, content: large("first") });
    const costOf = async (content: string): Promise<number[]> => {
      const before = { ...store.counters };
      await session.append({ content });
      const { writes, syncs, renames, directorySyncs, blobs } = store.counters;
      const counts = [writes - before.writes, syncs - before.syncs, renames - before.renames];
      return [...counts, directorySyncs - before.directorySyncs, blobs - before.blobs];
    };
    assert.deepEqual(await costOf(large("new")), [2, 2, 1, 1, 1]);
    assert.deepEqual(await costOf(large("new")), [1, 1, 0, 0, 0]);
    // I20: without a large value nothing is asked for beside one write and one sync.
    const calls = { ...store.counters };
    await session.append({ content: "small" });
    const changed = Object.entries(store.counters).filter(([name, count]) =>
      count !== calls[name as keyof typeof calls]
    );
    const counted = changed.map(([name, count]) => [name, count - calls[name as keyof typeof calls]]);
    assert.deepEqual(counted.filter(([name]) => name !== "bytesWritten"), [
      ["writes", 1],
      ["syncs", 1],
      ["appends", 1],
      ["records", 1],
      ["groups", 1],
    ]);
  },
);

storeTest("a blob that is there is compared, synced, and written anew if it is damaged", async (bench) => {
  const content = large("a");
  await (await bench.openSession("one", options)).append({ content });
  for (const [damaged, blobs] of [[content, 0], [content.replace("größer", "kleine"), 1], ["", 1]] as const) {
    await bench.write(`blobs/${nameOf(content)}`, damaged);
    const store = await bench.open(options);
    await (await store.session(`again ${damaged.slice(0, 10)}`)).append({ content });
    assert.equal(store.counters.blobs, blobs);
    assert.deepEqual(await (await store.session("one")).history(), [{ content }]);
  }
});

storeTest(
  "a blob that is missing or damaged: its preview stands for it, with an event; strict throws; verify names it",
  async (bench) => {
    const session = await bench.openSession("chat", options);
    const record = { role: "tool", content: large("a"), note: large("b") };
    await session.append(record);
    await bench.base.unlink(bench.path(`blobs/${nameOf(record.content)}`));
    await bench.write(`blobs/${nameOf(record.note)}`, record.note.replace("b", "c"));
    const [read] = await session.history();
    assert.match(String(read?.["content"]), /^a größer .*…/);
    assert.match(String(read?.["note"]), /^b größer .*…/);
    assert.deepEqual(bench.eventTypes(), ["damaged-blob", "damaged-blob"]);
    const strict = await bench.openSession("chat", { readOnly: true, strict: true });
    await assert.rejects(strict.history(), hasCode("corrupt"));
    await assert.rejects(strict.tail(1), hasCode("corrupt"));
    assert.equal((await strict.history({ previews: true })).length, 1);
    const report = await session.verify();
    assert.deepEqual([report.ok, report.blobs], [false, 2]);
    assert.deepEqual(report.damagedBlobs.map(({ sequence, pointer, hash }) => [sequence, pointer, hash]), [
      [0, "/content", nameOf(record.content)],
      [0, "/note", nameOf(record.note)],
    ]);
    assert.deepEqual(report.damaged, []);
  },
);

storeTest("compact(), replace(), truncate() and opening again keep what a record's blobs are", async (bench) => {
  const first = { role: "tool", content: large("first") };
  const second = { role: "tool", "#blobs": large("second"), "#": { "#blobs": large("third") } };
  const session = await bench.openSession("chat", options);
  await session.append({ n: 1 });
  await session.append(first);
  await session.truncate(1);
  await session.compact();
  assert.deepEqual(await session.history(), [first]);
  await session.replace([first, second]);
  await session.append(second);
  await bench.closeAll();
  const again = await bench.openSession("chat");
  await again.compact();
  assert.deepEqual(await again.history(), [first, second, second]);
  const { records } = await again.tail(3);
  assert.deepEqual(records, [first, second, second]);
  const { blobs, blobBytes } = await again.stats();
  const bytes = [first.content, second["#blobs"], second["#"]["#blobs"]].map((text) =>
    new TextEncoder().encode(text).length
  );
  assert.deepEqual([blobs, blobBytes], [3, bytes.reduce((sum, one) => sum + one)]);
});

storeTest(
  "recordId sees the whole record, also of those that were there when the session was opened",
  async (bench) => {
    let asked = 0;
    const recordId = (record: RecordObject): string => {
      asked++;
      return String(record["id"] ?? String(record["content"]).slice(-8));
    };
    const content = (end: string): string => `${large("same")}${end}`;
    await (await bench.openSession("chat", { ...options, recordId })).append({ content: content("number 1") });
    await (await bench.openSession("other", { ...options, recordId })).append({
      id: "m1",
      content: content("number 1"),
    });
    await bench.closeAll();
    const session = await bench.openSession("chat", { ...options, recordId });
    assert.equal((await session.append({ content: content("number 1") })).duplicate, true);
    assert.equal((await session.append({ content: content("number 2") })).duplicate, false);
    // An id that does not look at large values costs no look at their files.
    asked = 0;
    const reads: string[] = [];
    bench.port.onCall = ({ method, path }) => void (method === "read" && path.includes("/blobs/") && reads.push(path));
    const other = await bench.openSession("other", { ...options, recordId });
    assert.equal((await other.append({ id: "m1" })).duplicate, true);
    assert.deepEqual([asked, reads], [2, []]);
  },
);

simulatedTest("a record may be larger than a line by its blobs, and by nothing else", async (bench) => {
  const session = await bench.openSession("chat", { ...options, recordBytesMax: 1500 });
  const content = "x".repeat(lineBytesMax + 1000);
  await session.append({ content });
  assert.deepEqual((await session.tail(1)).records, [{ content }]);
  await assert.rejects(session.append({ list: Array(2000).fill("x") }), hasCode("too-large"));
  await assert.rejects(session.append({ content: "y".repeat(1600) }), hasCode("too-large"));
  const plain = await bench.openSession("plain");
  await assert.rejects(plain.append({ content }), hasCode("too-large"));
});

simulatedTest("the large values of one call have at most 64 MiB", async (bench) => {
  const session = await bench.openSession("chat", options);
  const half = "x".repeat(33 * 1024 * 1024);
  const both = [{ content: half }, { content: `y${half}` }];
  await assert.rejects(session.appendAll(both), hasCode("too-large"));
  await assert.rejects(session.append({ content: half + half }), hasCode("too-large"));
  assert.equal((await session.history()).length, 0);
});

simulatedTest(
  "flushSync() puts a large value that waits into the log, and refuses what has no room there",
  async (bench) => {
    const store = await bench.open(options);
    const session = await store.session("chat");
    await session.append({ n: 0 });
    const waiting = session.append({ content: large("waits") });
    store.flushSync();
    assert.ok((await bench.text("chat.jsonl")).includes(`"${large("waits")}"`));
    await waiting;
    assert.deepEqual(await session.history(), [{ n: 0 }, { content: large("waits") }]);
    const tooLarge = session.append({ content: "x".repeat(lineBytesMax) });
    assert.throws(() => store.flushSync(), hasCode("io"));
    await assert.rejects(tooLarge, hasCode("io"));
    assert.equal((await session.append({ n: 2 })).sequence, 2);
  },
);

simulatedTest(
  "I14: where there is no room for a blob its record is refused, leaves nothing, and takes no other with it",
  async (bench) => {
    const session = await bench.openSession("chat", options);
    await session.append({ n: 0 });
    for (const method of ["write", "syncData", "rename", "syncDirectory", "truncate"] as const) {
      bench.port.failNext((call) => call.method === method && call.path.includes("/blobs"), "ENOSPC");
      const refused = assert.rejects(session.append({ content: large(method) }), hasCode("disk-full"), method);
      const other = session.append({ method });
      await refused;
      await other;
      assert.deepEqual((await session.tail(1)).records, [{ method }]);
      assert.equal((await bench.names("/blobs")).filter((name) => name.endsWith(".tmp")).length, 0, method);
      await session.append({ content: large(method) });
      assert.deepEqual((await session.tail(1)).records, [{ content: large(method) }]);
    }
    assert.equal(session.status, "open");
  },
);

storeTest("I16: a `blobs` that is no directory is not followed, and says so", async (bench) => {
  const session = await bench.openSession("chat", options);
  await session.append({ n: 0 });
  await bench.link("blobs", "/elsewhere");
  await assert.rejects(session.append({ content: large("a") }), hasCode("io"));
  await session.append({ n: 1 });
});

test("options: what is large, and how much of it stays", async () => {
  const bench = new StoreBench(new SimulatedFileSystem(), "/sessions");
  const open = (blobs: object) => bench.open({ blobs });
  await assert.rejects(open({ valueBytesMin: 1023 }), RangeError);
  await assert.rejects(open({ valueBytesMin: 2000, previewBytesMax: 1001 }), RangeError);
  await assert.rejects(open({ previewBytesMax: -1 }), RangeError);
  const session = await bench.openSession("chat", { blobs: {} });
  await session.append({ content: "x".repeat(65535) });
  await assert.rejects(bench.names("/blobs"));
  await session.append({ content: "x".repeat(65536) });
  assert.equal((await blobNames(bench)).length, 1);
  await bench.closeAll();
});
