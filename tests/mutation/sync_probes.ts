/**
 * Probes of single syncs: under a blocking flush, behind picoclaw, in the quarantine, of what others have put there.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { crashStates, FaultyFileSystem, SimulatedFileSystem } from "../../src/testing/mod.ts";
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
  textOfLine,
  withStore,
} from "./cut_probe.ts";
import { cuts, type Hunt, probe } from "./hunts.ts";
import type { OpenStore } from "./mutant_source.ts";

const textDecoder = new TextDecoder();

/** An asynchronous sync loses the pages, and says so only when a blocking one has succeeded behind it (I1, A3). */
async function syncLostUnderFlush(open: OpenStore): Promise<void> {
  for (let turns = 0; turns < 12; turns++) {
    const machine = new SimulatedFileSystem({ model: "weak", answerTurnsMax: 3 });
    let isArmed = false;
    const port = new FaultyFileSystem(machine, {
      failAt: 1,
      fault: { kind: "sync", mode: "kept" },
      filter: ({ method, path }) => isArmed && method === "syncData" && path === logPath,
    });
    const store = await open(directory, { fileSystem: port });
    const session = await store.session("chat");
    await session.append(message("0"));
    await session.append(message("1"), { durability: "buffered" });
    isArmed = true;
    const flushing = session.flush().catch(() => undefined);
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    let isFlushed = true;
    try {
      store.flushSync();
    } catch {
      isFlushed = false;
    }
    if (isFlushed) {
      await withStore(open, machine.clone().crash(), async (left) => {
        const found = (await contentsOf(left)).join();
        must("I1", found === "0,1", `After a blocking flush, ${turns} turns into a sync that fails: ${found}`);
      });
    }
    await flushing;
    await store.close().catch(() => undefined);
  }
}

/** There is room for a group, but not for fill behind it: the log stays lines, and nobody else has written it (I21). */
async function noRoomForFill(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem({ model: "weak" });
  let writes = 0;
  const port = new FaultyFileSystem(machine, {
    failAt: 1,
    fault: { kind: "error", code: "ENOSPC" },
    // The first write of a group with fill is the file's last byte; the second one brings both.
    filter: ({ method, path, length = 0 }) => method === "write" && path === logPath && length > 2000 && writes++ === 0,
  });
  const told: string[] = [];
  const store = await open(directory, { fileSystem: port, onEvent: ({ type }) => void told.push(type) });
  const session = await store.session("chat");
  for (const content of ["0", "1", "2"]) {
    await session.append(message(content));
    must("I21", !(await bytesOf(machine, logPath)).includes(0), `NUL in the log behind record ${content}`);
  }
  await store.close();
  must("error", writes > 0, "no fill was written");
  must("I3", told.length === 0, `A store that is alone tells of ${told.join()}`);
}

/** A closed log is records and nothing behind them: strict readers of JSON Lines refuse blank lines (I21). */
async function closedLog(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem();
  await withStore(open, machine, async (store) => {
    const session = await store.session("chat");
    for (const content of ["0", "1", "2"]) await session.append(message(content));
  });
  const text = textDecoder.decode(await bytesOf(machine, logPath));
  must("I21", !text.endsWith("\n\n"), `${text.length - text.trimEnd().length - 1} blank lines behind the last record`);
}

/**
 * A recovery that sets bytes aside is killed, the next one goes on, and the power is cut in that: the bytes are in the
 * log, or set aside (I11).
 */
async function quarantineKilled(open: OpenStore): Promise<void> {
  const torn = `{"role":"user","content":"torn by a po${"w".repeat(700)}`;
  const machine = new SimulatedFileSystem({ model: "weak" });
  await withStore(open, machine, async (store) => void await (await store.session("chat")).append(message("0")));
  await appendBytes(machine, torn);
  const recover = async (on: SimulatedFileSystem): Promise<SimulatedFileSystem[]> => {
    const moments: SimulatedFileSystem[] = [];
    on.onStep = () => moments.push(on.clone());
    await (await open(directory, { fileSystem: on }).then((store) => store.session("chat"))).append(message("1"));
    on.onStep = undefined;
    return moments;
  };
  const seen = new Set<number>();
  for (const first of await recover(machine)) {
    for (const second of await recover(first.clone().kill())) {
      const after = second.clone().crash();
      const image = after.diskImageHash();
      if (seen.has(image)) continue;
      seen.add(image);
      const log = textDecoder.decode(await bytesOf(after, logPath));
      const copies = [...(await quarantineOf(after)).values()];
      must("I11", log.includes(torn) || copies.includes(torn), "Torn bytes are gone, of which no copy is durable");
    }
  }
}

/** Of a deleted session nothing stays, what recovery has set aside neither (I7). */
async function quarantineDeleted(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem();
  await withStore(open, machine, async (store) => void await (await store.session("chat")).append(message("0")));
  await appendBytes(machine, '{"role":"user","content":"torn');
  await withStore(open, machine, async (store) => {
    await (await store.session("chat")).append(message("1"));
    must("error", (await quarantineOf(machine)).size === 1, "nothing was set aside");
    await store.delete("chat");
    must("I7", (await quarantineOf(machine)).size === 0, "What was set aside of a deleted session is still there");
  });
}

/** Somebody has put another log of the same length in the place of a sealed one: it is read afresh (I1). */
async function otherLog(open: OpenStore): Promise<void> {
  const [machine, other] = [new SimulatedFileSystem(), new SimulatedFileSystem()];
  await withStore(open, machine, async (store) => {
    const session = await store.session("chat");
    for (const content of ["a", "b"]) await session.appendText(textOfLine(content, 100));
    await session.setSummary("of two records");
  });
  await withStore(open, other, async (store) => {
    await (await store.session("chat")).appendText(textOfLine("c", 200));
  });
  const bytes = await bytesOf(other, logPath);
  must("error", bytes.length === (await bytesOf(machine, logPath)).length, "the logs differ in length");
  const log = await machine.open(logPath, { access: "write" });
  await log.write(bytes, 0);
  await log.close();
  await withStore(open, machine, async (store) => void await (await store.session("chat")).append(message("next")));
  const found = (await withStore(open, machine, contentsOf)).join();
  must("I1", found === "c,next", `Of two records there are ${found || "none"}`);
}

/** What housekeeping has taken out of the quarantine, and says so of, does not come back (I7, I18). */
async function quarantineThinned(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem({ model: "weak" });
  await withStore(open, machine, async (store) => void await (await store.session("chat")).append(message("0")));
  await appendBytes(machine, '{"role":"user","content":"torn');
  await withStore(open, machine, async (store) => void await (await store.session("chat")).append(message("1")));
  must("error", (await quarantineOf(machine)).size === 1, "nothing was set aside");
  await withStore(open, machine, async (store) => {
    for await (const { action, skipped } of store.retain({ quarantineBytesMax: 0 })) {
      must("error", action === "quarantine" && skipped === null, "what was set aside is not removed");
    }
    for (const { choices } of crashStates(machine)) {
      const left = await quarantineOf(machine.clone().crash(choices));
      must("I7", left.size === 0, "What was removed from the quarantine is there again");
    }
  });
}

/** Picoclaw begins the log while a session without one is open; nobody but us makes its name durable (A5, I1). */
async function begunBySomebodyElse(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem({ model: "weak" });
  const store = await open(directory, { fileSystem: machine });
  const session = await store.session("chat");
  await session.setSummary("of a session without records");
  const log = await machine.open(logPath, { access: "write", create: "exclusive" });
  await log.write(new TextEncoder().encode('{"role":"user","content":"theirs"}\n'), 0);
  await log.syncData();
  await log.close();
  await session.append(message("ours"));
  await withStore(open, machine.crash(), async (left) => {
    const found = (await contentsOf(left)).join();
    must("I1", found === "theirs,ours", `An acknowledged record behind somebody else's is gone: ${found}`);
  });
}

/** What seeds a fork's log is known after a power cut also without the meta file (I12). */
async function originKept(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem({ model: "weak" });
  const store = await open(directory, { fileSystem: machine });
  const source = await store.session("source");
  for (const content of ["0", "1"]) await source.append(message(content));
  await store.fork("source", "chat");
  const after = machine.crash();
  await after.unlink(metaPath);
  await withStore(open, after, async (left) => {
    const found = (await contentsOf(left)).join();
    must("I12", found === "0,1", `A fork without its meta file shows ${found || "nothing"}`);
    must("I11", (await (await left.session("chat")).verify()).damaged.length === 0, "Its log is taken for damaged");
  });
}

/** Somebody has copied a large value into its place, and not synced it (I1). */
async function blobCopied(open: OpenStore): Promise<void> {
  const value = "one ".repeat(256);
  const blobs = { blobs: { valueBytesMin: 1024, previewBytesMax: 16 } };
  const machine = new SimulatedFileSystem({ model: "weak" });
  await machine.makeDirectory(directory, 0o700);
  await machine.makeDirectory(`${directory}/blobs`, 0o700);
  const hash = createHash("sha256").update(value).digest("hex");
  const copy = await machine.open(`${directory}/blobs/${hash}`, { access: "write", create: "exclusive" });
  await copy.write(new TextEncoder().encode(value), 0);
  await copy.close();
  const store = await open(directory, { ...blobs, fileSystem: machine });
  await (await store.session("chat")).append(message(value));
  await withStore(open, machine.crash(), async (left) => {
    const [content] = await contentsOf(left);
    must("I1", content === value, "The large value of an acknowledged record is gone");
  }, { ...blobs, strict: true });
}

/** A blocking flush goes behind what picoclaw has appended, and is cut: that is torn, and never corruption (I11). */
async function flushBehindForeign(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem({ model: "weak" });
  const store = await open(directory, { fileSystem: machine, preallocate: false });
  const session = await store.session("chat");
  await session.append(message("0"));
  const log = await machine.open(logPath, { access: "write" });
  const theirs = new TextEncoder().encode(`{"role":"user","content":"${"t".repeat(1500)}"}\n`);
  await log.write(theirs, (await log.stat()).size);
  await log.close();
  const moments: SimulatedFileSystem[] = [];
  const pending = session.append(message("ours"));
  machine.onStep = () => moments.push(machine.clone());
  store.flushSync();
  machine.onStep = undefined;
  await pending;
  must("error", moments.length > 2, "no step was seen");
  for (const moment of moments) {
    for (const { choices } of crashStates(moment, { limit: 40 })) {
      const told: string[] = [];
      const options = { onEvent: ({ type }: { type: string }): void => void told.push(type) };
      await withStore(open, moment.clone().crash(choices), async (left) => {
        await (await left.session("chat")).append(message("next"));
        const { damaged } = await (await left.session("chat")).verify();
        must("I11", damaged.length === 0 && !told.includes("damaged-line"), "A power cut was taken for damage");
      }, options);
    }
  }
}

/** Files cannot have two names here: what an archive keeps is copied, and its name is durable (I9, W3). */
async function copiedSegment(open: OpenStore): Promise<void> {
  await eachCut(open, {
    prepare: async (store) => {
      const session = await store.session("chat");
      for (const content of ["0", "1", "2", "3"]) await session.append(message(content));
      await session.truncate(1);
    },
    work: async (machine, acknowledge) => {
      const port = new FaultyFileSystem(machine, {
        failAt: 1,
        fault: { kind: "error", code: "EPERM" },
        persistent: true,
        filter: ({ method }) => method === "link",
      });
      await withStore(open, port, async (store) => {
        await (await store.session("chat")).compact({ archive: true });
        acknowledge("archived");
      });
    },
    check: async (machine) => {
      const found = (await withStore(open, machine, contentsOf)).join();
      must("I9", found === "0,1,2,3", `Of what an archive keeps, ${found} is left`);
    },
  });
}

/** A record is told again, durably, that is in the log already, but not durable (I1, I4). */
async function toldAgain(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem({ model: "weak" });
  const store = await open(directory, {
    fileSystem: machine,
    recordId: ({ id }) => typeof id === "string" ? id : undefined,
  });
  const session = await store.session("chat");
  await session.append(message("0"));
  await session.append({ ...message("1"), id: "one" }, { durability: "buffered" });
  await session.append({ ...message("1"), id: "one" });
  await withStore(open, machine.crash(), async (left) => {
    const found = (await contentsOf(left)).join();
    must("I1", found === "0,1", `After a durable retry there is ${found}`);
  });
}

/** What is to replace the records is what is there, though not all of it durable: one sync, and nothing else (I20). */
async function replacedBySame(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem({ model: "weak" });
  const store = await open(directory, { fileSystem: machine });
  const session = await store.session("chat");
  await session.append(message("0"));
  await session.setSummary("of one");
  await session.append(message("1"), { durability: "buffered" });
  const before = { ...machine.counters };
  await session.replace([message("0"), message("1")]);
  const { writes, syncs } = machine.counters;
  must("I20", writes === before.writes, `A replace by what is there makes ${writes - before.writes} writes`);
  must("I8", syncs > before.syncs, "A replace has left a record that is not durable");
}

const flushed = { kind: "background-flush", sizes: ["small", "small"] } as const;

/** All of them. */
export const syncProbes = {
  flushInFill: cuts("append, flush between the two writes of a fill", [
    { kind: "append" },
    { ...flushed, variant: "8" },
  ]),
  flushBehind: probe("a blocking flush behind picoclaw's line", flushBehindForeign),
  syncLost: probe("a blocking flush while a sync fails", syncLostUnderFlush),
  noRoom: probe("no room for fill", noRoomForFill),
  closed: probe("a log that was closed", closedLog),
  quarantine: probe("a recovery killed, and the next one cut", quarantineKilled),
  otherLog: probe("another log in the place of a sealed one", otherLog),
  thinned: probe("housekeeping thins the quarantine", quarantineThinned),
  deleted: probe("a session is deleted that has a quarantine", quarantineDeleted),
  begun: probe("picoclaw begins the log", begunBySomebodyElse),
  origin: probe("a fork that has lost its meta file after a power cut", originKept),
  segment: probe("an archive where files have one name only", copiedSegment),
  toldAgain: probe("a record that is there is told again, durably", toldAgain),
  replacedBySame: probe("records are replaced by what is there", replacedBySame),
  blobCopied: probe("a large value that somebody has copied there", blobCopied),
  collect: cuts("append a large value, delete, collect, append it again", [
    { kind: "collect-blobs" },
    { kind: "append" },
    { kind: "append-blob" },
  ], { prepare: [{ kind: "append-blob" }, { kind: "delete" }] }),
} as const satisfies Record<string, Hunt>;
