/**
 * What a sink is put through that needs more than one board, or a real request.
 *
 * @module
 */

import type { SessionStore } from "../../mod.ts";
import { listBucketSessions, type ObjectStore, pullSession } from "../../src/sink/mod.ts";
import { crashStates, SimulatedFileSystem } from "../../src/testing/mod.ts";
import { readBucket } from "../../src/torture/bucket_reading.ts";
import { replacing } from "../replacing.ts";
import { MemoryObjects } from "../sink/memory_objects.ts";
import { S3Server } from "../sink/s3_server.ts";
import { contentsOf, directory, logPath, must, withStore } from "./cut_probe.ts";
import type { Prey } from "./hunts.ts";

/** Sends all of a board's sessions. */
async function sendAll({ openSink }: Prey, store: SessionStore, fileSystem: SimulatedFileSystem, objects: ObjectStore) {
  const sink = await openSink(store, { objects, fileSystem, intervalMs: 0, objectBytesMax: 60 });
  const failed = await sink.flush();
  await sink.close();
  must("S3", failed.size === 0, `Could not be sent: ${[...failed.values()].join()}`);
}

async function say(store: SessionStore, ...texts: readonly string[]): Promise<void> {
  const chat = await store.session("chat");
  for (const text of texts) await chat.append({ text });
}

/** What the bucket has under the id that a board's session has now. */
async function sentOf(store: SessionStore, objects: MemoryObjects): Promise<string> {
  const { id } = await (await store.session("chat")).facts();
  let histories;
  try {
    histories = readBucket(objects.held);
  } catch (error) {
    must("S2", false, `The bucket's objects do not fit together: ${error}`);
  }
  const lines = histories?.get(id ?? "")?.lines ?? [];
  return lines.map(({ text }) => JSON.parse(text).text).join();
}

/** A session is pulled to another board and goes on there; the first board, which knows nothing of it, goes on too. */
export async function takenOver(prey: Prey): Promise<void> {
  const [one, two] = [new SimulatedFileSystem(), new SimulatedFileSystem()];
  const objects = new MemoryObjects();
  await withStore(prey.open, one, async (first) => {
    await say(first, "a", "b");
    await sendAll(prey, first, one, objects);
    await withStore(prey.open, two, async (second) => {
      for await (const session of listBucketSessions(objects)) {
        await pullSession(second, objects, session, { fileSystem: two });
      }
      await say(second, "c2");
      await sendAll(prey, second, two, objects);
      await (await first.session("chat")).update({ title: "of the first" });
      await sendAll(prey, first, one, objects);
      const { id } = await (await second.session("chat")).facts();
      const { title, summary } = readBucket(objects.held).get(id ?? "")?.manifest ?? {};
      must("S1", title === null, `The board that was taken over has changed the facts: ${title} ${summary}`);
      await say(first, "c1", "d1");
      await sendAll(prey, first, one, objects);
      await say(second, "d2");
      await sendAll(prey, second, two, objects);
      const [here, there] = [await sentOf(first, objects), await sentOf(second, objects)];
      must("S1", there === "a,b,c2,d2", `The bucket has ${there} of the board that took over`);
      must("S3", here === "a,b,c1,d1", `The bucket has ${here} of the board that was taken over`);
    });
  });
}

/** A card was copied: two boards have the same id, and the same cursor; or both have none any more. */
export async function copiedCard(prey: Prey, isForgotten: boolean): Promise<void> {
  const one = new SimulatedFileSystem();
  const objects = new MemoryObjects();
  await withStore(prey.open, one, async (first) => {
    await say(first, "a");
    await sendAll(prey, first, one, objects);
  });
  if (isForgotten) await one.unlink("/sessions/.sink/cursor.json");
  const two = one.clone();
  await withStore(prey.open, one, async (first) => {
    await withStore(prey.open, two, async (second) => {
      await say(first, "b1");
      await say(second, "b2", "c2");
      await sendAll(prey, first, one, objects);
      await sendAll(prey, second, two, objects);
      await say(first, "c1", "d1");
      await sendAll(prey, first, one, objects);
      await sendAll(prey, second, two, objects);
      const [here, there] = [await sentOf(first, objects), await sentOf(second, objects)];
      must("S1", here === "a,b1,c1,d1" && there === "a,b2,c2", `The bucket has ${here} of one, ${there} of the other`);
    });
  });
}

/** A writer dies at any step of its work; another process sends what it finds, and then the power goes. */
export async function deadWriter(prey: Prey): Promise<void> {
  const machine = new SimulatedFileSystem({ model: "weak" });
  const before = new MemoryObjects();
  await withStore(prey.open, machine, async (store) => {
    await say(store, "a", "b");
    await sendAll(prey, store, machine, before);
  });
  const moments: SimulatedFileSystem[] = [];
  machine.onStep = () => void moments.push(machine.clone());
  await withStore(prey.open, machine, async (store) => {
    const chat = await store.session("chat");
    await chat.append({ text: "c" }, { durability: "buffered" });
    await chat.replace([{ text: "d" }, { text: "e" }]);
    await chat.append({ text: "f" }, { durability: "buffered" });
  });
  for (const moment of moments) {
    const pusher = moment.clone();
    const objects = new MemoryObjects(new Map(before.held));
    await withStore(prey.open, pusher, async (store) => await sendAll(prey, store, pusher, objects));
    // What the sink itself had open when the power went is in the laboratory; here all of its work is done.
    for (const { choices } of crashStates(pusher, { limit: 8 })) {
      const after = pusher.clone().crash(choices);
      await withStore(prey.open, after, async (store) => {
        await (await store.session("chat")).update({});
        const sent = await sentOf(store, objects);
        const shown: string[] = [];
        for await (const { record } of (await store.session("chat")).records({ all: true })) {
          shown.push(String(record["text"]));
        }
        must("S1", sent.split(",").at(-1) === shown.at(-1), `The bucket has ${sent}, the device ${shown}`);
      });
    }
  }
}

/** A writer hangs when it has put another log in place, and the name is not durable yet; then the power goes. */
export async function renamedOnly(prey: Prey): Promise<void> {
  const machine = new SimulatedFileSystem({ model: "weak" });
  const objects = new MemoryObjects();
  let hasReached = (): void => undefined;
  const reached = new Promise<void>((resolve) => hasReached = resolve);
  let isRenamed = false;
  const hanging = replacing(machine, {
    rename: async (from, to) => {
      await machine.rename(from, to);
      isRenamed ||= to === logPath;
    },
    syncDirectory: async (path) =>
      isRenamed ? await new Promise<never>(() => hasReached()) : await machine.syncDirectory(path),
  });
  const writer = await prey.open(directory, { fileSystem: hanging });
  await say(writer, "a", "b");
  const other = machine.anotherProcess();
  await withStore(prey.open, other, async (store) => {
    await sendAll(prey, writer, machine, objects);
    const sink = await prey.openSink(store, { objects, fileSystem: other, intervalMs: 0 });
    void (await writer.session("chat")).replace([{ text: "c" }]);
    await reached;
    await sink.flush();
    const after = machine.clone().crash([]);
    await withStore(prey.open, after, async (recovered) => {
      const sent = await sentOf(recovered, objects);
      const history = await (await recovered.session("chat")).history();
      must("S1", !sent.endsWith("c") || history.length === 1, `The bucket has ${sent}, the device has not`);
    });
    await sink.close();
  });
}

/** A sink beside a writer makes nothing durable of the writer's, and writes nothing to its log. */
export async function costsNothing(prey: Prey): Promise<void> {
  const machine = new SimulatedFileSystem();
  const objects = new MemoryObjects();
  await withStore(prey.open, machine, async (store) => {
    await say(store, "a");
    await sendAll(prey, store, machine, objects);
    await (await store.session("chat")).append({ text: "b" }, { durability: "buffered" });
    const { syncs } = store.counters;
    await sendAll(prey, store, machine, objects);
    must("S4", store.counters.syncs === syncs, "The sink has had a sync made");
    must("S1", await sentOf(store, objects) === "a", `The bucket has ${await sentOf(store, objects)}`);
  });
}

/** Two that make the same object by way of HTTP. */
export async function madeOnce({ openBucket }: Prey): Promise<void> {
  const server = await S3Server.start();
  try {
    const objects = await openBucket(server.settings());
    const outcomes = [
      await objects.create("a", new Uint8Array([1])),
      await objects.create("a", new Uint8Array([2])),
    ];
    must("S2", outcomes.join() === "created,exists", `The same object was ${outcomes.join(", then ")}`);
    must("S2", server.held.get("a")?.[0] === 1, "An object was made a second time");
  } finally {
    await server.close();
  }
}

/** A session comes back on a new board, and the power is cut in that: all of it is there, or nothing (I9, S4). */
export async function pulled(prey: Prey): Promise<void> {
  const [one, two] = [new SimulatedFileSystem(), new SimulatedFileSystem({ model: "weak" })];
  const objects = new MemoryObjects();
  const texts = ["a".repeat(700), "b".repeat(700), "c"];
  await withStore(prey.open, one, async (first) => {
    await say(first, ...texts);
    await sendAll(prey, first, one, objects);
  });
  const moments: { machine: SimulatedFileSystem; isAcknowledged: boolean }[] = [];
  await withStore(prey.open, two, async (second) => {
    for await (const session of listBucketSessions(objects)) {
      two.onStep = () => void moments.push({ machine: two.clone(), isAcknowledged: false });
      await prey.pullSession(second, objects, session, { fileSystem: two });
      two.onStep = undefined;
      moments.push({ machine: two.clone(), isAcknowledged: true });
    }
  });
  const seen = new Set<string>();
  for (const { machine, isAcknowledged } of moments) {
    for (const { choices } of crashStates(machine, { limit: 24 })) {
      const after = machine.clone().crash(choices);
      const state = `${after.diskImageHash()} ${isAcknowledged}`;
      if (seen.has(state)) continue;
      seen.add(state);
      await withStore(prey.open, after, async (store) => {
        const isThere = await store.has("chat");
        must("I1", isThere || !isAcknowledged, "A session that was pulled is gone");
        if (!isThere) return;
        const found: string[] = [];
        for await (const { record } of (await store.session("chat")).records()) found.push(String(record["text"]));
        must("I9", found.join() === texts.join(), `Of three records that came back, ${found.length} are there`);
      });
    }
  }
}

/** The card was pulled out in a pull, and holds more than was to come: the next one begins behind what fits (I9). */
export async function pulledOverRest(prey: Prey): Promise<void> {
  const [one, two] = [new SimulatedFileSystem(), new SimulatedFileSystem()];
  const objects = new MemoryObjects();
  await withStore(prey.open, one, async (first) => {
    await say(first, "a", "b", "c");
    await sendAll(prey, first, one, objects);
  });
  await withStore(prey.open, two, async (second) => {
    for await (const session of listBucketSessions(objects)) {
      const path = `${directory}/.sink/${session.manifest.id}.part`;
      await two.makeDirectory(`${directory}/.sink`, 0o700);
      const part = await two.open(path, { access: "write", create: "exclusive" });
      await part.write(new TextEncoder().encode("x".repeat(5_000)), 0);
      await part.close();
      await prey.pullSession(second, objects, session, { fileSystem: two });
    }
    const { damaged, records } = await (await second.session("chat")).verify();
    must(
      "I9",
      damaged.length === 0 && records === 3,
      `Behind ${records} records that came back there is something else`,
    );
  });
}

/** A session with a large value comes back; once the pull has said so, a power cut takes nothing of it (I1). */
export async function pulledBlob(prey: Prey): Promise<void> {
  const [one, two] = [new SimulatedFileSystem(), new SimulatedFileSystem({ model: "weak" })];
  const objects = new MemoryObjects();
  const blobs = { blobs: { valueBytesMin: 1024, previewBytesMax: 16 } };
  const value = "one ".repeat(512);
  await withStore(prey.open, one, async (first) => {
    await (await first.session("chat")).append({ role: "user", content: value });
    await sendAll(prey, first, one, objects);
  }, blobs);
  await withStore(prey.open, two, async (second) => {
    for await (const session of listBucketSessions(objects)) {
      await prey.pullSession(second, objects, session, { fileSystem: two });
    }
  });
  for (const { choices } of crashStates(two, { limit: 24 })) {
    await withStore(prey.open, two.clone().crash(choices), async (store) => {
      const [content] = await contentsOf(store);
      must("I1", content === value, "The large value of a session that was pulled is gone");
    }, blobs);
  }
}
