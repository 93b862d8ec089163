/**
 * Probes of what has to be on the disk before a name changes: what the meta file says when the log gets its name, what
 * is read when a lock is held, what goes behind somebody else's line.
 *
 * @module
 */

import type { Session } from "../../mod.ts";
import { systemErrorCode } from "../../src/errors.ts";
import { FaultyFileSystem, SimulatedFileSystem } from "../../src/testing/mod.ts";
import { WatchedFileSystem } from "../store/watched_filesystem.ts";
import {
  appendBytes,
  bytesOf,
  contentsOf,
  directory,
  eachCut,
  logPath,
  message,
  metaPath,
  must,
  quarantineOf,
  withStore,
} from "./cut_probe.ts";
import { type Hunt, probe } from "./hunts.ts";
import type { OpenStore } from "./mutant_source.ts";

const decoder = new TextDecoder();

/** Appends records that say one thing each. */
export async function say(session: Session, ...contents: readonly string[]): Promise<void> {
  for (const content of contents) await session.append(message(content));
}

/** Writes a file as another program does, durably. */
export async function writeWhole(machine: SimulatedFileSystem, path: string, text: string): Promise<void> {
  const file = await machine.open(path, { access: "write", create: "if-missing" });
  await file.truncate(0);
  await file.write(new TextEncoder().encode(text), 0);
  await file.syncData();
  await file.close();
}

/** What the meta file of the session says. */
export async function metaOf(machine: SimulatedFileSystem): Promise<Record<string, unknown>> {
  return JSON.parse(decoder.decode(await bytesOf(machine, metaPath)) || "{}");
}

/** What picoclaw sees, which goes by `skip` alone. */
async function seenByPicoclaw(machine: SimulatedFileSystem): Promise<string> {
  const { skip = 0 } = await metaOf(machine);
  const lines = decoder.decode(await bytesOf(machine, logPath)).split("\n").filter((line) => line !== "");
  return lines.slice(Number(skip)).map((line) => String(JSON.parse(line)["content"])).join();
}

/** Between the first look and the lock somebody truncates: what was read before the lock does not count (I7, I15). */
async function staleMeta(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem();
  const one = await open(directory, { fileSystem: machine });
  const chat = await one.session("chat");
  await say(chat, "0", "1", "2");
  const port = new WatchedFileSystem(machine.anotherProcess());
  let isDone = false;
  port.onCall = async ({ method }) => {
    if (method !== "lock" || isDone) return;
    isDone = true;
    await chat.truncate(1);
    await one.close();
  };
  await withStore(open, port, async (store) => {
    const session = await store.session("chat");
    await say(session, "3");
    await session.setSummary("s");
  });
  must("error", isDone, "no lock was asked for");
  await withStore(open, machine, async (store) => {
    const { length } = await (await store.session("chat")).history();
    must("I7", length === 2, `Of two records that are not hidden there are ${length}`);
  });
}

/** What is wrong with a meta file is set aside before a new one takes its place (I11). */
async function metaAside(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem();
  await withStore(open, machine, async (store) => await say(await store.session("chat"), "0"));
  await writeWhole(machine, metaPath, "damaged meta file");
  await withStore(open, machine, async (store) => await say(await store.session("chat"), "1"));
  const copies = [...(await quarantineOf(machine)).values()];
  must("I11", copies.includes("damaged meta file"), "A damaged meta file is gone, and no copy was set aside");
}

/** What an old file knows beside its messages is in the store when they are (I9). */
async function migratedFacts(open: OpenStore): Promise<void> {
  const created = "2020-01-02T03:04:05Z";
  const old = { key: "chat", messages: [message("0")], summary: "s", created, updated: created };
  await eachCut(open, {
    prepare: async (_store, machine) => {
      await writeWhole(machine, `${directory}/chat.json`, JSON.stringify(old));
      await machine.syncDirectory(directory);
    },
    work: async (machine) => await withStore(open, machine, () => Promise.resolve()),
    check: async (machine) => {
      await withStore(open, machine, () => Promise.resolve());
      const { created_at: found } = await metaOf(machine);
      must("I9", found === created, `An old session of ${created} is one of ${String(found)} now`);
    },
  });
}

/** The log is gone, and the meta file hides lines of it: what is appended next, picoclaw sees (W13). */
async function lostLog(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem();
  await withStore(open, machine, async (store) => {
    const chat = await store.session("chat");
    await say(chat, "0", "1", "2");
    await chat.truncate(1);
  });
  await machine.unlink(logPath);
  await withStore(open, machine, async (store) => await say(await store.session("chat"), "3"));
  must(
    "W13",
    await seenByPicoclaw(machine) === "3",
    `Picoclaw sees ${await seenByPicoclaw(machine) || "nothing"}, not 3`,
  );
}

/** The log was cut in front of what the meta file hides: what is appended next, picoclaw sees (W13). */
async function cutLog(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem();
  await withStore(open, machine, async (store) => {
    const chat = await store.session("chat");
    await say(chat, "0", "1", "2");
    await chat.truncate(1);
  });
  const log = await machine.open(logPath, { access: "write" });
  await log.truncate(decoder.decode(await bytesOf(machine, logPath)).indexOf("\n") + 1);
  await log.close();
  await withStore(open, machine, async (store) => await say(await store.session("chat"), "3"));
  must(
    "W13",
    await seenByPicoclaw(machine) === "3",
    `Picoclaw sees ${await seenByPicoclaw(machine) || "nothing"}, not 3`,
  );
}

/** Of a replaced history picoclaw sees all (W13). */
async function replacedHistory(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem();
  await withStore(open, machine, async (store) => {
    const chat = await store.session("chat");
    await say(chat, "0", "1", "2");
    await chat.truncate(1);
    await chat.replace([message("3"), message("4")], { summary: "s" });
  });
  const seen = await seenByPicoclaw(machine);
  must("W13", seen === "3,4", `Picoclaw sees ${seen || "nothing"} of a replaced history, not 3,4`);
  const { summary } = await metaOf(machine);
  must("W13", summary === "s", `Picoclaw sees the summary ${String(summary)}`);
}

/** Picoclaw's line has no end yet when we go on behind it: it is ended, and nothing is glued to it (A5, I21). */
async function openLine(open: OpenStore, isBlocking: boolean): Promise<void> {
  const machine = new SimulatedFileSystem();
  await withStore(open, machine, async (store) => {
    const chat = await store.session("chat");
    await say(chat, "0");
    await appendBytes(machine, JSON.stringify(message("theirs")));
    const appending = chat.append(message("1"));
    if (isBlocking) store.flushSync();
    await appending;
  }, { preallocate: false });
  must("I21", !(await bytesOf(machine, logPath)).includes(0), "NUL ends a line that somebody else left open");
  const found = (await withStore(open, machine, contentsOf)).join();
  must("A5", found === "0,theirs,1", `Behind a line that somebody else left open there is ${found}`);
}

/** A session is closed, and somebody else appends as soon as the lock lets him: closing takes nothing of it away (I15). */
async function closedEarly(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem();
  const port = new WatchedFileSystem(machine);
  const one = await open(directory, { fileSystem: port });
  await say(await one.session("chat"), "0", "1");
  let outcome = "not asked";
  port.onCall = async ({ method, path }) => {
    if (method !== "truncate" || path !== logPath || outcome !== "not asked") return;
    outcome = await withStore(open, machine.anotherProcess(), async (store) => {
      await say(await store.session("chat"), "2");
      return "appended";
    }).catch((error: unknown) => systemErrorCode(error) ?? "error");
  };
  await one.close();
  must("error", outcome !== "not asked", "no fill was taken away");
  const found = (await withStore(open, machine, contentsOf)).join();
  must("I15", found === (outcome === "appended" ? "0,1,2" : "0,1"), `Somebody else was ${outcome}; there is ${found}`);
}

/** A compaction that archives fails, and the same program compacts again, without keeping anything (I7). */
async function compactedAgain(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem();
  let isArmed = false;
  const port = new FaultyFileSystem(machine, {
    failAt: 1,
    fault: { kind: "error", code: "ENOSPC" },
    filter: ({ method, path }) => isArmed && method === "write" && path.includes(".meta."),
  });
  await withStore(open, port, async (store) => {
    const chat = await store.session("chat");
    await say(chat, "0", "1", "2");
    await chat.truncate(1);
    isArmed = true;
    const code = await chat.compact({ archive: true }).then(() => "none", systemErrorCode);
    must("I14", code === "disk-full", `The compaction was not refused, but ended with ${code}`);
    await chat.compact();
    const found = (await contentsOf(store)).join();
    must("I7", found === "2", `What was removed for good is there again: ${found}`);
  });
}

/** House is kept by another process at each call of a compaction: it takes nothing away that is in use (I15). */
async function retainedMeanwhile(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem();
  const port = new WatchedFileSystem(machine);
  const other = await open(directory, { fileSystem: machine.anotherProcess() });
  await withStore(open, port, async (store) => {
    const chat = await store.session("chat");
    await say(chat, "0", "1", "2");
    await chat.truncate(1);
    let isKept = false;
    port.onCall = async ({ method, path }) => {
      if (method !== "rename" || !path.endsWith(".log.tmp")) return;
      for await (const _ of other.retain()) isKept = true;
    };
    const code = await chat.compact().then(() => "none", systemErrorCode);
    must("error", isKept, "there was no house to keep");
    must("I15", code === "none", `A file that a compaction was writing was taken away: it ended with ${code}`);
  });
  await other.close();
}

/** A deletion whose meta file names no place in the trash is one all the same (I7). */
async function noPlace(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem();
  await withStore(open, machine, async (store) => await say(await store.session("chat"), "0"));
  const meta = await metaOf(machine);
  const holdfast = typeof meta["holdfast"] === "object" ? meta["holdfast"] : {};
  await writeWhole(
    machine,
    metaPath,
    JSON.stringify({ ...meta, holdfast: { ...holdfast, deleted: true, trash: "../x" } }),
  );
  await withStore(open, machine, async (store) => await say(await store.session("chat"), "1"));
  const found = (await withStore(open, machine, contentsOf)).join();
  must("I7", found === "1", `Of a deleted session there is ${found}`);
}

/** All of them. */
export const nameOrderProbes = {
  staleMeta: probe("a truncation between the first look and the lock", staleMeta),
  metaAside: probe("a damaged meta file", metaAside),
  migratedFacts: probe("what an old file knows beside its messages", migratedFacts),
  lostLog: probe("a log that is lost beside a meta file that hides lines", lostLog),
  cutLog: probe("a log that was cut beside a meta file that hides lines", cutLog),
  replacedHistory: probe("what picoclaw sees of a replaced history", replacedHistory),
  openLine: probe("an append behind a line without an end", async (open) => await openLine(open, false)),
  openLineFlushed: probe("a blocking flush behind a line without an end", async (open) => await openLine(open, true)),
  closedEarly: probe("somebody else appends while a session is closed", closedEarly),
  compactedAgain: probe("a compaction that archives fails, and the next one does not archive", compactedAgain),
  retainedMeanwhile: probe("house is kept while another process compacts", retainedMeanwhile),
  noPlace: probe("a deletion that names no place in the trash", noPlace),
} as const satisfies Record<string, Hunt>;
