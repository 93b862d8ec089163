/**
 * The facade for an agent loop: it never throws, keeps order, closes picoclaw's race, and says when nothing is kept.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { HoldfastError } from "../../mod.ts";
import { AgentMemory, type AgentMemoryProblem, openAgentMemory } from "../../src/adapters/open_agent_memory.ts";
import { UnsavedMemory } from "../../src/adapters/unsaved_memory.ts";
import { simulatedTest, type StoreBench, storeTest } from "../store/store_fixture.ts";

const key = "telegram:123";

interface Opened {
  memory: AgentMemory;
  problems: AgentMemoryProblem[];
}

async function open(bench: StoreBench): Promise<Opened> {
  const problems: AgentMemoryProblem[] = [];
  const memory = await openAgentMemory(bench.directory, {
    fileSystem: bench.port,
    onEvent: (event) => bench.events.push(event),
    onError: (problem) => problems.push(problem),
  });
  return { memory, problems };
}

async function texts(memory: AgentMemory, session = key): Promise<unknown[]> {
  return (await memory.getHistory(session)).map(({ content }) => content);
}

const legacy = (content: string, session: string) =>
  JSON.stringify({
    key: session,
    messages: [{ role: "user", content }],
    created: "2026-01-02T03:04:05Z",
    updated: "2026-01-02T03:04:05Z",
  });

storeTest("AgentMemory keeps messages, summary and history over a restart, and stamps created_at", async (bench) => {
  const { memory, problems } = await open(bench);
  assert.deepEqual(await memory.getHistory(key), []);
  assert.equal(await memory.getSummary(key), "");
  await memory.addMessage(key, "user", "hi");
  await memory.addFullMessage(key, { role: "assistant", content: "ho", created_at: "2026-01-02T03:04:05Z" });
  await memory.setSummary(key, "They met.");
  assert.deepEqual(await memory.close(), { error: null });
  const again = (await open(bench)).memory;
  const [first, second] = await again.getHistory(key);
  assert.match(String(first?.["created_at"]), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assert.deepEqual(second, { role: "assistant", content: "ho", created_at: "2026-01-02T03:04:05Z" });
  assert.equal(await again.getSummary(key), "They met.");
  assert.deepEqual(await again.listSessions(), [key]);
  await again.setHistory(key, [{ role: "user", content: "anew" }]);
  assert.deepEqual(await texts(again), ["anew"]);
  await again.close();
  assert.deepEqual([problems, again.counters.errors], [[], 0]);
});

storeTest(
  "AgentMemory leaves transient thoughts out, when it writes, when it reads and when it counts",
  async (bench) => {
    const thought = { role: "assistant", content: "", "reasoning_content": "hm" };
    const { memory } = await open(bench);
    await memory.addFullMessage(key, thought);
    assert.equal(memory.counters.thoughts, 1);
    for (const content of ["a", "b", "c"]) {
      await memory.addMessage(key, "user", content);
      await (await memory.store?.session(key))?.append(thought);
    }
    assert.deepEqual(await texts(memory), ["a", "b", "c"]);
    await memory.truncateHistory(key, 2);
    assert.deepEqual(await texts(memory), ["b", "c"]);
    await memory.setHistory(key, [thought, { role: "user", content: "d" }]);
    assert.equal((await (await memory.store?.session(key))?.history())?.length, 1);
    await memory.close();
  },
);

storeTest(
  "AgentMemory takes calls for one key in the order in which they are made, and appends share a sync",
  async (bench) => {
    const { memory } = await open(bench);
    await memory.addMessage(key, "user", "first");
    const before = memory.store?.counters.syncs ?? 0;
    const content = Array.from({ length: 20 }, (_, index) => `m${index}`);
    const calls = content.map((text) => memory.addMessage(key, "user", text));
    assert.deepEqual(await texts(memory), ["first", ...content], "a read sees what was called before it");
    await Promise.all(calls);
    assert.ok((memory.store?.counters.syncs ?? 0) - before < 20);
    const fresh = (await open(bench)).memory;
    await memory.close();
    for (const text of content) void fresh.addMessage("agent:1:x", "user", text);
    assert.deepEqual(await fresh.close(), { error: null });
    const again = (await open(bench)).memory;
    assert.deepEqual(await texts(again, "agent:1:x"), content);
    await again.close();
  },
);

storeTest("W10, #704: messages that are added while a summary is made are never dropped", async (bench) => {
  const { memory } = await open(bench);
  for (let index = 0; index < 10; index++) await memory.addMessage(key, "user", `old ${index}`);
  const done = await memory.summarize(key, async (messages, before) => {
    assert.deepEqual([messages.length, before], [6, ""]);
    // The model takes its time, and the conversation goes on: more than what was to be kept.
    for (let index = 0; index < 7; index++) await memory.addMessage(key, "user", `new ${index}`);
    assert.equal(await memory.getSummary(key), "", "nothing is there before all of it is");
    return "six messages";
  }, { keepLast: 4 });
  assert.ok(done);
  assert.equal(await memory.getSummary(key), "six messages");
  const expected = ["old 6", "old 7", "old 8", "old 9", ...Array.from({ length: 7 }, (_, index) => `new ${index}`)];
  assert.deepEqual(await texts(memory), expected);
  await memory.save(key);
  assert.deepEqual(await texts(memory), expected);
  const { asOf } = await memory.snapshot(key);
  await memory.addMessage(key, "user", "later");
  await memory.truncateHistory(key, 0, { summary: "all but the last", asOf });
  assert.deepEqual(await texts(memory), ["later"]);
  await memory.close();
});

simulatedTest("W10: summary and truncation are one commit", async (bench) => {
  const { memory } = await open(bench);
  for (let index = 0; index < 3; index++) await memory.addMessage(key, "user", `m${index}`);
  const before = memory.store?.counters.metaWrites ?? 0;
  await memory.summarize(key, () => "s", { keepLast: 1 });
  assert.equal((memory.store?.counters.metaWrites ?? 0) - before, 1);
  await memory.close();
});

storeTest("AgentMemory.summarize() that fails changes nothing, and throws nothing", async (bench) => {
  const { memory, problems } = await open(bench);
  await memory.addMessage(key, "user", "a");
  assert.equal(await memory.summarize(key, () => Promise.reject(new Error("no model")), { keepLast: 0 }), false);
  assert.equal(await memory.summarize(key, () => "unused", { keepLast: 5 }), false);
  assert.deepEqual(await texts(memory), ["a"]);
  assert.deepEqual(problems.map(({ operation, error }) => [operation, error.message]), [["summarize", "no model"]]);
  await memory.close();
});

storeTest("W11: save() removes nothing before the hidden records are more than the active ones", async (bench) => {
  const { memory } = await open(bench);
  for (let index = 0; index < 10; index++) await memory.addMessage(key, "user", `m${index}`);
  await memory.truncateHistory(key, 5);
  assert.deepEqual(await memory.save(key), { error: null });
  assert.equal(memory.store?.counters.rewrites, 0, "five hidden, five active");
  await memory.truncateHistory(key, 4);
  await memory.save(key);
  assert.equal(memory.store?.counters.rewrites, 1);
  await memory.save(key);
  assert.equal(memory.store?.counters.rewrites, 1, "there is nothing more to remove");
  await memory.close();
});

storeTest("AgentMemory: errors go to the handler and the counter, save() and close() report them", async (bench) => {
  const { memory, problems } = await open(bench);
  await memory.addMessage(key, "user", "a");
  bench.port.onCall = ({ method }) => {
    if (method === "syncData") throw Object.assign(new Error("EIO"), { code: "EIO" });
  };
  await memory.addMessage(key, "user", "b");
  await memory.setSummary(key, "s");
  assert.deepEqual(problems.map(({ operation, key }) => [operation, key]), [["addMessage", key], ["setSummary", key]]);
  assert.ok((await memory.save(key)).error instanceof HoldfastError);
  assert.equal(memory.counters.errors, 2);
  bench.port.onCall = null;
  assert.deepEqual(await memory.save(key), { error: null }, "it was reported");
  await memory.addMessage(key, "user", "c");
  assert.equal((await texts(memory)).at(-1), "c", "the next call has the session opened again");
  assert.deepEqual(await memory.close(), { error: null });
  await memory.addMessage(key, "user", "d");
  assert.equal(problems.at(-1)?.error instanceof HoldfastError, true);
});

storeTest("AgentMemory: wrong arguments are reported, not thrown", async (bench) => {
  const { memory, problems } = await open(bench);
  await memory.addMessage("", "user", "a");
  await memory.truncateHistory(key, 1.5);
  await memory.addFullMessage(key, { role: "user", content: 1n });
  assert.deepEqual(problems.map(({ operation }) => operation), ["addMessage", "truncateHistory", "addFullMessage"]);
  await memory.close();
});

test("openAgentMemory() throws for wrong options alone", async () => {
  await assert.rejects(openAgentMemory("/tmp/holdfast-never", { openSessionsMax: -1 }), RangeError);
});

simulatedTest(
  "a directory that cannot be used: everything is in memory, visibly, and nothing on the disk",
  async (bench, machine) => {
    await bench.open();
    bench.port.onCall = ({ method, path }) => {
      if (method === "open" && path.endsWith("probe")) throw Object.assign(new Error("EROFS"), { code: "EROFS" });
    };
    const { memory, problems } = await open(bench);
    assert.deepEqual([memory.degraded?.code, memory.store], ["read-only", null]);
    assert.deepEqual(problems.map(({ operation }) => operation), ["open"]);
    const before = machine.counters.writes;
    await memory.addMessage(key, "user", "a");
    await memory.addMessage(key, "user", "b");
    await memory.truncateHistory(key, 1);
    assert.deepEqual(await texts(memory), ["b"]);
    assert.equal((await memory.save(key)).error, memory.degraded);
    assert.equal((await memory.close()).error, memory.degraded);
    assert.equal(machine.counters.writes, before);
  },
);

simulatedTest(
  "a migration that fails half-way: all sessions are in memory, and the next start goes on with it",
  async (bench) => {
    await bench.open();
    await bench.closeAll();
    for (const name of ["a", "b", "c"]) await bench.write(`${name}.json`, legacy(`of ${name}`, name));
    let renames = 0;
    bench.port.onCall = ({ method, path }) => {
      if (method !== "rename" || !path.endsWith(".log.tmp") || ++renames < 2) return;
      throw Object.assign(new Error("EIO"), { code: "EIO" });
    };
    const { memory, problems } = await open(bench);
    assert.notEqual(memory.degraded, null);
    assert.equal(problems.length, 1);
    for (const name of ["a", "b", "c"]) {
      assert.deepEqual(await texts(memory, name), []);
      await memory.addMessage(name, "user", "in memory");
    }
    assert.deepEqual(await memory.listSessions(), ["a", "b", "c"]);
    await memory.close();
    bench.port.onCall = null;
    const again = (await open(bench)).memory;
    assert.equal(again.degraded, null);
    for (const name of ["a", "b", "c"]) assert.deepEqual(await texts(again, name), [`of ${name}`]);
    await again.close();
  },
);

storeTest("AgentMemory: an alias leads to its session, also where a session of that name is there", async (bench) => {
  const { memory } = await open(bench);
  const alias = "agent:7:telegram:direct:9";
  await memory.addMessage(alias, "user", "before");
  await memory.upsertSessionMeta("canon", { version: 1 }, [` ${alias} `, "canon", ""]);
  assert.equal(await memory.resolveSessionKey(alias), "canon");
  await memory.addMessage(alias, "user", "after");
  assert.deepEqual(await texts(memory, "canon"), ["after"]);
  assert.deepEqual(await memory.getSessionScope(alias), { version: 1 });
  assert.equal(await memory.resolveSessionKey("agent:unknown:x"), "agent:unknown:x");
  await memory.upsertSessionMeta("canon", null, []);
  assert.equal(await memory.resolveSessionKey(alias), alias);
  assert.equal(await memory.getSessionScope("canon"), null);
  await memory.close();
});

storeTest(
  "#2972: an alias's history goes to one session, once, and never from the agent's main session",
  async (bench) => {
    const { memory, problems } = await open(bench);
    const alias = "agent:7:telegram:direct:9";
    await memory.addMessage("agent:7:main", "user", "of everybody");
    await memory.addMessage(alias, "user", "old");
    await memory.setSummary(alias, "older");
    const aliases = ["agent:7:main", alias];
    await memory.ensureSessionMetadata("one", null, aliases);
    assert.deepEqual([await texts(memory, "one"), await memory.getSummary("one")], [["old"], "older"]);
    await memory.ensureSessionMetadata("two", null, aliases);
    assert.deepEqual(await texts(memory, "two"), [], "it has gone to another");
    await memory.truncateHistory("one", 0, { summary: "" });
    await memory.save("one");
    assert.equal(await memory.promoteAliasHistory("one", aliases), false, "who was emptied stays empty");
    await memory.store?.delete("one");
    assert.equal(await memory.promoteAliasHistory("one", aliases), false, "who was deleted too");
    assert.deepEqual(problems, []);
    await memory.close();
  },
);

test("a memory without a disk promotes and resolves alike", async () => {
  const memory = new AgentMemory(new UnsavedMemory(), null, null, () => undefined);
  await memory.addMessage("agent:7:x:y", "user", "old");
  await memory.ensureSessionMetadata("one", { version: 1 }, ["agent:7:x:y"]);
  assert.deepEqual(await texts(memory, "agent:7:x:y"), ["old"]);
  await memory.ensureSessionMetadata("two", null, ["agent:7:x:y"]);
  assert.deepEqual(await texts(memory, "two"), []);
  assert.deepEqual(await memory.getSessionScope("one"), { version: 1 });
  await memory.summarize("one", () => "s", { keepLast: 0 });
  assert.deepEqual([await texts(memory, "one"), await memory.getSummary("one")], [[], "s"]);
  await memory.setHistory("one", [{ role: "user", content: "x" }]);
  assert.deepEqual(await texts(memory, "one"), ["x"]);
});
