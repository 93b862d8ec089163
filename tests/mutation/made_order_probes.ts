/**
 * Probes of sessions that are made of others: what a fork or a pull goes over, what says where a fork comes from, what
 * is done again after a crash, what the sink knows.
 *
 * @module
 */

import { systemErrorCode } from "../../src/errors.ts";
import { listBucketSessions } from "../../src/sink/mod.ts";
import { SimulatedFileSystem } from "../../src/testing/mod.ts";
import { MemoryObjects } from "../sink/memory_objects.ts";
import { contentsOf, directory, eachCut, metaPath, must, withStore } from "./cut_probe.ts";
import { type Hunt, type Prey, probe } from "./hunts.ts";
import type { OpenStore } from "./mutant_source.ts";
import { metaOf, say, writeWhole } from "./name_order_probes.ts";

/** A session with an archive is deleted, and at each cut another one takes its key: nothing of the first is in it (I7). */
async function overRest(
  open: OpenStore,
  prepare: (machine: SimulatedFileSystem) => Promise<void>,
  take: (machine: SimulatedFileSystem) => Promise<void>,
): Promise<void> {
  await eachCut(open, {
    prepare: async (store, machine) => {
      await prepare(machine);
      const chat = await store.session("chat");
      await say(chat, "first", "second", "third");
      await chat.truncate(1);
      await chat.compact({ archive: true });
    },
    work: async (machine) => await withStore(open, machine, async (store) => void await store.delete("chat")),
    check: async (machine) => {
      if (await withStore(open, machine, async (store) => await store.has("chat"), { readOnly: true })) return;
      await take(machine);
      const found = (await withStore(open, machine, contentsOf)).join();
      must("I7", found === "0,1", `In a session over the rest of a deleted one there is ${found}`);
      const isRest = await machine.stat(`${directory}/chat.archive`).then(() => true, () => false);
      must("I7", !isRest, "A session over the rest of a deleted one has got its archive");
    },
  });
}

async function forkOverRest(open: OpenStore): Promise<void> {
  await overRest(open, async (machine) => {
    await withStore(open, machine, async (store) => {
      const source = await store.session("source");
      await say(source, "hidden", "0", "1");
      await source.truncate(2);
      await source.compact();
    });
  }, async (machine) => {
    await withStore(open, machine, async (store) => void await store.fork("source", "chat"));
  });
}

async function pullOverRest({ open, openSink, pullSession }: Prey): Promise<void> {
  const objects = new MemoryObjects();
  const other = new SimulatedFileSystem();
  await withStore(open, other, async (store) => {
    const chat = await store.session("chat");
    await say(chat, "hidden", "0", "1");
    await chat.truncate(2);
    await chat.compact();
    const sink = await openSink(store, { objects, fileSystem: other, intervalMs: 0 });
    must("error", (await sink.flush()).size === 0, "could not be sent");
    await sink.close();
  });
  await overRest(open, async () => {}, async (machine) => {
    await withStore(open, machine, async (store) => {
      for await (const session of listBucketSessions(objects)) {
        await pullSession(store, objects, session, { fileSystem: machine });
      }
    });
  });
}

/** From the moment at which a fork is there, it can be read without the meta file's word, too (I12). */
async function originAtCut(open: OpenStore): Promise<void> {
  await eachCut(open, {
    prepare: async (store) => await say(await store.session("source"), "0", "1"),
    work: async (machine) => await withStore(open, machine, async (store) => void await store.fork("source", "chat")),
    check: async (machine) => {
      if (!await withStore(open, machine, async (store) => await store.has("chat"), { readOnly: true })) return;
      await writeWhole(machine, metaPath, JSON.stringify({ ...await metaOf(machine), holdfast: undefined }));
      const found = (await withStore(open, machine, contentsOf)).join();
      must("I12", found === "0,1", `A fork whose meta file picoclaw has written shows ${found || "nothing"}`);
    },
  });
}

/** One sink at a time works on a store (I15). */
async function twoSinks({ open, openSink }: Prey): Promise<void> {
  const machine = new SimulatedFileSystem();
  await withStore(open, machine, async (store) => {
    const use = async (): Promise<string> => {
      const sink = await openSink(store, { objects: new MemoryObjects(), fileSystem: machine, intervalMs: 0 });
      await sink.flush();
      return "open";
    };
    const first = await use();
    const second = await use().catch((error: unknown) => systemErrorCode(error));
    must("I15", first === "open" && second === "locked", `A second sink at work on a store is ${second}`);
  });
}

/** A session is deleted when no sink is at work: the next one says so in the bucket (S1). */
async function deletedBetween({ open, openSink }: Prey): Promise<void> {
  const machine = new SimulatedFileSystem();
  const objects = new MemoryObjects();
  await withStore(open, machine, async (store) => {
    const send = async (): Promise<void> => {
      const sink = await openSink(store, { objects, fileSystem: machine, intervalMs: 0 });
      await sink.flush();
      await sink.close();
    };
    await say(await store.session("chat"), "0");
    await send();
    await store.delete("chat");
    await send();
  });
  const found: boolean[] = [];
  for await (const { manifest } of listBucketSessions(objects)) found.push(manifest.deleted);
  must("S1", found.join() === "true", `Of a deleted session the bucket says that it is deleted: ${found.join()}`);
}

/** A continuation is cut off, and done again: it is there, or it is made (I9, I10). */
async function continuedAgain(open: OpenStore): Promise<void> {
  await eachCut(open, {
    prepare: async (store) => await say(await store.session("source"), "0", "1"),
    work: async (machine) => {
      await withStore(open, machine, async (store) => void await store.continueAs("source", "chat"));
    },
    check: async (machine) => {
      await withStore(open, machine, async (store) => {
        const outcome = await store.continueAs("source", "chat").then(() => "done", systemErrorCode);
        must("I10", outcome === "done", `A continuation that was cut off cannot be done again: ${outcome}`);
        must("I9", (await contentsOf(store)).join() === "0,1", `It has ${await contentsOf(store)}`);
      });
    },
  });
}

/** A session without records, but with a summary, is promoted with it (I9). */
async function summaryPromoted(open: OpenStore): Promise<void> {
  await withStore(open, new SimulatedFileSystem(), async (store) => {
    await (await store.session("old")).setSummary("s");
    await store.promote("old", "chat");
    const { summary } = await store.session("chat");
    must("I9", summary === "s", `The summary of what was promoted is "${summary}"`);
  });
}

function withPrey(name: string, check: (prey: Prey) => Promise<void>): Hunt {
  return { name: `probe: ${name}`, run: async (prey) => await probe(name, async () => await check(prey)).run(prey) };
}

/** All of them. */
export const madeOrderProbes = {
  forkOverRest: probe("a fork over the rest of a deleted session", forkOverRest),
  pullOverRest: withPrey("a pull over the rest of a deleted session", pullOverRest),
  originAtCut: probe("a fork at each cut, whose meta file picoclaw writes", originAtCut),
  twoSinks: withPrey("two sinks on a store", twoSinks),
  deletedBetween: withPrey("a session is deleted when no sink is at work", deletedBetween),
  continuedAgain: probe("a continuation is cut off and done again", continuedAgain),
  summaryPromoted: probe("a summary is promoted", summaryPromoted),
} as const satisfies Record<string, Hunt>;
