/**
 * The archive: what compaction removes is kept, without copying it, and read through; at each moment every record has a
 * name that leads to it.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openStore, type Session } from "../../mod.ts";
import { SimulatedFileSystem } from "../../src/testing/mod.ts";
import { replacing } from "../replacing.ts";
import { appendMessages, message, messages, sequences, simulatedTest, storeTest } from "./store_fixture.ts";
import { systemError } from "./watched_filesystem.ts";

async function everything(session: Session): Promise<unknown[]> {
  const records: unknown[] = [];
  for await (const { record } of session.records({ all: true })) records.push(record);
  return records;
}

storeTest("Session.compact({ archive }) keeps what goes: records({ all }) reads through the archive", async (bench) => {
  const store = await bench.open();
  const chat = await store.session("chat");
  for (const end of [6, 12, 18]) {
    await appendMessages(chat, end - 6, end);
    await chat.truncate(4);
    assert.equal((await chat.compact({ archive: true })).archived, end === 6 ? 2 : 6);
  }
  assert.deepEqual(await bench.names("/chat.archive"), ["0-1.jsonl", "2-7.jsonl", "8-13.jsonl"]);
  assert.deepEqual(await chat.history(), messages(14, 18));
  assert.deepEqual(await everything(chat), messages(0, 18));
  for (let from = 0; from <= 18; from++) {
    const some: number[] = [];
    for await (const { sequence } of chat.records({ all: true, from, limit: 3 })) some.push(sequence);
    assert.deepEqual(some, [from, from + 1, from + 2].filter((number) => number < 18), `from ${from}`);
  }
  for (let before = 0; before <= 18; before++) {
    const some: number[] = [];
    for await (const { sequence } of chat.recordsBack({ all: true, before, limit: 5 })) some.push(sequence);
    assert.deepEqual(
      some,
      [1, 2, 3, 4, 5].map((back) => before - back).filter((number) => number >= 0),
      `before ${before}`,
    );
  }
  const back: unknown[] = [];
  for await (const { record } of chat.recordsBack({ all: true })) back.unshift(record);
  assert.deepEqual(back, messages(0, 18));
  const report = await chat.verify();
  assert.deepEqual([report.ok, report.archive], [true, { records: 14, damaged: [] }]);
  const { archiveBytes, records } = await chat.stats();
  assert.ok(archiveBytes > 14 * 40);
  assert.equal(records, 4);
  await store.close();
  const again = await bench.open({ strict: true, readOnly: true });
  assert.deepEqual(await everything(await again.session("chat")), messages(0, 18));
  assert.deepEqual(bench.eventTypes(), []);
});

storeTest("The option archive decides for every compaction; a call may say otherwise", async (bench) => {
  const store = await bench.open({ archive: true });
  const chat = await store.session("chat");
  await appendMessages(chat, 0, 4);
  await chat.truncate(2);
  assert.equal((await chat.compact()).archived, 2);
  await chat.truncate(1);
  assert.equal((await chat.compact({ archive: false })).archived, 0);
  assert.deepEqual(await sequences(chat, { all: true }), [0, 1, 3]);
  await chat.truncate(0);
  assert.equal((await chat.compact()).removed, 0, "the last stays");
  const compact: unknown = Reflect.get(chat, "compact");
  assert.ok(typeof compact === "function");
  await assert.rejects(async () => await Reflect.apply(compact, chat, [{ archive: "yes" }]), TypeError);
  const untyped: { open: unknown } = { open: openStore };
  const { open } = untyped;
  assert.ok(typeof open === "function");
  await assert.rejects(async () => await Reflect.apply(open, undefined, [bench.directory, { archive: 1 }]), TypeError);
});

simulatedTest("Archiving copies no bytes: the old log gets a second name", async (bench) => {
  const store = await bench.open();
  const chat = await store.session("chat");
  await appendMessages(chat, 0, 500);
  await chat.truncate(5);
  const { bytesWritten, links } = store.counters;
  await chat.compact({ archive: true });
  assert.ok(store.counters.bytesWritten - bytesWritten < 2000, "the new log of five records, and the meta file");
  assert.equal(store.counters.links - links, 1);
});

simulatedTest("Where a file can have no second name, what goes is written anew", async (bench) => {
  const store = await bench.open();
  const chat = await store.session("chat");
  await appendMessages(chat, 0, 8);
  await chat.truncate(3);
  bench.port.onCall = ({ method }) => {
    if (method === "link") throw systemError("EPERM");
  };
  await chat.compact({ archive: true });
  bench.port.onCall = null;
  const { size } = await bench.base.stat(bench.path("chat.archive/0-4.jsonl"));
  assert.ok(size < 5 * 60, "only what was removed");
  assert.deepEqual(await everything(chat), messages(0, 8));
  assert.ok((await chat.verify()).ok);
  assert.deepEqual(await bench.names("/chat.archive"), ["0-4.jsonl"]);
});

storeTest("Damaged lines go to quarantine, not into the archive; damage there is found and named", async (bench) => {
  const store = await bench.open();
  await appendMessages(await store.session("chat"), 0, 8);
  await store.close();
  const text = await bench.text("chat.jsonl");
  await bench.write("chat.jsonl", text.replace("message 2", "massage 2"));
  const again = await bench.open();
  const chat = await again.session("chat");
  await chat.truncate(3);
  assert.deepEqual(await chat.compact({ archive: true }), {
    ...await chat.compact(),
    removed: 5,
    archived: 4,
    bytesBefore: text.length,
  });
  assert.deepEqual(await sequences(chat, { all: true }), [0, 1, 3, 4, 5, 6, 7]);
  assert.ok((await chat.verify()).ok);
  await again.close();
  const segment = await bench.text("chat.archive/0-4.jsonl");
  await bench.write("chat.archive/0-4.jsonl", segment.replace("message 1", "massage 1"));
  bench.events.length = 0;
  const third = await bench.open();
  const damaged = await third.session("chat");
  assert.deepEqual(await sequences(damaged, { all: true }), [0, 3, 4, 5, 6, 7]);
  assert.deepEqual(bench.eventTypes(), ["damaged-line"]);
  assert.equal(bench.events[0]?.path, bench.path("chat.archive/0-4.jsonl"));
  const { ok, archive } = await damaged.verify();
  assert.equal(ok, false);
  assert.deepEqual(archive?.damaged.map(({ file }) => file), ["0-4.jsonl"]);
});

storeTest("Deleting a session takes its archive along; who begins anew sees none of it", async (bench) => {
  const store = await bench.open({ archive: true });
  const chat = await store.session("chat");
  await appendMessages(chat, 0, 6);
  await chat.truncate(2);
  await chat.compact();
  await bench.write("chat.archive/note.txt", "somebody else's");
  await store.delete("chat");
  assert.deepEqual(await bench.names("/chat.archive"), ["note.txt"], "what is not ours stays (I16)");
  const anew = await store.session("chat");
  await appendMessages(anew, 20, 22);
  assert.deepEqual(await everything(anew), messages(20, 22));
});

storeTest("A follower that wants all reads the archive once, then goes on in the log", async (bench) => {
  const store = await bench.open({ archive: true });
  const chat = await store.session("chat");
  await appendMessages(chat, 0, 6);
  await chat.truncate(2);
  await chat.compact();
  const seen: number[] = [];
  for await (const { sequence } of chat.records({ all: true, follow: true })) {
    seen.push(sequence);
    if (sequence === 5) await chat.append(message(6));
    if (sequence === 6) break;
  }
  assert.deepEqual(seen, [0, 1, 2, 3, 4, 5, 6]);
});

storeTest("A fork has the archive of its source, and can branch off in it; it outlives it", async (bench) => {
  const store = await bench.open({ archive: true });
  const chat = await store.session("chat");
  for (const end of [6, 12]) {
    await appendMessages(chat, end - 6, end);
    await chat.truncate(2);
    await chat.compact();
  }
  await store.fork("chat", "whole");
  await store.fork("chat", "early", { at: 5 });
  await store.fork("chat", "first", { at: 2 });
  await store.delete("chat");
  assert.deepEqual(await everything(await store.session("whole")), messages(0, 12));
  assert.deepEqual(await (await store.session("whole")).history(), messages(10, 12));
  assert.deepEqual(await everything(await store.session("early")), messages(0, 6));
  assert.deepEqual(await (await store.session("early")).history(), messages(4, 6));
  assert.deepEqual(await (await store.session("first")).history(), messages(0, 3));
  for (const key of ["whole", "early", "first"]) {
    const session = await store.session(key);
    assert.ok((await session.verify()).ok, key);
    await session.append(message(99));
    await session.truncate(1);
    await session.compact();
    assert.ok((await session.verify()).ok, `${key}, compacted`);
  }
  assert.deepEqual(await sequences(await store.session("early"), { all: true }), [0, 1, 2, 3, 4, 5, 6]);
});

for (const model of ["weak", "ordered"] as const) {
  for (const links of [true, false]) {
    const how = links ? "by a second name" : "written anew";
    test(`I9, I18, C10: a power cut at each step of an archiving compaction loses and doubles nothing (${model}, ${how})`, async () => {
      const machine = new SimulatedFileSystem({ model });
      const fileSystem = links ? machine : withoutLinks(machine);
      const setUp = await openStore("/sessions", { fileSystem, archive: true });
      const chat = await setUp.session("chat");
      await appendMessages(chat, 0, 6);
      await chat.truncate(4);
      await chat.compact();
      await appendMessages(chat, 6, 9);
      await chat.truncate(2, { summary: "s" });
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
      await chat.compact();
      machine.onStep = undefined;
      images.push(machine.clone().crash());
      await setUp.close();
      for (const [index, image] of images.entries()) {
        for (const options of [{ readOnly: true }, { archive: false }, { archive: true }]) {
          const store = await openStore("/sessions", {
            fileSystem: links ? image : withoutLinks(image),
            strict: true,
            ...options,
          });
          const session = await store.session("chat");
          const what = `image ${index} of ${images.length}, ${JSON.stringify(options)}`;
          assert.deepEqual(await everything(session), messages(0, 9), what);
          assert.deepEqual(await session.history(), messages(7, 9), what);
          // Takes the lock, and so sweeps; what it then writes goes to the log alone.
          if (options.archive === false) await session.update({ title: "open" });
          if (options.archive === true) await session.compact();
          assert.deepEqual(await everything(session), messages(0, 9), what);
          assert.ok((await session.verify()).ok, what);
          await store.close();
        }
        const names = (await image.readDirectory("/sessions/chat.archive")).map(({ name }) => name).sort();
        assert.deepEqual(names.filter((name) => !name.endsWith(".tmp")), ["0-1.jsonl", "2-6.jsonl"], `image ${index}`);
        const { linkCount } = await image.stat("/sessions/chat.jsonl");
        assert.equal(linkCount, 1, "no archived file is the log itself");
      }
    });
  }
}

/** A file system on which files have one name, as on FAT. */
function withoutLinks(machine: SimulatedFileSystem): SimulatedFileSystem {
  return replacing(machine, { link: () => Promise.reject(systemError("EPERM")) });
}

simulatedTest(
  "A compaction that fails behind the archive leaves nothing there that counts, and goes next time",
  async (bench) => {
    const store = await bench.open({ archive: true });
    const chat = await store.session("chat");
    await appendMessages(chat, 0, 6);
    await chat.truncate(3);
    bench.port.onCall = ({ method, path }) => {
      if (method === "write" && path.includes(".meta.")) throw systemError("ENOSPC");
    };
    await assert.rejects(chat.compact(), { code: "disk-full" });
    bench.port.onCall = null;
    assert.deepEqual(await sequences(chat, { all: true }), [0, 1, 2, 3, 4, 5]);
    await chat.truncate(1);
    await chat.compact();
    assert.deepEqual(await bench.names("/chat.archive"), ["0-4.jsonl"]);
    assert.deepEqual(await sequences(chat, { all: true }), [0, 1, 2, 3, 4, 5]);
  },
);
