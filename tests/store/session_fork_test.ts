/**
 * Forks: what they begin with, what they cost, and that they are there whole or not at all. The defects G3, G4, G6 and
 * G9 of the program whose forks these replace must not exist here.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openStore, type Session, type SessionStore } from "../../mod.ts";
import { SimulatedFileSystem } from "../../src/testing/mod.ts";
import {
  appendMessages,
  hasCode,
  message,
  messages,
  realTest,
  sequences,
  simulatedTest,
  type StoreBench,
  storeTest,
} from "./store_fixture.ts";

/** Texts that a copy through `JSON.parse` would not keep, with ids and times in them. */
const texts = [
  '{"id":"m0","time":"2024-05-01T10:00:00.123456789+02:00","role":"user","content":"hi"}',
  '{"id":"m1","parentId":"m0","n":12345678901234567890,"n":1.0}',
  '{"#":"own key","id":"m2"}',
  '{"id":"m3","content":"grüße, 🙂"}',
];

async function textsOf(session: Session, options: { all?: boolean } = {}): Promise<string[]> {
  const found: string[] = [];
  for await (const { text } of session.texts(options)) found.push(text);
  return found;
}

/** A session with lines of every kind: single, batch, group, buffered, foreign. */
async function writeSource(bench: StoreBench, store: SessionStore): Promise<string[]> {
  const chat = await store.session("a:source");
  const all = Array.from({ length: 14 }, (_, index) => `{"id":"m${index}","n":${index}.0}`);
  const [first = "", second = ""] = all;
  await chat.appendText(first);
  await chat.appendText(second);
  await chat.appendTextAll(all.slice(2, 5));
  await Promise.all(all.slice(5, 8).map(async (text) => await chat.appendText(text)));
  for (const text of all.slice(8, 10)) await chat.appendText(text, { durability: "buffered" });
  await chat.flush();
  await store.close();
  await bench.appendTo("a_source.jsonl", `${all[10]}\n`);
  return all;
}

storeTest("SessionStore.fork() keeps numbers, ids, times and spelling, byte by byte (G6)", async (bench) => {
  const store = await bench.open();
  const source = await store.session("source");
  await source.appendTextAll(texts.slice(0, 2));
  await source.appendText(texts[2] ?? "");
  await source.appendText(texts[3] ?? "");
  await source.update({ title: "title", workspace: "/w", scope: { version: 1 }, aliases: ["main"] });
  await source.setSummary("summary");
  const result = await store.fork("source", "fork");
  assert.equal(result.key, "fork");
  assert.equal(result.sequence, 3);
  const fork = await store.session("fork");
  assert.deepEqual(await textsOf(fork), texts);
  assert.deepEqual(await sequences(fork), [0, 1, 2, 3]);
  assert.equal(fork.summary, "summary");
  const info = await fork.info();
  assert.deepEqual([info.title, info.workspace, info.parent], ["title", "/w", { key: "source", sequence: 3 }]);
  assert.equal(await store.resolve("main"), "source", "an alias leads to one session");
  const { ok, verified, unverified } = await fork.verify();
  assert.deepEqual([ok, verified, unverified], [true, 4, 0]);
  assert.equal((await fork.append(message(4))).sequence, 4);
  assert.equal((await source.append(message(5))).sequence, 4);
  await store.close();
  const [one, other] = [await bench.text("source.jsonl"), await bench.text("fork.jsonl")];
  const shared = one.split("\n").slice(0, 4).join("\n");
  assert.ok(other.startsWith(shared), "the shared prefix has the same bytes");
});

simulatedTest("SessionStore.fork() at each record of a log of every kind of line", async (bench) => {
  const all = await writeSource(bench, await bench.open());
  for (let at = 0; at <= 10; at++) {
    const key = `fork:${at}`;
    const store = await bench.open();
    assert.equal((await store.fork("a:source", key, { at })).sequence, at);
    assert.deepEqual(await textsOf(await store.session(key)), all.slice(0, at + 1), `at ${at}`);
    await store.close();
    // Without any seal the log's end must speak for itself.
    const meta = await bench.meta(`fork_${at}`);
    const { sealed: _, ...holdfast } = meta.holdfast;
    await bench.write(`fork_${at}.meta.json`, JSON.stringify({ ...meta, holdfast }));
    const again = await bench.open();
    const fork = await again.session(key);
    assert.equal((await fork.append(message(at))).sequence, at + 1);
    assert.deepEqual(await textsOf(fork), [...all.slice(0, at + 1), JSON.stringify(message(at))]);
    const report = await fork.verify();
    assert.deepEqual([report.ok, report.unverified, report.tornTail], [true, 0, null], `at ${at}`);
    await again.close();
  }
  assert.deepEqual(bench.eventTypes(), []);
});

storeTest("A fork outlives its source: deleting, compacting or replacing that changes nothing (G6)", async (bench) => {
  const store = await bench.open();
  const source = await store.session("source");
  await appendMessages(source, 0, 6);
  for (const name of ["one", "two", "three"]) await store.fork("source", name, { at: 3 });
  await source.replace(messages(10, 12));
  assert.deepEqual(await (await store.session("one")).history(), messages(0, 4));
  await source.truncate(1);
  await source.compact();
  assert.deepEqual(await (await store.session("two")).history(), messages(0, 4));
  await store.delete("source");
  await appendMessages(await store.session("three"), 4, 5);
  await store.close();
  const again = await bench.open({ strict: true });
  assert.deepEqual(await (await again.session("one")).history(), messages(0, 4));
  assert.deepEqual(await (await again.session("three")).history(), messages(0, 5));
  assert.deepEqual(await (await again.session("one")).info().then(({ parent }) => parent), {
    key: "source",
    sequence: 3,
  });
  for (const name of ["one", "two", "three"]) assert.ok((await (await again.session(name)).verify()).ok);
});

storeTest(
  "A fork's parent and its date of creation stay after writes, compactions and forks of it (G4, G9)",
  async (bench) => {
    const store = await bench.open();
    await appendMessages(await store.session("root"), 0, 5);
    await store.fork("root", "child", { at: 2 });
    const child = await store.session("child");
    const { createdAt } = await child.info();
    await appendMessages(child, 3, 6);
    await child.setSummary("s");
    await child.truncate(2);
    await child.compact();
    await child.replace(messages(20, 23));
    await store.fork("child", "grandchild");
    await store.close();
    const again = await bench.open({ strict: true });
    const parentOf = async (key: string) => (await (await again.session(key)).info()).parent;
    assert.deepEqual(await parentOf("child"), { key: "root", sequence: 2 });
    assert.equal((await (await again.session("child")).info()).createdAt, createdAt);
    assert.deepEqual(await parentOf("grandchild"), { key: "child", sequence: 8 });
    assert.deepEqual(await (await again.session("grandchild")).history(), messages(20, 23));
    assert.deepEqual((await again.list({ parent: "root" })).map(({ key }) => key), ["child"]);
    assert.deepEqual((await again.list({ parent: "child" })).map(({ key }) => key), ["grandchild"]);
  },
);

storeTest("A subagent's session without shared records names its parent, too, and is found from it", async (bench) => {
  const store = await bench.open();
  const main = await store.session("main");
  const { sequence } = await main.append(message(0));
  const sub = await store.session("main/agent-1");
  await sub.update({ parent: { key: "main", sequence } });
  await sub.append(message(1));
  assert.deepEqual((await store.list({ parent: "main" })).map(({ key }) => key), ["main/agent-1"]);
  assert.deepEqual((await sub.info()).parent, { key: "main", sequence: 0 });
  await sub.update({ parent: null });
  assert.deepEqual(await store.list({ parent: "main" }), []);
  const update: unknown = Reflect.get(sub, "update");
  assert.ok(typeof update === "function");
  for (const parent of ["main", { key: "" }, { key: "a", sequence: -1 }, { key: 1, sequence: 1 }]) {
    await assert.rejects(async () => await Reflect.apply(update, sub, [{ parent }]), TypeError);
  }
});

storeTest("SessionStore.fork() refuses a target that exists, a source or record that does not", async (bench) => {
  const store = await bench.open();
  await appendMessages(await store.session("source"), 0, 3);
  await (await store.session("open")).append(message(9));
  await (await store.session("facts")).setSummary("only facts");
  const before = await bench.text("open.jsonl");
  for (const key of ["open", "facts"]) {
    await assert.rejects(store.fork("source", key), hasCode("exists"));
  }
  assert.equal(await bench.text("open.jsonl"), before);
  assert.equal((await store.session("facts")).summary, "only facts");
  await assert.rejects(store.fork("nobody", "fork"), hasCode("not-found"));
  await assert.rejects(store.fork("source", "fork", { at: 3 }), hasCode("not-found"));
  await assert.rejects(store.fork("facts", "fork", { at: 0 }), hasCode("not-found"));
  await assert.rejects(store.fork("source", "source"), RangeError);
  await assert.rejects(store.fork("source", "fork", { at: -1 }), RangeError);
  await assert.rejects(store.fork("source", ""), TypeError);
  assert.equal(await store.has("fork"), false);
  const other = await bench.open();
  await assert.rejects(other.fork("source", "open"), hasCode("exists", "locked"));
  await store.fork("facts", "fork");
  assert.equal((await store.session("fork")).summary, "only facts");
  const readOnly = await bench.open({ readOnly: true });
  await assert.rejects(readOnly.fork("source", "more"), hasCode("read-only"));
  const names = (await bench.names()).filter((name) => /fork|more|nobody/.test(name));
  assert.deepEqual(names, ["fork.meta.json"]);
});

storeTest(
  "SessionStore.fork() takes what is acknowledged while the source is being written, here or elsewhere",
  async (bench) => {
    const writer = await bench.open();
    const source = await writer.session("source");
    await appendMessages(source, 0, 3);
    await source.append(message(3), { durability: "buffered" });
    const flushes = writer.counters.syncs;
    await writer.fork("source", "here");
    assert.ok(writer.counters.syncs > flushes, "what was buffered is durable first");
    assert.deepEqual(await (await writer.session("here")).history(), messages(0, 4));
    const other = await bench.open();
    await other.fork("source", "elsewhere", { at: 1 });
    await appendMessages(source, 4, 6);
    assert.deepEqual(await (await other.session("elsewhere")).history(), messages(0, 2));
    const held = await other.session("held");
    await held.append(message(0));
    await assert.rejects(writer.fork("source", "held"), hasCode("exists", "locked"));
  },
);

storeTest(
  "SessionStore.fork() of truncated sessions: what is hidden stays hidden, or is shown as it was",
  async (bench) => {
    const store = await bench.open();
    const source = await store.session("source");
    await appendMessages(source, 0, 8);
    await source.truncate(3, { summary: "of 0 to 4" });
    const view = async (key: string): Promise<[number[], number[], string]> => {
      const session = await store.session(key);
      return [await sequences(session), await sequences(session, { all: true }), session.summary];
    };
    await store.fork("source", "active", { at: 6 });
    assert.deepEqual(await view("active"), [[5, 6], [0, 1, 2, 3, 4, 5, 6], "of 0 to 4"]);
    assert.equal((await bench.meta("active"))["skip"], 5);
    await store.fork("source", "hidden", { at: 3 });
    assert.deepEqual(await view("hidden"), [[0, 1, 2, 3], [0, 1, 2, 3], ""]);
    await source.truncate(0, { summary: "of all" });
    await store.fork("source", "empty");
    assert.deepEqual(await view("empty"), [[], [0, 1, 2, 3, 4, 5, 6, 7], "of all"]);
    assert.equal((await (await store.session("empty")).append(message(8))).sequence, 8, "numbers are never used twice");
    await source.compact();
    await store.fork("source", "compacted");
    assert.deepEqual(await view("compacted"), [[], [7], "of all"]);
    assert.equal((await (await store.session("compacted")).append(message(8))).sequence, 8);
    await assert.rejects(store.fork("source", "gone", { at: 2 }), hasCode("not-found"));
  },
);

storeTest("An id that is in a fork is known there: an append of it is a no-op (G5, G6)", async (bench) => {
  const store = await bench.open({ recordId: (record) => typeof record["id"] === "string" ? record["id"] : undefined });
  const source = await store.session("source");
  for (const text of texts) await source.appendText(text);
  await store.fork("source", "fork");
  const fork = await store.session("fork");
  assert.deepEqual(await fork.append({ id: "m2", other: true }), { sequence: 2, duplicate: true });
  assert.deepEqual(await fork.append({ id: "m9" }), { sequence: 4, duplicate: false });
});

simulatedTest("SessionStore.fork() writes no second copy of the bytes where files can share them", async (bench) => {
  const store = await bench.open();
  const source = await store.session("source");
  await appendMessages(source, 0, 600);
  const { bytesWritten, clones } = store.counters;
  const { bytes, sharedBytes } = await store.fork("source", "fork", { at: 500 });
  assert.ok(bytes > 20_000 && bytes - sharedBytes < 200, `${sharedBytes} of ${bytes} bytes are shared`);
  assert.ok(store.counters.bytesWritten - bytesWritten < 2000, "two meta files, the origin, and one line at the most");
  assert.equal(store.counters.clones - clones, 1);
  assert.deepEqual(await (await store.session("fork")).history(), messages(0, 501));
}, { reflinks: true });

simulatedTest(
  "SessionStore.fork() tells how far it is; what is thrown then ends it, and nothing is left",
  async (bench) => {
    const store = await bench.open();
    const source = await store.session("source");
    await source.appendAll(Array.from({ length: 40 }, () => ({ content: "x".repeat(20_000) })));
    const told: number[] = [];
    const { bytes } = await store.fork("source", "fork", { onProgress: ({ copiedBytes }) => told.push(copiedBytes) });
    assert.ok(told.length > 2 && told.every((copied, index) => copied > (told[index - 1] ?? 0) && copied <= bytes));
    const onProgress = (): void => {
      throw new Error("enough");
    };
    await assert.rejects(store.fork("source", "none", { onProgress }), /enough/);
    assert.equal(await store.has("none"), false);
    assert.deepEqual((await bench.names()).filter((name) => name.startsWith("none")), []);
  },
);

simulatedTest("SessionStore.fork() streams the bytes where files cannot share them", async (bench) => {
  const store = await bench.open();
  const source = await store.session("source");
  await appendMessages(source, 0, 600);
  const { bytesWritten } = store.counters;
  const { bytes, sharedBytes } = await store.fork("source", "fork", { at: 99 });
  assert.equal(sharedBytes, 0);
  assert.ok(store.counters.bytesWritten - bytesWritten < bytes + 2000, "only what is taken over is written");
  assert.deepEqual(await (await store.session("fork")).history(), messages(0, 100));
});

realTest(
  "A fork whose meta file picoclaw has written, or that is lost, is still read, each record verified",
  async (bench) => {
    const store = await bench.open();
    await appendMessages(await store.session("source"), 0, 4);
    for (const key of ["a:stripped", "a:lost", "a:damaged", "plain"]) await store.fork("source", key, { at: 2 });
    await store.delete("source");
    await store.close();
    const meta = await bench.meta("a_stripped");
    await bench.write("a_stripped.meta.json", JSON.stringify({ ...meta, holdfast: undefined }));
    await bench.write("a_damaged.meta.json", "{");
    await bench.write("a_lost.meta.json", "");
    await bench.write("plain.meta.json", "");
    for (const round of ["read", "written"]) {
      const again = await bench.open({ strict: true });
      for (const key of ["a:stripped", "a:lost", "a:damaged", "plain"]) {
        const session = await again.session(key);
        assert.deepEqual(await session.history(), messages(0, round === "read" ? 3 : 4), key);
        const { verified, unverified, damaged } = await session.verify();
        assert.deepEqual([verified, unverified, damaged], [round === "read" ? 3 : 4, 0, []], key);
        if (round === "read") await session.append(message(3));
        assert.deepEqual((await session.info()).parent, { key: "source", sequence: 2 }, key);
        if (round === "written") {
          await session.truncate(1);
          await session.compact();
          assert.ok((await session.verify()).ok);
        }
      }
      await again.close();
    }
  },
);

realTest("A meta file that is lost with the file beside it costs one record, and says so", async (bench) => {
  const store = await bench.open();
  await appendMessages(await store.session("source"), 0, 4);
  await store.fork("source", "fork");
  await store.close();
  await bench.write("fork.origin", "");
  await bench.write("fork.meta.json", "");
  const again = await bench.open();
  const fork = await again.session("fork");
  assert.deepEqual(await fork.history(), messages(1, 4));
  assert.equal((await fork.verify()).damaged.length, 1);
});

for (const model of ["weak", "ordered"] as const) {
  for (const reflinks of [false, true]) {
    const how = reflinks ? "sharing bytes" : "copying";
    test(`I9, I18: a power cut at each step of a fork leaves a whole fork or none (${model}, ${how}; G3)`, async () => {
      const machine = new SimulatedFileSystem({ model, reflinks });
      const setUp = await openStore("/sessions", { fileSystem: machine });
      await appendMessages(await setUp.session("source"), 0, 6);
      await (await setUp.session("source")).truncate(4, { summary: "s" });
      const images: SimulatedFileSystem[] = [];
      const known = new Set<number>();
      machine.onStep = () => {
        for (const choices of [[], new Array<number>(40).fill(-1), [0, -1, 0, -1, 0, -1], [-1, 0, -1, 0, -1]]) {
          const image = machine.clone().crash(choices);
          const hash = image.diskImageHash();
          if (!known.has(hash)) images.push(image);
          known.add(hash);
        }
      };
      await setUp.fork("source", "fork", { at: 4 });
      machine.onStep = undefined;
      images.push(machine.clone().crash());
      await setUp.close();
      let whole = 0;
      for (const [index, image] of images.entries()) {
        const store = await openStore("/sessions", { fileSystem: image, strict: true });
        if (await store.has("fork")) {
          whole++;
          assert.equal((await (await store.session("fork")).info()).parent?.sequence, 4);
        } else {
          assert.deepEqual((await store.list()).map(({ key }) => key), ["source"], `image ${index}`);
          assert.deepEqual(await (await store.session("fork")).history(), []);
          await store.fork("source", "fork", { at: 4 });
        }
        const fork = await store.session("fork");
        assert.deepEqual(await fork.history(), messages(2, 5), `image ${index} of ${images.length}`);
        assert.equal((await fork.append(message(5))).sequence, 5);
        assert.ok((await fork.verify()).ok);
        await store.close();
        const names = (await image.readDirectory("/sessions")).map(({ name }) => name).sort();
        const expected = ["fork.jsonl", "fork.meta.json", "fork.origin", "source.jsonl", "source.meta.json"];
        assert.deepEqual(names.filter((name) => !name.endsWith(".lock")), expected);
      }
      assert.ok(whole > 0 && whole < images.length, `${whole} of ${images.length}`);
    });
  }
}

storeTest("A fork keeps its blobs, and the archive its own, whatever becomes of the source (G6)", async (bench) => {
  const store = await bench.open({ blobs: { valueBytesMin: 1024 } });
  const source = await store.session("source");
  const large = (number: number) => ({ role: "tool", content: `${number} `.repeat(1000) });
  for (let number = 0; number < 4; number++) await source.append(large(number));
  await source.truncate(1);
  await source.compact({ archive: true });
  await store.fork("source", "fork");
  await store.fork("source", "early", { at: 1 });
  await store.delete("source");
  assert.equal((await store.collectBlobs()).removed, 0);
  assert.deepEqual(await (await store.session("fork")).history(), [large(3)]);
  assert.deepEqual(await (await store.session("early")).history(), [large(0), large(1)]);
  const all: unknown[] = [];
  for await (const { record } of (await store.session("fork")).records({ all: true })) all.push(record);
  assert.deepEqual(all, [0, 1, 2, 3].map(large));
  await store.delete("fork");
  assert.equal((await store.collectBlobs()).removed, 2);
  assert.deepEqual(await (await store.session("early")).history(), [large(0), large(1)]);
});

simulatedTest(
  "SessionStore.fork() begins again where its source is deleted before it holds its blobs",
  async (bench) => {
    const store = await bench.open({ blobs: { valueBytesMin: 1024 } });
    const other = await bench.open({ blobs: { valueBytesMin: 1024 } });
    await (await store.session("source")).append({ content: "x".repeat(2000) });
    await store.close();
    let isArmed = true;
    bench.port.onCall = async ({ method, path }) => {
      if (!isArmed || method !== "lock" || !path.includes("fork")) return;
      isArmed = false;
      await other.delete("source");
      assert.equal((await other.collectBlobs()).removed, 1);
    };
    const forking = await bench.open();
    await assert.rejects(forking.fork("source", "fork"), hasCode("not-found"));
    bench.port.onCall = null;
    assert.equal(await forking.has("fork"), false);
  },
);
