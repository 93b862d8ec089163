import assert from "node:assert/strict";
import { test } from "node:test";
import { HoldfastError, openStore } from "../../mod.ts";
import { FaultyFileSystem, SimulatedFileSystem } from "../../src/testing/mod.ts";
import { BackgroundSaver, type SaveTarget } from "../../src/transcript/background_saver.ts";
import { SharedSession } from "../../src/transcript/pooled_session.ts";
import { hasCode, simulatedTest } from "../store/store_fixture.ts";

/** A session whose appends end as they are told to. */
class MadeUpSession implements SaveTarget {
  readonly log: string[] = [];
  holds = 0;
  /** Each append in turn: what it does before it says that nobody knows whether it did. */
  readonly doubts: ("done" | "not done")[] = [];

  appendTextAll(texts: readonly string[]): Promise<{ sequence: number }[]> {
    const doubt = this.doubts.shift();
    const first = this.log.length;
    if (doubt !== "not done") this.log.push(...texts);
    if (doubt !== undefined) return Promise.reject(new HoldfastError("failed", "nobody knows"));
    return Promise.resolve(texts.map((_, index) => ({ sequence: first + index })));
  }

  flushSync(): void {}

  appendTextAllSync(texts: readonly string[]): { sequence: number }[] {
    this.log.push(...texts);
    return [{ sequence: this.log.length - 1 }];
  }

  hold(): Promise<{ release(): void }> {
    this.holds++;
    return Promise.resolve({ release: () => void this.holds-- });
  }

  async *records(options: { from?: number }): ReturnType<SaveTarget["records"]> {
    for (const [sequence, text] of this.log.entries()) {
      if (sequence >= (options.from ?? 0)) yield { sequence, record: JSON.parse(text) };
    }
  }

  async *recordsBack(): ReturnType<SaveTarget["recordsBack"]> {
    const text = this.log.at(-1);
    if (text !== undefined) yield { sequence: this.log.length - 1, record: JSON.parse(text) };
  }
}

async function openSaver(session: SaveTarget): Promise<BackgroundSaver> {
  return await BackgroundSaver.open({
    open: () => Promise.resolve(session),
    stateRecord: () => ({ record: '{"state":1}', state: "1", isForced: false }),
    recordBytesMax: 1_000,
  });
}

test("O8: a save of unknown outcome is looked up behind what was known to be there, and written again only if it is not", async () => {
  for (const doubt of ["done", "not done"] as const) {
    const session = new MadeUpSession();
    const saver = await openSaver(session);
    saver.record({ n: 0 });
    await saver.forceSave();
    session.doubts.push(doubt, "not done");
    saver.record({ n: 0 });
    saver.record({ n: 1 });
    await assert.rejects(saver.forceSave(), hasCode("failed"));
    assert.equal(saver.isDirty, true);
    assert.throws(() => saver.flushSync(), hasCode("failed"));
    saver.record({ n: 2 });
    await assert.rejects(saver.forceSave(), hasCode("failed"));
    await saver.forceSave();
    assert.deepEqual(session.log, ['{"n":0}', '{"n":0}', '{"n":1}', '{"n":2}'], doubt);
    assert.equal(session.holds, 1);
    saver.end();
    assert.equal(session.holds, 0);
  }
});

test("BackgroundSaver.end() refuses while anything is not saved, and what is told behind it is refused", async () => {
  const session = new MadeUpSession();
  const saver = await openSaver(session);
  saver.touch();
  assert.throws(() => saver.end(), hasCode("io"));
  saver.flushSync();
  saver.flushSync();
  assert.deepEqual(session.log, ['{"state":1}']);
  saver.end();
  saver.end();
  assert.throws(() => saver.record({}), hasCode("closed"));
  assert.throws(() => saver.touch(), hasCode("closed"));
});

simulatedTest("SharedSession counts the checkpoints that were there before", async (bench) => {
  const store = await bench.open();
  const open = async () => await store.session("agent");
  const options = {
    open,
    recordBytesMax: 1_000,
    unsavedBytesMax: 1_000,
    now: () => new Date(0),
    changed: () => undefined,
  };
  for (let round = 0; round < 2; round++) {
    const shared = await SharedSession.open("agent", options);
    assert.equal(await shared.countCheckpoints(), round);
    await shared.setSnapshot(() => round);
    shared.touch("manual");
    await shared.saver.forceSave();
    assert.equal(await shared.countCheckpoints(), round + 1);
    shared.end();
    assert.equal(shared.isEnded, true);
  }
});

test("O8: flushSync() at any turn of a save whose write fails: nothing is lost, and nothing there twice", async () => {
  for (const code of ["ENOSPC", "EIO"]) {
    for (let turns = 0; turns < 50; turns++) {
      const machine = new SimulatedFileSystem();
      let isArmed = false;
      const fault = { kind: "error", code } as const;
      const fileSystem = new FaultyFileSystem(machine, {
        failAt: 1,
        fault,
        filter: ({ method, path }) => isArmed && method === "write" && path.endsWith(".jsonl"),
      });
      const store = await openStore("/sessions", { fileSystem });
      const session = await store.session("agent");
      await session.append({ n: 0 });
      const saver = await openSaver(session);
      saver.record({ n: 1 });
      isArmed = true;
      const saving = saver.forceSave().catch(() => undefined);
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      saver.record({ n: 2 });
      let isFlushed = true;
      try {
        saver.flushSync();
      } catch {
        isFlushed = false;
      }
      const left = await openStore("/sessions", { fileSystem: machine.clone().crash(), readOnly: true });
      const numbers = (await (await left.session("agent")).history()).map(({ n }) => n);
      if (isFlushed) assert.deepEqual(numbers, [0, 1, 2], `${code} at turn ${turns}`);
      else assert.deepEqual(numbers, [0, 1, 2].slice(0, numbers.length), `${code} at turn ${turns}`);
      await saving;
      await store.close().catch(() => undefined);
    }
  }
});
