import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../properties.ts";
import { openStore, type SessionStore } from "../../mod.ts";
import { openSink, type Sink } from "../../src/sink/mod.ts";
import { SimulatedFileSystem } from "../../src/testing/mod.ts";
import { type Fault, MemoryObjects, readBucket } from "./memory_objects.ts";

type Change =
  | { do: "append"; key: string; count: number }
  | { do: "truncate" | "compact" | "replace" | "delete" | "retitle"; key: string };
type Step =
  | Change
  | { do: "flush"; faults: Fault[] }
  | { do: "restart" | "forget" }
  | { do: "cut"; choices: number[] };

const keys = fc.constantFrom("a", "b");
const fault = fc.constantFrom<Fault>("none", "none", "before", "after");
const stepOf: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("append" as const), key: keys, count: fc.integer({ min: 1, max: 4 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom(
        "truncate" as const,
        "compact" as const,
        "replace" as const,
        "delete" as const,
        "retitle" as const,
      ),
      key: keys,
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("flush" as const), faults: fc.array(fault, { maxLength: 6 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("restart" as const, "forget" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("cut" as const), choices: fc.array(fc.nat({ max: 5 }), { maxLength: 12 }) }),
  },
);

/** A key from its making to its deletion. */
interface Life {
  dead: boolean;
  /** By their numbers. */
  texts: Map<number, string>;
  /** The first number that no truncation has left behind. */
  active: number;
  /** Those below have been compacted into the archive, which a replace leaves as it is. */
  archivedBelow: number;
}

/** A board, its bucket, and what must be there in the end. */
class World {
  fileSystem: SimulatedFileSystem;
  readonly objects = new MemoryObjects();
  store: SessionStore | null = null;
  sink: Sink | null = null;
  /** The acknowledged records of each life of each key that have not been taken off the device before they were sent. */
  readonly lives = new Map<string, Life[]>();
  #number = 0;

  constructor(model: "ordered" | "weak") {
    this.fileSystem = new SimulatedFileSystem({ model });
  }

  async open(): Promise<{ store: SessionStore; sink: Sink }> {
    const { fileSystem, objects } = this;
    this.store ??= await openStore("/sessions", { fileSystem, archive: true });
    this.sink ??= await openSink(this.store, { objects, fileSystem, intervalMs: 0, objectBytesMax: 60 });
    return { store: this.store, sink: this.sink };
  }

  async step(step: Step): Promise<void> {
    const { store, sink } = await this.open();
    if ("key" in step) await this.#change(store, step);
    else if (step.do === "flush") {
      const faults = step.faults.values();
      this.objects.fault = () => faults.next().value ?? "none";
      await sink.flush().catch((error) => assert.equal(error.code, "io"));
      this.objects.fault = () => "none";
    } else if (step.do === "cut") {
      this.fileSystem = this.fileSystem.clone().crash(step.choices);
      this.store = null;
      this.sink = null;
    } else {
      await sink.close();
      this.sink = null;
      if (step.do === "forget") await this.fileSystem.unlink("/sessions/.sink/cursor.json").catch(() => undefined);
    }
  }

  async #change(store: SessionStore, step: Change): Promise<void> {
    const chat = await store.session(step.key);
    const life = this.#life(step.key);
    if (step.do === "append") {
      const records = Array.from({ length: step.count }, () => ({ n: this.#number++ }));
      for (const [index, { sequence }] of (await chat.appendAll(records)).entries()) {
        life.texts.set(sequence, JSON.stringify(records[index]));
      }
    } else if (step.do === "delete") {
      life.dead = await store.delete(step.key);
      if (life.texts.size === 0) life.dead = false;
    } else if (life.texts.size === 0) return;
    else if (step.do === "truncate") {
      await chat.truncate(1, { summary: String(this.#number++) });
      life.active = Math.max(...life.texts.keys());
    } else if (step.do === "compact") {
      await chat.compact();
      life.archivedBelow = life.active;
    } else if (step.do === "retitle") await chat.update({ title: String(this.#number++) });
    else {
      // What a replace takes off the device before it was sent never arrives.
      const sent = this.#sentBelow(step.key);
      const kept = Math.max(sent, life.archivedBelow);
      for (const sequence of life.texts.keys()) if (sequence >= kept) life.texts.delete(sequence);
      const record = { new: this.#number++ };
      await chat.replace([record]);
      for await (const { sequence, text } of chat.texts()) {
        life.texts.set(sequence, text);
        life.active = sequence;
      }
    }
  }

  #life(key: string): Life {
    const lives = this.lives.get(key) ?? [];
    this.lives.set(key, lives);
    const last = lives.at(-1);
    if (last !== undefined && !last.dead) return last;
    const life: Life = { dead: false, texts: new Map(), active: 0, archivedBelow: 0 };
    lives.push(life);
    return life;
  }

  #sentBelow(key: string): number {
    const life = this.#life(key);
    const found = [...readBucket(this.objects.held).values()].filter(({ lines, manifest }) =>
      manifest.key === key && lines.every(({ sequence, text }) => life.texts.get(sequence) === text)
    );
    return Math.max(0, ...found.map(({ lines }) => (lines.at(-1)?.sequence ?? -1) + 1));
  }

  /** Each id holds, in order and each once, the first records of one life of its key. */
  check(isAll: boolean): void {
    const found = readBucket(this.objects.held);
    for (const [id, { manifest, lines }] of found) {
      const fits = (this.lives.get(manifest.key) ?? []).some(({ texts }) => {
        const expected = [...texts].sort(([one], [other]) => one - other).slice(0, lines.length);
        return lines.length === 0 ||
          JSON.stringify(expected) === JSON.stringify(lines.map(({ sequence, text }) => [sequence, text]));
      });
      assert.ok(fits, `${id} of ${manifest.key}: ${JSON.stringify(lines)}`);
    }
    if (!isAll) return;
    for (const [key, lives] of this.lives) {
      for (const { dead, texts } of lives) {
        if (dead || texts.size === 0) continue;
        const whole = [...found.values()].filter(({ manifest, lines }) =>
          manifest.key === key && !manifest.deleted && lines.length === texts.size &&
          lines.every(({ sequence, text }) => texts.get(sequence) === text)
        );
        assert.equal(whole.length, 1, `${key} is there once, with all of its ${texts.size} records`);
      }
    }
  }
}

for (const model of ["ordered", "weak"] as const) {
  test(`the bucket holds a prefix of the durable history, each record once, and in the end all of it (${model})`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(stepOf, { minLength: 3, maxLength: 20 }), async (steps) => {
        const world = new World(model);
        for (const step of steps) {
          await world.step(step);
          world.check(false);
        }
        const { sink, store } = await world.open();
        assert.equal((await sink.flush()).size, 0);
        world.check(true);
        await sink.close();
        await store.close();
      }),
      { numRuns: 30 },
    );
  });
}

test("the cursor after a power cut at every step of a round is behind the bucket or level, never ahead", async () => {
  const fileSystem = new SimulatedFileSystem({ model: "weak" });
  const objects = new MemoryObjects();
  const store = await openStore("/sessions", { fileSystem });
  const sink = await openSink(store, { objects, fileSystem, intervalMs: 0, objectBytesMax: 60 });
  const moments: { image: SimulatedFileSystem; held: Map<string, Uint8Array> }[] = [];
  fileSystem.onStep = () => void moments.push({ image: fileSystem.clone(), held: new Map(objects.held) });
  const chat = await store.session("a");
  for (let n = 0; n < 6; n++) {
    await chat.append({ n });
    await sink.flush();
  }
  await sink.close();
  for (const [index, { image, held }] of moments.entries()) {
    if (index % 5 !== 0) continue;
    for (const choices of [[], Array.from({ length: 20 }, () => 1), [1, 0, 1, 0, 1, 0]]) {
      const after = image.clone().crash(choices);
      const bucket = new MemoryObjects(new Map(held));
      const again = await openStore("/sessions", { fileSystem: after });
      await (await again.session("a")).append({ last: true });
      const next = await openSink(again, { objects: bucket, fileSystem: after, intervalMs: 0 });
      for (const { uploaded } of await next.status()) {
        const [history] = readBucket(bucket.held).values();
        assert.ok(uploaded <= (history?.lines.length ?? 0), `moment ${index}`);
      }
      await next.flush();
      assert.equal(readBucket(bucket.held).size, 1);
      const [history] = readBucket(bucket.held).values();
      assert.equal(history?.lines.at(-1)?.text, '{"last":true}', `moment ${index}`);
      await next.close();
      await again.close();
    }
  }
  await store.close();
});
