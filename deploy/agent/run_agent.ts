/**
 * The agent as a program, without its runtime: reads questions, answers, and ends cleanly.
 *
 * @module
 */

import { HoldfastError, openStore } from "../../mod.ts";
import { Agent } from "./agent.ts";
import { agentHelp, type AgentOptions, readAgentOptions, startHint } from "./agent_options.ts";
import { ChatError, type ChatRuntime } from "./chat_client.ts";
import type { Watchdog } from "./watchdog.ts";

/** What the program needs of its runtime. */
export interface AgentHost extends ChatRuntime {
  /** What stands behind the script. */
  readonly args: readonly string[];
  /** Reads a variable of the environment. */
  variable(name: string): string | undefined;
  /** Questions, one a line. */
  readonly questions: AsyncIterable<string>;
  /** Writes to stdout. */
  print(text: string): void;
  /** Writes a line to stderr. */
  warn(line: string): void;
  /** Reads a small file. */
  readText(path: string): Promise<string>;
  /** Aborted on SIGTERM and SIGINT. */
  readonly signal: AbortSignal;
  /** Tells the service manager that all is well; it does nothing where there is none. */
  readonly watchdog: Watchdog;
}

const instructions = "You are a helpful assistant on a small computer. You can read its sensor with read_sensor.";
const keptRecords = 12;

/**
 * Runs the agent until stdin ends or it is told to stop.
 *
 * @param host The runtime.
 * @returns The exit code: 0 ended, or told to stop; 1 failed, or the last question got no answer; 2 wrong usage; 3 the
 * session is in use by another process.
 */
export async function runAgent(host: AgentHost): Promise<number> {
  let options: AgentOptions | null;
  try {
    options = readAgentOptions(host.args, host.variable);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    host.warn(`agent: ${error.message}\n  See: --help`);
    return 2;
  }
  if (options === null) {
    host.print(agentHelp);
    return 0;
  }
  try {
    return await converse(options, host);
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    host.warn(`agent: ${error.message}`);
    return error.code === "locked" ? 3 : 1;
  }
}

/** Answers come in pieces, and something may have to be said before they are whole: that gets a line of its own. */
class Screen {
  readonly #host: AgentHost;
  #isInLine = false;

  constructor(host: AgentHost) {
    this.#host = host;
  }

  print(text: string): void {
    this.#host.print(text);
    this.#isInLine = !text.endsWith("\n");
  }

  endLine(): void {
    if (this.#isInLine) this.print("\n");
  }

  warn(line: string): void {
    this.endLine();
    this.#host.warn(line);
  }
}

async function converse(options: AgentOptions, host: AgentHost): Promise<number> {
  const screen = new Screen(host);
  const store = await openStore(options.directory, {
    onEvent: ({ type, message }) => screen.warn(`agent: ${type}: ${message}`),
    // It may run for a year, and nobody else can compact what it has open.
    selfCompaction: {},
  });
  try {
    const session = await store.session(options.key);
    const { records, dropped } = await session.tail(1);
    if (records.length > 0) host.warn(`agent: going on with "${options.key}", ${dropped + records.length} records`);
    const agent = new Agent(session, settingsOf(options, host), host, {
      text: (text) => screen.print(text),
      notice: (text) => screen.warn(`agent: ${text}`),
    });
    host.watchdog.ready();
    let exitCode = 0;
    for await (const line of untilAborted(host.questions, host.signal)) {
      const question = line.trim();
      if (question === "") continue;
      exitCode = await answer(agent, question, host, screen);
      host.watchdog.alive();
    }
    if (!host.signal.aborted) return exitCode;
    screen.warn("agent: told to stop");
    return 0;
  } finally {
    host.watchdog.stopping();
    await store.close();
  }
}

/** A turn that was not kept is no reason to end: the model may be back for the next question, and room on the card. */
async function answer(agent: Agent, question: string, host: AgentHost, screen: Screen): Promise<number> {
  try {
    await agent.ask(question, host.signal);
    screen.endLine();
    return 0;
  } catch (error) {
    if (host.signal.aborted) return 0;
    const isFull = error instanceof HoldfastError && error.code === "disk-full";
    if (!isFull && !(error instanceof ChatError)) throw error;
    screen.warn(`agent: ${error.message}; nothing of this turn was kept, ask again`);
    if (error instanceof ChatError && error.reason === "unreachable") screen.warn(startHint);
    return 1;
  }
}

function settingsOf(options: AgentOptions, host: AgentHost): ConstructorParameters<typeof Agent>[1] {
  return {
    endpoint: {
      url: options.url,
      model: options.model,
      apiKey: host.variable("HOLDFAST_AGENT_API_KEY") ?? null,
      silenceMsMax: options.silenceSecondsMax * 1000,
    },
    sensor: { path: options.sensorPath, readText: (path) => host.readText(path), now: () => new Date() },
    instructions,
    contextLengthMax: options.contextLengthMax,
    keptRecords,
  };
}

/** Lines until they end or the program is told to stop, even while it waits for one. */
async function* untilAborted(lines: AsyncIterable<string>, signal: AbortSignal): AsyncGenerator<string> {
  const iterator = lines[Symbol.asyncIterator]();
  const aborted = new Promise<null>((resolve) => {
    if (signal.aborted) resolve(null);
    signal.addEventListener("abort", () => resolve(null), { once: true });
  });
  for (;;) {
    const next = await Promise.race([iterator.next(), aborted]);
    if (next === null || next.done === true) return;
    yield next.value;
  }
}
