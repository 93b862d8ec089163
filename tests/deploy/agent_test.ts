import assert from "node:assert/strict";
import { test } from "node:test";
import { Agent } from "../../deploy/agent/agent.ts";
import { readAgentOptions } from "../../deploy/agent/agent_options.ts";
import { ChatError, type ChatRuntime, type ResponseBody } from "../../deploy/agent/chat_client.ts";
import { eventData } from "../../deploy/agent/event_stream.ts";
import { runTool } from "../../deploy/agent/sensor_tool.ts";
import { watchdogOf } from "../../deploy/agent/watchdog.ts";
import { openStore, type SessionStore } from "../../mod.ts";
import { type FaultPlan, FaultyFileSystem, SimulatedFileSystem } from "../../src/testing/mod.ts";
import { type PretendAnswer, PretendModel, type PretendRequest, sensorCall, words } from "./pretend_model.ts";

async function* linesOf(body: ResponseBody): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of body) {
    const parts = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
  if (rest !== "") yield rest;
}

/** An agent in memory, and the server that it talks to. */
interface Bench {
  agent: Agent;
  store: SessionStore;
  fileSystem: SimulatedFileSystem;
  model: PretendModel;
  heard: { notices: string[]; said: string };
}

async function withAgent(
  answer: (request: PretendRequest, number: number) => PretendAnswer,
  use: (bench: Bench) => Promise<void>,
  settings: {
    contextLengthMax?: number;
    silenceMsMax?: number;
    url?: string;
    faults?: FaultPlan;
    runtime?: ChatRuntime;
  } = {},
): Promise<void> {
  const model = await PretendModel.start(answer);
  const fileSystem = new SimulatedFileSystem();
  const { faults } = settings;
  const port = faults === undefined ? fileSystem : new FaultyFileSystem(fileSystem, faults);
  const store = await openStore("/sessions", { fileSystem: port });
  try {
    const heard = { notices: new Array<string>(), said: "" };
    const session = await store.session("agent");
    const agent = new Agent(
      session,
      {
        endpoint: {
          url: settings.url ?? model.url,
          model: "local",
          apiKey: "secret",
          silenceMsMax: settings.silenceMsMax ?? 60_000,
        },
        sensor: { path: "/temperature", readText: async () => "20500\n", now: () => new Date(0) },
        instructions: "Be brief.",
        contextLengthMax: settings.contextLengthMax ?? 100_000,
        keptRecords: 4,
      },
      settings.runtime ?? { fetch: (url, init) => fetch(url, init), lines: linesOf },
      { text: (text) => void (heard.said += text), notice: (text) => void heard.notices.push(text) },
    );
    await use({ store, fileSystem, model, heard, agent });
  } finally {
    await model.stop();
    await store.close();
  }
}

const never = new AbortController().signal;

test("Agent.ask() answers through the tool, and writes the turn as one batch with one sync", async () => {
  await withAgent((_, number) => number === 0 ? sensorCall("c1") : words("It is 20.5 °C."), async (bench) => {
    await bench.agent.ask("First.", never);
    const syncs = bench.store.counters.syncs;
    const before = bench.store.counters.appends;
    bench.heard.said = "";
    assert.equal(await bench.agent.ask("How warm is it?", never), "It is 20.5 °C.");
    assert.equal(bench.heard.said, "It is 20.5 °C.");
    assert.equal(bench.store.counters.syncs - syncs, 1);
    assert.equal(bench.store.counters.appends - before, 1);
    const history = await (await bench.store.session("agent")).history();
    assert.deepEqual(history.map(({ role }) => role), ["user", "assistant", "tool", "assistant", "user", "assistant"]);
    assert.match(String(history[2]?.content), /20500/);
    assert.deepEqual(history[1]?.tool_calls, [
      { id: "c1", type: "function", function: { name: "read_sensor", arguments: "{}" } },
    ]);
    assert.deepEqual(bench.model.requests.at(-1)?.messages[0], { role: "system", content: "Be brief." });
  });
});

const halves: Record<string, PretendAnswer> = {
  "the connection is cut": { ...words("It is "), ending: "cut" },
  "nothing but headers comes": { ending: "cut" },
  "an event is no JSON": { raw: "data: {oops\n\n" },
  "the server says that it failed": { raw: 'data: {"error":{"message":"out of memory"}}\n\n' },
  "the body ends without a mark": { raw: 'data: {"choices":[{"delta":{"content":"It"}}]}\n\n' },
  "the status is 500": { status: 500, raw: "no model loaded" },
};

for (const [what, half] of Object.entries(halves)) {
  test(`Agent.ask() keeps nothing of a turn where ${what}, and goes on with the next`, async () => {
    await withAgent((_, number) => number === 0 ? half : words("Well."), async ({ agent, store }) => {
      await assert.rejects(agent.ask("How warm is it?", never), (error) => error instanceof ChatError);
      assert.deepEqual(await (await store.session("agent")).history(), []);
      assert.equal(await agent.ask("And now?", never), "Well.");
      assert.equal((await (await store.session("agent")).history()).length, 2);
    });
  });
}

test("Agent.ask() gives up on a model that falls silent in the middle", async () => {
  await withAgent(() => ({ ...words("It is"), ending: "silent" }), async ({ agent, store }) => {
    await assert.rejects(agent.ask("How warm is it?", never), { name: "ChatError", message: /silent for 0\.05 s/ });
    assert.deepEqual(await (await store.session("agent")).history(), []);
  }, { silenceMsMax: 50 });
});

test("Agent.ask() says when nobody answers at the address", async () => {
  await withAgent(() => words("never"), async ({ agent }) => {
    await assert.rejects(
      agent.ask("How warm is it?", never),
      (error) =>
        error instanceof ChatError && error.reason === "unreachable" && /No model answers at/.test(error.message),
    );
  }, { url: "http://127.0.0.1:1/v1" });
});

test("Agent.ask() ends with its signal, in the middle of an answer", async () => {
  await withAgent(() => ({ ...words("It is"), ending: "silent" }), async ({ agent, store, model }) => {
    const stop = new AbortController();
    const asked = model.nextRequest();
    const turn = agent.ask("How warm is it?", stop.signal);
    await asked;
    stop.abort(new Error("SIGTERM"));
    await assert.rejects(turn, { message: "SIGTERM" });
    assert.deepEqual(await (await store.session("agent")).history(), []);
  });
});

/** As Deno is once it has collected garbage: what is under way hears nothing of its signal. */
const deafRuntimes: Record<string, ChatRuntime> = {
  "a request": { fetch: () => new Promise(() => {}), lines: linesOf },
  "a read of a body": {
    fetch: async () => new Response(new ReadableStream({ pull: () => new Promise(() => {}) })),
    lines: linesOf,
  },
  "a refusal's text": {
    fetch: async () => new Response(new ReadableStream({ pull: () => new Promise(() => {}) }), { status: 500 }),
    lines: linesOf,
  },
};

for (const [what, runtime] of Object.entries(deafRuntimes)) {
  test(`Agent.ask() ends with its signal, and on silence, where ${what} is deaf to it`, async () => {
    await withAgent(() => words("never"), async ({ agent }) => {
      const stop = new AbortController();
      const turn = agent.ask("How warm is it?", stop.signal);
      setImmediate(() => stop.abort(new Error("SIGTERM")));
      await assert.rejects(turn, { message: "SIGTERM" });
    }, { runtime });
    await withAgent(() => words("never"), async ({ agent }) => {
      await assert.rejects(agent.ask("How warm is it?", never), { name: "ChatError", message: /silent for 0\.05 s/ });
    }, { runtime, silenceMsMax: 50 });
  });
}

test("Agent.ask() stops a model that calls tools for ever", async () => {
  await withAgent((_, number) => sensorCall(`c${number}`), async ({ agent, store }) => {
    await assert.rejects(agent.ask("How warm is it?", never), { message: /8 times in a row/ });
    assert.deepEqual(await (await store.session("agent")).history(), []);
  });
});

test("Agent.ask() sums up when the context is full, at a turn's start, in one commit with the truncation", async () => {
  const answer = ({ messages }: PretendRequest): PretendAnswer => {
    const last = messages.at(-1);
    if (last?.content?.startsWith("Sum up") === true) return words("They spoke of warmth.");
    return last?.role === "tool" ? words(`It is warm. ${"x".repeat(200)}`) : sensorCall(`c${messages.length}`);
  };
  await withAgent(answer, async ({ agent, store, model, heard }) => {
    for (let turn = 0; turn < 12; turn++) await agent.ask(`Question ${turn}?`, never);
    const session = await store.session("agent");
    assert.equal(session.summary, "They spoke of warmth.");
    assert.ok(heard.notices.includes("summing up what was said earlier"));
    const history = await session.history();
    assert.equal(history[0]?.role, "user");
    assert.ok(JSON.stringify(history).length < 6_000, `${JSON.stringify(history).length}`);
    assert.match(String(model.requests.at(-1)?.messages[0]?.content), /They spoke of warmth/);
    assert.equal((await session.stats()).records, 48, "truncated records are still in the log");
  }, { contextLengthMax: 3_000 });
});

test("I4: a power cut at any step of a turn leaves all of it or nothing, and no orphan call to resume with", async () => {
  const states: SimulatedFileSystem[] = [];
  await withAgent((_, number) => number % 2 === 0 ? sensorCall(`c${number}`) : words("Warm."), async (bench) => {
    await bench.agent.ask("First?", never);
    bench.fileSystem.onStep = () => void states.push(bench.fileSystem.clone().crash());
    await bench.agent.ask("Second?", never);
    bench.fileSystem.onStep = undefined;
    states.push(bench.fileSystem.clone().crash());
  });
  const lengths = new Set<number>();
  for (const fileSystem of states) {
    await using store = await openStore("/sessions", { fileSystem });
    const history = await (await store.session("agent")).history();
    lengths.add(history.length);
  }
  assert.deepEqual([...lengths].sort(), [4, 8]);
});

test("runTool() tells the model what went wrong", async () => {
  const sensor = { path: "/none", now: () => new Date(0), readText: () => Promise.reject(new Error("no such file")) };
  assert.match(await runTool("read_sensor", sensor), /\/none could not be read: no such file/);
  assert.match(await runTool("launch", sensor), /no tool launch/);
});

test("eventData() takes comments, other fields, CRLF, many lines; not an event that nothing ends", async () => {
  const lines = async function* (): AsyncGenerator<string> {
    yield* [": hello", "event: x", "data: a", "data:b", "", "\r", "data: c\r", "\r", "data: torn"];
  };
  const found: string[] = [];
  for await (const data of eventData(lines())) found.push(data);
  assert.deepEqual(found, ["a\nb", "c"]);
});

test("readAgentOptions() takes arguments before variables, and says what makes no sense", () => {
  const variables: Record<string, string> = { HOLDFAST_DIR: "/env", HOLDFAST_AGENT_URL: "http://model/v1" };
  const variable = (name: string): string | undefined => variables[name];
  const options = readAgentOptions(["--dir", "/arg", "--context", "100"], variable);
  assert.equal(options?.directory, "/arg");
  assert.equal(options?.url, "http://model/v1");
  assert.equal(options?.contextLengthMax, 100);
  assert.equal(readAgentOptions(["--help"], variable), null);
  assert.throws(() => readAgentOptions([], () => undefined), /give --dir DIR/);
  assert.throws(() => readAgentOptions(["--url", "model"], variable), /--url model/);
  assert.throws(() => readAgentOptions(["--context=-1"], variable), /--context -1/);
  assert.throws(() => readAgentOptions(["--bogus"], variable), RangeError);
});

test("watchdogOf() reports twice in each period, and nothing where nobody listens", () => {
  const started: string[] = [];
  const secondWord = (line: string): string => line.split(" ")[1] ?? "";
  const timers: [number, () => void][] = [];
  const host = (variables: Record<string, string>) => ({
    variable: (name: string): string | undefined => variables[name],
    start: (program: string, args: readonly string[]) => void started.push([program, ...args].join(" ")),
    every: (intervalMs: number, call: () => void) => {
      timers.push([intervalMs, call]);
      return () => void timers.pop();
    },
  });
  const silent = watchdogOf(host({}));
  silent.ready();
  silent.stopping();
  assert.deepEqual(started, []);
  const watchdog = watchdogOf(host({ NOTIFY_SOCKET: "/run/notify", WATCHDOG_USEC: "60000000" }));
  watchdog.ready();
  assert.equal(timers[0]?.[0], 30_000);
  timers[0]?.[1]();
  watchdog.stopping();
  assert.deepEqual(timers, []);
  assert.deepEqual(started.map(secondWord), ["--ready", "WATCHDOG=1"]);
});

test("Agent.ask() makes room when the server says that the conversation is too long, and loses no turn", async () => {
  // The model holds so many messages; what it is to sum up is counted by its lines.
  const answer = ({ messages }: PretendRequest): PretendAnswer => {
    const last = String(messages.at(-1)?.content);
    if (messages.length > 7 || last.split("\n").length > 8) {
      return { status: 400, raw: '{"error":{"message":"the request exceeds the available context size"}}' };
    }
    return last.startsWith("Sum up") ? words("They spoke of warmth.") : words(`Answer to ${last}`);
  };
  await withAgent(answer, async ({ agent, store, heard }) => {
    for (let turn = 0; turn < 8; turn++) assert.equal(await agent.ask(`${turn}?`, never), `Answer to ${turn}?`);
    const session = await store.session("agent");
    assert.equal(session.summary, "They spoke of warmth.");
    assert.equal((await session.stats()).records, 16, "what is hidden is still in the log");
    assert.ok(heard.notices.includes("the conversation does not fit the model"));
  });
});

test("Agent.ask() leaves the older half out where not even its summary fits", async () => {
  const answer = ({ messages }: PretendRequest): PretendAnswer => {
    const isTooMuch = messages.length > 5 || String(messages.at(-1)?.content).startsWith("Sum up");
    return isTooMuch ? { status: 400, raw: "context_length_exceeded" } : words("Well.");
  };
  await withAgent(answer, async ({ agent, store }) => {
    for (let turn = 0; turn < 6; turn++) assert.equal(await agent.ask(`${turn}?`, never), "Well.");
    const session = await store.session("agent");
    assert.equal(session.summary, "");
    assert.equal((await session.stats()).records, 12);
  });
  await withAgent(() => ({ status: 400, raw: "context_length_exceeded" }), async ({ agent }) => {
    await assert.rejects(agent.ask("?", never), { reason: "too long" });
  });
});

test("Agent.ask() has a turn that is durable kept, though the card is too full for a summary behind it", async () => {
  const answer = ({ messages }: PretendRequest): PretendAnswer =>
    words(String(messages.at(-1)?.content).startsWith("Sum up") ? "They spoke." : "Well.".repeat(20));
  let isFull = false;
  const isSummary = (path: string): boolean => isFull && path.includes(".meta");
  await withAgent(answer, async ({ agent, store, heard }) => {
    for (let turn = 0; turn < 5; turn++) await agent.ask("?", never);
    isFull = true;
    await agent.ask("One more?", never);
    isFull = false;
    assert.match(String(heard.notices.at(-1)), /^no summary this time: No space left/);
    assert.equal((await (await store.session("agent")).history()).length, 12);
  }, {
    contextLengthMax: 900,
    faults: {
      failAt: 1,
      fault: { kind: "error", code: "ENOSPC" },
      filter: ({ method, path }) => method === "write" && isSummary(path),
    },
  });
});
