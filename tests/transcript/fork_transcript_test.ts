import assert from "node:assert/strict";
import { forkTranscript } from "../../src/transcript/fork_transcript.ts";
import { openTranscript, setTitle } from "../../src/transcript/mod.ts";
import { hasCode, simulatedTest, storeTest } from "../store/store_fixture.ts";

const user = (content: string) => ({ role: "user", content });

storeTest("G6: a fork keeps the times and ids of its records, and outlives its source", async (bench) => {
  const store = await bench.open();
  const source = openTranscript(await store.session("source"), { now: () => new Date(1000) });
  await source.start({ model: "m" });
  for (const id of ["a", "b", "c"]) await source.appendMessage(user(id), { id });
  await source.patchState(setTitle("T"));
  const before = await source.session.history();
  const fork = await forkTranscript(store, "source", "fork", { now: () => new Date(9000) });
  const history = await fork.session.history();
  assert.deepEqual(history.slice(0, -1), before);
  assert.deepEqual(history.at(-1), {
    type: "session.forked",
    id: "fork:source",
    time: "1970-01-01T00:00:09.000Z",
    session: { parentId: "source", parentSequence: 4 },
  });
  assert.deepEqual(await source.session.history(), before, "the source is as it was");
  await store.delete("source");
  await fork.appendMessage(user("d"), { id: "d" });
  await bench.closeAll();
  const again = openTranscript(await bench.openSession("fork"));
  assert.deepEqual((await again.messages()).messages.map(({ id }) => id), ["a", "b", "c", "d"]);
  const { title, forkedFrom, session } = await again.state();
  assert.deepEqual([title, forkedFrom, session], ["T", "source", { model: "m" }]);
});

storeTest(
  "forkTranscript() cuts at a message or a number, side chains included, and forks go on apart",
  async (bench) => {
    const store = await bench.open();
    const source = openTranscript(await store.session("source"));
    await source.appendMessage(user("a"), { id: "a" });
    await source.appendMessage(user("s"), { id: "s", agentId: "search" });
    await source.appendMessage(user("b"), { id: "b" });
    await source.appendMessage(user("c"), { id: "c" });
    const atMessage = await forkTranscript(store, "source", "one", { atMessage: "b" });
    const atNumber = await forkTranscript(store, "source", "two", { at: 1 });
    await atMessage.appendMessage(user("x"), { id: "x" });
    await source.appendMessage(user("d"), { id: "d" });
    const idsOf = async (options?: { agentId: string }): Promise<string[][]> =>
      await Promise.all(
        [source, atMessage, atNumber].map(async (each) => (await each.messages(options)).messages.map(({ id }) => id)),
      );
    assert.deepEqual(await idsOf(), [["a", "b", "c", "d"], ["a", "b", "x"], ["a"]]);
    assert.deepEqual(await idsOf({ agentId: "search" }), [["s"], ["s"], ["s"]]);
    const second = await forkTranscript(store, "one", "three");
    assert.deepEqual((await second.state()).forkedFrom, "one");
    await assert.rejects(forkTranscript(store, "source", "one"), hasCode("exists"));
    await assert.rejects(forkTranscript(store, "source", "four", { atMessage: "nowhere" }), hasCode("not-found"));
    await assert.rejects(forkTranscript(store, "source", "four", { at: 1, atMessage: "a" }), TypeError);
  },
);

simulatedTest(
  "forkTranscript() that was cut off before its record is finished by doing it again, once",
  async (bench) => {
    const store = await bench.open();
    await openTranscript(await store.session("source")).appendMessage(user("a"), { id: "a" });
    await store.fork("source", "fork");
    const fork = await forkTranscript(store, "source", "fork");
    assert.equal((await fork.state()).forkedFrom, "source");
    await assert.rejects(forkTranscript(store, "source", "fork"), hasCode("exists"));
    assert.equal((await fork.session.history()).length, 2);
  },
);
