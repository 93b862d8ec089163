import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../properties.ts";
import { openStore, type SessionStore } from "../../mod.ts";
import { crashStates, SimulatedFileSystem } from "../../src/testing/mod.ts";
import { openTranscript, setTitle, type Transcript, type TranscriptTurn } from "../../src/transcript/mod.ts";

/** A turn as gencode's agent writes it. */
const turnRecords = 5;

/** How many turns the power cuts cut off. */
const turns = 2;

function fillTurn(turn: TranscriptTurn, number: number): void {
  turn.appendMessage({ role: "user", content: `question ${number}` }, { id: `q${number}` });
  turn.requestInference({ turn: number });
  turn.respondInference({ turn: number, stopReason: "end_turn" });
  turn.appendMessage({ role: "assistant", content: `answer ${number}` }, { id: `a${number}` });
  turn.patchState(setTitle(`turn ${number}`));
}

/** The same records, each awaited by itself. */
async function appendSingly(transcript: Transcript, number: number): Promise<void> {
  await transcript.appendMessage({ role: "user", content: `question ${number}` }, { id: `q${number}` });
  await transcript.requestInference({ turn: number });
  await transcript.respondInference({ turn: number, stopReason: "end_turn" });
  await transcript.appendMessage({ role: "assistant", content: `answer ${number}` }, { id: `a${number}` });
  await transcript.patchState(setTitle(`turn ${number}`));
}

async function machine(options: ConstructorParameters<typeof SimulatedFileSystem>[0] = {}): Promise<{
  fileSystem: SimulatedFileSystem;
  store: SessionStore;
  transcript: Transcript;
}> {
  const fileSystem = new SimulatedFileSystem(options);
  await fileSystem.makeDirectory("/sessions", 0o700);
  await fileSystem.syncDirectory("/");
  const store = await openStore("/sessions", { fileSystem });
  const transcript = openTranscript(await store.session("chat"));
  await transcript.start({ model: "m" });
  return { fileSystem, store, transcript };
}

test("TranscriptTurn.commit() puts a turn of five records down with one write and one sync; each durable by itself: five", async () => {
  const { store, transcript } = await machine();
  const syncsOf = async (run: () => Promise<unknown>): Promise<[number, number, number]> => {
    const before = { ...store.counters };
    await run();
    const { syncs, writes, records } = store.counters;
    return [syncs - before.syncs, writes - before.writes, records - before.records];
  };
  // A log that is in use has its fill.
  for (let warm = 0; warm < 3; warm++) await transcript.appendRecord({ type: "warm" });
  const turn = transcript.turn();
  fillTurn(turn, 0);
  assert.deepEqual(await syncsOf(() => turn.commit()), [1, 1, turnRecords]);
  // By type: both messages and the model's answer are durable, the request and the patch ride along.
  assert.deepEqual(await syncsOf(() => appendSingly(transcript, 1)), [3, 5, turnRecords]);
  const durable = async (): Promise<void> => {
    for (let index = 0; index < turnRecords; index++) await transcript.session.append({ type: "x", index });
  };
  assert.deepEqual(await syncsOf(durable), [turnRecords, turnRecords, turnRecords]);
  await store.close();
});

test("a durable record awaited singly costs one sync of its own, one that rides along none", async () => {
  const { store, transcript } = await machine();
  const message = { role: "user", content: "hi" };
  const cases: [number, () => Promise<unknown>][] = [
    [1, () => transcript.appendMessage(message)],
    [1, () => transcript.respondInference({})],
    [1, () => transcript.compactTo("m1")],
    [1, () => transcript.markForked("other")],
    [1, () => transcript.appendRecord({ type: "of/nobody" })],
    [0, () => transcript.start({})],
    [0, () => transcript.patchState(setTitle("T"))],
    [0, () => transcript.requestInference({})],
    [0, () => transcript.addSystemSection({ name: "s", content: "c" })],
    [0, () => transcript.removeSystemSection("s")],
    [0, () => transcript.addTools([{ name: "t" }])],
    [0, () => transcript.removeTools(["t"])],
    [1, () => transcript.appendMessage(message)],
  ];
  for (const [index, [expected, run]] of cases.entries()) {
    const before = store.counters.syncs;
    await run();
    assert.equal(store.counters.syncs - before, expected, `case ${index}`);
  }
  await store.close();
});

const modelStrictness = ["ordered", "weak"] as const;

for (const model of modelStrictness) {
  test(`I1, I5: after a power cut at any step a turn is there as a whole or not at all, and there once committed (${model})`, async () => {
    const { fileSystem, transcript } = await machine({ model });
    // What the log may hold: turns that were acknowledged, and at most the one that is under way.
    let committed = 0;
    const images: { image: SimulatedFileSystem; committed: number }[] = [];
    fileSystem.onStep = () => {
      images.push({ image: fileSystem.clone(), committed });
    };
    for (let number = 0; number < turns; number++) {
      const turn = transcript.turn();
      fillTurn(turn, number);
      await turn.commit();
      committed = number + 1;
    }
    fileSystem.onStep = undefined;
    images.push({ image: fileSystem.clone(), committed });
    let states = 0;
    for (const { image, committed: promised } of images) {
      for (const { choices } of crashStates(image, { limit: 32 })) {
        const disk = image.clone().crash(choices);
        const story = `${model}, ${promised} acknowledged: ${image.describe(choices)}`;
        await assertWholeTurns(disk, promised, story);
        states++;
      }
    }
    assert.ok(states > 20, `${states} states`);
  });
}

async function assertWholeTurns(fileSystem: SimulatedFileSystem, acknowledged: number, story: string): Promise<void> {
  await using store = await openStore("/sessions", { fileSystem });
  const transcript = openTranscript(await store.session("chat"));
  const history = await transcript.session.history();
  const whole = (history.length - 1) / turnRecords;
  assert.ok(Number.isInteger(whole) && whole >= acknowledged, `I1, I5: ${history.length} records; ${story}`);
  const { messages, end } = await transcript.messages();
  assert.deepEqual([messages.length, end], [whole * 2, "start"], story);
  const { title } = await transcript.state();
  assert.equal(title, whole === 0 ? null : `turn ${whole - 1}`, `G10: ${story}`);
  // The turn is said again: what is there is not appended again, and what is not is.
  for (let number = 0; number < turns; number++) {
    const turn = transcript.turn();
    turn.appendMessage({ role: "user", content: `question ${number}` }, { id: `q${number}` });
    turn.appendMessage({ role: "assistant", content: `answer ${number}` }, { id: `a${number}` });
    await turn.commit();
  }
  assert.equal((await transcript.messages()).messages.length, turns * 2, story);
}

test("turns and single records of any kind, cut off anywhere: whole turns, a prefix, and the state that belongs to it", async () => {
  const step = fc.record({
    kind: fc.constantFrom("turn", "single", "patch"),
    size: fc.integer({ min: 1, max: 4 }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 5 }),
      fc.constantFrom(...modelStrictness),
      fc.nat(),
      fc.array(fc.nat(7), { maxLength: 12 }),
      async (steps, model, cutAt, choices) => {
        const { fileSystem, transcript } = await machine({ model });
        const batches: string[][] = [["start"]];
        let acknowledged = 1;
        let stepsSeen = 0;
        let cut: { disk: SimulatedFileSystem; acknowledged: number } | null = null;
        fileSystem.onStep = () => {
          if (stepsSeen++ === cutAt % 40) cut = { disk: fileSystem.clone().crash(choices), acknowledged };
        };
        for (const [index, { kind, size }] of steps.entries()) {
          const ids = Array.from({ length: kind === "turn" ? size : 1 }, (_, each) => `${index}.${each}`);
          batches.push(ids);
          const turn = transcript.turn();
          for (const id of ids) turn.appendMessage({ role: "user", content: id }, { id });
          if (kind === "turn") await turn.commit();
          else if (kind === "single") {
            await transcript.appendMessage({ role: "user", content: index }, { id: ids[0] ?? "" });
          } else await transcript.patchState({ path: `seen/${index}`, value: true }, { id: ids[0] ?? "" });
          if (kind !== "patch") acknowledged = batches.length;
        }
        fileSystem.onStep = undefined;
        const { disk, acknowledged: promised } = cut ?? { disk: fileSystem.crash(choices), acknowledged };
        await using store = await openStore("/sessions", { fileSystem: disk });
        const found = (await (await store.session("chat")).history()).map((record) => record["id"]);
        const prefixes = batches.map((_, count) => batches.slice(0, count + 1).flat().join(" "));
        const whole = prefixes.indexOf(found.join(" ")) + 1;
        assert.ok(whole >= promised, `I1, I5: ${found} of ${JSON.stringify(batches)}, ${promised} promised`);
      },
    ),
    { numRuns: 60, seed: 20261120 },
  );
});

test("I1: a message that a killed program had written, and not synced, is durable when it is said again", async () => {
  const { fileSystem, transcript } = await machine({ model: "weak" });
  await transcript.session.appendAll(
    [{ type: "message.appended", id: "m1", message: { role: "user", content: "hi" } }],
    {
      durability: "buffered",
    },
  );
  const next = fileSystem.kill();
  const store = await openStore("/sessions", { fileSystem: next });
  const again = openTranscript(await store.session("chat"));
  assert.equal((await again.appendMessage({ role: "user", content: "hi" }, { id: "m1" })).duplicate, true);
  for (const { choices } of crashStates(next, { limit: 32 })) {
    const disk = next.clone().crash(choices);
    await using after = await openStore("/sessions", { fileSystem: disk });
    assert.equal((await (await after.session("chat")).history()).length, 2, next.describe(choices));
  }
  await store.close();
});
