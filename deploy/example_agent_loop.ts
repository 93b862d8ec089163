/**
 * An agent that is killed in the middle of its turn, again and again, and goes on where it was.
 *
 *     npm run example:agent
 *
 * A small agent loop over a transcript, with two tools and a scripted model. One tool only reads: its call and its
 * result are committed together, so that neither is ever there without the other. The other one waters plants: that it
 * was begun must be known before it is done, so its call is durable first, and a kill leaves it unanswered. What the
 * model is shown is closed then: it learns that nobody knows, and looks again instead of watering twice.
 *
 * For each point at which a turn can be cut off, a process of its own runs the agent up to there, and is killed with
 * SIGKILL. A second process goes on. The model refuses, as providers do, any history with a call without its result.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { openStore, type RecordObject } from "../mod.ts";
import {
  findUnpairedCalls,
  openTranscript,
  pairToolCalls,
  setLastPrompt,
  setTitle,
  type Transcript,
} from "../src/transcript/mod.ts";

/** Where a turn is cut off. */
export const killPoints = [
  "question appended",
  "model answered, sensor to be read",
  "sensor read, nothing written",
  "call and reading being committed",
  "model answered, plants to be watered",
  "watering announced, not begun",
  "plants watered, result not written",
  "result written",
  "answer being committed",
] as const;

/** A point at which a life ends, or `nowhere`. */
export type KillPoint = (typeof killPoints)[number] | "nowhere";

const key = "garden";
const question = "Is the soil dry? Water the plants if it is.";

// ---- The world: soil that is dry until somebody waters it, and a pump that counts. ----

class Garden {
  readonly #path: string;

  constructor(directory: string) {
    this.#path = join(directory, "garden.txt");
  }

  get waterings(): number {
    try {
      return readFileSync(this.#path, "utf8").length;
    } catch {
      return 0;
    }
  }

  readSensor(): string {
    return this.waterings === 0 ? "dry" : "wet";
  }

  water(): string {
    writeFileSync(this.#path, "*", { flag: "a" });
    return "watered";
  }
}

// ---- The model: it does what the history suggests, and refuses a history that no provider would take. ----

interface ToolCall {
  id: string;
  type: "function";
  function: { name: string; arguments: string };
}

function callsOf(message: RecordObject): ToolCall[] {
  return Array.isArray(message["tool_calls"]) ? message["tool_calls"] : [];
}

/** Every call is followed by its result, and every result follows its call. */
function assertPaired(history: readonly RecordObject[]): void {
  let open: string[] = [];
  for (const message of history) {
    const id = message["tool_call_id"];
    if (message["role"] === "tool") {
      if (typeof id !== "string" || !open.includes(id)) throw new Error(`400: result without its call: ${id}`);
      open = open.filter((each) => each !== id);
      continue;
    }
    if (open.length > 0) throw new Error(`400: call without its result: ${open}`);
    open = callsOf(message).map((call) => call.id);
  }
  if (open.length > 0) throw new Error(`400: call without its result: ${open}`);
}

function askModel(history: readonly RecordObject[]): RecordObject {
  assertPaired(history);
  const calls = history.flatMap(callsOf);
  const call = (name: string): RecordObject => {
    const id = `call-${calls.length + 1}`;
    return {
      role: "assistant",
      content: null,
      tool_calls: [{ id, type: "function", function: { name, arguments: "{}" } }],
    };
  };
  const last = history.at(-1);
  const asked = calls.at(-1);
  if (last?.["role"] !== "tool" || asked === undefined) return call("read_sensor");
  // It waters only what it was told is dry; whatever else it hears of the watering, it looks.
  if (asked.function.name === "water_plants" && last["content"] !== "watered") return call("read_sensor");
  if (last["content"] === "dry") return call("water_plants");
  return { role: "assistant", content: "The plants have what they need." };
}

// ---- The agent. ----

async function runAgent(
  transcript: Transcript,
  garden: Garden,
  reach: (point: KillPoint) => Promise<void>,
): Promise<number> {
  await transcript.start({ provider: "scripted", model: "gardener" });
  await transcript.appendMessage({ role: "user", content: question }, { id: "question" });
  await reach("question appended");
  for (let shown = 1;; shown++) {
    const history = await viewOf(transcript);
    const answer = askModel(history);
    const turn = transcript.turn();
    turn.respondInference({ shownMessages: history.length });
    const [call] = callsOf(answer);
    if (call === undefined) {
      turn.appendMessage(answer);
      turn.patchState([setTitle("The garden"), setLastPrompt(question)]);
      const committed = turn.commit();
      await reach("answer being committed");
      await committed;
      return shown;
    }
    if (call.function.name === "read_sensor") {
      await reach("model answered, sensor to be read");
      const content = garden.readSensor();
      await reach("sensor read, nothing written");
      turn.appendMessage(answer);
      turn.appendMessage({ role: "tool", tool_call_id: call.id, content });
      const committed = turn.commit();
      await reach("call and reading being committed");
      await committed;
      continue;
    }
    await reach("model answered, plants to be watered");
    turn.appendMessage(answer);
    await turn.commit();
    await reach("watering announced, not begun");
    const content = garden.water();
    await reach("plants watered, result not written");
    await transcript.appendMessage({ role: "tool", tool_call_id: call.id, content });
    await reach("result written");
  }
}

/** What the model is shown: the active chain, with every call answered. */
async function viewOf(transcript: Transcript): Promise<RecordObject[]> {
  const { messages } = await transcript.messages();
  const resultText = "The agent was stopped. Nobody knows whether this was done.";
  return pairToolCalls(messages.map(({ message }) => message), { resultText });
}

// ---- One life: a process that runs the agent, up to a point where it waits to be killed. ----

async function live(directory: string, killAt: string): Promise<void> {
  await using store = await openStore(join(directory, "sessions"));
  const transcript = openTranscript(await store.session(key));
  const shown = await runAgent(transcript, new Garden(directory), async (point) => {
    if (point !== killAt) return;
    console.log("here");
    // Until the parent kills it; a timer keeps it alive.
    await new Promise((resolve) => setTimeout(resolve, 3_600_000));
  });
  console.log(`shown ${shown}`);
}

interface LifeEnd {
  killed: boolean;
  /** How many histories the model was shown, all of them with every call answered. */
  shown: number;
}

/** Starts a life, and kills it as soon as it says that it is there. */
async function runLife(directory: string, killAt: KillPoint): Promise<LifeEnd> {
  const own = fileURLToPath(import.meta.url);
  const words = "deno" in process.versions ? ["run", "--allow-all", "--no-check", "--no-lock"] : process.execArgv;
  const child = spawn(process.execPath, [...words, own, "--life", directory, killAt], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise<NodeJS.Signals | number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve(signal ?? code));
  });
  let shown = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === "here") child.kill("SIGKILL");
    else if (line.startsWith("shown ")) shown = Number(line.slice("shown ".length));
  }
  const end = await ended;
  if (end !== 0 && end !== "SIGKILL") throw new Error(`the agent ended with ${end} (${killAt})`);
  return { killed: end === "SIGKILL", shown };
}

// ---- The parent: kills at every point, looks at what is there, lets a second life go on. ----

interface Found {
  records: number;
  unanswered: number;
  answer: string;
}

/** Looks at the log as a reader does, without a lock. */
async function look(directory: string): Promise<Found> {
  await using store = await openStore(join(directory, "sessions"), { readOnly: true });
  const transcript = openTranscript(await store.session(key));
  const records = await transcript.session.history();
  const messages = (await transcript.messages()).messages.map(({ message }) => message);
  const unanswered = findUnpairedCalls(messages).length;
  return { records: records.length, unanswered, answer: String(messages.at(-1)?.["content"]) };
}

/** Kills an agent, lets another life go on, and says what was found. */
async function killAndResume(killAt: KillPoint): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-agent-"));
  try {
    const first = await runLife(directory, killAt);
    if (!first.killed) throw new Error(`the first life was to be killed: ${killAt}`);
    const cut = await look(directory);
    const second = await runLife(directory, "nowhere");
    const whole = await look(directory);
    const { waterings } = new Garden(directory);
    if (second.killed || waterings !== 1 || whole.answer !== "The plants have what they need.") {
      throw new Error(`${killAt}: watered ${waterings} times, and the last message is ${JSON.stringify(whole.answer)}`);
    }
    const left = `${cut.records} records, ${cut.unanswered} unanswered`;
    return `killed: ${killAt.padEnd(38)} left: ${left.padEnd(25)} resumed: model took ${second.shown} histories, ` +
      `refused none; watered once`;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  const [mode, directory, killAt] = process.argv.slice(2);
  if (mode === "--life" && directory !== undefined && killAt !== undefined) return await live(directory, killAt);
  if (mode !== undefined) {
    console.error("usage: npm run example:agent");
    process.exitCode = 2;
    return;
  }
  // A few at a time: each is a process of its own.
  for (let begin = 0; begin < killPoints.length; begin += 3) {
    const lines = await Promise.all(killPoints.slice(begin, begin + 3).map(killAndResume));
    for (const line of lines) console.log(line);
  }
  console.log(
    `\n${killPoints.length} agents killed in mid-turn; each went on, and no model saw a call without its result.`,
  );
}

if (process.argv[1] !== undefined && fileURLToPath(import.meta.url) === realpathSync(process.argv[1])) await main();
