/**
 * Reading records: paging, and following.
 */
import assert from "node:assert/strict";
import { type FileSystem, openStore, type RecordEntry, type RecordsOptions, type Session } from "../../mod.ts";
import { countingFileSystem, createFileSystemCounters } from "../../src/fs/counting_filesystem.ts";
import type { PortCall } from "../../src/testing/mod.ts";
import { appendMessages, message, messages, simulatedTest, storeTest } from "./store_fixture.ts";

async function numbers(session: Session, options: RecordsOptions): Promise<number[]> {
  const found: number[] = [];
  for await (const { sequence } of session.records(options)) found.push(sequence);
  return found;
}

/** Follows in the background until it has seen so many records, or its end. */
function following(session: Session, options: RecordsOptions): {
  seen: RecordEntry[];
  until: (count: number) => Promise<void>;
  ended: Promise<void>;
} {
  const seen: RecordEntry[] = [];
  let wake = (): void => {};
  let done = false;
  const ended = (async () => {
    try {
      for await (const entry of session.records({ follow: true, ...options })) {
        seen.push(entry);
        wake();
      }
    } finally {
      done = true;
      wake();
    }
  })();
  const until = async (count: number): Promise<void> => {
    while (seen.length < count && !done) await new Promise<void>((resolve) => wake = resolve);
    assert.ok(seen.length >= count, `the follower ended after ${seen.length} of ${count} records`);
  };
  return { seen, until, ended };
}

simulatedTest("Session.records() pages by from, limit and all", async (bench) => {
  const chat = await bench.openSession();
  await appendMessages(chat, 0, 10);
  await chat.truncate(6);
  const cases: [RecordsOptions, number[]][] = [
    [{}, [4, 5, 6, 7, 8, 9]],
    [{ all: true }, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
    [{ all: true, from: 3, limit: 3 }, [3, 4, 5]],
    [{ from: 2, limit: 2 }, [4, 5]],
    [{ from: 8 }, [8, 9]],
    [{ from: 10 }, []],
    [{ from: 1e9 }, []],
    [{ limit: 0 }, []],
    [{ limit: 1 }, [4]],
    [{ limit: 1000, from: 7 }, [7, 8, 9]],
  ];
  for (const [options, expected] of cases) assert.deepEqual(await numbers(chat, options), expected);
  let from = 0;
  const paged: number[] = [];
  for (;;) {
    const page = await numbers(chat, { from, limit: 4, all: true });
    if (page.length === 0) break;
    paged.push(...page);
    from = (page.at(-1) ?? 0) + 1;
  }
  assert.deepEqual(paged, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

simulatedTest("Session.records() gives its file back when the consumer breaks or throws", async (bench) => {
  const chat = await bench.openSession();
  await appendMessages(chat, 0, 5);
  const { openFiles } = bench.port;
  for await (const { sequence } of chat.records()) if (sequence === 1) break;
  assert.equal(bench.port.openFiles, openFiles);
  await assert.rejects(async () => {
    for await (const _ of chat.records()) throw new RangeError("of the consumer");
  }, RangeError);
  await assert.rejects(async () => {
    for await (const _ of chat.records({ follow: true })) throw new RangeError("of the consumer");
  }, RangeError);
  for await (const { sequence } of chat.records({ follow: true })) if (sequence === 4) break;
  assert.equal(bench.port.openFiles, openFiles);
});

simulatedTest("Session.records() shows the records of one moment while others write", async (bench) => {
  const chat = await bench.openSession();
  await chat.appendAll(messages(0, 3));
  const seen: number[] = [];
  for await (const { sequence } of chat.records()) {
    seen.push(sequence);
    await chat.append(message(9));
    if (sequence === 1) await chat.replace(messages(20, 22));
  }
  assert.deepEqual(seen, [0, 1, 2]);
});

simulatedTest("Session.records() ends quietly when its signal is aborted, also before it began", async (bench) => {
  const chat = await bench.openSession();
  await appendMessages(chat, 0, 5);
  const controller = new AbortController();
  const seen: number[] = [];
  for await (const { sequence } of chat.records({ signal: controller.signal })) {
    seen.push(sequence);
    if (sequence === 2) controller.abort();
  }
  assert.deepEqual(seen, [0, 1, 2]);
  assert.deepEqual(await numbers(chat, { signal: controller.signal }), []);
  assert.deepEqual(await numbers(chat, { signal: controller.signal, follow: true }), []);
});

simulatedTest(
  "I6: what a session open for writing shows survives a power cut, also while an append is under way",
  async (bench, machine) => {
    const store = await bench.open();
    const chat = await store.session("chat");
    await appendMessages(chat, 0, 2);
    const readers: (() => Promise<unknown[]>)[] = [
      () => chat.history(),
      async () => (await chat.tail(10)).records,
      async () => {
        const records: unknown[] = [];
        for await (const { record } of chat.records()) records.push(record);
        return records;
      },
    ];
    for (const read of readers) {
      const count = (await chat.history()).length;
      // The append is written, and not yet synced, when the log is looked at.
      let pending: Promise<unknown> | null = null;
      const gate = bench.port.holdNext((call) => call.method === "syncData" && call.path.endsWith(".jsonl"));
      const before = bench.port.onCall;
      bench.port.onCall = async (call: PortCall) => {
        if (call.method === "open" && call.path.endsWith(".jsonl") && pending === null) {
          pending = chat.append(message(count));
          await gate.reached;
        }
        await before?.(call);
      };
      const shown = await read();
      const after = await openStore("/sessions", { fileSystem: machine.clone().crash(), readOnly: true });
      const kept = await (await after.session("chat")).history();
      assert.deepEqual(shown, kept.slice(0, shown.length), `what ${read} has shown is durable`);
      gate.open();
      await pending;
      bench.port.onCall = null;
    }
  },
);

storeTest("Session.records({ follow }) shows what is appended, each once and in order", async (bench) => {
  const chat = await bench.openSession();
  await appendMessages(chat, 0, 2);
  const follower = following(chat, { limit: 8 });
  await follower.until(2);
  await chat.append(message(2));
  await follower.until(3);
  await chat.appendAll(messages(3, 6));
  await appendMessages(chat, 6, 9);
  await follower.ended;
  assert.deepEqual(follower.seen.map(({ sequence }) => sequence), [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.deepEqual(follower.seen.map(({ record }) => record), messages(0, 8));
});

storeTest(
  "Session.records({ follow }) waits for a session that is not there yet, and starts at from",
  async (bench) => {
    const chat = await bench.openSession();
    const follower = following(chat, { from: 2, limit: 2 });
    await appendMessages(chat, 0, 4);
    await follower.ended;
    assert.deepEqual(follower.seen.map(({ sequence }) => sequence), [2, 3]);
  },
);

storeTest("Session.records({ follow }) sees what another store writes", async (bench) => {
  const writer = await bench.openSession();
  const reader = await (await bench.open({ readOnly: true })).session("chat");
  const follower = following(reader, { limit: 4 });
  await appendMessages(writer, 0, 2);
  await follower.until(2);
  await writer.appendAll(messages(2, 4));
  await follower.ended;
  assert.deepEqual(follower.seen.map(({ record }) => record), messages(0, 4));
});

simulatedTest(
  "Session.records({ follow }) shows durable records only where this process writes them (I6)",
  async (bench) => {
    const chat = await bench.openSession();
    await chat.append(message(0));
    const follower = following(chat, { limit: 3 });
    await follower.until(1);
    await chat.append(message(1), { durability: "buffered" });
    assert.equal(follower.seen.length, 1);
    await chat.append(message(2));
    await follower.ended;
    assert.deepEqual(follower.seen.map(({ sequence }) => sequence), [0, 1, 2]);
  },
);

simulatedTest("Session.records({ follow }) sees buffered records after a flush", async (bench) => {
  const store = await bench.open({ durability: "buffered" });
  const chat = await store.session("chat");
  const follower = following(chat, { limit: 3 });
  await chat.append(message(0));
  await chat.flush();
  await follower.until(1);
  await chat.append(message(1));
  store.flushSync();
  await follower.until(2);
  await chat.append(message(2));
  await store.flush();
  await follower.ended;
});

storeTest("Session.records({ follow }) ends when it is aborted while it waits", async (bench) => {
  const chat = await bench.openSession();
  await chat.append(message(0));
  const controller = new AbortController();
  const follower = following(chat, { signal: controller.signal });
  await follower.until(1);
  controller.abort();
  await follower.ended;
  assert.equal(follower.seen.length, 1);
});

storeTest(
  "Session.records({ follow }) ends when the store is closed, and when the session is deleted",
  async (bench) => {
    const store = await bench.open();
    const chat = await store.session("chat");
    const gone = await store.session("gone");
    await chat.append(message(0));
    await gone.append(message(0));
    const followers = [following(chat, {}), following(gone, {})];
    for (const follower of followers) await follower.until(1);
    assert.equal(await store.delete("gone"), true);
    await followers[1]?.ended;
    await store.close();
    await followers[0]?.ended;
  },
);

storeTest("Session.records({ follow }) ends when another store deletes the session", async (bench) => {
  const writers = await bench.open();
  await (await writers.session("chat")).append(message(0));
  const reader = await (await bench.open({ readOnly: true })).session("chat");
  const follower = following(reader, {});
  await follower.until(1);
  await writers.delete("chat");
  await follower.ended;
});

for (const kind of ["own", "another"] as const) {
  simulatedTest(`C6: a follower in ${kind} store goes on through compaction, truncation and replace`, async (bench) => {
    const writer = await bench.openSession();
    const reader = kind === "own" ? writer : await (await bench.open({ readOnly: true })).session("chat");
    await appendMessages(writer, 0, 5);
    const follower = following(reader, { limit: 12 });
    await follower.until(5);
    await writer.truncate(1);
    await writer.compact();
    await writer.append(message(5));
    await follower.until(6);
    await writer.compact();
    await appendMessages(writer, 6, 8);
    await follower.until(8);
    await writer.replace(messages(100, 103));
    await follower.until(11);
    await writer.append(message(11));
    await follower.ended;
    const seen = follower.seen.map(({ sequence }) => sequence);
    assert.deepEqual(seen, Array.from({ length: 12 }, (_, index) => index));
    assert.deepEqual(follower.seen.slice(8, 11).map(({ record }) => record), messages(100, 103));
  });
}

simulatedTest(
  "C6: a follower that looks while a replace is between its rename and its directory sync loses nothing",
  async (bench) => {
    const chat = await bench.openSession();
    await appendMessages(chat, 0, 3);
    const follower = following(chat, { limit: 8 });
    await follower.until(3);
    let renamed = false;
    const before = bench.port.holdNext((call) => {
      renamed ||= call.method === "rename" && call.path.endsWith(".log.tmp");
      return renamed && call.method === "syncDirectory";
    });
    // Longer than the old log, so that its end falls into the middle of a record of the new one.
    const replacing = chat.replace(messages(1000, 1005));
    await before.reached;
    const other = await bench.open({ readOnly: true });
    assert.equal((await (await other.session("chat")).history()).length, 5);
    before.open();
    await replacing;
    await follower.ended;
    assert.deepEqual(follower.seen.map(({ sequence }) => sequence), [0, 1, 2, 3, 4, 5, 6, 7]);
    assert.deepEqual(bench.eventTypes(), []);
  },
);

simulatedTest(
  "Session.tail() gives the last active records, what is in front of them, and where they begin",
  async (bench) => {
    const chat = await bench.openSession();
    await appendMessages(chat, 0, 10);
    await chat.truncate(6);
    const { length: bytes } = await bench.read("chat.jsonl");
    assert.deepEqual(await chat.tail(2), { records: messages(8, 10), dropped: 4, bytes, firstSequence: 8 });
    assert.deepEqual(await chat.tail(6), { records: messages(4, 10), dropped: 0, bytes, firstSequence: 4 });
    assert.deepEqual(await chat.tail(100), { records: messages(4, 10), dropped: 0, bytes, firstSequence: 4 });
    assert.deepEqual(await chat.tail(0), { records: [], dropped: 6, bytes, firstSequence: null });
    await chat.truncate(0);
    assert.deepEqual(await chat.tail(3), { records: [], dropped: 0, bytes, firstSequence: null });
  },
);

simulatedTest("Session.tail() costs the same in a log a hundred times as long", async (bench) => {
  const store = await bench.open();
  const bytesOf = async (count: number): Promise<number> => {
    const chat = await store.session(`of ${count}`);
    const batch = Array.from({ length: 100 }, () => ({ text: "x".repeat(1000) }));
    for (let appended = 0; appended < count; appended += 100) await chat.appendAll(batch);
    const before = store.counters.bytesRead;
    assert.equal((await chat.tail(10)).records.length, 10);
    return store.counters.bytesRead - before;
  };
  const [short, long] = [await bytesOf(100), await bytesOf(10_000)];
  assert.ok(long <= short * 3, `${long} bytes of a long log, ${short} of a short one`);
});

storeTest(
  "Session.records({ follow }) knows a new log also when it has the inode of one that is gone",
  async (bench) => {
    const chat = await bench.openSession();
    await appendMessages(chat, 0, 3);
    const plain = countingFileSystem(bench.base, createFileSystemCounters());
    const fileSystem: FileSystem = {
      ...plain,
      stat: async (path) => ({ ...await plain.stat(path), inode: 7 }),
      open: async (path, options) => {
        const handle = await plain.open(path, options);
        return { ...handle, stat: async () => ({ ...await handle.stat(), inode: 7 }) };
      },
    };
    const reader = await (await bench.open({ readOnly: true, fileSystem })).session("chat");
    const follower = following(reader, { limit: 16 });
    await follower.until(3);
    await chat.replace(Array.from({ length: 12 }, (_, n) => ({ replaced: n, with: "a record of another length" })));
    await chat.append(message(3));
    await follower.ended;
    assert.deepEqual(follower.seen.map(({ sequence }) => sequence), Array.from({ length: 16 }, (_, n) => n));
    assert.deepEqual(bench.eventTypes(), []);
  },
);
