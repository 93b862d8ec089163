/**
 * Counterexamples to earlier drafts that are about appending, recovery and reading.
 *
 * @module
 */
import { test } from "node:test";
import assert from "node:assert/strict";
import { openStore, type Session, type StoreOptions } from "../../mod.ts";
import { FaultyFileSystem, SimulatedFileSystem, type SyncFaultMode } from "../../src/testing/mod.ts";
import { latin1, LogBuilder, textForLine } from "../log/log_fixture.ts";
import {
  appendMessages,
  message,
  messages,
  sequences,
  simulatedTest,
  type StoreBench,
} from "../store/store_fixture.ts";
import { WatchedFileSystem } from "../store/watched_filesystem.ts";
import { activeContents, cutPowerEverywhere, storeDirectory, withStore } from "./power_cuts.ts";

const recordId: StoreOptions["recordId"] = (record) => typeof record["id"] === "string" ? record["id"] : undefined;

async function place(bench: StoreBench, log: Uint8Array | string): Promise<void> {
  await bench.port.makeDirectory(bench.directory, 0o700).catch(() => undefined);
  await bench.write("chat.jsonl", log);
}

/** Longer than a page, so that writing one does not write its neighbours again. */
function longMessage(number: number): { content: string } {
  return { content: `${number} `.repeat(5000) };
}

async function appendLong(session: Session, from: number, end: number): Promise<void> {
  for (let number = from; number < end; number++) await session.append(longMessage(number));
}

// A sync that says it went well and did not ("late") is beyond any program.
for (const mode of ["kept", "dropped", "reverted", "false"] satisfies SyncFaultMode[]) {
  test(`A3: a failed sync (${mode}), opened again in the same boot, appended, power cut: no acknowledged record is lost`, async () => {
    for (const failAt of [1, 2, 3]) {
      const machine = new SimulatedFileSystem({ model: "weak" });
      await withStore(machine, async (store) => await appendLong(await store.session("chat"), 0, 2));
      const faulty = new FaultyFileSystem(machine, {
        failAt,
        fault: { kind: "sync", mode },
        filter: ({ method, path }) => method === "syncData" && path.endsWith("chat.jsonl"),
      });
      const acknowledged = [longMessage(0).content, longMessage(1).content];
      const first = await openStore(storeDirectory, { fileSystem: faulty });
      for (let number = 2; number < 6; number++) {
        await first.session("chat").then((session) => session.append(longMessage(number))).then(
          () => acknowledged.push(longMessage(number).content),
          (error) => assert.ok(["failed", "io"].includes(error.code), error.code),
        );
      }
      // The process is killed, not closed.
      const next = machine.kill();
      const second = await openStore(storeDirectory, { fileSystem: next });
      const session = await second.session("chat");
      const seen = (await session.append(longMessage(9)), await activeContents(second, "chat"));
      await withStore(next.crash(), async (store) => {
        const found = await activeContents(store, "chat");
        const missing = acknowledged.filter((content) => !found.includes(content));
        assert.deepEqual(missing, [], `I1, sync ${failAt}`);
        assert.deepEqual(found, seen, `I6, sync ${failAt}`);
        assert.equal(found.at(-1), longMessage(9).content);
        assert.equal(new Set(found).size, found.length, "I3");
      });
    }
  });
}

simulatedTest(
  "B6: a batch that was never closed is no duplicate: the retry with the same ids is appended",
  async (bench) => {
    const log = new LogBuilder("chat").own('{"id":"a"}').own('{"id":"b"}', "+").foreign('{"id":"p"}');
    await place(bench, log.bytes());
    const session = await bench.openSession("chat", { recordId });
    assert.deepEqual(await session.history(), [{ id: "a" }, { id: "p" }]);
    const receipts = await session.appendAll([{ id: "b" }, { id: "c" }]);
    assert.deepEqual(receipts.map(({ duplicate }) => duplicate), [false, false]);
    assert.deepEqual(await session.history(), [{ id: "a" }, { id: "p" }, { id: "b" }, { id: "c" }]);
    await bench.closeAll();
    assert.deepEqual(await (await bench.openSession()).history(), [{ id: "a" }, { id: "p" }, { id: "b" }, { id: "c" }]);
  },
);

/** The sizes of what was set aside. */
async function quarantined(machine: SimulatedFileSystem): Promise<number[]> {
  const directory = `${storeDirectory}/chat.quarantine`;
  const names = (await machine.readDirectory(storeDirectory)).map(({ name }) => name);
  if (!names.includes("chat.quarantine")) return [];
  const sizes: number[] = [];
  for (const { name } of await machine.readDirectory(directory)) {
    if (!name.endsWith(".tmp")) sizes.push((await machine.stat(`${directory}/${name}`)).size);
  }
  return sizes;
}

test("B9: recovery under power cuts sets the torn bytes aside once, whole", async () => {
  const torn = '{"role":"user","content":"torn by a po';
  const tried = await cutPowerEverywhere({
    prepare: async (store) => {
      await appendMessages(await store.session("chat"), 0, 2);
    },
    work: async (_store, _acknowledge, machine) => {
      const file = await machine.open(`${storeDirectory}/chat.jsonl`, { access: "write" });
      await file.write(new TextEncoder().encode(torn), (await file.stat()).size);
      await file.syncData();
      await file.close();
      await withStore(machine, async (store) => await (await store.session("chat")).append(message(2)));
    },
    check: async ({ machine, story }) => {
      await withStore(machine, async (store) => await (await store.session("chat")).append(message(9)));
      await withStore(machine, async (store) => {
        const session = await store.session("chat");
        assert.equal((await session.verify()).ok, true, story);
        assert.equal((await session.history()).at(-1)?.["content"], "message 9", story);
        const copies = await quarantined(machine);
        // Another piece may be of the record that was being appended when the power went.
        assert.ok(copies.filter((size) => size === torn.length).length <= 1, `${copies}: ${story}`);
        assert.ok(copies.length <= 2, `${copies}: ${story}`);
      });
    },
  });
  assert.ok(tried > 10);
});

simulatedTest(
  "C1: a line behind one that was edited by hand is returned, and reported as unverified",
  async (bench) => {
    const log = new LogBuilder("chat").own('{"c":0}').foreign('{"c":1}').own('{"c":2}', "", 2).own('{"c":3}', "", 3);
    const bytes = log.bytes();
    bytes[(log.lines[1]?.offset ?? 0) + 5] = 0x37;
    await place(bench, bytes);
    const session = await bench.openSession();
    assert.deepEqual(await session.history(), [{ c: 0 }, { c: 7 }, { c: 2 }, { c: 3 }]);
    const { verified, foreign, unverified, damaged } = await session.verify();
    assert.deepEqual([verified, foreign, unverified, damaged.length], [2, 1, 1, 0]);
  },
);

simulatedTest(
  "C2: old bytes of other files in a torn end: a line of another session is none of this one's",
  async (bench) => {
    const other = new LogBuilder("other").own('{"c":"x"}', "", 1).bytes();
    const log = new LogBuilder("chat").own('{"c":0}').raw(other);
    await place(bench, log.bytes());
    const session = await bench.openSession();
    assert.deepEqual(await session.history(), [{ c: 0 }]);
    await session.append({ c: 1 });
    assert.deepEqual(await session.history(), [{ c: 0 }, { c: 1 }]);
  },
);

simulatedTest(
  "C2: whole foreign lines among them cannot be told from picoclaw's: kept, and told as foreign",
  async (bench) => {
    await place(bench, new LogBuilder("chat").own('{"c":0}').raw('{"c":"of another file"}\n').bytes());
    const session = await bench.openSession();
    await session.append({ c: 1 });
    const { verified, foreign } = await session.verify();
    assert.deepEqual([verified, foreign], [2, 1]);
  },
);

test("C4: a durable record's number is never used twice; a buffered one's may be, if the power takes the record", async () => {
  await cutPowerEverywhere({
    work: async (store, acknowledge) => {
      const session = await store.session("chat");
      acknowledge(String((await session.append(message(0))).sequence));
      await session.append(message(1), { durability: "buffered" });
      await session.append(message(2), { durability: "buffered" });
      acknowledge(String((await session.append(message(3))).sequence));
      await session.append(message(4), { durability: "buffered" });
      await session.flush();
      acknowledge("4");
    },
    check: async ({ machine, acknowledged, story }) => {
      await withStore(machine, async (store) => {
        const session = await store.session("chat");
        const there = await sequences(session);
        assert.deepEqual(there, there.map((_, index) => index), story);
        const { sequence } = await session.append(message(9));
        assert.ok(!acknowledged.has(String(sequence)), `number ${sequence}: ${story}`);
        assert.equal(sequence, there.length, story);
      });
    },
  });
});

test("C5: a reader may show what the power then takes; a session open for writing only what survives (I6)", async () => {
  const machine = new SimulatedFileSystem({ model: "weak" });
  const writer = await openStore(storeDirectory, { fileSystem: machine });
  const session = await writer.session("chat");
  await session.append(message(0));
  await session.append(message(1), { durability: "buffered" });
  const killed = machine.kill();
  const reader = await openStore(storeDirectory, { fileSystem: killed, readOnly: true });
  assert.deepEqual(await activeContents(reader, "chat"), ["message 0", "message 1"]);
  const afterCut = killed.clone().crash();
  await withStore(afterCut, async (store) => assert.deepEqual(await activeContents(store, "chat"), ["message 0"]));
  const next = await openStore(storeDirectory, { fileSystem: killed });
  await (await next.session("chat")).append(message(2));
  assert.deepEqual(await activeContents(next, "chat"), ["message 0", "message 1", "message 2"]);
  await withStore(killed.crash(), async (store) => {
    assert.deepEqual(await activeContents(store, "chat"), ["message 0", "message 1", "message 2"]);
  });
});

simulatedTest(
  "C6: a follower goes on by number through compaction, replace and a deletion, and never goes back",
  async (bench, machine) => {
    const session = await bench.openSession();
    await appendMessages(session, 0, 3);
    const reader = await openStore(bench.directory, { fileSystem: machine.anotherProcess(), readOnly: true });
    const seen: string[] = [];
    let wake = (): void => {};
    const ended = (async () => {
      for await (const { sequence, record } of (await reader.session("chat")).records({ follow: true })) {
        seen.push(`${sequence}:${record["content"]}`);
        wake();
      }
    })();
    const until = async (count: number): Promise<void> => {
      while (seen.length < count) await new Promise<void>((resolve) => wake = resolve);
    };
    await until(3);
    await session.truncate(1);
    await session.compact();
    await session.append(message(3));
    await until(4);
    await session.replace([message(10), message(11)]);
    await until(6);
    await session.append(message(12));
    await until(7);
    assert.deepEqual(seen, [
      ...[0, 1, 2, 3].map((number) => `${number}:message ${number}`),
      "4:message 10",
      "5:message 11",
      "6:message 12",
    ]);
    await bench.closeAll();
    await (await bench.open()).delete("chat");
    await ended;
    assert.equal(seen.length, 7);
    await reader.close();
  },
);

test("C7: a rejected append leaves no trace and never comes back behind a later one, at any power cut", async () => {
  for (const bytes of [1, 60, 130]) {
    await cutPowerEverywhere({
      work: async (_store, acknowledge, machine) => {
        const port = new FaultyFileSystem(machine, {
          failAt: 2,
          fault: { kind: "short-write", bytes, code: "ENOSPC" },
          filter: ({ path }) => path.endsWith("chat.jsonl"),
        });
        const faulty = await openStore(storeDirectory, { fileSystem: port, preallocate: false });
        const session = await faulty.session("chat");
        await session.append(message(0));
        const group = await Promise.allSettled(messages(1, 4).map((record) => session.append(record)));
        assert.deepEqual(group.map(({ status }) => status), ["rejected", "rejected", "rejected"]);
        acknowledge("rejected");
        await session.append(message(7));
        acknowledge("7");
        await faulty.close();
      },
      check: async ({ machine, acknowledged, story }) => {
        await withStore(machine, async (store) => {
          const found = await activeContents(store, "chat");
          if (!acknowledged.has("rejected")) return;
          const allowed = acknowledged.has("7") || found.length > 1 ? ["message 0", "message 7"] : ["message 0"];
          assert.deepEqual(found, allowed, story);
        });
      },
    });
  }
});

simulatedTest(
  "C8: recordId: appends in flight settle together, batches may overlap, and the reach is bounded",
  async (bench) => {
    const session = await bench.openSession("chat", { recordId, recordIdReach: 3 });
    const [first, second, batch] = await Promise.all([
      session.append({ id: "a" }),
      session.append({ id: "a" }),
      session.appendAll([{ id: "b" }, { id: "a" }, { id: "c" }]),
    ]);
    assert.deepEqual([first, second], [{ sequence: 0, duplicate: false }, { sequence: 0, duplicate: true }]);
    assert.deepEqual(batch, [
      { sequence: 1, duplicate: false },
      { sequence: 0, duplicate: true },
      { sequence: 2, duplicate: false },
    ]);
    for (let number = 0; number < 9; number++) await session.append({ id: `n${number}` });
    assert.equal((await session.append({ id: "n8" })).duplicate, true);
    assert.equal((await session.append({ id: "a" })).duplicate, false, "too long ago");
  },
);

simulatedTest(
  "H8: a gap in front of a foreign line is settled once; a second open writes nothing to the log",
  async (bench) => {
    // A torn group of two: the first line lost its end, the second stands behind it, then picoclaw's.
    const group = new LogBuilder("chat").own('{"c":0}').own('{"c":1}').own('{"c":2}', "~");
    const second = group.bytes().subarray(group.lines[2]?.offset);
    const torn = new LogBuilder("chat").own('{"c":0}').raw('{"c":1,\n').raw(second).fillTo(1500).foreign('{"c":"p"}');
    await place(bench, torn.bytes());
    const { sequence } = await (await bench.openSession()).append({ c: "ours" });
    const reader = await bench.openSession("chat", { readOnly: true });
    assert.deepEqual((await reader.history()).map(({ c }) => c), [0, "p", "ours"]);
    await bench.closeAll();
    const log = latin1(await bench.read("chat.jsonl"));
    const quarantine = await bench.names("/chat.quarantine");
    for (let open = 1; open < 4; open++) {
      const session = await bench.openSession();
      assert.equal((await session.append({ c: "more" })).sequence, sequence + open);
      await bench.closeAll();
    }
    assert.ok(latin1(await bench.read("chat.jsonl")).startsWith(log));
    assert.deepEqual(await bench.names("/chat.quarantine"), quarantine);
    assert.equal(bench.eventTypes().filter((type) => type === "torn-tail").length, quarantine.length);
  },
);

simulatedTest(
  "H9, A6: a damaged foreign line shifts no number, and hides nothing more from picoclaw",
  async (bench) => {
    const lines = ['{"c":0}', '{"c":1', "   ", '{"c":3}', '{"c":4}'];
    await place(bench, lines.map((line) => `${line}\n`).join(""));
    const session = await bench.openSession();
    const before = await sequences(session);
    assert.deepEqual((await session.history()).map(({ c }) => c), [0, 3, 4]);
    await session.truncate(2);
    assert.deepEqual(await sequences(session), before.slice(1));
    assert.equal((await bench.meta("chat"))["skip"], 3);
    const { sequence } = await session.append({ c: 5 });
    assert.equal(sequence, (before.at(-1) ?? 0) + 1);
  },
);

test("H11: a reader that meets a record half-written, and then what follows it, calls nothing damaged", async () => {
  const log = new LogBuilder("chat").own('{"c":0}').own(textForLine(2000, 1)).own('{"c":2}').own('{"c":3}');
  const bytes = log.bytes();
  const [, half] = log.lines;
  for (const written of [1, 30, 1000, 1998]) {
    for (let at = 0;; at++) {
      const machine = new SimulatedFileSystem();
      await withStore(machine, async (store) => await (await store.session("chat")).setSummary("s"));
      const file = await machine.open(`${storeDirectory}/chat.jsonl`, { access: "write", create: "exclusive" });
      await file.write(bytes.subarray(0, (half?.offset ?? 0) + written), 0);
      const readerPort = new WatchedFileSystem(machine.anotherProcess());
      const events: string[] = [];
      const options = {
        fileSystem: readerPort,
        readOnly: true,
        onEvent: ({ type }: { type: string }) => events.push(type),
      };
      await using reader = await openStore(storeDirectory, options);
      const session = await reader.session("chat");
      let count = 0;
      readerPort.onCall = async () => {
        if (count++ === at) await file.write(bytes, 0);
      };
      const history = await session.history();
      readerPort.onCall = null;
      assert.ok(history.length === 1 || history.length === 4, `${history.length} records, call ${at}`);
      assert.deepEqual(events, [], `call ${at}`);
      await file.close();
      if (count <= at) break;
      assert.equal((await session.history()).length, 4);
    }
  }
});
