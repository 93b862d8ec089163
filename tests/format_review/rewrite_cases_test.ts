/**
 * Counterexamples to earlier drafts that are about truncation, compaction, replace, delete and first creation.
 *
 * @module
 */
import { test } from "node:test";
import assert from "node:assert/strict";
import { openStore } from "../../mod.ts";
import type { SimulatedFileSystem } from "../../src/testing/mod.ts";
import { LogBuilder } from "../log/log_fixture.ts";
import { appendMessages, message, messages, sequences, simulatedTest } from "../store/store_fixture.ts";
import { WatchedFileSystem } from "../store/watched_filesystem.ts";
import { activeContents, allContents, cutPowerEverywhere, storeDirectory, withStore } from "./power_cuts.ts";

const contents = (from: number, end: number): string[] => messages(from, end).map(({ content }) => String(content));

simulatedTest("B1: append 3, truncate(0), compact, lose the meta file: no number is used again", async (bench) => {
  const session = await bench.openSession();
  await appendMessages(session, 0, 3);
  await session.truncate(0);
  await session.compact();
  assert.deepEqual(await sequences(session, { all: true }), [2], "the last record stays, hidden");
  assert.deepEqual(await session.history(), []);
  await bench.closeAll();
  await bench.port.unlink(bench.path("chat.meta.json"));
  const again = await bench.openSession();
  assert.equal((await again.append(message(3))).sequence, 3);
  await again.replace([]);
  await again.compact();
  await bench.closeAll();
  await bench.port.unlink(bench.path("chat.meta.json"));
  assert.equal((await (await bench.openSession()).append(message(4))).sequence, 4);
});

simulatedTest("B1: a picoclaw that writes the meta file in between changes nothing about that", async (bench) => {
  const session = await bench.openSession();
  await appendMessages(session, 0, 3);
  await session.truncate(0);
  await session.compact();
  await bench.closeAll();
  const { holdfast: _, ...meta } = await bench.meta("chat");
  await bench.write("chat.meta.json", JSON.stringify({ ...meta, count: 2 }, null, 2));
  await bench.appendTo("chat.jsonl", '{"role":"user","content":"message 3"}\n');
  const again = await bench.openSession();
  assert.deepEqual(await sequences(again), [3]);
  assert.equal((await again.append(message(4))).sequence, 4);
});

test("B2: a truncation over buffered records, at any power cut: nothing that is appended later is hidden", async () => {
  const tried = await cutPowerEverywhere({
    prepare: async (store) => await appendMessages(await store.session("chat"), 0, 3),
    work: async (store) => {
      const session = await store.session("chat");
      await session.append(message(3), { durability: "buffered" });
      await session.truncate(0);
      await session.append(message(4), { durability: "buffered" });
      await session.truncate(0, { summary: "s" });
    },
    check: async ({ machine, story }) => {
      await withStore(machine, async (store) => {
        const session = await store.session("chat");
        await session.append(message(9));
        const active = await activeContents(store, "chat");
        assert.equal(active.at(-1), "message 9", story);
      });
      await withStore(machine, async (store) => {
        assert.equal((await activeContents(store, "chat")).at(-1), "message 9", story);
      });
    },
  });
  assert.ok(tried > 10);
});

simulatedTest(
  "B2: an older log restored beside a newer meta file is reported, and hides nothing that is new",
  async (bench) => {
    const session = await bench.openSession();
    await appendMessages(session, 0, 3);
    const older = await bench.read("chat.jsonl");
    await appendMessages(session, 3, 10);
    await session.truncate(0);
    await bench.closeAll();
    await bench.write("chat.jsonl", older);
    const again = await bench.openSession();
    assert.deepEqual(await again.history(), []);
    assert.equal((await again.append(message(10))).sequence, 10);
    assert.deepEqual(await sequences(again), [10]);
    assert.ok(bench.eventTypes().includes("first-beyond-end"));
    assert.equal((await bench.meta("chat"))["skip"], 3, "nor from picoclaw");
    await bench.closeAll();
    assert.deepEqual(await sequences(await bench.openSession()), [10]);
  },
);

test("B3: delete at any power cut is done or not done, and leaves nothing of the former life to the next", async () => {
  let deleted = 0;
  await cutPowerEverywhere({
    prepare: async (store) => {
      const session = await store.session("chat");
      await appendMessages(session, 0, 4);
      await session.truncate(2, { summary: "sum" });
      await session.update({ title: "t" });
    },
    work: async (store, acknowledge) => {
      await store.delete("chat");
      acknowledge("deleted");
      await (await store.session("chat")).append(message(7));
      acknowledge("recreated");
    },
    check: async ({ machine, acknowledged, story }) => {
      await withStore(machine, async (store) => {
        const all = await allContents(store, "chat");
        const session = await store.session("chat");
        const [info] = await store.list();
        if (all.includes("message 7")) {
          assert.deepEqual([all, session.summary, info?.title], [["message 7"], "", null], story);
        } else if (await store.has("chat") && all.length > 0) {
          assert.ok(!acknowledged.has("deleted"), story);
          assert.deepEqual([all, session.summary, info?.title], [contents(0, 4), "sum", "t"], story);
          assert.deepEqual(await activeContents(store, "chat"), contents(2, 4), story);
        } else {
          deleted++;
          assert.ok(!acknowledged.has("recreated"), story);
          assert.deepEqual([all, session.summary, info?.title ?? null], [[], "", null], story);
        }
        await session.append(message(8));
        assert.equal((await activeContents(store, "chat")).at(-1), "message 8", story);
      });
    },
  });
  assert.ok(deleted > 0);
});

simulatedTest("B3: what was quarantined in a former life is gone with it", async (bench) => {
  const torn = new LogBuilder("chat").own('{"content":"a"}').raw('{"content":"torn').bytes();
  await bench.port.makeDirectory(bench.directory, 0o700);
  await bench.write("chat.jsonl", torn);
  const session = await bench.openSession();
  await session.append(message(1));
  assert.equal((await bench.names("/chat.quarantine")).length, 1);
  const store = await bench.open();
  await bench.closeAll();
  await (await bench.open()).delete("chat");
  void store;
  assert.deepEqual(await bench.names(), []);
});

/** Reads with a port of its own at each of the writer's calls, and at each of its own calls lets the writer work. */
async function readBetweenCalls(machine: SimulatedFileSystem, look: (seen: string[]) => void): Promise<number> {
  const writerPort = new WatchedFileSystem(machine);
  await using store = await openStore(storeDirectory, { fileSystem: writerPort });
  const session = await store.session("chat");
  let looks = 0;
  const watch = async (step: () => Promise<unknown>): Promise<void> => {
    let reading = false;
    writerPort.onCall = async () => {
      if (reading) return;
      reading = true;
      await using reader = await openStore(storeDirectory, { fileSystem: machine.anotherProcess(), readOnly: true });
      look(await activeContents(reader, "chat"));
      looks++;
      reading = false;
    };
    await step();
    writerPort.onCall = null;
  };
  await watch(() => session.replace([message(10), message(11)], { summary: "ten" }));
  await watch(() => session.truncate(1));
  await watch(() => session.compact());
  await watch(() => session.replace([message(20)]));
  return looks;
}

simulatedTest(
  "B4: a reader between any two calls of a replace sees the old history or the new, with its summary",
  async (bench, machine) => {
    await appendMessages(await bench.openSession(), 0, 3);
    await bench.closeAll();
    const allowed = [contents(0, 3), contents(10, 12), contents(11, 12), contents(20, 21)];
    let stage = 0;
    const looks = await readBetweenCalls(machine, (seen) => {
      const found = allowed.findIndex((history) => history.join() === seen.join());
      assert.ok(found >= stage, `${JSON.stringify(seen)} after stage ${stage}`);
      stage = found;
    });
    assert.ok(looks > 20);
    assert.equal(stage, 3);
  },
);

simulatedTest(
  "B4: a reader that is overtaken at any of its calls by a replace and a truncation sees the old or the new",
  async (bench, machine) => {
    const session = await bench.openSession();
    const readerPort = new WatchedFileSystem(machine.anotherProcess());
    let calls = Infinity;
    for (let at = 0; at < calls; at++) {
      await session.replace(messages(at * 10, at * 10 + 3), { summary: `${at}` });
      await using reader = await openStore(storeDirectory, { fileSystem: readerPort, readOnly: true });
      const old = contents(at * 10, at * 10 + 3);
      const next = contents(at * 10 + 6, at * 10 + 8);
      let count = 0;
      readerPort.onCall = async () => {
        if (count++ !== at) return;
        await session.replace(messages(at * 10 + 5, at * 10 + 8), { summary: `${at}.5` });
        // What the meta file hides now is more than the old log has.
        await session.truncate(2);
      };
      const view = await reader.session("chat");
      const seen = (await view.history()).map(({ content }) => String(content));
      readerPort.onCall = null;
      assert.ok([old, next].some((one) => one.join() === seen.join()), `call ${at}: ${seen}`);
      if (count <= at) calls = at;
    }
    assert.ok(calls > 10);
  },
);

test("B5: compaction, then an append: at any power cut the acknowledged record is there, and what was truncated is not", async () => {
  await cutPowerEverywhere({
    prepare: async (store) => {
      const session = await store.session("chat");
      await appendMessages(session, 0, 5);
      await session.truncate(2);
    },
    work: async (store, acknowledge) => {
      const session = await store.session("chat");
      await session.compact();
      await session.append(message(5));
      acknowledge("5");
    },
    check: async ({ machine, acknowledged, story }) => {
      await withStore(machine, async (store) => {
        const active = await activeContents(store, "chat");
        const expected = contents(3, acknowledged.has("5") || active.length > 2 ? 6 : 5);
        assert.deepEqual(active, expected, story);
      });
    },
  });
});

test("I8, B5: replace, then an append: at any power cut old or new with its summary, and what was acknowledged", async () => {
  await cutPowerEverywhere({
    prepare: async (store) => {
      const session = await store.session("chat");
      await appendMessages(session, 0, 4);
      await session.truncate(2, { summary: "old" });
    },
    work: async (store, acknowledge) => {
      const session = await store.session("chat");
      await session.replace(messages(10, 13), { summary: "new" });
      acknowledge("replaced");
      await session.append(message(13));
      acknowledge("13");
    },
    check: async ({ machine, acknowledged, story }) => {
      for (let open = 0; open < 2; open++) {
        await withStore(machine, async (store) => {
          const active = await activeContents(store, "chat");
          const { summary } = await store.session("chat");
          if (summary === "old" && !acknowledged.has("replaced")) {
            return assert.deepEqual(active, contents(2, 4), story);
          }
          assert.equal(summary, "new", story);
          const isAppended = acknowledged.has("13") || active.length > 3;
          assert.deepEqual(active, contents(10, isAppended ? 14 : 13), story);
          // The first open settles it; the second must find the same.
          await (await store.session("chat")).setSummary(summary + "");
        });
      }
    },
  });
});

test("H10: killed between a rename and its directory sync, opened again, appended, power cut: the append is there", async () => {
  for (const edit of ["compact", "replace"] as const) {
    await withMachine(async (machine) => {
      const renamed: SimulatedFileSystem[] = [];
      machine.onStep = (_, doing) => {
        if (doing.startsWith("after rename") && doing.includes("chat.log.tmp")) renamed.push(machine.clone());
      };
      await withStore(machine, async (store) => {
        const session = await store.session("chat");
        await appendMessages(session, 0, 4);
        await session.truncate(1);
        if (edit === "compact") await session.compact();
        else await session.replace([message(8)]);
      });
      const killed = renamed[0];
      assert.ok(killed !== undefined, `no rename of a new log in ${edit}`);
      // The next process on the same machine; its store is not closed before the power goes.
      const store = await openStore(storeDirectory, { fileSystem: killed });
      await (await store.session("chat")).append(message(9));
      await withStore(killed.crash(), async (after) => {
        const kept = edit === "compact" ? "message 3" : "message 8";
        assert.deepEqual(await activeContents(after, "chat"), [kept, "message 9"], edit);
      });
    });
  }
});

simulatedTest(
  "H12: a replace that failed lends its summary to no other log, also after a compaction",
  async (bench) => {
    const session = await bench.openSession();
    await appendMessages(session, 0, 3);
    bench.port.failNext(({ method, path }) => method === "rename" && path.endsWith(".log.tmp"), "EIO");
    await assert.rejects(session.replace([message(3), message(4)], { summary: "stale" }), { code: "failed" });
    await bench.closeAll();
    const again = await bench.openSession();
    assert.equal(again.summary, "");
    assert.equal((await again.append(message(3))).sequence, 3);
    assert.ok(bench.eventTypes().includes("replace-discarded"));
    await again.truncate(1);
    await again.compact();
    await bench.closeAll();
    const last = await bench.openSession();
    assert.deepEqual(await sequences(last, { all: true }), [3], "the number that the replace would have begun with");
    assert.equal(last.summary, "");
  },
);

simulatedTest(
  "H12: the first replace of a session fails, and the same record is appended instead: no summary comes with it",
  async (bench) => {
    const session = await bench.openSession();
    bench.port.failNext(({ method, path }) => method === "rename" && path.endsWith(".log.tmp"), "EIO");
    await assert.rejects(session.replace([message(0)], { summary: "stale" }), { code: "failed" });
    await bench.closeAll();
    const again = await bench.openSession();
    await again.append(message(0));
    assert.equal(again.summary, "");
    await bench.closeAll();
    assert.equal((await bench.openSession()).summary, "");
  },
);

test("C11: the first append of a session, at any power cut: all or nothing, and never a log whose key is lost", async () => {
  await cutPowerEverywhere({
    work: async (store, acknowledge) => {
      await (await store.session("a:b")).append(message(0));
      acknowledge("0");
    },
    check: async ({ machine, acknowledged, story }) => {
      await withStore(machine, async (store) => {
        const active = await activeContents(store, "a:b");
        if (acknowledged.has("0")) assert.deepEqual(active, ["message 0"], story);
        assert.ok(active.length <= 1, story);
        for (const { key } of await store.list()) assert.equal(key, "a:b", story);
        assert.deepEqual(await activeContents(store, "a_b"), [], story);
        assert.equal((await (await store.session("a:b")).append(message(1))).sequence, active.length, story);
      });
    },
  });
});

simulatedTest("C11: a meta file without a log is a session without records", async (bench) => {
  await (await bench.openSession()).setSummary("s");
  await bench.closeAll();
  const session = await bench.openSession();
  assert.deepEqual([await session.history(), session.summary], [[], "s"]);
  assert.equal((await session.append(message(0))).sequence, 0);
});

simulatedTest(
  "C12: compaction launders nothing: what was foreign or unverified stays marked, what was damaged goes",
  async (bench) => {
    const log = new LogBuilder("chat").own('{"c":0}').foreign('{"c":1}').own('{"c":2}', "", 2).own('{"c":3}', "", 3);
    const bytes = log.bytes();
    const edited = bytes.slice();
    // A foreign line that was edited by hand: its neighbour cannot be anchored.
    edited[(log.lines[1]?.offset ?? 0) + 5] = 0x37;
    await bench.port.makeDirectory(bench.directory, 0o700);
    const damaged = '{"c":9,"#":"4 0000ZZZZ"}\n';
    await bench.write("chat.jsonl", new TextDecoder().decode(edited) + damaged + '{"c":5}\n');
    const session = await bench.openSession();
    const before = await session.verify();
    assert.deepEqual([before.verified, before.foreign, before.unverified, before.damaged.length], [2, 2, 1, 1]);
    await session.append({ c: 6 });
    const history = await session.history();
    await session.compact();
    assert.deepEqual(await session.history(), history);
    const after = await session.verify();
    assert.deepEqual([after.verified, after.foreign, after.unverified, after.damaged.length], [3, 3, 0, 0]);
    const marks = [...(await bench.text("chat.jsonl")).matchAll(/"#":"(\S+) /g)].map((match) => match[1]);
    assert.deepEqual(marks, ["0", "1?", "2?", "3", "5?", "6"]);
    const [name = ""] = await bench.names("/chat.quarantine");
    assert.equal(await bench.text(`chat.quarantine/${name}`), damaged.trim());
  },
);

async function withMachine(run: (machine: SimulatedFileSystem) => Promise<void>): Promise<void> {
  const { SimulatedFileSystem } = await import("../../src/testing/mod.ts");
  await run(new SimulatedFileSystem({ model: "weak" }));
}
