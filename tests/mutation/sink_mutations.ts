/**
 * Steps of the sink: what it sends, when it says that it is there, and whose it is.
 *
 * @module
 */

import { withStoppedClock } from "../../src/torture/stopped_clock.ts";
import { Violation } from "../../src/torture/violation.ts";
import { cuts, type Hunt, type Prey } from "./hunts.ts";
import type { Mutation } from "./mutation.ts";
import * as probes from "./sink_probes.ts";

const small = { kind: "append" } as const;
const send = { kind: "send" } as const;
const sendAs = (variant: string) => ({ kind: "send", variant }) as const;
const beside = (variant: string) => ({ kind: "send-beside", variant, keep: 1 }) as const;

function sinkProbe(name: string, check: (prey: Prey) => Promise<void>): Hunt {
  return {
    name: `probe: ${name}`,
    run: async (prey) => {
      try {
        await withStoppedClock(async () => await check(prey));
        return null;
      } catch (error) {
        if (error instanceof Violation) return error;
        return { invariant: "error", message: error instanceof Error ? error.stack ?? error.message : String(error) };
      }
    },
  };
}

/** What finds them out; other tables use it, too. */
export const hunts = {
  sent: cuts("append, send", [small, send], { prepare: [small, send] }),
  other: cuts("append buffered, another process sends", [{ ...small, buffered: true }, sendAs("other")], {
    prepare: [small, send],
  }),
  refused: cuts("a request is refused, the sink is closed", [sendAs("refused"), { kind: "reopen" }, send], {
    prepare: [small, small, small, small],
  }),
  lost: cuts("every answer is lost once", [small, sendAs("lost")], { prepare: [small, send] }),
  forgotten: cuts("the cursor is gone", [small, sendAs("forgotten")], { prepare: [small, small, small, send] }),
  recreated: cuts("delete, append, send", [{ kind: "recreate" }, send], { prepare: [small, send] }),
  renewed: cuts("another session of the key in mid-upload", [beside("renew 2"), send], {
    prepare: [small, send, small, small, small],
  }),
  removed: cuts("a session is deleted while another process looks for it in the bucket", [
    sendAs("refused"),
    { kind: "kill" },
    beside("delete 1 other"),
  ], { prepare: [small, small] }),
  blob: cuts("a large value", [{ kind: "append-blob" }, send], { prepare: [small, send] }),
  takenOver: sinkProbe("a board that was taken over goes on", probes.takenOver),
  copied: sinkProbe("a card was copied", async (prey) => await probes.copiedCard(prey, false)),
  copiedForgotten: sinkProbe("a card was copied, and its cursor lost", async (prey) => {
    await probes.copiedCard(prey, true);
  }),
  deadWriter: sinkProbe("another process sends what a dead writer left", probes.deadWriter),
  renamedOnly: sinkProbe("a writer hangs behind its rename", probes.renamedOnly),
  costsNothing: sinkProbe("sending beside a writer", probes.costsNothing),
  pulled: sinkProbe("a session comes back on a new board", probes.pulled),
  pulledOverRest: sinkProbe("a session comes back over what a power cut has left", probes.pulledOverRest),
  pulledBlob: sinkProbe("a session with a large value comes back", probes.pulledBlob),
  madeOnce: sinkProbe("the same object by way of HTTP", probes.madeOnce),
} as const satisfies Record<string, Hunt>;

const upload = "sink/session_upload.ts";
const increment = "sink/increment.ts";
const creating = "return await reaching(async () => await objects.create(name, bytes));";

const rebuild = "store/session_rebuild.ts";
const pull = "sink/pull_session.ts";

/** Steps of the sink. */
export const sinkMutations: readonly Mutation[] = [
  {
    name: "pull: what has arrived is not synced",
    replace: [{ file: pull, from: "await arrived.handle.syncData();" }],
    hunts: [hunts.pulled],
    redundant: "the log is synced once more before it gets its name",
  },
  {
    name: "pull: the log is not synced before it gets its name",
    replace: [{ file: rebuild, from: "await handle.syncData();" }],
    hunts: [hunts.pulled],
    redundant: "what has arrived was synced",
  },
  {
    name: "pull: neither of the two",
    replace: [{ file: pull, from: "await arrived.handle.syncData();" }, {
      file: rebuild,
      from: "await handle.syncData();",
    }],
    hunts: [hunts.pulled],
  },
  {
    name: "pull: the log's name is not synced before the meta file shows it",
    replace: [{ file: rebuild, from: "await fileSystem.syncDirectory(context.directory);" }],
    hunts: [hunts.pulled],
  },
  {
    name: "pull: the meta file shows the session before its log has its name",
    replace: [{
      file: rebuild,
      from: "await write({ ...newMeta(key, now), deleted: true });",
      to: "await write(newMeta(key, now));",
    }],
    hunts: [hunts.pulled],
  },
  {
    name: "sink: what another process wrote is sent before it is durable",
    replace: [{ file: increment, from: "await handle.syncData();\n" }],
    hunts: [hunts.other, hunts.deadWriter],
  },
  {
    name: "sink: the name of a log that another process put in place is not durable",
    replace: [{ file: increment, from: "await fileSystem.syncDirectory(directory);\n    counters", to: "counters" }],
    hunts: [hunts.renamedOnly],
  },
  {
    name: "sink: what is not durable yet is sent as well, and so has to be made durable",
    replace: [{ file: increment, from: ", previews: true, durable: true };", to: ", previews: true };" }],
    hunts: [hunts.costsNothing],
  },
  {
    name: "sink: the cursor moves on before the object is there",
    replace: [{
      file: upload,
      from: 'if (await createObject(context, name, joinIncrement(increment)) === "exists") {',
      to:
        'progress.next = last.next;\n  progress.checksum = last.checksum;\n  if (await createObject(context, name, joinIncrement(increment)) === "exists") {',
    }],
    hunts: [hunts.refused],
  },
  {
    name: "sink: a session that was deleted meanwhile comes back under a new id",
    replace: [{
      file: "sink/sink_sessions.ts",
      from:
        "const hold = await session.hold({ mustExist: true });\n    try {\n      await assertSameSession(this.#context, { id, key: session.key });",
      to: "const hold = await session.hold();\n    try {",
    }],
    hunts: [hunts.removed],
  },
  {
    name: "sink: nobody looks whether another device has taken the session over",
    replace: [{ file: upload, from: "else await assertOwned(context, progress);", to: "else void assertOwned;" }],
    hunts: [hunts.takenOver],
  },
  {
    name: "sink: an epoch that somebody has claimed is taken all the same",
    replace: [{ file: upload, from: 'encoder.encode(text)) === "created") {', to: 'encoder.encode(text)) !== "x") {' }],
    hunts: [hunts.takenOver, hunts.copiedForgotten],
  },
  {
    name: "sink: a new epoch begins where the first one did",
    replace: [{
      file: upload,
      from: "{ ...progress, epoch }, facts, progress.next));",
      to: "{ ...progress, epoch }, facts, 0));",
    }],
    hunts: [hunts.forgotten, hunts.takenOver],
  },
  {
    name: "sink: an object that is there is replaced",
    replace: [{
      file: upload,
      from: creating,
      to: 'await reaching(async () => await objects.replace(name, bytes));\n  return "created";',
    }],
    hunts: [hunts.copied, hunts.takenOver],
  },
  {
    name: "bucket: If-None-Match is not sent",
    replace: [{ file: "sink/open_bucket.ts", from: '{ "if-none-match": "*" }', to: "{}" }],
    hunts: [hunts.madeOnce],
  },
  {
    name: "sink: an increment begins one record too late",
    replace: [{ file: increment, from: "from: progress.next,", to: "from: progress.next + 1," }],
    hunts: [hunts.sent],
  },
  {
    name: "sink: an increment begins one record too early",
    replace: [{ file: increment, from: "from: progress.next,", to: "from: Math.max(0, progress.next - 1)," }],
    hunts: [hunts.sent],
  },
  {
    name: "sink: a session takes the id of the one that was deleted",
    replace: [{
      file: "sink/sink_sessions.ts",
      from: "const id = this.#context.createId();",
      to:
        "const id = [...this.#cursor.sessions.values()].find(({ key }) => key === session.key)?.id ?? this.#context.createId();",
    }],
    hunts: [hunts.recreated],
  },
  {
    name: "sink: another session of the key is taken for the one that is being sent",
    replace: [{ file: increment, from: "await assertSameSession(context, progress);\n" }],
    hunts: [hunts.renewed],
  },
  {
    name: "sink: a request whose answer was lost is made again under the next name",
    replace: [{
      file: upload,
      from:
        'if (!await adoptObject(context, session, progress, progress.epoch)) {\n      throw new HoldfastError("io", `Object ${name} came and went`);\n    }\n    return false;',
      to:
        "const again = recordsObject(progress.id, { epoch: progress.epoch, from: last.next });\n    await createObject(context, again, joinIncrement(increment));",
    }],
    hunts: [hunts.lost],
  },
  {
    name: "sink: what is there already is taken for ours without a look",
    replace: [{ file: upload, from: "if (waiting.get(sequence) === text.trim()) continue;", to: "continue;" }],
    hunts: [hunts.copied],
  },
  {
    name: "sink: records are sent before their large values",
    replace: [{
      file: upload,
      from:
        "for (const blob of increment.blobs) await sendBlob(context, progress, blob);\n    const isSent = await sendIncrement(context, session, progress, increment);",
      to:
        "const isSent = await sendIncrement(context, session, progress, increment);\n    for (const blob of increment.blobs) await sendBlob(context, progress, blob);",
    }],
    hunts: [hunts.blob],
  },
  {
    name: "what a power cut has left behind the lines of a pull stays",
    replace: [{ file: "sink/pull_session.ts", from: "if (bytes < size) await handle.truncate(bytes);" }],
    hunts: [hunts.pulledOverRest],
  },
  {
    name: "the name of the directory of large values that come back is not synced",
    replace: [{
      file: "sink/pull_session.ts",
      from: "bytes);\n  await context.fileSystem.syncDirectory(context.directory);",
      to: "bytes);",
    }],
    hunts: [hunts.pulledBlob],
    redundant: "the log gets its name in the same directory behind it, and that is synced",
  },
];
