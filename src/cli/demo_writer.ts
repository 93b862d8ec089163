/**
 * `holdfast demo-writer KEY`: the process that the demo kills. It is `holdfast append` on a slow card, and tells what
 * it has cost so far beside each acknowledged number.
 *
 * @module
 */

import { runtimeFileSystem } from "../fs/runtime_filesystem.ts";
import { appendStream } from "./append.ts";
import { type Command, exitCodes } from "./command.ts";
import { seededRandom } from "./seeded_random.ts";
import { slowCard } from "./slow_card.ts";
import { withStore } from "./store_access.ts";

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
    const stdin = context.stdin[Symbol.asyncIterator]();
    const first = await stdin.next();
    if (first.done === true) return exitCodes.done;
    const rest: AsyncIterable<Uint8Array> = { [Symbol.asyncIterator]: () => stdin };
    const fileSystem = slowCard(runtimeFileSystem, seededRandom(context.parsed.count("seed") ?? 1));
    const onEvent = ({ type }: { type: string }): void => void context.stdout.write(`!${type}\n`);
    return await withStore(context, { fileSystem, onEvent }, async (store) => {
      const session = await store.session(context.parsed.positional(0));
      return await appendStream({ ...context, stdin: chained(first.value, rest) }, session, async ({ sequence }) => {
        const { bytesWritten, syncs } = store.counters;
        await context.stdout.write(`${sequence} ${bytesWritten} ${syncs}\n`);
      });
    });
  },
};

async function* chained(first: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncIterableIterator<Uint8Array> {
  yield first;
  yield* rest;
}
