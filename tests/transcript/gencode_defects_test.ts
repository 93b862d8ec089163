/**
 * Defects of the transcript store that this one replaces, by number: here they do not exist.
 *
 * @module
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { openStore } from "../../mod.ts";
import { crashStates, SimulatedFileSystem } from "../../src/testing/mod.ts";
import { forkTranscript } from "../../src/transcript/fork_transcript.ts";
import { listTranscripts, openTranscript, setTasks, setTitle, type Transcript } from "../../src/transcript/mod.ts";
import { simulatedTest, type StoreBench, storeTest } from "../store/store_fixture.ts";

const key = "chat";
const user = (content: string) => ({ role: "user", content });

async function open(bench: StoreBench): Promise<Transcript> {
  return openTranscript(await bench.openSession(key));
}

async function idsOf(transcript: Transcript): Promise<string[]> {
  return (await transcript.messages()).messages.map(({ id }) => id);
}

storeTest(
  "G1: a torn or damaged line makes no transcript unloadable, hides it from no list, and glues to nothing",
  async (bench) => {
    const transcript = await open(bench);
    await transcript.start();
    for (const id of ["a", "b", "c"]) await transcript.appendMessage(user(id), { id, parentId: null });
    await bench.closeAll();
    const log = await bench.text(`${key}.jsonl`);
    for (
      const damaged of [`${log}{"type":"message.appended","id":"to`, log.replace('"content":"b"', '"content":"x"')]
    ) {
      await bench.write(`${key}.jsonl`, damaged);
      const store = await bench.open();
      const keys: string[] = [];
      for await (const entry of listTranscripts(store)) keys.push(entry.key);
      assert.deepEqual(keys, [key]);
      const again = openTranscript(await store.session(key));
      assert.deepEqual(await idsOf(again), ["c"]);
      assert.equal((await again.appendMessage(user("d"), { id: "d" })).duplicate, false);
      await bench.closeAll();
      const last = await open(bench);
      assert.deepEqual(await idsOf(last), ["c", "d"]);
      const lines = (await bench.text(`${key}.jsonl`)).split("\n").filter((line) => line.trim() !== "");
      for (const line of lines) assert.doesNotThrow(() => JSON.parse(line), line);
      await bench.closeAll();
    }
  },
);

simulatedTest("G2: an append reads nothing, however long the log; ids are found by one scan", async (bench) => {
  const session = await bench.openSession(key);
  await session.appendAll(
    Array.from({ length: 2000 }, (_, index) => ({ type: "message.appended", id: `m${index}`, message: user("x") })),
  );
  const store = await bench.open();
  await bench.closeAll();
  const fresh = await bench.open();
  const transcript = openTranscript(await fresh.session(key));
  assert.ok(store !== fresh);
  await transcript.appendMessage(user("one"), { id: "one" });
  const before = { ...fresh.counters };
  for (let index = 0; index < 100; index++) {
    await transcript.appendMessage(user("x"), { id: `n${index}` });
    assert.equal((await transcript.appendMessage(user("x"), { id: `m${index * 20}` })).duplicate, true);
  }
  const { bytesRead, renames, metaWrites, records } = fresh.counters;
  assert.deepEqual(
    [bytesRead - before.bytesRead, renames - before.renames, metaWrites - before.metaWrites, records - before.records],
    [0, 0, 0, 100],
  );
});

test("G2: a record that a reader could not read is refused when it is written, and the transcript goes on", async () => {
  const fileSystem = new SimulatedFileSystem();
  await fileSystem.makeDirectory("/s", 0o700);
  await using store = await openStore("/s", { fileSystem, recordBytesMax: 1000 });
  const transcript = openTranscript(await store.session(key));
  await transcript.appendMessage(user("a"), { id: "a" });
  await assert.rejects(transcript.appendMessage(user("x".repeat(2000)), { id: "large" }));
  await transcript.appendMessage(user("b"), { id: "b" });
  assert.deepEqual(await idsOf(transcript), ["a", "b"]);
});

simulatedTest(
  "G3: what makes a transcript's files is synced before it is renamed, and its directory after it",
  async (bench, machine) => {
    const transcript = await open(bench);
    bench.port.takeCalls();
    await transcript.start();
    const calls = bench.port.takeCalls();
    for (const [index, call] of calls.entries()) {
      if (!call.startsWith("rename ")) continue;
      const [, from = ""] = call.split(" ");
      const syncAt = calls.lastIndexOf(`syncData ${from}`, index);
      const writeAt = calls.lastIndexOf(`write ${from}`, index);
      assert.ok(syncAt > writeAt && writeAt >= 0, `${call}: ${calls.join(", ")}`);
      assert.ok(calls.indexOf("syncDirectory sessions", index) > index, calls.join(", "));
    }
    assert.ok(calls.some((call) => call.startsWith("rename ")));
    const disk = machine.crash([]);
    await using store = await openStore("/sessions", { fileSystem: disk });
    assert.equal(
      (await openTranscript(await store.session(key)).start()).duplicate,
      true,
      "acknowledged, so it is there",
    );
  },
);

storeTest(
  "G4: a turn only appends: markers of compaction and fork, and what is before the boundary, stay in the log",
  async (bench) => {
    const transcript = await open(bench);
    await transcript.start();
    await transcript.markForked("parent");
    for (const id of ["a", "b", "c"]) await transcript.appendMessage(user(id), { id });
    await transcript.compactTo("b");
    const before = await transcript.session.history();
    for (let round = 0; round < 3; round++) {
      await bench.closeAll();
      const again = await open(bench);
      const turn = again.turn();
      turn.appendMessage(user(`turn ${round}`), { id: `t${round}` });
      turn.patchState(setTitle(`turn ${round}`));
      await turn.commit();
    }
    await bench.closeAll();
    const last = await open(bench);
    const history = await last.session.history();
    assert.deepEqual(history.slice(0, before.length), before);
    assert.deepEqual(await idsOf(last), ["b", "c", "t0", "t1", "t2"]);
    assert.equal((await last.state()).forkedFrom, "parent");
  },
);

storeTest(
  "G5: ids are stamped once, and saying the whole conversation again each turn adds only what is new",
  async (bench) => {
    const conversation: { id: string; message: { role: string; content: string } }[] = [];
    for (let round = 0; round < 4; round++) {
      const transcript = await open(bench);
      conversation.push({ id: `m${round}`, message: user(`round ${round}`) });
      const turn = transcript.turn();
      for (const { id, message } of conversation) turn.appendMessage(message, { id });
      const receipts = await turn.commit();
      assert.equal(receipts.filter(({ duplicate }) => !duplicate).length, 1);
      assert.deepEqual(await idsOf(transcript), conversation.map(({ id }) => id));
      await bench.closeAll();
    }
    const transcript = await open(bench);
    const given = await transcript.appendMessage(user("no id"));
    await bench.closeAll();
    assert.equal((await idsOf(await open(bench))).at(-1), given.id, "the id that was stamped is the id that is read");
  },
);

/** Larger than what stays in the log. */
const large = "0123456789abcdef".repeat(1024);
const largeBlobs = { blobs: { valueBytesMin: 8192, previewBytesMax: 1024 } };

storeTest("G6: large values of a source are the fork's too, and stay when the source is deleted", async (bench) => {
  const store = await bench.open(largeBlobs);
  const source = openTranscript(await store.session("source"));
  await source.appendMessage({ role: "tool", tool_call_id: "c", content: large }, { id: "a" });
  await forkTranscript(store, "source", "fork");
  await store.delete("source");
  await bench.closeAll();
  const fork = openTranscript(await bench.openSession("fork"));
  assert.equal((await fork.messages()).messages[0]?.message["content"], large);
});

storeTest(
  "G7: a large value that was read back is in no log: saying the conversation again adds nothing",
  async (bench) => {
    for (let round = 0; round < 3; round++) {
      const transcript = openTranscript(await bench.openSession(key, largeBlobs));
      const { messages } = await transcript.messages();
      const turn = transcript.turn();
      for (const { id, message } of messages) turn.appendMessage(message, { id });
      turn.appendMessage({ role: "tool", tool_call_id: `c${round}`, content: large }, { id: `m${round}` });
      await turn.commit();
      assert.equal((await transcript.messages()).messages[round]?.message["content"], large);
      await bench.closeAll();
      const log = await bench.text(`${key}.jsonl`);
      assert.ok(log.length < 2_000 * (round + 1), `${log.length} bytes`);
      assert.equal(
        (await bench.names("/blobs")).filter((name) => /^[0-9a-f]{64}/.test(name)).length,
        1,
        "one content, one blob",
      );
    }
  },
);

simulatedTest(
  "G8: a large value is durable before the record that names it, at every step of the append",
  async (bench, machine) => {
    const transcript = openTranscript(await bench.openSession(key, largeBlobs));
    await transcript.start();
    const images: SimulatedFileSystem[] = [];
    machine.onStep = () => void images.push(machine.clone());
    await transcript.appendMessage({ role: "tool", tool_call_id: "c", content: large }, { id: "a" });
    machine.onStep = undefined;
    images.push(machine.clone());
    let found = 0;
    for (const image of images) {
      for (const { choices } of crashStates(image, { limit: 12 })) {
        await using store = await openStore("/sessions", { fileSystem: image.clone().crash(choices) });
        const { messages } = await openTranscript(await store.session(key)).messages();
        found += messages.length;
        for (const { message } of messages) assert.equal(message["content"], large, image.describe(choices));
      }
    }
    assert.ok(found > 0);
  },
  { model: "weak" },
);

storeTest("G9: the date of creation stays through appends, turns, compaction and opening again", async (bench) => {
  const transcript = await open(bench);
  await transcript.start();
  const { createdAt } = await transcript.session.info();
  const started = (await transcript.session.history())[0]?.["time"];
  assert.ok(createdAt !== null);
  for (let round = 0; round < 3; round++) {
    await bench.closeAll();
    const again = await open(bench);
    const turn = again.turn();
    turn.start();
    turn.appendMessage(user(`round ${round}`));
    turn.patchState(setTitle(`round ${round}`));
    await turn.commit();
    await again.session.truncate(1);
    if (round === 2) await again.session.compact();
    assert.equal((await again.session.info()).createdAt, createdAt);
    if (round < 2) {
      for await (const { record } of again.session.records({ all: true, limit: 1 })) {
        assert.equal(record["time"], started);
      }
    }
  }
});

simulatedTest(
  "G10: title and tasks of a committed turn are as new as its messages, whatever a power cut takes",
  async (bench, machine) => {
    const transcript = await open(bench);
    for (let round = 0; round < 3; round++) {
      const turn = transcript.turn();
      turn.appendMessage(user(`round ${round}`), { id: `m${round}` });
      turn.respondInference({ turn: round });
      turn.patchState([setTitle(`round ${round}`), setTasks([{ id: "t", status: `round ${round}` }])]);
      await turn.commit();
    }
    // Appended singly, they ride along, and the next durable record takes them with it.
    await transcript.patchState(setTitle("by itself"));
    await transcript.appendMessage(user("after it"));
    for (let choice = 0; choice < 4; choice++) {
      const disk = machine.clone().crash(Array.from({ length: 40 }, (_, index) => (index * 7 + choice) % 5));
      await using store = await openStore("/sessions", { fileSystem: disk });
      const state = await openTranscript(await store.session(key)).state();
      assert.deepEqual([state.title, state.tasks[0]?.status, state.messageCount], ["by itself", "round 2", 4]);
    }
  },
);

storeTest(
  "G11: a transcript is as old as it likes: opening, listing and writing beside it remove nothing",
  async (bench) => {
    const transcript = await open(bench);
    await transcript.appendRecord({ type: "session.started", id: "start", time: "1970-01-01T00:00:00.000Z" });
    await bench.closeAll();
    const before = await bench.text(`${key}.jsonl`);
    const store = await bench.open();
    await openTranscript(await store.session("other")).start();
    for await (const entry of listTranscripts(store)) await entry.state();
    await bench.closeAll();
    assert.equal(await bench.text(`${key}.jsonl`), before);
    const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
    assert.doesNotMatch(readme, /cleaned up automatically|\d+[- ]day clean/i, "and nothing says that it does");
  },
);
