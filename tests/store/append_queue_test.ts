/**
 * When appends resolve, what shares a sync, and what a flush does at any moment.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openStore, type Session } from "../../mod.ts";
import { crashStates, type PortCall, SimulatedFileSystem } from "../../src/testing/mod.ts";
import { hasCode, message, messages, simulatedTest, storeTest } from "./store_fixture.ts";

const ofLog = (method: PortCall["method"]) => (call: PortCall) =>
  call.method === method && call.path.endsWith(".jsonl");

/** The history after a power cut that keeps only what was synced. */
async function afterPowerCut(machine: SimulatedFileSystem, key = "chat"): Promise<unknown[]> {
  const store = await openStore("/sessions", { fileSystem: machine.clone().crash(), readOnly: true });
  return await (await store.session(key)).history();
}

simulatedTest("Session.append() resolves when the record survives a power cut (I1)", async (bench, machine) => {
  const chat = await bench.openSession();
  for (let number = 0; number < 4; number++) {
    await chat.append(message(number));
    assert.deepEqual(await afterPowerCut(machine), messages(0, number + 1));
  }
  await chat.appendAll(messages(4, 7));
  assert.deepEqual(await afterPowerCut(machine), messages(0, 7));
});

simulatedTest(
  "Session.append() buffered resolves without a sync, and flush() makes it durable (I1)",
  async (bench, machine) => {
    const store = await bench.open({ durability: "buffered" });
    const chat = await store.session("chat");
    await chat.append(message(0));
    await chat.append(message(1));
    assert.equal(store.counters.syncs, 1, "only the meta file's");
    assert.deepEqual(await afterPowerCut(machine), []);
    await chat.flush();
    assert.deepEqual(await afterPowerCut(machine), messages(0, 2));
    const { syncs } = store.counters;
    await chat.flush();
    await store.flush();
    store.flushSync();
    assert.equal(store.counters.syncs, syncs, "a flush of what is durable costs nothing");
  },
);

simulatedTest("durability as a function lets a record ride along with the next durable one", async (bench, machine) => {
  const durability = (record: { kind?: unknown }) => record.kind === "telemetry" ? "buffered" : "durable";
  const chat = await bench.openSession("chat", { durability });
  const [telemetry, text] = [{ kind: "telemetry" }, { kind: "text" }];
  await chat.append(text);
  await chat.append(telemetry);
  assert.deepEqual(await afterPowerCut(machine), [text]);
  await chat.append(text);
  assert.deepEqual(await afterPowerCut(machine), [text, telemetry, text]);
  await chat.appendAll([telemetry, telemetry]);
  assert.deepEqual((await afterPowerCut(machine)).length, 3);
  await chat.append(telemetry, { durability: "durable" });
  assert.deepEqual((await afterPowerCut(machine)).length, 6);
  await chat.append(text, { durability: "buffered" });
  assert.deepEqual((await afterPowerCut(machine)).length, 6);
  await chat.appendAll([telemetry, text]);
  assert.deepEqual((await afterPowerCut(machine)).length, 9);
});

simulatedTest("durability as a function that returns nonsense is a TypeError", async (bench) => {
  const chat = await bench.openSession("chat", { durability: () => JSON.parse('"often"') });
  await assert.rejects(chat.append(message(0)), TypeError);
  assert.deepEqual(await bench.names(), []);
});

simulatedTest("SessionStore.close() makes buffered records durable", async (bench, machine) => {
  const store = await bench.open({ durability: "buffered" });
  await (await store.session("a")).append(message(0));
  await (await store.session("b")).append(message(1));
  await store.close();
  assert.deepEqual(await afterPowerCut(machine, "a"), messages(0, 1));
  assert.deepEqual(await afterPowerCut(machine, "b"), messages(1, 2));
});

simulatedTest("SessionStore.flush() makes every session durable", async (bench, machine) => {
  const store = await bench.open({ durability: "buffered" });
  for (const key of ["a", "b", "c"]) await (await store.session(key)).append(message(0));
  const pending = (await store.session("c")).append(message(1));
  await store.flush();
  for (const key of ["a", "b"]) assert.deepEqual(await afterPowerCut(machine, key), messages(0, 1));
  assert.deepEqual(await afterPowerCut(machine, "c"), messages(0, 2));
  await pending;
});

simulatedTest(
  "Session.append(): calls that wait for a sync are written together and share the next one",
  async (bench) => {
    const store = await bench.open({ preallocate: false });
    const chat = await store.session("chat");
    await chat.append(message(0));
    const gate = bench.port.holdNext(ofLog("syncData"));
    const { writes, syncs } = store.counters;
    const first = chat.append(message(1));
    await gate.reached;
    const waiting = [2, 3, 4, 5].map((number) => chat.append(message(number)));
    const batch = chat.appendAll(messages(6, 8));
    gate.open();
    assert.equal((await first).sequence, 1);
    assert.deepEqual((await Promise.all(waiting)).map(({ sequence }) => sequence), [2, 3, 4, 5]);
    assert.deepEqual((await batch).map(({ sequence }) => sequence), [6, 7]);
    assert.equal(store.counters.writes - writes, 2);
    assert.equal(store.counters.syncs - syncs, 2);
  },
);

simulatedTest("flushSync() writes what waits, and what is being written (I1)", async (bench, machine) => {
  const store = await bench.open();
  const chat = await store.session("chat");
  await chat.append(message(0));
  for (const method of ["syncData", "write", "stat"] as const) {
    const count = (await chat.history()).length;
    const gate = bench.port.holdNext(ofLog(method));
    const first = chat.append(message(count));
    await gate.reached;
    const waiting = [chat.append(message(count + 1)), chat.append(message(count + 2))];
    store.flushSync();
    assert.deepEqual(await afterPowerCut(machine), messages(0, count + 3), `held in ${method}`);
    gate.open();
    const receipts = await Promise.all([first, ...waiting]);
    assert.deepEqual(receipts.map(({ sequence }) => sequence), [count, count + 1, count + 2]);
    assert.deepEqual(await chat.history(), messages(0, count + 3), `held in ${method}`);
  }
  assert.equal((await chat.verify()).ok, true);
});

simulatedTest("flushSync() right after append() in the same turn makes it durable", async (bench, machine) => {
  const store = await bench.open();
  const chat = await store.session("chat");
  await chat.append(message(0));
  const pending = chat.append(message(1));
  store.flushSync();
  assert.deepEqual(await afterPowerCut(machine), messages(0, 2));
  assert.equal((await pending).sequence, 1);
  await chat.append(message(2));
  assert.deepEqual(await afterPowerCut(machine), messages(0, 3));
});

simulatedTest("flushSync() makes buffered records durable", async (bench, machine) => {
  const store = await bench.open({ durability: "buffered" });
  const chat = await store.session("chat");
  await chat.append(message(0));
  await chat.append(message(1));
  store.flushSync();
  assert.deepEqual(await afterPowerCut(machine), messages(0, 2));
});

simulatedTest("flushSync() of a session that is not open yet throws, and the append goes on", async (bench) => {
  const store = await bench.open();
  const chat = await store.session("chat");
  store.flushSync();
  const pending = chat.append(message(0));
  assert.throws(() => store.flushSync(), hasCode("io"));
  assert.equal((await pending).sequence, 0);
  store.flushSync();
});

simulatedTest(
  "flushSync() during a rewrite throws; other sessions are flushed; nothing is lost",
  async (bench, machine) => {
    const store = await bench.open();
    const chat = await store.session("chat");
    const other = await store.session("other");
    await chat.appendAll(messages(0, 3));
    await other.append(message(0));
    const gate = bench.port.holdNext((call) => call.method === "rename" && call.path.endsWith(".log.tmp"));
    const replacing = chat.replace(messages(10, 12));
    await gate.reached;
    const pending = chat.append(message(12));
    const others = other.append(message(1));
    assert.throws(() => store.flushSync(), hasCode("io"));
    assert.deepEqual(await afterPowerCut(machine, "other"), messages(0, 2));
    gate.open();
    await Promise.all([replacing, pending, others]);
    assert.deepEqual(await chat.history(), messages(10, 13));
  },
);

simulatedTest(
  "flushSync() writes what was called before a truncate, which waits, and says that the rest could not be",
  async (bench, machine) => {
    const store = await bench.open();
    const chat = await store.session("chat");
    await chat.appendAll(messages(0, 3));
    const pending = [chat.append(message(3)), chat.truncate(1), chat.append(message(4))];
    assert.throws(() => store.flushSync(), hasCode("io"));
    assert.deepEqual(await afterPowerCut(machine), messages(0, 4));
    await Promise.all(pending);
    assert.deepEqual(await chat.history(), messages(3, 5));
  },
);

simulatedTest(
  "flushSync() that fails makes the session fail: nothing that waits is acknowledged (I13)",
  async (bench) => {
    const store = await bench.open();
    const chat = await store.session("chat");
    await chat.append(message(0));
    const pending = chat.append(message(1));
    bench.port.failNext(ofLog("syncData"), "EIO");
    assert.throws(() => store.flushSync(), hasCode("failed"));
    await assert.rejects(pending, hasCode("failed"));
    assert.equal(chat.status, "failed");
    assert.throws(() => store.flushSync(), hasCode("failed"));
    await assert.rejects(chat.append(message(2)), hasCode("failed"));
    assert.deepEqual(bench.eventTypes(), ["session-failed"]);
  },
);

storeTest("Session.flush() waits for what was called before it", async (bench) => {
  const chat: Session = await bench.openSession("chat", { durability: "buffered" });
  const settled: string[] = [];
  const pending = [0, 1, 2].map((number) => chat.append(message(number)).then(() => settled.push(`append ${number}`)));
  await chat.flush().then(() => settled.push("flush"));
  await Promise.all(pending);
  assert.deepEqual(settled, ["append 0", "append 1", "append 2", "flush"]);
});

simulatedTest(
  "Session.append() of more than fits into one group keeps order, and no more than 1 MiB is unsynced (I18)",
  async (bench, machine) => {
    const store = await bench.open({ durability: "buffered" });
    const chat = await store.session("chat");
    const large = (index: number) => ({ index, text: "x".repeat(300_000) });
    await Promise.all(Array.from({ length: 20 }, async (_, index) => await chat.append(large(index))));
    const durable = await afterPowerCut(machine);
    assert.ok(durable.length >= 16, `${durable.length} of 20 are durable`);
    assert.deepEqual(await chat.history(), Array.from({ length: 20 }, (_, index) => large(index)));
  },
);

simulatedTest(
  "flushSync() between any two steps of a truncate loses nothing, and picoclaw's skip and count stay right",
  async (bench) => {
    for (let step = 0;; step++) {
      const key = `chat${step}`;
      // Reopened, so that the number of lines is not known yet.
      const first = await bench.openSession(key);
      for (let number = 0; number < 6; number++) await first.append(message(number));
      await bench.closeAll();
      const store = await bench.open();
      const chat = await store.session(key);
      await chat.append(message(6));
      let calls = 0;
      const appended: Promise<unknown>[] = [];
      let refused = 0;
      bench.port.onCall = () => {
        if (calls++ !== step) return;
        appended.push(chat.append(message(7)));
        try {
          store.flushSync();
        } catch (error) {
          hasCode("io")(error);
          refused++;
        }
      };
      await chat.truncate(2, { summary: "s" });
      bench.port.onCall = null;
      await Promise.all(appended);
      await chat.update({ title: "t" });
      assert.deepEqual(await chat.history(), messages(5, 7 + appended.length), `step ${step}`);
      const meta = await bench.meta(key);
      const lines = (await bench.text(`${key}.jsonl`)).trimEnd().split("\n");
      assert.equal(meta["skip"], 5, `skip, step ${step}`);
      assert.equal(meta["count"], lines.length, `count, step ${step}`);
      const { sealed } = meta.holdfast;
      assert.ok(typeof sealed === "object" && sealed !== null && "count" in sealed && "bytes" in sealed);
      const before = (await bench.text(`${key}.jsonl`)).slice(0, Number(sealed.bytes));
      assert.equal(sealed.count, before.split("\n").length - 1, `sealed count, step ${step}`);
      await bench.closeAll();
      if (appended.length === 0) break;
      assert.ok(refused <= 1);
    }
  },
);

for (const sectorBytes of [512, 4096] as const) {
  test(`I5: a batch is there whole or not at all, whatever a power cut leaves of its ${sectorBytes}-byte sectors`, async () => {
    const machine = new SimulatedFileSystem({ model: "weak", sectorBytes });
    const store = await openStore("/sessions", { fileSystem: machine });
    const chat = await store.session("chat");
    await chat.append(message(0));
    const batch = [{ call: "x".repeat(700) }, { result: "y".repeat(900) }, { text: "z" }];
    const states: SimulatedFileSystem[] = [];
    const images = new Set<number>();
    machine.onStep = () => {
      for (const { choices } of crashStates(machine)) {
        const state = machine.clone().crash(choices);
        if (images.has(state.diskImageHash())) continue;
        images.add(state.diskImageHash());
        states.push(state);
      }
    };
    await chat.appendAll(batch);
    machine.onStep = undefined;
    const lengths = new Set<number>();
    for (const state of states) {
      await using after = await openStore("/sessions", { fileSystem: state });
      const again = await after.session("chat");
      const shown = await again.history();
      lengths.add(shown.length);
      assert.deepEqual(shown, shown.length === 1 ? [message(0)] : [message(0), ...batch]);
      assert.equal((await again.append(message(9))).sequence, shown.length);
      assert.deepEqual(await again.history(), [...shown, message(9)]);
    }
    assert.deepEqual([...lengths].sort(), [1, 4]);
  });
}
