import assert from "node:assert/strict";
import { test } from "node:test";
import { openStore, type SessionStore, type StoreOptions } from "../../mod.ts";
import { listBucketSessions } from "../../src/sink/bucket_sessions.ts";
import { openSink, type PullResult, pullSession } from "../../src/sink/mod.ts";
import { manifestObject } from "../../src/sink/object_names.ts";
import { sinkDirectory } from "../../src/sink/sink_cursor.ts";
import { crashStates, SimulatedFileSystem } from "../../src/testing/mod.ts";
import { MemoryObjects } from "./memory_objects.ts";

const options: StoreOptions = { blobs: { valueBytesMin: 1024 } };

/** A bucket with a session of many kinds of record, in small objects. */
async function filledBucket(
  objectBytesMax: number = 200,
  messages: number = 20,
): Promise<{ objects: MemoryObjects; store: SessionStore }> {
  const fileSystem = new SimulatedFileSystem();
  const store = await openStore("/sessions", { fileSystem, ...options });
  const chat = await store.session("telegram:123");
  for (let n = 0; n < messages; n++) await chat.append({ role: "user", content: `message ${n}` });
  await chat.appendAll([{ role: "assistant", call: 1 }, { role: "tool", content: "x".repeat(3000) }]);
  await chat.truncate(4, { summary: "they talked" });
  await chat.compact({ archive: true });
  await chat.update({ title: "Talk", aliases: ["t"], scope: { a: 1 }, workspace: "/w" });
  const objects = new MemoryObjects();
  const sink = await openSink(store, { objects, fileSystem, intervalMs: 0, objectBytesMax });
  await sink.flush();
  await sink.close();
  return { objects, store };
}

async function pullAll(
  store: SessionStore,
  objects: MemoryObjects,
  fileSystem: SimulatedFileSystem,
): Promise<PullResult[]> {
  const results: PullResult[] = [];
  for await (const session of listBucketSessions(objects)) {
    results.push(await pullSession(store, objects, session, { fileSystem }));
  }
  return results;
}

/** Everything that a reader can see of a session. */
async function everything(store: SessionStore): Promise<unknown> {
  const chat = await store.session("telegram:123");
  const records: unknown[] = [];
  for await (const entry of chat.records({ all: true })) records.push(entry);
  const { createdAt, summary, title, workspace } = await chat.info();
  const { damaged, foreign } = await chat.verify();
  return {
    records,
    history: await chat.history(),
    facts: await chat.facts(),
    createdAt,
    summary,
    title,
    workspace,
    damaged,
    foreign,
  };
}

test("pullSession() rebuilds a session that equals the old one, and the new board goes on with it", async () => {
  const { objects, store: old } = await filledBucket();
  const fileSystem = new SimulatedFileSystem();
  const store = await openStore("/sessions", { fileSystem, ...options });
  const [result] = await pullAll(store, objects, fileSystem);
  assert.deepEqual([result?.outcome, result?.records, result?.blobsMissing], ["pulled", 22, 0]);
  assert.deepEqual(await everything(store), await everything(old));
  assert.equal(await store.latest({ workspace: "/w" }), "telegram:123");
  const [again] = await pullAll(store, objects, fileSystem);
  assert.equal(again?.outcome, "present");
  const chat = await store.session("telegram:123");
  assert.equal((await chat.append({ role: "user", content: "on" })).sequence, 22);
  const sink = await openSink(store, { objects, fileSystem, intervalMs: 0 });
  await sink.flush();
  assert.equal(sink.counters.objects, 1);
  for await (const { epochs } of listBucketSessions(objects)) assert.deepEqual(epochs, [0, 22]);
  await sink.close();
  for (const open of [store, old]) await open.close();
});

test("pullSession() goes on where the connection broke, and asks for no object twice", async () => {
  const { objects, store: old } = await filledBucket();
  const names = [...objects.held.keys()].filter((name) => name.includes("/records/"));
  assert.ok(names.length > 5);
  const fileSystem = new SimulatedFileSystem();
  const store = await openStore("/sessions", { fileSystem, ...options });
  let read = 0;
  let allowed = 3;
  objects.fault = (request, name) => {
    if (request !== "read" || !name.includes("/records/")) return "none";
    if (allowed-- <= 0) return "before";
    read++;
    return "none";
  };
  let pulls = 0;
  for (; pulls < 20; pulls++) {
    allowed = 3;
    try {
      await pullAll(store, objects, fileSystem);
      break;
    } catch (error) {
      assert.match(String(error), /connection/);
    }
  }
  assert.ok(pulls > 1);
  // The object at whose end it broke off is looked at once more.
  assert.ok(read <= names.length + pulls, `${read} reads of ${names.length} objects in ${pulls} pulls`);
  assert.deepEqual(await everything(store), await everything(old));
  for (const open of [store, old]) await open.close();
});

test("I9: pullSession() writes over what a power cut left behind the lines that fit, and leaves nothing of it", async () => {
  const { objects, store: old } = await filledBucket();
  const fileSystem = new SimulatedFileSystem();
  const store = await openStore("/sessions", { fileSystem, ...options });
  let allowed = 3;
  objects.fault = (request, name) =>
    request === "read" && name.includes("/records/") && allowed-- <= 0 ? "before" : "none";
  await assert.rejects(pullAll(store, objects, fileSystem));
  objects.fault = () => "none";
  const directory = sinkDirectory("/sessions");
  const part = (await fileSystem.readDirectory(directory)).find(({ name }) => name.endsWith(".part"))?.name ?? "";
  const handle = await fileSystem.open(`${directory}/${part}`, { access: "write" });
  await handle.write(new Uint8Array(1_000_000).fill(0x78), (await handle.stat()).size);
  await handle.close();
  await pullAll(store, objects, fileSystem);
  assert.deepEqual(await everything(store), await everything(old));
  for (const open of [store, old]) await open.close();
});

test("pullSession() refuses a bucket with a flipped byte, a missing object or two in each other's place", async () => {
  for (const damage of ["flip", "remove", "swap"]) {
    const { objects, store: old } = await filledBucket();
    const [, second = "", third = ""] = [...objects.held.keys()].filter((name) => name.includes("/records/")).sort();
    const bytes = objects.held.get(second)?.slice() ?? new Uint8Array();
    if (damage === "flip") bytes[12] = (bytes[12] ?? 0) ^ 1;
    if (damage === "flip") objects.held.set(second, bytes);
    if (damage === "remove") objects.held.delete(second);
    if (damage === "swap") {
      objects.held.set(second, objects.held.get(third) ?? bytes);
      objects.held.set(third, bytes);
    }
    const fileSystem = new SimulatedFileSystem();
    const store = await openStore("/sessions", { fileSystem, ...options });
    await assert.rejects(pullAll(store, objects, fileSystem), { code: "corrupt" }, damage);
    assert.equal(await store.has("telegram:123"), false);
    for (const open of [store, old]) await open.close();
  }
});

test("pullSession() takes no large value that is not what its name says; the preview stays, and it is told", async () => {
  const { objects, store: old } = await filledBucket();
  const name = [...objects.held.keys()].find((one) => one.includes("/blobs/")) ?? "";
  const bytes = objects.held.get(name)?.slice() ?? new Uint8Array();
  assert.ok(bytes.length > 1000);
  bytes[500] = (bytes[500] ?? 0) ^ 1;
  objects.held.set(name, bytes);
  const fileSystem = new SimulatedFileSystem();
  const store = await openStore("/sessions", { fileSystem, ...options });
  const [result] = await pullAll(store, objects, fileSystem);
  assert.deepEqual([result?.outcome, result?.blobsMissing], ["pulled", 1]);
  for (const open of [store, old]) await open.close();
});

test("listBucketSessions() refuses a bucket that has lost a manifest in the middle, and names it", async () => {
  const { objects, store } = await filledBucket();
  const id = (await (await store.session("telegram:123")).facts()).id ?? "";
  const manifest = objects.held.get(manifestObject(id, 1));
  assert.ok(manifest !== undefined);
  objects.held.set(manifestObject(id, 3), manifest);
  const message = new RegExp(`${manifestObject(id, 2)} is missing`);
  await assert.rejects(listBucketSessions(objects).next(), { code: "corrupt", message });
  await store.close();
});

test("pullSession() leaves a session of the same key alone, and says so", async () => {
  const { objects, store: old } = await filledBucket();
  const fileSystem = new SimulatedFileSystem();
  const store = await openStore("/sessions", { fileSystem, ...options });
  await (await store.session("telegram:123")).append({ mine: true });
  await assert.rejects(pullAll(store, objects, fileSystem), { code: "exists" });
  assert.deepEqual(await (await store.session("telegram:123")).history(), [{ mine: true }]);
  for (const open of [store, old]) await open.close();
});

for (const model of ["ordered", "weak"] as const) {
  test(`pullSession() has all of a session or nothing of it after a power cut at every other step (${model})`, async () => {
    const { objects, store: old } = await filledBucket(100_000, 3);
    const expected = await everything(old);
    const fileSystem = new SimulatedFileSystem({ model });
    const store = await openStore("/sessions", { fileSystem, ...options });
    const images: SimulatedFileSystem[] = [];
    fileSystem.onStep = () => void images.push(fileSystem.clone());
    await pullAll(store, objects, fileSystem);
    assert.ok(images.length > 20);
    for (const [step, image] of images.entries()) {
      if (step % 2 === 1) continue;
      for (const { choices, label } of crashStates(image, { limit: 3 })) {
        const after = image.clone().crash(choices);
        const again = await openStore("/sessions", { fileSystem: after, ...options });
        if (await again.has("telegram:123")) {
          assert.deepEqual(await everything(again), expected, `step ${step}, ${label}`);
        }
        await pullAll(again, objects, after);
        assert.deepEqual(await everything(again), expected, `pulled again after step ${step}, ${label}`);
        await again.close();
      }
    }
    for (const open of [store, old]) await open.close();
  });
}
