/**
 * A small agent for a board: it answers questions with a local model and one sensor, and remembers in Holdfast.
 *
 * A turn (the question, the model's calls and their results, the answer) is written as one batch with one sync when it is
 * over: a power cut in the middle of a turn leaves nothing of it, so that no call is ever there without its result, and
 * the question is simply asked again. When the conversation outgrows the model's context, the model sums up the older
 * part, and summary and truncation are one commit.
 *
 * @module
 */

import { HoldfastError, type RecordObject, type Session } from "../../mod.ts";
import { pairToolCalls } from "../../src/transcript/mod.ts";
import {
  askModel,
  type ChatAnswer,
  type ChatEndpoint,
  ChatError,
  type ChatMessage,
  type ChatRuntime,
} from "./chat_client.ts";
import { runTool, type SensorReading, sensorTool } from "./sensor_tool.ts";

/** How the agent is set up. */
export interface AgentSettings {
  /** Where the model is. */
  readonly endpoint: ChatEndpoint;
  /** Where the sensor is. */
  readonly sensor: SensorReading;
  /** What the model is told first. */
  readonly instructions: string;
  /** Above so many characters the conversation is summed up; a token is about four. */
  readonly contextLengthMax: number;
  /** How many records a summary leaves as they are. */
  readonly keptRecords: number;
}

/** What the agent shows while it works. */
export interface AgentOutput {
  /** A piece of the answer. */
  text(text: string): void;
  /** Something a person may want to know. */
  notice(text: string): void;
}

/** A model that calls tools for ever is stopped. */
const roundsMax = 8;

/** The agent. */
export class Agent {
  readonly #session: Session;
  readonly #settings: AgentSettings;
  readonly #runtime: ChatRuntime;
  readonly #output: AgentOutput;

  /**
   * Creates an agent on a session; what the session holds is what it remembers.
   *
   * @param session The session.
   * @param settings How it is set up.
   * @param runtime The runtime's streams.
   * @param output Where it talks.
   */
  constructor(session: Session, settings: AgentSettings, runtime: ChatRuntime, output: AgentOutput) {
    this.#session = session;
    this.#settings = settings;
    this.#runtime = runtime;
    this.#output = output;
  }

  /**
   * Answers a question. When this resolves, the whole turn is durable.
   *
   * @param question What is asked.
   * @param signal Ends the turn; nothing of it is kept then.
   * @returns The answer.
   * @throws {ChatError} The model gave no whole answer; nothing of the turn is kept.
   * @throws {HoldfastError} The turn could not be written; with `disk-full` nothing of it is kept, and the next may be.
   */
  async ask(question: string, signal: AbortSignal): Promise<string> {
    const turn: RecordObject[] = [{ role: "user", content: question }];
    for (let round = 0; round < roundsMax; round++) {
      const answer = await this.#askModel(turn, signal);
      turn.push(messageOf(answer));
      if (answer.toolCalls.length === 0) {
        await this.#session.appendAll(turn);
        await this.#sumUpIfLong(signal);
        return answer.content;
      }
      for (const call of answer.toolCalls) {
        const content = await runTool(call.name, this.#settings.sensor);
        turn.push({ role: "tool", tool_call_id: call.id, content });
      }
    }
    throw new ChatError(`The model called tools ${roundsMax} times in a row and never answered`);
  }

  /** What the model is shown of what was said: the summary, and every record behind it, in a form that it accepts. */
  async #history(): Promise<ChatMessage[]> {
    const { summary } = this.#session;
    const instructions = summary === ""
      ? this.#settings.instructions
      : `${this.#settings.instructions}\n\nWhat was said before, in short: ${summary}`;
    return [{ role: "system", content: instructions }, ...pairToolCalls(await this.#session.history())];
  }

  /** Asks; when the server says that the conversation does not fit its model, room is made for as long as that helps. */
  async #askModel(turn: readonly RecordObject[], signal: AbortSignal): Promise<ChatAnswer> {
    const { endpoint } = this.#settings;
    for (;;) {
      const messages = [...await this.#history(), ...turn];
      const onText = (text: string): void => this.#output.text(text);
      try {
        return await askModel(endpoint, this.#runtime, messages, [sensorTool], onText, signal);
      } catch (error) {
        if (!isTooLong(error)) throw error;
        const records = await this.#session.history();
        if (records.length === 0) throw error;
        const half = turnStart(records, Math.ceil(records.length / 2));
        this.#output.notice("the conversation does not fit the model");
        await this.#sumUp(records, half === 0 ? records.length : half, signal);
      }
    }
  }

  /** Sums up what is older than the newest records. A summary that fails costs nothing: the next turn tries again. */
  async #sumUpIfLong(signal: AbortSignal): Promise<void> {
    const { contextLengthMax, keptRecords } = this.#settings;
    const records = await this.#session.history();
    if (JSON.stringify(records).length <= contextLengthMax) return;
    const start = turnStart(records, Math.max(0, records.length - keptRecords));
    if (start === 0) return;
    try {
      await this.#sumUp(records, start, signal);
    } catch (error) {
      // The turn is durable by now: a card that is too full for a summary takes nothing back.
      const isFull = error instanceof HoldfastError && error.code === "disk-full";
      if (!isFull && !(error instanceof ChatError)) throw error;
      this.#output.notice(`no summary this time: ${error.message}`);
    }
  }

  /** Hides the records before an index, and puts a summary in their place. What is hidden is still in the log. */
  async #sumUp(records: readonly RecordObject[], start: number, signal: AbortSignal): Promise<void> {
    this.#output.notice("summing up what was said earlier");
    const before = this.#session.summary === "" ? "" : `Earlier still: ${this.#session.summary}\n\n`;
    const said = before + records.slice(0, start).map((record) => JSON.stringify(record)).join("\n");
    const request = "Sum up this conversation in a few sentences. Keep names, numbers and what was agreed.\n\n" + said;
    const messages = [{ role: "user", content: request }];
    try {
      const { content } = await askModel(this.#settings.endpoint, this.#runtime, messages, [], () => {}, signal);
      if (content.trim() === "") throw new ChatError("The model's summary is empty");
      await this.#session.truncate(records.length - start, { summary: content });
    } catch (error) {
      if (!isTooLong(error)) throw error;
      // Not even that fits: the agent has to go on without it.
      this.#output.notice("it is too long to be summed up: the older half is left out");
      await this.#session.truncate(records.length - start);
    }
  }
}

function isTooLong(error: unknown): boolean {
  return error instanceof ChatError && error.reason === "too long";
}

function messageOf({ content, toolCalls }: ChatAnswer): RecordObject {
  if (toolCalls.length === 0) return { role: "assistant", content };
  const calls = toolCalls.map(({ id, name, arguments: text }) => ({
    id,
    type: "function",
    function: { name, arguments: text },
  }));
  return { role: "assistant", content, tool_calls: calls };
}

/** The first record of a turn, at or before an index: a summary ends between turns, never within one. */
function turnStart(records: readonly RecordObject[], index: number): number {
  let start = index;
  while (start > 0 && records[start]?.role !== "user") start--;
  return start;
}
