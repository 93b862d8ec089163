import assert from "node:assert/strict";
import { test } from "node:test";
import { openStore } from "../../mod.ts";
import { crashStates, SimulatedFileSystem } from "../../src/testing/mod.ts";
import { hasCode, simulatedTest } from "./store_fixture.ts";

simulatedTest(
  "moveToTrash(): the session is gone for every reader, and restore() brings it back whole",
  async (bench) => {
    const store = await bench.open({ archive: true });
    const chat = await store.session("a:1");
    for (let n = 0; n < 6; n++) await chat.append({ n });
    await chat.truncate(2, { summary: "four numbers" });
    await chat.compact();
    await chat.update({ title: "Numbers", workspace: "/w" });
    const before = await everything(chat);
    const id = await store.moveToTrash("a:1");
    assert.equal(id, "1-a_1");
    assert.equal(await store.has("a:1"), false);
    assert.deepEqual(await store.list(), []);
    assert.equal(await store.latest(), null);
    assert.deepEqual((await store.trash()).map(({ key, title, workspace }) => [key, title, workspace]), [
      ["a:1", "Numbers", "/w"],
    ]);
    assert.deepEqual((await bench.names()).filter((name) => name.startsWith("a_1")), []);
    await assert.rejects(chat.append({ n: 9 }), hasCode("closed"));
    assert.equal(await store.restore("a:1"), "a:1");
    const back = await store.session("a:1");
    assert.equal(back.summary, "four numbers");
    assert.deepEqual(await everything(back), before);
    assert.equal((await back.append({ n: 6 })).sequence, 6);
    assert.deepEqual(await store.trash(), []);
    assert.deepEqual(await bench.names("/trash"), []);
  },
);

simulatedTest(
  "moveToTrash(): a session of the same key can be there several times; the newest comes back",
  async (bench) => {
    const store = await bench.open();
    for (let life = 1; life <= 3; life++) {
      await (await store.session("k")).append({ life });
      assert.equal(await store.moveToTrash("k"), `${life}-k`);
    }
    assert.equal(await store.moveToTrash("k"), null);
    assert.equal((await store.trash()).length, 3);
    await store.restore("2-k");
    assert.deepEqual(await (await store.session("k")).history(), [{ life: 2 }]);
    await assert.rejects(store.restore("k"), hasCode("exists"));
    await assert.rejects(store.restore("nobody"), hasCode("not-found"));
  },
);

simulatedTest("restore(): where another key has the name of the files by now, it says where to look", async (bench) => {
  const store = await bench.open();
  await (await store.session("a:b")).append({ n: 1 });
  await store.moveToTrash("a:b");
  await (await store.session("a_b")).append({ n: 2 });
  await assert.rejects(store.restore("a:b"), hasCode("exists"));
  const [entry] = await store.trash();
  const inTrash = await bench.open();
  assert.equal(entry?.id, "1-a_b");
  await using aside = await openStore(`${bench.directory}/trash/1-a_b`, { fileSystem: bench.port, readOnly: true });
  assert.deepEqual(await (await aside.session("a:b")).history(), [{ n: 1 }]);
  await inTrash.close();
});

simulatedTest(
  "moveToTrash(): is refused while another process writes the session, and takes no file",
  async (bench) => {
    const [one, other] = [await bench.open(), await bench.open()];
    await (await one.session("k")).append({ n: 1 });
    await assert.rejects(other.moveToTrash("k"), hasCode("locked"));
    assert.equal(await one.has("k"), true);
    await one.close();
    assert.equal(await other.moveToTrash("k"), "1-k");
  },
);

simulatedTest(
  "moveToTrash(): a session whose meta file is lost or damaged goes there with a rebuilt one",
  async (bench) => {
    const store = await bench.open();
    await (await store.session("k")).append({ n: 1 });
    await store.close();
    await bench.base.unlink(bench.path("k.meta.json"));
    const next = await bench.open();
    assert.equal(await next.moveToTrash("k"), "1-k");
    await next.restore("k");
    assert.deepEqual(await (await next.session("k")).history(), [{ n: 1 }]);
  },
);

simulatedTest("a meta file whose trash leads elsewhere is deleted and no more (I16)", async (bench) => {
  const store = await bench.open();
  await (await store.session("k")).append({ n: 1 });
  await store.close();
  await bench.write("k.meta.json", JSON.stringify({ key: "k", holdfast: { deleted: true, trash: "../../elsewhere" } }));
  const next = await bench.open();
  await (await next.session("k")).append({ n: 2 });
  assert.deepEqual(await (await next.session("k")).history(), [{ n: 2 }]);
});

test("B3: a session on its way to the trash or back is in one of the two after any power cut, whole", async () => {
  for (const model of ["weak", "ordered"] as const) {
    for (const back of [false, true]) {
      const machine = new SimulatedFileSystem({ model });
      const before = await openStore("/s", { fileSystem: machine, archive: true });
      const chat = await before.session("k");
      for (let n = 0; n < 4; n++) await chat.append({ n });
      await chat.truncate(1, { summary: "s" });
      await chat.compact();
      if (back) await before.moveToTrash("k");
      await before.close();
      const moments: SimulatedFileSystem[] = [];
      machine.onStep = () => void moments.push(machine.clone());
      const store = await openStore("/s", { fileSystem: machine });
      if (back) await store.restore("k");
      else await store.moveToTrash("k");
      await store.close();
      machine.onStep = undefined;
      moments.push(machine.clone());
      let inStore = 0;
      let inTrash = 0;
      for (const moment of moments) {
        for (const { choices } of crashStates(moment, { limit: 8 })) {
          const after = await openStore("/s", { fileSystem: moment.clone().crash(choices) });
          // Whoever keeps house finishes what was cut short.
          for await (const _ of after.retain()) continue;
          const [entry] = await after.trash();
          assert.notEqual(await after.has("k"), entry !== undefined, "in one of the two");
          if (entry === undefined) inStore++;
          else inTrash++;
          if (entry !== undefined) await after.restore("k");
          const session = await after.session("k");
          assert.deepEqual(await everything(session), [0, 1, 2, 3]);
          assert.equal(session.summary, "s");
          assert.deepEqual(await session.history(), [{ n: 3 }]);
          await after.close();
        }
      }
      assert.ok(inStore > 0 && inTrash > 0, `${inStore} ${inTrash}`);
    }
  }
});

async function everything(session: { records(options: { all: true }): AsyncIterable<{ record: { n?: unknown } }> }) {
  const found: unknown[] = [];
  for await (const { record } of session.records({ all: true })) found.push(record.n);
  return found;
}
