import assert from "node:assert/strict";
import { test } from "node:test";
import { AppendOrder, type OrderedStep } from "../../src/transcript/append_order.ts";

/** Steps that say when they begin, and end when they are told to. */
class Steps {
  readonly begun: string[] = [];
  readonly failed: string[] = [];
  readonly #ends = new Map<string, () => void>();

  make(name: string, isLinked: boolean): OrderedStep {
    return {
      isLinked,
      run: () => {
        this.begun.push(name);
        return new Promise((resolve) => this.#ends.set(name, resolve));
      },
      fail: () => this.failed.push(name),
    };
  }

  async end(name: string): Promise<void> {
    this.#ends.get(name)?.();
    await settle();
  }
}

/** Lets everything that can go on go on. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

test("AppendOrder runs a step at once; linked steps wait for each other, and what is behind them waits too", async () => {
  const steps = new Steps();
  const order = new AppendOrder({ isNeeded: false, prepare: () => Promise.reject(new Error("not needed")) });
  order.add(steps.make("a", true));
  order.add(steps.make("b", false));
  assert.deepEqual(steps.begun, ["a", "b"], "during the call");
  order.add(steps.make("c", true));
  order.add(steps.make("d", false));
  assert.deepEqual(steps.begun, ["a", "b"]);
  await steps.end("b");
  assert.deepEqual(steps.begun, ["a", "b"]);
  await steps.end("a");
  assert.deepEqual(steps.begun, ["a", "b", "c", "d"]);
});

test("AppendOrder prepares once before the first step, and again when it is needed and no step is under way", async () => {
  const steps = new Steps();
  const preparation = {
    isNeeded: true,
    count: 0,
    prepare: async () => {
      preparation.count++;
      await Promise.resolve();
      preparation.isNeeded = false;
    },
  };
  const order = new AppendOrder(preparation);
  order.add(steps.make("a", true));
  order.add(steps.make("b", false));
  assert.deepEqual(steps.begun, []);
  await settle();
  assert.deepEqual([steps.begun, preparation.count], [["a", "b"], 1]);
  preparation.isNeeded = true;
  order.add(steps.make("c", false));
  await steps.end("a");
  assert.deepEqual([steps.begun, preparation.count], [["a", "b"], 1], "b is under way");
  await steps.end("b");
  assert.deepEqual([steps.begun, preparation.count], [["a", "b", "c"], 2]);
});

test("AppendOrder fails the step that could not be prepared for, and tries again for the next", async () => {
  const steps = new Steps();
  const preparation = {
    isNeeded: true,
    count: 0,
    prepare: async () => {
      if (++preparation.count === 1) throw new Error("made by a test");
      preparation.isNeeded = false;
    },
  };
  const order = new AppendOrder(preparation);
  order.add(steps.make("a", true));
  order.add(steps.make("b", true));
  await settle();
  assert.deepEqual([steps.failed, steps.begun], [["a"], ["b"]]);
});
