/**
 * `holdfast pull [KEY…]`: brings sessions back from a bucket.
 *
 * @module
 */

import { HoldfastError, type SessionStore } from "../../mod.ts";
import { type BucketSession, listBucketSessions, type ObjectStore, pullSession } from "../sink/mod.ts";
import { bucketHelp, withBucket } from "./bucket_access.ts";
import { type Command, type CommandContext, exitCodes, UsageError } from "./command.ts";
import { errorMessage } from "./program.ts";
import { Progress } from "./progress.ts";
import { throwIfInterrupted, warn, withStore, writeJson } from "./store_access.ts";
import { countOf, formatBytes, painterFor, visibleLine } from "./terminal_text.ts";
import { type ColumnDescription, renderTable } from "./text_table.ts";

/** The command. */
export const command: Command = {
  description: {
    name: "pull",
    summary: "bring sessions back from a bucket",
    details: [
      "Every line is checked against the one before it, and a session is there when all of it is. What has arrived " +
      "stays when the connection breaks: the next pull goes on from there. A session that is here already is left " +
      "alone. This device goes on with what it pulled: the one that sent it, if it still lives, gets a new id for its " +
      "own when it pushes next.",
      ...bucketHelp,
    ],
    positionals: [{ name: "KEY", required: false, multiple: true, description: "the sessions' keys, or their ids" }],
    options: [
      { name: "all", description: "all sessions that were not deleted" },
      { name: "list", description: "only say what the bucket has" },
    ],
    examples: [{ does: "a new board", line: "holdfast pull --all" }],
  },
  async run(context) {
    const { positionals } = context.parsed;
    const modes = [positionals.length > 0, context.parsed.has("all"), context.parsed.has("list")];
    if (modes.filter(Boolean).length !== 1) throw new UsageError("Give KEYs, --all or --list, one of the three");
    return await withBucket(context, async (objects) => {
      const stop = (): void => objects.abort?.();
      context.signal.addEventListener("abort", stop, { once: true });
      try {
        const found = await chosenSessions(context, objects);
        if (context.parsed.has("list")) return await listFound(context, found);
        return await withStore(context, {}, async (store) => await pullAll(context, store, objects, found));
      } catch (error) {
        throwIfInterrupted(context);
        throw error;
      } finally {
        context.signal.removeEventListener("abort", stop);
      }
    });
  },
};

/** Of several sessions with one key, deleted ones give way; among others the id has to be given. */
async function chosenSessions(context: CommandContext, objects: ObjectStore): Promise<BucketSession[]> {
  const { positionals } = context.parsed;
  const progress = new Progress(context.stderr, context.parsed.has("json"));
  const all: BucketSession[] = [];
  for await (const session of listBucketSessions(objects)) {
    throwIfInterrupted(context);
    all.push(session);
    await progress.update(() => `${all.length} sessions found`);
  }
  await progress.done();
  if (context.parsed.has("list")) return all;
  if (context.parsed.has("all")) {
    const chosen = all.filter(({ manifest }) => !manifest.deleted);
    for (const { manifest } of chosen) assertOne(manifest.key, chosen);
    return chosen;
  }
  return positionals.map((wanted) => {
    const byId = all.find(({ manifest }) => manifest.id === wanted);
    if (byId !== undefined) return byId;
    const byKey = all.filter(({ manifest }) => manifest.key === wanted);
    const live = byKey.filter(({ manifest }) => !manifest.deleted);
    const found = live.length > 0 ? live : byKey;
    assertOne(wanted, found);
    const [one] = found;
    if (one !== undefined) return one;
    throw new HoldfastError(
      "not-found",
      `The bucket has no session ${JSON.stringify(wanted)}; see: holdfast pull --list`,
    );
  });
}

function assertOne(key: string, sessions: readonly BucketSession[]): void {
  const same = sessions.filter(({ manifest }) => manifest.key === key);
  if (same.length < 2) return;
  const ids = same.map(({ manifest }) => manifest.id).join(", ");
  throw new UsageError(`The bucket has several sessions ${JSON.stringify(key)}`, `Give the id of one: ${ids}`);
}

async function listFound(context: CommandContext, found: readonly BucketSession[]): Promise<number> {
  const rows: string[][] = [];
  for (const { manifest, epochs } of found) {
    const { key, id, title, workspace, deleted } = manifest;
    if (context.parsed.has("json")) {
      await writeJson(context, { key, id, epoch: epochs.length, title, workspace, deleted });
    } else rows.push([key, id, deleted ? "deleted" : "", title ?? ""]);
  }
  const paint = painterFor(context.stdout, context.environment);
  await context.stdout.write(renderTable(columns, rows, context.stdout, paint));
  return exitCodes.done;
}

const columns: readonly ColumnDescription[] = [
  { heading: "KEY", shrinks: true },
  { heading: "ID" },
  { heading: "STATE" },
  { heading: "TITLE", shrinks: true },
];

async function pullAll(
  context: CommandContext,
  store: SessionStore,
  objects: ObjectStore,
  sessions: readonly BucketSession[],
): Promise<number> {
  const json = context.parsed.has("json");
  const progress = new Progress(context.stderr, json);
  let failedCount = 0;
  let lockedCount = 0;
  for (const session of sessions) {
    throwIfInterrupted(context);
    const { key, id } = session.manifest;
    const onProgress = ({ next, bytes }: { next: number; bytes: number }): void => {
      void progress.update(() => `${visibleLine(key)}: up to record ${next - 1}, ${formatBytes(bytes)}`);
    };
    try {
      const result = await pullSession(store, objects, session, { onProgress, signal: context.signal });
      await progress.done();
      const { outcome, records, bytes, blobsMissing } = result;
      if (json) await writeJson(context, { key, id, outcome, records, bytes, blobsMissing });
      else {
        const what = outcome === "present" ? "is here already" : `${countOf(records, "record")}, ${formatBytes(bytes)}`;
        await context.stdout.write(`${visibleLine(key)}: ${what}\n`);
      }
      if (blobsMissing > 0) await warn(context, `${key}: ${countOf(blobsMissing, "large value")} not in the bucket`);
    } catch (error) {
      await progress.done();
      throwIfInterrupted(context);
      if (!(error instanceof HoldfastError)) throw error;
      failedCount++;
      if (error.code === "locked") lockedCount++;
      if (json) await writeJson(context, { key, id, outcome: "failed", error: error.code });
      await warn(context, `${key}: ${errorMessage(error)}`);
    }
  }
  if (failedCount === 0) return exitCodes.done;
  return failedCount === lockedCount ? exitCodes.locked : exitCodes.failed;
}
