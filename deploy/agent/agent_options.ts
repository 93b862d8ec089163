/**
 * What the agent is told by its arguments and the environment.
 *
 * @module
 */

import { parseArgs } from "node:util";

/** The agent's options. */
export interface AgentOptions {
  /** The store's directory. */
  readonly directory: string;
  /** The session's key. */
  readonly key: string;
  /** The model's address, up to `/v1`. */
  readonly url: string;
  /** The model's name. */
  readonly model: string;
  /** The sensor's file. */
  readonly sensorPath: string;
  /** Above so many characters the conversation is summed up. */
  readonly contextLengthMax: number;
  /** How long the model may be silent, in seconds. */
  readonly silenceSecondsMax: number;
}

/** Shown for `--help`. */
export const agentHelp = `An agent for a board: a local model, one sensor, and a memory that survives power cuts.

  deno run --allow-net --allow-env --allow-read --allow-write deploy/agent/main.ts [options]
  npm run agent -- [options]                     the same on Node

It reads questions from stdin, one a line, and answers on stdout.

  --dir DIR        the store ($HOLDFAST_DIR)
  --key KEY        the session (default agent)
  --url URL        the model's address ($HOLDFAST_AGENT_URL; default http://127.0.0.1:8080/v1)
  --model NAME     the model ($HOLDFAST_AGENT_MODEL; default local)
  --sensor FILE    what the tool reads ($HOLDFAST_AGENT_SENSOR; default /sys/class/thermal/thermal_zone0/temp)
  --context N      characters of conversation before it is summed up ($HOLDFAST_AGENT_CONTEXT; default 24000)
  --silence S      seconds that the model may be silent ($HOLDFAST_AGENT_SILENCE; default 600: a board needs long
                   to read a long conversation)
  --help

A key for the endpoint is read from $HOLDFAST_AGENT_API_KEY. A token is about four characters: the model's context has to
hold --context and an answer. If it does not, the agent sums up when the server refuses.
`;

/** What to do when nobody answers at the model's address. */
export const startHint = `Start a model on this machine, for example:
  llama-server -m model.gguf -c 8192 --port 8080   (llama.cpp; then --url http://127.0.0.1:8080/v1)
  ollama pull qwen2.5:0.5b; OLLAMA_CONTEXT_LENGTH=8192 ollama serve
                                                   (then --url http://127.0.0.1:11434/v1 --model qwen2.5:0.5b)`;

/**
 * Reads arguments and environment.
 *
 * @param args What stands behind the script.
 * @param variable Reads a variable.
 * @returns The options; null if the help is asked for.
 * @throws {RangeError} An option makes no sense.
 */
export function readAgentOptions(
  args: readonly string[],
  variable: (name: string) => string | undefined,
): AgentOptions | null {
  const values = parse(args);
  if (values.help === true) return null;
  const directory = values.dir ?? variable("HOLDFAST_DIR");
  if (directory === undefined || directory === "") {
    throw new RangeError("No store: give --dir DIR, or set HOLDFAST_DIR");
  }
  const url = values.url ?? variable("HOLDFAST_AGENT_URL") ?? "http://127.0.0.1:8080/v1";
  if (!/^https?:\/\//.test(url)) throw new RangeError(`--url ${url}: it begins with http:// or https://`);
  return {
    directory,
    url,
    key: values.key ?? "agent",
    model: values.model ?? variable("HOLDFAST_AGENT_MODEL") ?? "local",
    sensorPath: values.sensor ?? variable("HOLDFAST_AGENT_SENSOR") ?? "/sys/class/thermal/thermal_zone0/temp",
    contextLengthMax: positive("--context", values.context ?? variable("HOLDFAST_AGENT_CONTEXT") ?? "24000"),
    silenceSecondsMax: positive("--silence", values.silence ?? variable("HOLDFAST_AGENT_SILENCE") ?? "600"),
  };
}

interface AgentArguments {
  dir?: string;
  key?: string;
  url?: string;
  model?: string;
  sensor?: string;
  context?: string;
  silence?: string;
  help?: boolean;
}

function parse(args: readonly string[]): AgentArguments {
  const text = { type: "string" } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        dir: text,
        key: text,
        url: text,
        model: text,
        sensor: text,
        context: text,
        silence: text,
        help: { type: "boolean", short: "h" },
      },
    }).values;
  } catch (error) {
    throw new RangeError(error instanceof Error ? error.message : String(error));
  }
}

function positive(option: string, text: string): number {
  const number = Number(text);
  if (!(number > 0) || !Number.isFinite(number)) throw new RangeError(`${option} ${text}: it is a number above 0`);
  return number;
}
