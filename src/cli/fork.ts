/**
 * `holdfast fork FROM TO`: begins another session with the same records.
 *
 * @module
 */

import type { ForkOptions } from "../../mod.ts";
import { type Command, exitCodes } from "./command.ts";
import { Progress } from "./progress.ts";
import { existingSession, throwIfInterrupted, withStore, writeJson } from "./store_access.ts";
import { formatBytes, visibleLine } from "./terminal_text.ts";

/** The command. */
export const command: Command = {
  description: {
    name: "fork",
    summary: "begin another session with the same records",
    details: [
      "The fork has the same records, numbers and bytes up to a record, and goes on by itself; removing FROM does not " +
      "touch it. Where the file system can share bytes (btrfs, XFS) they take no space a second time. FROM may be in " +
      "use. After a crash, or SIGINT while it is copied, there is the whole fork, or none.",
      "At a record that truncate hid, or compact --archive took out, the fork shows what was there then.",
    ],
    positionals: [
      { name: "FROM", required: true, description: "the session's key" },
      { name: "TO", required: true, description: "the fork's key; there is no such session yet" },
    ],
    options: [{ name: "at", value: "N", kind: "count", description: "the number of the last record to take over" }],
    examples: [
      { does: "try again from record 12 on", line: "holdfast fork telegram:123 telegram:123-b --at 12" },
      { does: "which sessions branch off from it", line: "holdfast ls --parent telegram:123" },
    ],
  },
  async run(context) {
    const from = context.parsed.positional(0);
    const at = context.parsed.count("at");
    return await withStore(context, {}, async (store) => {
      await existingSession(store, from);
      throwIfInterrupted(context);
      const progress = new Progress(context.stderr, context.parsed.has("json"));
      const options: ForkOptions = {
        ...(at === undefined ? {} : { at }),
        onProgress: ({ copiedBytes, bytes }) => {
          throwIfInterrupted(context);
          void progress.update(() => `copying: ${formatBytes(copiedBytes)} of ${formatBytes(bytes)}`);
        },
      };
      const result = await store.fork(from, context.parsed.positional(1), options).catch((error: unknown) => {
        throwIfInterrupted(context);
        throw error;
      });
      await progress.done();
      if (context.parsed.has("json")) await writeJson(context, { from, ...result });
      else {
        const { key, sequence, bytes, sharedBytes } = result;
        const upTo = sequence === null ? "no record" : `up to record ${sequence}`;
        const shared = sharedBytes === 0 ? "" : `, ${formatBytes(sharedBytes)} of it shared`;
        await context.stdout.write(
          `${visibleLine(key)}: from ${visibleLine(from)}, ${upTo}, ${formatBytes(bytes)}${shared}\n`,
        );
      }
      return exitCodes.done;
    });
  },
};
