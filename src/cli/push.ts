/**
 * `holdfast push`: sends what is new of all sessions to a bucket.
 *
 * @module
 */

import { HoldfastError } from "../errors.ts";
import { openSink, type Sink } from "../sink/mod.ts";
import { bucketHelp, withBucket } from "./bucket_access.ts";
import { type Command, type CommandContext, exitCodes } from "./command.ts";
import { Progress } from "./progress.ts";
import { throwIfInterrupted, warn, withStore, writeJson } from "./store_access.ts";
import { countOf, formatBytes, visibleLine } from "./terminal_text.ts";

/** So often it goes on behind a failure without having sent anything in between. */
const failuresMax = 3;

/** The command. */
export const command: Command = {
  description: {
    name: "push",
    summary: "send what is new of all sessions to a bucket",
    details: [
      "Only what the bucket does not have yet is sent; what a crash interrupted goes on. Nothing is ever removed there: " +
      "sessions that were truncated, compacted or deleted stay. A session that is sent for the first time gets an id " +
      "in its meta file, so it must not be written by another process at that moment; later pushes need no lock.",
      ...bucketHelp,
    ],
    positionals: [],
    options: [],
    examples: [{ does: "every hour", line: "holdfast push" }],
  },
  async run(context) {
    return await withBucket(context, async (objects) =>
      await withStore(context, {}, async (store) => {
        const notes: string[] = [];
        const onEvent = ({ type, message }: { type: string; message: string }) => {
          if (type !== "session-failed") notes.push(message);
        };
        const sink = await openSink(store, { objects, intervalMs: 0, onEvent });
        const stop = (): void => objects.abort?.();
        context.signal.addEventListener("abort", stop, { once: true });
        try {
          return await pushAll(context, sink, notes);
        } finally {
          context.signal.removeEventListener("abort", stop);
          await sink.close();
        }
      }));
  },
};

async function pushAll(context: CommandContext, sink: Sink, notes: string[]): Promise<number> {
  const json = context.parsed.has("json");
  const progress = new Progress(context.stderr, json);
  const failed = await flushAgain(context, sink, progress);
  await progress.done();
  for (const note of notes) await warn(context, note);
  if (json) {
    for (const status of await sink.status()) {
      const error = failed.get(status.key)?.code;
      await writeJson(context, { ...status, ...(error === undefined ? {} : { error }) });
    }
  } else {
    const { records, objects, bytesSent } = sink.counters;
    const sent = records === 0 ? "nothing new" : `${countOf(records, "record")} in ${countOf(objects, "object")}`;
    await context.stdout.write(`${sent}, ${formatBytes(bytesSent)} sent\n`);
  }
  for (const [key, { message }] of failed) await warn(context, `${visibleLine(key)}: not sent: ${message}`);
  if (failed.size === 0) return exitCodes.done;
  return [...failed.values()].every(({ code }) => code === "locked") ? exitCodes.locked : exitCodes.failed;
}

/** A connection that breaks is no reason to stop while it gets anywhere at all. */
async function flushAgain(
  context: CommandContext,
  sink: Sink,
  progress: Progress,
): Promise<Map<string, HoldfastError>> {
  const onSession = (key: string, index: number, count: number): void => {
    void progress.update(() => `${index + 1} of ${count}: ${visibleLine(key)}, ${sink.counters.records} records sent`);
  };
  for (let failures = 0;;) {
    const before = sink.counters.objects + sink.counters.adopted;
    try {
      return await sink.flush({ onSession });
    } catch (error) {
      throwIfInterrupted(context);
      if (!(error instanceof HoldfastError) || error.code !== "io") throw error;
      failures = sink.counters.objects + sink.counters.adopted > before ? 0 : failures + 1;
      if (failures < failuresMax) continue;
      await progress.done();
      throw error;
    }
  }
}
