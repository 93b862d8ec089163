/**
 * `holdfast show KEY`: the conversation, readable; or its records as JSON.
 *
 * @module
 */

import type { RecordsOptions, Session } from "../../mod.ts";
import { type Command, type CommandContext, exitCodes } from "./command.ts";
import { type ConversationLayout, renderHeader, renderRecord, type ShownRecord } from "./conversation_text.ts";
import { existingSession, throwIfInterrupted, withStore } from "./store_access.ts";
import { painterFor } from "./terminal_text.ts";

const columnsMax = 110;

/** The command. */
export const command: Command = {
  description: {
    name: "show",
    summary: "show a conversation",
    details: [
      "Who, when (UTC) and what, wrapped to the terminal; tool calls and results are folded to a few lines. Control " +
      "characters in a record are spelled out. With --json each record comes as it was written.",
      "--follow goes on with what is appended, also by another process, until SIGINT.",
    ],
    positionals: [{ name: "KEY", required: true, description: "the session's key" }],
    options: [
      { name: "tail", value: "N", kind: "count", description: "only the newest N records" },
      { name: "follow", short: "f", description: "wait for more" },
      { name: "all", description: "truncated and archived records too" },
    ],
    examples: [
      { does: "watch a session", line: "holdfast show telegram:123 --tail 5 --follow" },
      {
        does: "what the user said",
        line: `holdfast show telegram:123 --json | jq -r '.record | select(.role=="user").content'`,
      },
    ],
  },
  async run(context) {
    const follow = context.parsed.has("follow");
    await withStore(context, { readOnly: true }, async (store) => {
      const session = await existingSession(store, context.parsed.positional(0));
      await showSession(context, session, follow);
    });
    // To interrupt is how following ends.
    if (!follow) throwIfInterrupted(context);
    return exitCodes.done;
  },
};

async function showSession(context: CommandContext, session: Session, follow: boolean): Promise<void> {
  const show = await shower(context, session);
  const all = context.parsed.has("all");
  const tail = context.parsed.count("tail");
  const options: RecordsOptions = { signal: context.signal, ...(all ? { all } : {}), ...(follow ? { follow } : {}) };
  if (tail === undefined) return await showTexts(context, session.texts(options), show);
  if (all) return await showTailOfAll(context, session, tail, options, show);
  if (tail > 0) {
    const { firstSequence } = await session.tail(tail);
    const from = firstSequence === null ? {} : { from: firstSequence };
    return await showTexts(context, session.texts({ ...options, ...from }), show);
  }
  if (follow) await showTexts(context, session.texts({ ...options, from: await endOf(session) }), show);
}

async function showTexts(
  context: CommandContext,
  texts: AsyncIterable<ShownRecord>,
  show: (text: ShownRecord) => Promise<void>,
): Promise<void> {
  try {
    for await (const text of texts) {
      if (context.signal.aborted || context.stdout.closed) return;
      await show(text);
    }
  } catch (error) {
    // A follower whose signal is aborted may reject with the signal's reason.
    if (!context.signal.aborted) throw error;
  }
}

/** `tail` knows active records only: here the newest are kept while all pass by. */
async function showTailOfAll(
  context: CommandContext,
  session: Session,
  count: number,
  options: RecordsOptions,
  show: (text: ShownRecord) => Promise<void>,
): Promise<void> {
  let kept: ShownRecord[] = [];
  for await (const text of session.texts({ all: true })) {
    throwIfInterrupted(context);
    kept.push(text);
    if (kept.length > 2 * count + 64) kept = kept.slice(kept.length - count);
  }
  const newest = count === 0 ? [] : kept.slice(-count);
  for (const text of newest) await show(text);
  if (options.follow !== true) return;
  const last = kept.at(-1);
  await showTexts(context, session.texts({ ...options, from: last === undefined ? 0 : last.sequence + 1 }), show);
}

async function endOf(session: Session): Promise<number> {
  const { firstSequence } = await session.tail(1);
  return firstSequence === null ? 0 : firstSequence + 1;
}

/** How one record is written: as JSON, or for people, below a header. */
async function shower(context: CommandContext, session: Session): Promise<(text: ShownRecord) => Promise<void>> {
  // The record's own text: to parse it and write it again would change numbers beyond 2^53.
  if (context.parsed.has("json")) {
    return async ({ sequence, text }) => await context.stdout.write(`{"sequence":${sequence},"record":${text}}\n`);
  }
  const layout: ConversationLayout = {
    columns: Math.min(context.stdout.isTerminal ? context.stdout.columns : columnsMax, columnsMax),
    paint: painterFor(context.stdout, context.environment),
  };
  const { title, summary, records, active } = await session.info();
  const hidden = context.parsed.has("all") ? 0 : records - active;
  await context.stdout.write(renderHeader({ title, summary, hidden }, layout));
  return async (record) => await context.stdout.write(renderRecord(record, layout));
}
