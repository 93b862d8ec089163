/**
 * Counterexamples to earlier drafts that are about filling ahead.
 *
 * @module
 */
import { test } from "node:test";
import assert from "node:assert/strict";
import { openStore } from "../../mod.ts";
import { SimulatedFileSystem } from "../../src/testing/mod.ts";
import { Gate, WatchedFileSystem } from "../store/watched_filesystem.ts";
import { message, messages, simulatedTest } from "../store/store_fixture.ts";
import { activeContents, cutPowerEverywhere, storeDirectory, withStore } from "./power_cuts.ts";

const log = `${storeDirectory}/chat.jsonl`;
const line = new TextEncoder().encode('{"role":"user","content":"picoclaw was here"}\n');

test("C13: a program run that appends one record fills nothing; a session of three owns a few KiB, trimmed at close", async () => {
  const machine = new SimulatedFileSystem();
  const store = await openStore(storeDirectory, { fileSystem: machine });
  const chat = await store.session("chat");
  await chat.append(message(0));
  assert.equal((await chat.stats()).fillBytes, 0);
  await chat.append(message(1));
  await chat.append(message(2));
  const { size } = await machine.stat(log);
  assert.ok(size <= 8192 && size % 512 !== 0, `${size}`);
  await store.close();
  const text = new TextDecoder().decode(await bytesOf(machine));
  assert.equal(text.split("\n").length, 4);
  assert.ok(text.endsWith('"}\n'));
});

test("A2, H13: with fill ahead no cut loses, doubles or makes up a record, and none leaves fill that ends on a sector", async () => {
  const texts = [100, 700, 4000, 60, 5000, 300].map((length, number) => ({
    number,
    text: `{}${"x".repeat(length)}{}`,
  }));
  const count = await cutPowerEverywhere({
    work: async (store, acknowledge) => {
      const chat = await store.session("chat");
      for (const text of texts) {
        await chat.append(text);
        acknowledge(String(text.number));
      }
      await chat.appendAll([{ batch: 1, text: "y".repeat(900) }, { batch: 2, text: "z".repeat(900) }]);
      acknowledge("batch");
    },
    check: async ({ machine, acknowledged, story }) => {
      const stat = await machine.stat(log).catch(() => null);
      const bytes = stat === null ? new Uint8Array(0) : await bytesOf(machine);
      // Where the end is blank for more than a line's end, it is fill.
      if (bytes.length > 1 && isBlank(bytes.at(-1)) && isBlank(bytes.at(-2))) {
        assert.notEqual(bytes.length % 512, 0, `H13: ${story}`);
      }
      await withStore(machine, async (store) => {
        const found = await (await store.session("chat")).history();
        const whole = [...texts, { batch: 1, text: "y".repeat(900) }, { batch: 2, text: "z".repeat(900) }];
        assert.deepEqual(found, whole.slice(0, found.length), story);
        assert.notEqual(found.length, texts.length + 1, `I5: ${story}`);
        const numbers = texts.filter(({ number }) => acknowledged.has(String(number)));
        assert.ok(found.length >= numbers.length + (acknowledged.has("batch") ? 2 : 0), `I1: ${story}`);
        const chat = await store.session("chat");
        const { sequence } = await chat.append({ after: true });
        assert.equal(sequence, found.length, story);
        assert.deepEqual((await chat.history()).at(-1), { after: true }, story);
      });
    },
  });
  assert.ok(count > 100, `${count} states`);
});

test("A5: what picoclaw appends behind the fill stays, live and after any cut, and our records go on behind it", async () => {
  await cutPowerEverywhere({
    work: async (store, acknowledge, machine) => {
      const chat = await store.session("chat");
      for (const number of [0, 1, 2]) await chat.append(message(number));
      acknowledge("ours");
      const handle = await machine.open(log, { access: "write" });
      await handle.write(line, (await handle.stat()).size);
      await handle.syncData();
      await handle.close();
      acknowledge("theirs");
      await chat.append(message(3));
      acknowledge("behind");
      const contents = (await chat.history()).map((record) => record["content"]);
      assert.deepEqual(contents, [...messages(0, 3), { content: "picoclaw was here" }, message(3)].map(contentOf));
    },
    check: async ({ machine, acknowledged, story }) => {
      await withStore(machine, async (store) => {
        const found = await activeContents(store, "chat");
        if (acknowledged.has("ours")) assert.deepEqual(found.slice(0, 3), messages(0, 3).map(contentOf), story);
        if (acknowledged.has("theirs")) assert.equal(found[3], "picoclaw was here", story);
        if (acknowledged.has("behind")) assert.equal(found[4], message(3).content, story);
      });
    },
  });
});

simulatedTest("flushSync() while the file is being filled: nothing is written over (I1)", async (bench, machine) => {
  for (const nth of [1, 2]) {
    const store = await openStore(`/fill${nth}`, { fileSystem: new WatchedFileSystem(machine) });
    await store.close();
    const port = new WatchedFileSystem(machine);
    const held = await openStore(`/fill${nth}`, { fileSystem: port });
    const chat = await held.session("chat");
    await chat.append(message(0));
    const gate = new Gate();
    let writes = 0;
    port.onCall = (call) => {
      const isNth = call.method === "write" && call.path.endsWith(".jsonl") && ++writes === nth;
      return isNth ? gate.pass() : undefined;
    };
    const first = chat.append(message(1));
    await gate.reached;
    const second = chat.append(message(2));
    held.flushSync();
    const cut = machine.clone().crash();
    const after = await openStore(`/fill${nth}`, { fileSystem: cut });
    const contents = (await (await after.session("chat")).history()).map(contentOf);
    assert.deepEqual(contents, messages(0, 3).map(contentOf), `held in write ${nth}`);
    await after.close();
    gate.open();
    await Promise.all([first, second]);
    await chat.append(message(3));
    assert.deepEqual((await chat.history()).map(contentOf), messages(0, 4).map(contentOf), `held in write ${nth}`);
    assert.equal((await chat.verify()).ok, true);
    await held.close();
  }
  await bench.open();
});

simulatedTest("I14: where there is no room for the fill, records are appended without it", async (bench) => {
  const chat = await bench.openSession();
  await chat.append(message(0));
  bench.port.failNext((call) => call.method === "write" && call.path.endsWith(".jsonl"), "ENOSPC");
  for (const number of [1, 2, 3]) await chat.append(message(number));
  assert.equal((await chat.stats()).fillBytes, 0);
  assert.equal((await chat.history()).length, 4);
});

test("no fill where the file system copies on write, or with preallocate: false", async () => {
  for (const copiesOnWrite of [true, false]) {
    const machine = new SimulatedFileSystem();
    const port = new WatchedFileSystem(machine);
    if (copiesOnWrite) Object.assign(port, { overwritesInPlace: () => Promise.resolve(false) });
    const store = await openStore(storeDirectory, { fileSystem: port, preallocate: copiesOnWrite });
    const chat = await store.session("chat");
    for (const number of [0, 1, 2]) await chat.append(message(number));
    assert.equal((await chat.stats()).fillBytes, 0);
    await store.close();
  }
});

async function bytesOf(machine: SimulatedFileSystem): Promise<Uint8Array> {
  const handle = await machine.open(log, { access: "read" });
  const { size } = await handle.stat();
  const bytes = new Uint8Array(size);
  await handle.read(bytes, 0);
  await handle.close();
  return bytes;
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x0a || byte === 0;
}

function contentOf(record: Record<string, unknown>): unknown {
  return record["content"];
}
