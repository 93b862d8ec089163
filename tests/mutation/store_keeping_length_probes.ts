/**
 * Probes of the lengths that the store compares when it keeps what others rely on: large values, old files of
 * picoclaw's, what housekeeping may remove.
 *
 * @module
 */

import { lineBytesMax } from "../../src/log/record_format.ts";
import { blobHash } from "../../src/store/blob_values.ts";
import { type FileStat, SimulatedFileSystem } from "../../src/testing/mod.ts";
import { WatchedFileSystem } from "../store/watched_filesystem.ts";
import { appendBytes, bytesOf, directory, logPath, message, must, quarantineOf, withStore } from "./cut_probe.ts";
import { type Hunt, probe } from "./hunts.ts";
import type { OpenStore } from "./mutant_source.ts";

const settings = { blobs: { valueBytesMin: 1024, previewBytesMax: 16 } };
const value = "one ".repeat(256);
const blobPath = `${directory}/blobs/${blobHash(new TextEncoder().encode(value))}`;
const dayMs = 86_400_000;
const nowMs = Date.UTC(2026, 0, 1);

/** A clock for files that stands still, so that only sizes tell one state from another. */
export class OneTime extends WatchedFileSystem {
  override async stat(path: string): Promise<FileStat> {
    return { ...await super.stat(path), modifiedMs: this.timeOf(path) };
  }

  /** In 1970, as on a board that does not know what time it is. */
  timeOf(_path: string): number {
    return 5000;
  }
}

async function put(machine: SimulatedFileSystem, path: string, content: string): Promise<void> {
  const file = await machine.open(path, { access: "write", create: "if-missing" });
  await file.write(new TextEncoder().encode(content), 0);
  await file.truncate(content.length);
  await file.close();
}

async function isThere(machine: SimulatedFileSystem, path: string): Promise<boolean> {
  return await machine.stat(path).then(() => true, () => false);
}

async function lastOf(open: OpenStore, machine: SimulatedFileSystem): Promise<unknown> {
  return await withStore(open, machine, async (store) => {
    return (await (await store.session("chat")).tail(1)).records[0]?.["content"];
  }, { readOnly: true });
}

/** A large value whose file somebody has changed is written anew with the next record that names it. */
async function changedMade(open: OpenStore, isKnown: boolean, change: string): Promise<void> {
  const machine = new SimulatedFileSystem();
  await withStore(open, machine, async (store) => {
    const session = await store.session("chat");
    await session.append(message(value));
    await put(machine, blobPath, change);
    if (isKnown) await session.append(message(value));
  }, settings);
  if (!isKnown) {
    await withStore(open, machine, async (store) => {
      await (await store.session("chat")).append(message(value));
    }, settings);
  }
  must("I1", await lastOf(open, machine) === value, "The large value of an acknowledged record is not what it was");
}

/** Large values that are known cost nothing more, and so many are remembered and no more. */
async function knownBounded(open: OpenStore): Promise<void> {
  const port = new WatchedFileSystem(new SimulatedFileSystem());
  await withStore(open, port, async (store) => {
    const session = await store.session("chat");
    const values = Array.from({ length: 1025 }, (_, n) => message(`${n} ${value}`));
    await session.appendAll(values);
    const isLookedAt = async (nth: number): Promise<boolean> => {
      port.takeCalls();
      await session.appendAll(values.slice(nth, nth + 1));
      return port.takeCalls().includes("syncDirectory blobs");
    };
    must("I20", !await isLookedAt(1024), "A large value that is known is looked at again");
    must("I18", await isLookedAt(0), "All large values that there ever were are remembered");
  }, settings);
}

/** What is not the value that was written does not pass for it. */
async function changedRead(open: OpenStore, change: string): Promise<void> {
  const machine = new SimulatedFileSystem();
  await withStore(open, machine, async (store) => {
    await (await store.session("chat")).append(message(value));
  }, settings);
  await put(machine, blobPath, change);
  must("I3", await lastOf(open, machine) !== change, "A damaged large value passes for the one that was written");
}

/** Which values are kept out of the log, and what stays of them. */
async function keptOut(open: OpenStore, content: string, isOut: boolean, preview?: string): Promise<void> {
  const machine = new SimulatedFileSystem();
  await withStore(open, machine, async (store) => {
    await (await store.session("chat")).append({ content });
    must("blobs", store.counters.blobs === (isOut ? 1 : 0), `${content.length} characters are ${isOut ? "in" : "out"}`);
  }, settings);
  must("I3", await lastOf(open, machine) === content, "A value is not what was appended");
  const log = new TextDecoder().decode(await bytesOf(machine, logPath));
  must("I21", preview === undefined || log.includes(`"${preview}… [`), `The preview is ${log.slice(0, 60)}`);
}

/** Names that can be no session's are nobody's leftovers. */
async function foreignInBlobs(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem();
  await withStore(open, machine, async (store) => {
    await (await store.session("chat")).append(message(value));
    for (const name of [".tmp", ".intent"]) await put(machine, `${directory}/blobs/${name}`, "somebody's");
    await store.collectBlobs();
    for (const name of [".tmp", ".intent"]) {
      must("I16", await isThere(machine, `${directory}/blobs/${name}`), `Somebody's file ${name} is gone`);
    }
  }, settings);
}

/** A session goes to the trash, and comes back, while its files are looked through for names. */
async function movedMeanwhile(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem();
  await withStore(open, machine, async (store) => {
    await (await store.session("chat")).append(message(value));
  }, settings);
  const other = await open(directory, { fileSystem: machine.anotherProcess() });
  const port = new WatchedFileSystem(machine);
  const moves = [() => other.moveToTrash("chat"), () => other.restore("chat")];
  port.onCall = async ({ method, path }) => {
    const isNext = path.endsWith("/chat.jsonl") && path.includes("/trash/") === (moves.length === 1);
    if (method === "open" && isNext) await moves.shift()?.();
  };
  await withStore(open, port, async (store) => void await store.collectBlobs(), settings);
  await other.close();
  must("error", moves.length === 0, "the session was not moved");
  must("C9", await isThere(machine, blobPath), "What a session names that was moved meanwhile was collected");
}

const legacyPath = `${directory}/chat.json`;

/** An old file of picoclaw's, over a session that is there. */
async function migrated(
  open: OpenStore,
  { old, appended, isTaken }: { old: readonly string[]; appended: readonly string[]; isTaken: boolean },
): Promise<void> {
  const machine = new SimulatedFileSystem();
  await withStore(open, machine, async (store) => {
    const session = await store.session("chat");
    for (const content of appended) await session.append(message(content));
  });
  const times = { created: "2026-01-01T00:00:00Z", updated: "2026-01-01T00:00:00Z" };
  await put(machine, legacyPath, JSON.stringify({ key: "chat", messages: old.map(message), summary: "", ...times }));
  await withStore(open, machine, async (store) => void await store.list());
  const isDone = !await isThere(machine, legacyPath);
  must("I9", isDone || !isTaken, "An old file whose records are all there is not done with");
  must("I9", !isDone || isTaken, "An old file is said to be taken over, of which records are nowhere else");
}

/** The trash, or the quarantine, of two sessions has more than is allowed by a byte: one goes. */
async function keptInTrash(open: OpenStore): Promise<void> {
  await withStore(open, new SimulatedFileSystem(), async (store) => {
    for (const key of ["a", "b"]) {
      await (await store.session(key)).append(message(key));
      await store.moveToTrash(key);
    }
    const bytes = (await store.trash()).reduce((sum, entry) => sum + entry.bytes, 0);
    for await (const _ of store.retain({ trashBytesMax: bytes })) continue;
    must("I7", (await store.trash()).length === 2, "What may stay in the trash is gone");
    for await (const _ of store.retain({ trashBytesMax: bytes - 1 })) continue;
    const { length } = await store.trash();
    must("I18", length < 2, "The trash has more than it may have");
    must("I7", length === 1, "More than need be has gone from the trash");
  });
}

async function keptInQuarantine(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem();
  for (const torn of ['{"torn":"one', '{"torn":"another']) {
    await withStore(open, machine, async (store) => void await (await store.session("chat")).append(message("0")));
    await appendBytes(machine, torn);
  }
  await withStore(open, machine, async (store) => void await (await store.session("chat")).append(message("0")));
  must("error", (await quarantineOf(machine)).size === 2, "not both pieces were set aside");
  const before = [...(await quarantineOf(machine)).values()].join("").length;
  await withStore(open, machine, async (store) => {
    for await (const _ of store.retain({ quarantineBytesMax: before - 1 })) continue;
  });
  const { size } = await quarantineOf(machine);
  must("I18", size < 2, "The quarantine has more than it may have");
  must("I11", size === 1, "More than need be has gone from the quarantine");
}

/** Of two sessions that have too many bytes one goes; the last one stays, however large. */
async function keptSessions(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem();
  await withStore(open, machine, async (store) => {
    for (const key of ["a", "b"]) await (await store.session(key)).append(message(key));
  });
  await withStore(open, machine, async (store) => {
    for await (const _ of store.retain({ bytesMax: 1, nowMs })) continue;
    const { length } = await store.list();
    must("I18", length < 2, "Sessions have more bytes than they may have");
    must("I1", length === 1, "The only session that was left is gone");
  });
}

/** A session is written to while house is kept, in the same moment as files know it. */
async function writtenInSameMoment(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem();
  await withStore(open, machine, async (store) => {
    for (const key of ["a", "b"]) await (await store.session(key)).append(message(key));
  });
  await withStore(open, new OneTime(machine), async (store) => {
    for await (const { key } of store.retain({ sessionsMax: 0 })) {
      if (key !== "a") continue;
      await withStore(open, machine.anotherProcess(), async (other) => {
        await (await other.session("b")).append(message("b"));
      });
    }
    must("I1", await store.has("b"), "A session went to the trash that had just been written to");
  });
}

/** A session without a time is as old as when it was first seen, unless it was written to since. */
async function writtenWithoutTime(open: OpenStore): Promise<void> {
  const port = new OneTime(new SimulatedFileSystem());
  for (const days of [0, 2]) {
    await withStore(open, port, async (store) => {
      for (const key of ["a", "b"]) {
        if (days === 0 || key === "a") await (await store.session(key)).append(message(key));
      }
    });
    await withStore(open, port, async (store) => {
      for await (const _ of store.retain({ ageMsMax: dayMs, nowMs: nowMs + days * dayMs })) continue;
      must("I19", await store.has("a"), "A session that was just written to was called old");
      must("I18", await store.has("b") === (days === 0), "A session that is old has stayed");
    });
  }
}

/** All of them. */
export const keepingProbes = {
  knownShort: probe("a known blob is cut short", (open) => changedMade(open, true, value.slice(1))),
  known: probe("more large values than are remembered", knownBounded),
  longer: probe("a blob has got longer", (open) => changedMade(open, false, `${value}more`)),
  readShort: probe("a blob that is cut short is read", (open) => changedRead(open, value.slice(4))),
  readOther: probe("a blob with other bytes is read", (open) => changedRead(open, value.replace("one", "two"))),
  exactlyOut: probe("a value of exactly as many bytes", (open) => keptOut(open, value, true)),
  justIn: probe("a value of one byte less", (open) => keptOut(open, value.slice(1), false)),
  wideOut: probe("a value of few characters and many bytes", (open) => keptOut(open, "\u20ac".repeat(342), true)),
  preview: probe("the preview of a value with pairs", async (open) => {
    await keptOut(open, `${"p".repeat(15)}${"\u{1f600}".repeat(300)}`, true, "p".repeat(15));
    await keptOut(open, "\ufffd".repeat(400), true, "\ufffd".repeat(5));
  }),
  foreign: probe("somebody's files among the blobs", foreignInBlobs),
  moved: probe("a session is moved while blobs are collected", movedMeanwhile),
  migratedAgain: probe(
    "an old file whose records are there",
    (open) => migrated(open, { old: ["0", "1"], appended: ["0", "1", "later"], isTaken: true }),
  ),
  migratedOther: probe(
    "an old file under newer data",
    (open) => migrated(open, { old: ["0", "1"], appended: ["newer", "1"], isTaken: false }),
  ),
  migratedPart: probe(
    "an old file of which a part is there",
    (open) => migrated(open, { old: ["0", "1"], appended: ["0"], isTaken: false }),
  ),
  migratedLong: probe(
    "an old file with a message that is no line",
    (open) => migrated(open, { old: ["x".repeat(lineBytesMax)], appended: [], isTaken: false }),
  ),
  trash: probe("a trash that is too large by a byte", keptInTrash),
  quarantine: probe("a quarantine that is too large by a byte", keptInQuarantine),
  sessions: probe("two sessions of too many bytes", keptSessions),
  sameMoment: probe("a session is written to while house is kept, in the same moment", writtenInSameMoment),
  withoutTime: probe("a session without a time is written to", writtenWithoutTime),
} as const satisfies Record<string, Hunt>;
