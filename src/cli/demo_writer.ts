/**
 * `holdfast demo-writer KEY`: the process that the demo kills. It is `holdfast append` on a slow card, and tells what
 * it has cost so far beside each acknowledged number.
 *
 * @module
 */

import type { AppendReceipt } from "../../mod.ts";
import { runtimeFileSystem } from "../fs/runtime_filesystem.ts";
import { appendStream } from "./append.ts";
import { AppendWindow } from "./append_window.ts";
import { type Command, exitCodes } from "./command.ts";
import { seededRandom } from "./seeded_random.ts";
import { slowCard } from "./slow_card.ts";
import { withStore } from "./store_access.ts";

/** Fewer than `append` has, so that a kill finds more writes to fall into. */
const appendsWaitingMax = 8;

/** The command. */
export const command: Command = {
  description: {
    name: "demo-writer",
    summary: "append records from stdin on a slow card, for the demo to kill",
    details: [
      "Prints a line per record that is durable: its number, bytes written and syncs so far. A line that begins with ! " +
      "names something that recovery did.",
    ],
    positionals: [{ name: "KEY", required: true, description: "the session's key" }],
    options: [{ name: "seed", value: "S", kind: "count", description: "which writes are slow" }],
    examples: [],
    hidden: true,
  },
  async run(context) {
    // Started ahead of time: the lock is taken when the first record comes.
    const input = context.stdin[Symbol.asyncIterator]();
    const first = await input.next();
    if (first.done === true) return exitCodes.done;
    const rest: AsyncIterable<Uint8Array> = { [Symbol.asyncIterator]: () => input };
    const fileSystem = slowCard(runtimeFileSystem, seededRandom(context.parsed.count("seed") ?? 1));
    const onEvent = ({ type }: { type: string }): void => void context.stdout.write(`!${type}\n`);
    return await withStore(context, { fileSystem, onEvent }, async (store) => {
      const session = await store.session(context.parsed.positional(0));
      const acknowledge = async ({ sequence }: AppendReceipt): Promise<void> => {
        const { bytesWritten, syncs } = store.counters;
        await context.stdout.write(`${sequence} ${bytesWritten} ${syncs}\n`);
      };
      const stdin = chained(first.value, rest);
      return await appendStream({ ...context, stdin }, session, acknowledge, new AppendWindow(appendsWaitingMax));
    });
  },
};

async function* chained(first: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncIterableIterator<Uint8Array> {
  yield first;
  yield* rest;
}
