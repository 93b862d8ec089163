/**
 * What is saved when a process ends, with an end that is made up. A real one: `tests/process/background_exit_test.ts`.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openStore } from "../../mod.ts";
import { BackgroundPool, type EndSignal, type ProcessEnd, saveOnExit } from "../../src/transcript/mod.ts";
import { simulatedTest } from "../store/store_fixture.ts";

/** The end of a process that goes on. */
class MadeUpEnd implements ProcessEnd {
  readonly raised: EndSignal[] = [];
  readonly #exits = new Set<() => void>();
  readonly #signals = new Map<EndSignal, Set<() => void>>();

  onExit(callback: () => void): () => void {
    this.#exits.add(callback);
    return () => void this.#exits.delete(callback);
  }

  onSignal(signal: EndSignal, callback: () => void): () => void {
    const callbacks = this.#signals.get(signal) ?? new Set();
    this.#signals.set(signal, callbacks.add(callback));
    return () => void callbacks.delete(callback);
  }

  raise(signal: EndSignal): void {
    this.raised.push(signal);
  }

  exit(): void {
    for (const callback of [...this.#exits]) callback();
  }

  send(signal: EndSignal): void {
    for (const callback of [...this.#signals.get(signal) ?? []]) callback();
  }

  get listeners(): number {
    return this.#exits.size + [...this.#signals.values()].reduce((sum, callbacks) => sum + callbacks.size, 0);
  }

  async ended(): Promise<void> {
    while (this.raised.length === 0) await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

simulatedTest(
  "O8: a signal saves everything, closes pool and store, and ends the process by that signal",
  async (bench) => {
    const store = await bench.open();
    const pool = new BackgroundPool(store, { saveIntervalMs: Infinity });
    const end = new MadeUpEnd();
    saveOnExit(pool, { processEnd: end, closed: () => store.close() });
    const agent = await pool.session("agent");
    agent.record({ n: 0 });
    const gate = bench.port.holdNext(({ method, path }) => method === "syncData" && path.endsWith(".jsonl"));
    end.send("SIGTERM");
    await gate.reached;
    agent.record({ n: 1 });
    gate.open();
    await end.ended();
    assert.deepEqual(end.raised, ["SIGTERM"]);
    assert.equal(end.listeners, 0);
    const session = await bench.openSession("agent", { readOnly: true });
    assert.deepEqual(await session.history(), [{ n: 0 }, { n: 1 }]);
  },
);

simulatedTest("O8: an exit while a save is under way saves everything, blocking", async (bench, machine) => {
  const pool = new BackgroundPool(await bench.open(), { saveIntervalMs: Infinity });
  const end = new MadeUpEnd();
  const stop = saveOnExit(pool, { processEnd: end });
  const agent = await pool.session("agent");
  agent.record({ n: 0 });
  const gate = bench.port.holdNext(({ method, path }) => method === "write" && path.endsWith(".jsonl"));
  const saving = agent.forceSave();
  await gate.reached;
  agent.record({ n: 1 });
  end.exit();
  const left = await openStore("/sessions", { fileSystem: machine.clone().crash(), readOnly: true });
  assert.deepEqual(await (await left.session("agent")).history(), [{ n: 0 }, { n: 1 }]);
  gate.open();
  await saving;
  stop();
  stop();
  assert.equal(end.listeners, 0);
  await pool.close();
});

test("a second signal does not wait for the first one's saves; what cannot be saved is told of", async () => {
  const end = new MadeUpEnd();
  const errors: unknown[] = [];
  let flushes = 0;
  let give: () => void = () => undefined;
  const pool = {
    close: () => new Promise<void>((resolve) => give = resolve),
    flushSync: () => {
      flushes++;
      throw new Error("disk full");
    },
  };
  saveOnExit(pool, { processEnd: end, signals: ["SIGINT", "SIGTERM"], onError: (error) => errors.push(error) });
  end.send("SIGINT");
  end.send("SIGTERM");
  assert.deepEqual(end.raised, ["SIGTERM"]);
  assert.deepEqual([flushes, errors.length], [1, 1]);
  give();
});

test("a close that fails is followed by a blocking flush, and the process ends all the same", async () => {
  const end = new MadeUpEnd();
  const errors: unknown[] = [];
  let flushes = 0;
  const pool = { close: () => Promise.reject(new Error("disk full")), flushSync: () => void flushes++ };
  saveOnExit(pool, { processEnd: end, onError: (error) => errors.push(error) });
  end.send("SIGTERM");
  await end.ended();
  assert.deepEqual([flushes, errors.length, end.raised], [1, 1, ["SIGTERM"]]);
});
