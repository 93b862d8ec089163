/**
 * `holdfast append KEY`: records from stdin, each durable before its sequence number is printed.
 *
 * @module
 */

import { type AppendReceipt, HoldfastError, type Session } from "../../mod.ts";
import { compileAsUsual } from "../fs/runtime_compiler.ts";
import { readJsonLine } from "../formats/jsonl.ts";
import { AppendWindow } from "./append_window.ts";
import { blobOptions, blobsOption } from "./blob_options.ts";
import { type Command, type CommandContext, exitCodes } from "./command.ts";
import { inputLines, untilAborted } from "./input_lines.ts";
import { throwIfInterrupted, warn, withStore, writeJson } from "./store_access.ts";
import { countOf } from "./terminal_text.ts";

/** The command. */
export const command: Command = {
  description: {
    name: "append",
    summary: "append records from stdin, each durable before its number is printed",
    details: [
      "Reads JSON Lines: one JSON object per line, kept byte for byte. The sequence number of each record is printed " +
      "once the record is durable; lines that are already waiting share a sync. A line that is no JSON object is " +
      "named on stderr and left out, and the exit code is 1.",
      "SIGINT and SIGTERM stop it between two records: what was printed is durable.",
    ],
    positionals: [{ name: "KEY", required: true, description: "the session's key; it is made if there is none" }],
    options: [
      { name: "batch", description: "all or nothing: one commit when stdin ends, at most 16 MiB" },
      blobsOption,
    ],
    examples: [
      { does: "one record", line: `echo '{"role":"user","content":"hi"}' | holdfast append telegram:123` },
      {
        does: "a tool call and its result, never one without the other",
        line: "holdfast append KEY --batch < turn.jsonl",
      },
    ],
  },
  isShort: true,
  async run(context) {
    if (context.stdinIsTerminal?.() === true) await warn(context, "reading records from the keyboard; end with Ctrl-D");
    const key = context.parsed.positional(0);
    return await withStore(context, blobOptions(context), async (store) => {
      const session = await store.session(key);
      if (context.parsed.has("batch")) return await appendBatch(context, session);
      return await appendStream(context, session, (receipt) => printReceipt(context, receipt));
    });
  },
};

/**
 * Appends each line of stdin as it comes.
 *
 * @param context For stdin and warnings.
 * @param session Where they go.
 * @param acknowledge Called in order, for each record that is durable.
 * @param window How many appends may be under way.
 * @returns The exit code.
 */
export async function appendStream(
  context: CommandContext,
  session: Session,
  acknowledge: (receipt: AppendReceipt) => Promise<void>,
  window: AppendWindow = new AppendWindow(),
): Promise<number> {
  const refused = new RefusedLines(context);
  for await (const line of inputLines(untilAborted(context.stdin, context.signal))) {
    if (context.signal.aborted) break;
    const read = line.bytes === null
      ? { kind: "damaged", reason: "over 10 MiB" } as const
      : readJsonLine(line.bytes, line.number);
    if (read.kind === "damaged") await refused.add(line.number, read.reason);
    if (read.kind !== "record") continue;
    // Faster than they get durable: these are many, and the time goes into handling them.
    if (window.isFull) compileAsUsual();
    if (!await window.hasRoom()) break;
    window.add(session.appendText(read.text), async (outcome) => {
      if ("receipt" in outcome) return await acknowledge(outcome.receipt);
      const code = outcome.error instanceof HoldfastError ? outcome.error.code : null;
      // Lines behind this one may still have found room: all that were refused are named.
      if (code === "disk-full") await refused.add(line.number, "no space left");
      if (code !== "too-large") throw outcome.error;
      await refused.add(line.number, "too large for a line of the log");
    });
  }
  await window.settled();
  throwIfInterrupted(context);
  return await refused.exitCode();
}

async function appendBatch(context: CommandContext, session: Session): Promise<number> {
  const texts: string[] = [];
  const refused = new RefusedLines(context);
  let length = 0;
  for await (const line of inputLines(untilAborted(context.stdin, context.signal))) {
    throwIfInterrupted(context);
    const read = line.bytes === null
      ? { kind: "damaged", reason: "over 10 MiB" } as const
      : readJsonLine(line.bytes, line.number);
    if (read.kind === "damaged") await refused.add(line.number, read.reason);
    if (read.kind !== "record") continue;
    length += line.length;
    if (length > batchBytesMax) throw new HoldfastError("too-large", "The batch is over 16 MiB; nothing was appended");
    texts.push(read.text);
  }
  throwIfInterrupted(context);
  if (refused.count > 0) {
    await warn(context, "nothing of the batch was appended");
    return exitCodes.failed;
  }
  if (texts.length === 0) return exitCodes.done;
  for (const receipt of await session.appendTextAll(texts)) await printReceipt(context, receipt);
  return exitCodes.done;
}

const batchBytesMax = 16 * 1024 * 1024;

async function printReceipt(context: CommandContext, { sequence, duplicate }: AppendReceipt): Promise<void> {
  if (context.parsed.has("json")) return await writeJson(context, { sequence, duplicate });
  await context.stdout.write(`${sequence}\n`);
}

/** Names the lines that are no records, and counts them. */
class RefusedLines {
  readonly #context: CommandContext;
  count = 0;

  constructor(context: CommandContext) {
    this.#context = context;
  }

  async add(lineNumber: number, reason: string): Promise<void> {
    this.count++;
    await warn(this.#context, `stdin, line ${lineNumber}: ${reason}; not appended`);
  }

  async exitCode(): Promise<number> {
    if (this.count === 0) return exitCodes.done;
    await warn(this.#context, `${countOf(this.count, "line")} not appended`);
    return exitCodes.failed;
  }
}
