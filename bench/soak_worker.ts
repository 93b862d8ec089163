/**
 * The processes of a soak, started by `soak.ts`: the agent on a day, housekeeping, and a look at everything.
 *
 *     agent DIRECTORY KEY FIRST COUNT   asks COUNT questions, numbered from FIRST
 *     keep DIRECTORY SESSIONS           what holdfast-maintenance.service runs
 *     look DIRECTORY                    what every session holds
 *
 * It prints one JSON value per line. A turn is printed when it is durable.
 *
 * @module
 */

import { writeSync } from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";
import { Agent } from "../deploy/agent/agent.ts";
import type { ChatRuntime } from "../deploy/agent/chat_client.ts";
import { HoldfastError, openStore, type RecordObject, type SessionStore } from "../mod.ts";
import type { OutputStream } from "../src/cli/command.ts";
import { runProgram } from "../src/cli/program.ts";
import { answerText, callsTool, questionText, turnOf } from "./soak_talk.ts";

const [role = "", directory = "", ...rest] = process.argv.slice(2);
let stopped = false;
process.on("SIGTERM", () => stopped = true);

function say(value: unknown): void {
  writeSync(1, JSON.stringify(value) + "\n");
}

/** A model that needs no network: it says what the number of the question says. */
const runtime: ChatRuntime = {
  fetch: (_, init) => {
    const { messages, tools } = JSON.parse(String(init.body));
    const asked = messages.findLast((message: RecordObject) => message.role === "user");
    const turn = turnOf(asked?.content);
    const isAnswered = messages.at(-1)?.role === "tool";
    const delta = tools === undefined || turn === null
      ? { content: "A summary: it was about the shed, and how warm it was there." }
      : callsTool(turn) && !isAnswered
      ? { tool_calls: [{ index: 0, id: `c${turn}`, function: { name: "read_sensor", arguments: "{}" } }] }
      : { content: answerText(turn) };
    const events = [{ choices: [{ delta, finish_reason: null }] }, { choices: [{ delta: {}, finish_reason: "stop" }] }];
    const body = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("") + "data: [DONE]\n\n";
    return Promise.resolve(new Response(body, { headers: { "content-type": "text/event-stream" } }));
  },
  async *lines(body) {
    yield* (await new Response(body).text()).split("\n");
  },
};

const settings: ConstructorParameters<typeof Agent>[1] = {
  endpoint: { url: "http://model.invalid/v1", model: "local", apiKey: null, silenceMsMax: 60_000 },
  sensor: { path: "/sensor", readText: () => Promise.resolve("20500\n"), now: () => new Date(0) },
  instructions: "Be brief.",
  contextLengthMax: 24_000,
  keptRecords: 12,
};

/** The turns of a session, checked: whole, in order, without a gap; null if there are none. */
async function turnsOf(store: SessionStore, key: string): Promise<{ first: number; last: number } | null> {
  if (!await store.has(key)) return null;
  const records = await (await store.session(key)).history();
  let first: number | null = null;
  let last: number | null = null;
  for (const [index, record] of records.entries()) {
    if (record.role !== "user") continue;
    const turn = turnOf(record.content);
    if (turn === null || record.content !== questionText(turn)) throw new Error(`${key}: not what was asked`);
    if (last !== null && turn !== last + 1) throw new Error(`${key}: turn ${turn} comes behind ${last}`);
    const answer = records[index + (callsTool(turn) ? 3 : 1)];
    if (answer?.role !== "assistant" || answer.content !== answerText(turn)) {
      throw new Error(`${key}: turn ${turn} is not whole`);
    }
    first ??= turn;
    last = turn;
  }
  return first === null || last === null ? null : { first, last };
}

async function runAgent(key: string, first: number, count: number): Promise<void> {
  const store = await openStore(directory, { onEvent: ({ type }) => say({ event: type }) });
  const found = await turnsOf(store, key);
  say({ found });
  const output = { text: () => {}, notice: () => {} };
  const agent = new Agent(await store.session(key), settings, runtime, output);
  const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  // A turn can be durable whose acknowledgement nobody has heard.
  for (let turn = Math.max(first, (found?.last ?? -1) + 1), left = count; left > 0 && !stopped;) {
    try {
      await agent.ask(questionText(turn), new AbortController().signal);
      say({ turn });
      turn++;
      left--;
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.code !== "disk-full") throw error;
      say({ refused: turn });
      // Somebody makes room.
      await answers.next();
    }
  }
  const { appends, recoveries } = store.counters;
  await store.close();
  say({ residentBytes: process.memoryUsage().rss, appends, recoveries });
}

/** Runs the program and gives its output, one JSON value per line. */
async function program(...args: string[]): Promise<{ code: number; values: unknown[]; errors: string }> {
  const stream = (): OutputStream & { text: string } => ({
    isTerminal: false,
    columns: 80,
    closed: false,
    text: "",
    write(text) {
      this.text += text;
      return Promise.resolve();
    },
  });
  const [stdout, stderr] = [stream(), stream()];
  const none = { async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {} };
  const context = { stdin: none, stdout, stderr, environment: {}, signal: new AbortController().signal };
  const code = await runProgram({ args: [...args, "--dir", directory, "--json"], ...context });
  const values = stdout.text.split("\n").filter((line) => line !== "").map((line): unknown => JSON.parse(line));
  return { code, values, errors: stderr.text };
}

async function keep(sessions: string): Promise<void> {
  const retained = await program("retain", "--sessions", sessions, "--trash-age", "0");
  const checked = await program("check", "--quick");
  const compacted = checked.code === 0 ? await program("compact", "--all") : { code: 0, values: [], errors: "" };
  const removed = compacted.values.map((value) => Number(Object(value).removed ?? 0));
  say({
    codes: [retained.code, checked.code, compacted.code],
    errors: [retained, checked, compacted].map(({ code, errors }) => code === 0 ? "" : errors).join(""),
    retired: retained.values.filter((value) => Object(value).action === "trash").length,
    compactions: removed.filter((count) => count > 0).length,
    residentBytes: process.memoryUsage().rss,
  });
}

async function look(): Promise<void> {
  const checked = await program("check");
  await using store = await openStore(directory);
  for (const { key } of await store.list()) say({ key, turns: await turnsOf(store, key) });
  say({ code: checked.code, errors: checked.errors });
}

if (role === "agent") await runAgent(rest[0] ?? "", Number(rest[1]), Number(rest[2]));
else if (role === "keep") await keep(rest[0] ?? "");
else await look();
process.exit(0);
