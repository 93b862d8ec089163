import assert from "node:assert/strict";
import { test } from "node:test";
import { setMode, setTasks, setTitle, setValues } from "../../src/transcript/mod.ts";
import type { PortCall } from "../../src/testing/mod.ts";
import { openTranscript, type Transcript } from "../../src/transcript/transcript.ts";
import { startId } from "../../src/transcript/transcript_writer.ts";
import { hasCode, simulatedTest, type StoreBench, storeTest } from "../store/store_fixture.ts";
import { systemError } from "../store/watched_filesystem.ts";

/** Ids that count, and a clock that stands still. */
function counted(): { createId: () => string; now: () => Date } {
  let count = 0;
  return { createId: () => `r${count++}`, now: () => new Date(0) };
}

async function open(bench: StoreBench, key = "chat"): Promise<Transcript> {
  return openTranscript(await bench.openSession(key), counted());
}

/** No write fits on the disk. */
function fullDisk({ method }: PortCall): void {
  if (method === "write") throw systemError("ENOSPC");
}

const user = (content: string) => ({ role: "user", content });

async function chainOf(transcript: Transcript, options: { agentId?: string } = {}): Promise<unknown[]> {
  return (await transcript.messages(options)).messages.map(({ message }) => message["content"]);
}

storeTest("a transcript's records are JSON Lines with type, id, time and parent", async (bench) => {
  const transcript = await open(bench);
  await transcript.start({ provider: "p", model: "m" }, { fields: { cwd: "/p" } });
  await transcript.appendMessage(user("one"), { id: "m1" });
  await transcript.appendMessage({ role: "assistant", content: [{ type: "text", text: "two" }] }, { id: "m2" });
  await transcript.compactTo("m2");
  const time = "1970-01-01T00:00:00.000Z";
  assert.deepEqual(await transcript.session.history(), [
    { type: "session.started", id: startId, time, cwd: "/p", session: { provider: "p", model: "m" } },
    { type: "message.appended", id: "m1", time, message: user("one") },
    {
      type: "message.appended",
      id: "m2",
      time,
      parentId: "m1",
      message: { role: "assistant", content: [{ type: "text", text: "two" }] },
    },
    { type: "session.compacted", id: "r0", time, session: { boundaryId: "m2" } },
  ]);
});

storeTest("Transcript.start() is idempotent, at once, later and after a fork of other ids", async (bench) => {
  const transcript = await open(bench);
  const [first, second] = await Promise.all([transcript.start({ model: "m" }), transcript.start({ model: "other" })]);
  assert.deepEqual([first, second], [
    { id: "start", sequence: 0, duplicate: false },
    { id: "start", sequence: 0, duplicate: true },
  ]);
  await bench.closeAll();
  const again = await open(bench);
  assert.equal((await again.start({ model: "third" })).duplicate, true);
  assert.deepEqual((await again.state()).session, { model: "m" });
  const foreign = await open(bench, "foreign");
  await foreign.session.append({ type: "transcript.started", id: "S:start", system: { model: "m" } });
  assert.deepEqual(await foreign.start(), { id: "start", sequence: 0, duplicate: true });
});

storeTest(
  "Transcript.appendMessage() is idempotent by id: at once, in a turn, later, after opening again",
  async (bench) => {
    const transcript = await open(bench);
    const receipts = await Promise.all([
      transcript.appendMessage(user("a"), { id: "m1" }),
      transcript.appendMessage(user("b"), { id: "m2" }),
      transcript.appendMessage(user("a again"), { id: "m1" }),
    ]);
    assert.deepEqual(receipts.map(({ sequence, duplicate }) => [sequence, duplicate]), [[0, false], [1, false], [
      0,
      true,
    ]]);
    const turn = transcript.turn();
    turn.appendMessage(user("b again"), { id: "m2" });
    turn.appendMessage({ ...user("c"), messageId: "m3" });
    turn.appendMessage(user("c again"), { id: "m3" });
    assert.deepEqual((await turn.commit()).map(({ sequence, duplicate }) => [sequence, duplicate]), [
      [1, true],
      [2, false],
      [2, true],
    ]);
    await bench.closeAll();
    const again = await open(bench);
    assert.equal((await again.appendMessage(user("c"), { id: "m3" })).duplicate, true);
    assert.equal(await again.has("m1"), true);
    assert.equal(await again.has("m4"), false);
    assert.deepEqual(await chainOf(again), ["a", "b", "c"]);
    assert.equal((await again.session.history()).length, 3);
  },
);

storeTest(
  "Transcript.state() is what the patches add up to, with unknown paths, types and members kept",
  async (bench) => {
    const transcript = await open(bench);
    await transcript.patchState([setTitle("one"), setMode("plan"), { path: "never/seen", value: [1] }]);
    await transcript.patchState(setTitle("two"));
    await transcript.patchState(setTasks([{ id: "t", status: "open" }]), { fields: { agentId: "a" } });
    await transcript.patchState({ path: "tasks/0/status", value: "done" });
    await transcript.appendRecord({ type: "hook.fired", hook: { outcome: "ran" } });
    const state = await transcript.state();
    assert.deepEqual([state.title, state.mode, state.tag, state.worktree], ["two", "plan", null, null]);
    assert.deepEqual(state.tasks, [{ id: "t", status: "done" }]);
    assert.deepEqual(state.values["never"], { seen: [1] });
    assert.equal(state.unknownRecords, 1);
    state.tasks.splice(0);
    state.values["title"] = "changed";
    assert.equal((await transcript.state()).title, "two", "a snapshot");
    await bench.closeAll();
    const again = await open(bench);
    assert.deepEqual((await again.state()).values, { ...state.values, title: "two" });
    assert.deepEqual((await again.session.history()).at(-1), {
      type: "hook.fired",
      hook: { outcome: "ran" },
      id: "r4",
    });
  },
);

storeTest(
  "Transcript.messages() begins at the boundary, follows branches, and keeps side chains apart",
  async (bench) => {
    const transcript = await open(bench);
    for (const id of ["a", "b", "c"]) await transcript.appendMessage(user(id), { id });
    await transcript.appendMessage(user("d"), { id: "d", parentId: "b" });
    assert.deepEqual(await chainOf(transcript), ["a", "b", "d"]);
    const side = transcript.turn();
    side.appendMessage(user("s1"), { id: "s1", agentId: "search", parentId: "d" });
    side.appendMessage(user("s2"), { id: "s2", agentId: "search" });
    await side.commit();
    await transcript.appendMessage(user("e"), { id: "e" });
    assert.deepEqual(await chainOf(transcript), ["a", "b", "d", "e"]);
    assert.deepEqual(await chainOf(transcript, { agentId: "search" }), ["s1", "s2"]);
    assert.deepEqual(await chainOf(transcript, { agentId: "nobody" }), []);
    await transcript.compactTo("d");
    const { messages, end } = await transcript.messages();
    assert.deepEqual([messages.map(({ id }) => id), end], [["d", "e"], "boundary"]);
    assert.deepEqual((await transcript.state()).agentIds, ["search"]);
    await transcript.compactTo("s2", { agentId: "search" });
    assert.deepEqual(await chainOf(transcript, { agentId: "search" }), ["s2"]);
    assert.deepEqual(await chainOf(transcript), ["d", "e"]);
    await bench.closeAll();
    assert.deepEqual(await chainOf(await open(bench)), ["d", "e"]);
  },
);

storeTest("Transcript.messages() gives the last ones, and reads no more of the log than they need", async (bench) => {
  const store = await bench.open();
  const transcript = openTranscript(await store.session("chat"), counted());
  for (let index = 0; index < 200; index++) {
    await transcript.appendMessage(user(`${index} ${"x".repeat(20_000)}`), { id: `m${index}` });
  }
  const before = store.counters.bytesRead;
  const { messages, dropped, end } = await transcript.messages({ last: 2 });
  assert.deepEqual([messages.map(({ id }) => id), dropped, end], [["m198", "m199"], 198, "start"]);
  const read = store.counters.bytesRead - before;
  const { bytes } = await transcript.session.info();
  assert.ok(read < bytes / 3, `${read} of ${bytes} bytes`);
  assert.equal((await transcript.messages({ last: 0 })).messages.length, 0);
  assert.equal((await transcript.messages({ last: 999 })).dropped, 0);
  await assert.rejects(transcript.messages({ last: -1 }), RangeError);
});

storeTest("what is truncated is out of the chain, and still counts for ids and state", async (bench) => {
  const transcript = await open(bench);
  await transcript.patchState(setTitle("T"));
  for (const id of ["a", "b", "c"]) await transcript.appendMessage(user(id), { id });
  await transcript.session.truncate(1);
  transcript.refresh();
  const { messages, end } = await transcript.messages();
  assert.deepEqual([messages.map(({ id }) => id), end], [["c"], "hidden"]);
  assert.equal((await transcript.state()).title, "T");
  assert.equal((await transcript.appendMessage(user("a"), { id: "a" })).duplicate, true);
  await transcript.session.truncate(0);
  transcript.refresh();
  assert.deepEqual(await chainOf(transcript), []);
  await transcript.appendMessage(user("d"), { id: "d" });
  assert.deepEqual(await chainOf(transcript), ["d"]);
});

storeTest(
  "what compaction removes still counts where it is archived; without, the state is said again",
  async (bench) => {
    for (const archive of [true, false]) {
      const key = archive ? "archived" : "said again";
      const transcript = openTranscript(await bench.openSession(key, { archive }), counted());
      await transcript.patchState([setTitle("T"), { path: "a~1b/c", value: 1 }]);
      for (const id of ["a", "b", "c"]) await transcript.appendMessage(user(id), { id });
      const { values } = await transcript.state();
      if (!archive) await transcript.patchState(setValues(values));
      await transcript.session.truncate(archive ? 1 : 2);
      await transcript.session.compact();
      await bench.closeAll();
      const again = openTranscript(await bench.openSession(key), counted());
      assert.deepEqual((await again.state()).values, { title: "T", "a/b": { c: 1 } });
      assert.deepEqual(await chainOf(again), ["c"]);
      assert.equal(await again.has("a"), archive);
      await bench.closeAll();
    }
  },
);

storeTest("what was appended to the session directly is found at the next look", async (bench) => {
  const transcript = await open(bench);
  await transcript.appendMessage(user("a"), { id: "a" });
  await transcript.session.append({ type: "message.appended", id: "b", parentId: "a", message: user("b") });
  await transcript.appendMessage(user("c"), { id: "c", parentId: "b" });
  assert.deepEqual(await chainOf(transcript), ["a", "b", "c"]);
  assert.equal((await transcript.appendMessage(user("b"), { id: "b" })).duplicate, true);
});

storeTest("a record is taken as it is at the call, and wrong arguments reject", async (bench) => {
  const transcript = await open(bench);
  const message = { role: "user", content: ["before"] };
  const turn = transcript.turn();
  turn.appendMessage(message);
  message.content[0] = "after";
  await turn.commit();
  assert.deepEqual(await chainOf(transcript), [["before"]]);
  await assert.rejects(transcript.appendMessage({ content: "no role" }), TypeError);
  await assert.rejects(transcript.appendMessage(user("x"), { id: "" }), TypeError);
  await assert.rejects(transcript.appendMessage({ ...user("x"), messageId: "a" }, { id: "b" }), TypeError);
  await assert.rejects(transcript.appendRecord({ id: "x" }), TypeError);
  await assert.rejects(transcript.compactTo(""), TypeError);
  assert.throws(() => turn.appendMessage(user("late")), TypeError);
  assert.equal((await transcript.session.history()).length, 1);
});

simulatedTest(
  "a message follows the one before it, or the last that is there if that could not be written",
  async (bench) => {
    const transcript = await open(bench);
    await transcript.appendMessage(user("a"), { id: "a" });
    bench.port.onCall = fullDisk;
    const [lost, kept] = await Promise.allSettled([
      transcript.appendMessage(user("b"), { id: "b" }).finally(() => bench.port.onCall = null),
      transcript.appendMessage(user("c"), { id: "c" }),
    ]);
    assert.equal(lost.status, "rejected");
    assert.equal(kept.status, "fulfilled");
    const { messages, end } = await transcript.messages();
    assert.deepEqual([messages.map(({ id, parentId }) => [id, parentId]), end], [[["a", null], ["c", "a"]], "start"]);
  },
);

simulatedTest("a turn that could not be written is not there, and can be committed again", async (bench) => {
  const transcript = await open(bench);
  await transcript.start();
  const turn = transcript.turn();
  turn.appendMessage(user("a"), { id: "a" });
  turn.patchState(setTitle("T"));
  bench.port.onCall = fullDisk;
  await assert.rejects(turn.commit(), hasCode("disk-full"));
  bench.port.onCall = null;
  assert.deepEqual([await chainOf(transcript), (await transcript.state()).title], [[], null]);
  turn.appendMessage(user("b"));
  assert.equal(turn.size, 3);
  const receipts = await turn.commit();
  assert.deepEqual(receipts.map(({ sequence }) => sequence), [1, 2, 3]);
  assert.equal(await turn.commit(), receipts, "committed once");
  assert.deepEqual([await chainOf(transcript), (await transcript.state()).title], [["a", "b"], "T"]);
});

simulatedTest("an append that cannot read its session rejects, and the next one tries again", async (bench) => {
  const session = await bench.openSession();
  await session.append(user("x"));
  const transcript = openTranscript(session, counted());
  bench.port.failNext((call) => call.method === "read", "EIO");
  await assert.rejects(transcript.appendMessage(user("a"), { id: "a" }), hasCode("io"));
  assert.equal((await transcript.appendMessage(user("a"), { id: "a" })).duplicate, false);
});

storeTest("an empty turn writes nothing", async (bench) => {
  const transcript = await open(bench);
  assert.deepEqual(await transcript.turn().commit(), []);
  assert.equal(await (await bench.open()).has("chat"), false);
});

test("openTranscript() makes ids and times by itself", async () => {
  const { SimulatedFileSystem } = await import("../../src/testing/mod.ts");
  const { openStore } = await import("../../mod.ts");
  const fileSystem = new SimulatedFileSystem();
  await fileSystem.makeDirectory("/s", 0o700);
  await using store = await openStore("/s", { fileSystem });
  const transcript = openTranscript(await store.session("chat"));
  const [one, other] = [await transcript.appendMessage(user("a")), await transcript.appendMessage(user("b"))];
  assert.match(one.id, /^[0-9a-f-]{36}$/);
  assert.notEqual(one.id, other.id);
  const [{ record } = assert.fail()] = (await transcript.messages()).messages;
  assert.equal(new Date(String(record["time"])).toISOString(), record["time"]);
});
