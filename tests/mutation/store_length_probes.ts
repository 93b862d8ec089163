/**
 * Probes of the lengths that the store compares when it writes: what a batch, a log, a name and a queue may have, how
 * much a truncation keeps, what is sealed.
 *
 * @module
 */

import type { RecordObject, Session, SessionStore } from "../../mod.ts";
import { systemErrorCode } from "../../src/errors.ts";
import { lineBytesMax, unsyncedBytesMax } from "../../src/log/record_format.ts";
import { SimulatedFileSystem } from "../../src/testing/mod.ts";
import { WatchedFileSystem } from "../store/watched_filesystem.ts";
import {
  bytesOf,
  contentsOf,
  directory,
  logPath,
  message,
  metaPath,
  must,
  quarantineOf,
  withStore,
} from "./cut_probe.ts";
import { type Hunt, probe } from "./hunts.ts";
import type { OpenStore } from "./mutant_source.ts";

const textDecoder = new TextDecoder();
const long = (content: string): { role: string; content: string } => message(content.padEnd(1000, "x"));
const codeOf = async (step: Promise<unknown>): Promise<string> => {
  return await step.then(() => "none", (error) => systemErrorCode(error) ?? String(error));
};

async function appendEach(session: Session, contents: readonly string[]): Promise<void> {
  for (const content of contents) await session.append(message(content));
}

async function activeOf(session: Session): Promise<string> {
  return (await session.history()).map(({ content }) => String(content)).join();
}

/** What the meta file says. */
async function metaOf(machine: SimulatedFileSystem): Promise<RecordObject> {
  return JSON.parse(textDecoder.decode(await bytesOf(machine, metaPath)));
}

/** Records that wait are held up to a bound; beyond it they are encoded again when their turn comes. */
async function heldBounded(open: OpenStore): Promise<void> {
  let encodings = 0;
  const text = "x".repeat(256 * 1024);
  const records = Array.from({ length: 24 }, (_, n) => ({
    n,
    get content(): string {
      encodings++;
      return text;
    },
  }));
  await withStore(open, new SimulatedFileSystem(), async (store) => {
    const session = await store.session("chat");
    await Promise.all(records.map(async (record) => await session.append(record)));
  });
  must("I18", encodings > records.length, "6 MiB that wait are all held");
}

/** What would go beyond a log's limit is refused, and what fits goes. */
async function appendLimited(open: OpenStore): Promise<void> {
  await withStore(open, new SimulatedFileSystem(), async (store) => {
    const session = await store.session("chat");
    for (const content of ["0", "1", "2"]) await session.append(long(content));
    const code = await codeOf(session.append(long("3")));
    must("I18", code === "too-large", `An append beyond the log's limit ended with ${code}`);
    must("I14", await codeOf(session.append(message("4"))) === "none", "What fits was refused");
  }, { sessionBytesMax: 4096 });
}

async function replaceLimited(open: OpenStore): Promise<void> {
  await withStore(open, new SimulatedFileSystem(), async (store) => {
    const session = await store.session("chat");
    await session.append(message("old"));
    const code = await codeOf(session.replace(["0", "1", "2", "3", "4"].map(long)));
    must("I18", code === "too-large", `A replace beyond the log's limit ended with ${code}`);
    must("I8", await activeOf(session) === "old", "A refused replace has changed something");
  }, { sessionBytesMax: 4096 });
}

/** However much waits, a group is no more than what recovery writes again. */
async function groupBounded(open: OpenStore): Promise<void> {
  const port = new WatchedFileSystem(new SimulatedFileSystem());
  let unsynced = 0;
  let most = 0;
  port.onCall = ({ method, path, length = 0 }) => {
    if (path !== logPath) return;
    if (method === "write") most = Math.max(most, unsynced += length);
    if (method === "syncData") unsynced = 0;
  };
  await withStore(open, port, async (store) => {
    const session = await store.session("chat");
    const record = message("x".repeat(100_000));
    await Promise.all(Array.from({ length: 40 }, async () => await session.append(record)));
  }, { preallocate: false });
  must("I18", most <= unsyncedBytesMax, `${most} bytes were written between two syncs`);
}

/** A blocking flush writes a large value into the log, where a line of that length is none to picoclaw. */
async function blockingLine(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem();
  await withStore(open, machine, async (store) => {
    const session = await store.session("chat");
    await session.append(message("0"));
    using _ = await session.hold();
    const waiting = session.append(message("x".repeat(lineBytesMax + 1))).catch(() => undefined);
    try {
      session.flushSync();
    } catch {
      // It is the refusal that is wanted.
    }
    await waiting;
  }, { blobs: {} });
  const bytes = await bytesOf(machine, logPath);
  let start = 0;
  for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, start = end + 1)) {
    must("I21", end - start < lineBytesMax, `A line of ${end - start} bytes, which picoclaw cannot read`);
  }
}

/** Characters of two and three bytes count as many. */
async function bytesCounted(open: OpenStore, character: string, count: number): Promise<void> {
  await withStore(open, new SimulatedFileSystem(), async (store) => {
    const session = await store.session("chat");
    must("I14", await codeOf(session.append({ c: character.repeat(40) })) === "none", "What fits was refused");
    const code = await codeOf(session.append({ c: character.repeat(count) }));
    must("I18", code === "too-large", `A record beyond the limit ended with ${code}`);
  }, { recordBytesMax: 140 });
}

/** Values that are kept out of the log must fit into memory together. */
async function valuesBounded(open: OpenStore): Promise<void> {
  const port = new WatchedFileSystem(new SimulatedFileSystem());
  await withStore(open, port, async (store) => {
    const session = await store.session("chat");
    // Who does not refuse them need not write them.
    port.failNext(({ method }) => method === "makeDirectory", "ENOSPC");
    const record = message("x".repeat(22 * 1024 * 1024));
    const code = await codeOf(session.appendAll([record, record, record]));
    must("I18", code === "too-large", `66 MiB of large values at once ended with ${code}`);
  }, { blobs: {} });
}

/** Ids beyond the reach are forgotten. */
async function idsForgotten(open: OpenStore): Promise<void> {
  await withStore(open, new SimulatedFileSystem(), async (store) => {
    const session = await store.session("chat");
    for (const id of ["a", "b", "c", "d", "e", "f"]) await session.append({ id });
    must("I3", (await session.append({ id: "f" })).duplicate, "A record is there twice");
    must("I18", !(await session.append({ id: "a" })).duplicate, "Ids beyond the reach are held for ever");
  }, { recordId: ({ id }) => typeof id === "string" ? id : undefined, recordIdReach: 2 });
}

/** A truncation as of a record counts no later ones among those to keep, and keeps them all. */
async function asOf(open: OpenStore, keep: number, wanted: string): Promise<void> {
  await withStore(open, new SimulatedFileSystem(), async (store) => {
    const session = await store.session("chat");
    await appendEach(session, ["0", "1", "2", "3"]);
    await session.truncate(keep, { asOf: 1 });
    const found = await activeOf(session);
    must("I1", found === wanted, `A truncation to ${keep} as of record 1 keeps ${found}, not ${wanted}`);
  });
}

/** A truncation as of a record that is hidden already brings nothing back. */
async function hiddenStays(open: OpenStore): Promise<void> {
  await withStore(open, new SimulatedFileSystem(), async (store) => {
    const session = await store.session("chat");
    await appendEach(session, ["0", "1", "2", "3"]);
    await session.truncate(0);
    await session.truncate(0, { asOf: 1 });
    must("I7", await activeOf(session) === "", "What was truncated is there again");
  });
}

/** A compaction removes what is hidden and what is blank; behind it, there is nothing to do. */
async function compacted(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem();
  await withStore(open, machine, async (store) => await appendEach(await store.session("chat"), ["0", "1", "2"]));
  const file = await machine.open(logPath, { access: "write" });
  const blank = new TextEncoder().encode(`${"\n".repeat(600)}{"role":"user","content":"theirs"}\n`);
  await file.write(blank, (await file.stat()).size);
  await file.close();
  await withStore(open, machine, async (store) => {
    const session = await store.session("chat");
    await session.compact();
    must("I18", !textDecoder.decode(await bytesOf(machine, logPath)).includes("\n\n{"), "Blank bytes stay in the log");
    await session.truncate(1);
    const { removed } = await session.compact();
    must("I18", removed === 3, `Of three hidden records ${removed} were removed`);
    const { rewrites } = store.counters;
    await session.compact();
    must("I20", store.counters.rewrites === rewrites, "A log with nothing to remove was rewritten");
    must("I1", (await contentsOf(store)).join() === "theirs", "Compaction has changed the history");
  });
}

/** What stands between two damaged lines is not damaged. */
async function damagedApart(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem();
  await withStore(open, machine, async (store) => {
    await appendEach(await store.session("chat"), ["0", "damage", "whole", "damage", "4"]);
  });
  const text = textDecoder.decode(await bytesOf(machine, logPath));
  const file = await machine.open(logPath, { access: "write" });
  for (const offset of [text.indexOf("damage"), text.lastIndexOf("damage")]) {
    await file.write(Uint8Array.of(0x44), offset);
  }
  await file.close();
  await withStore(open, machine, async (store) => void await (await store.session("chat")).compact());
  const copies = [...(await quarantineOf(machine)).values()].join("");
  must("I11", copies.split("Damage").length === 3, "Damaged bytes were not set aside");
  must("I11", !copies.includes("whole"), "A record that is whole was set aside as damaged");
}

/** Somebody has put a longer log in the place of a sealed one: its lines are counted, from its start. */
async function countedAfresh(open: OpenStore): Promise<void> {
  const [machine, other] = [new SimulatedFileSystem(), new SimulatedFileSystem()];
  await withStore(open, machine, async (store) => {
    const session = await store.session("chat");
    for (const content of ["a", "b"]) await session.append(long(content));
    await session.setSummary("of two records, sealed");
  });
  const lines = 200;
  const store = await open(directory, { fileSystem: other });
  await appendEach(await store.session("chat"), new Array<string>(lines).fill("x".repeat(1500)));
  const log = await machine.open(logPath, { access: "write" });
  await log.write(await bytesOf(other, logPath), 0);
  await log.close();
  await withStore(open, machine, async (again) => await (await again.session("chat")).truncate(1));
  const { skip, count } = await metaOf(machine);
  must("I9", count === lines && skip === lines - 1, `Of ${lines} lines, picoclaw is told of ${count}, ${skip} hidden`);
}

/** The seal that a compaction has made is that of the new log: closing makes no other. */
async function sealedByCompaction(open: OpenStore): Promise<void> {
  const store = await open(directory, { fileSystem: new SimulatedFileSystem() });
  const session = await store.session("chat");
  await appendEach(session, new Array<string>(100).fill("x".repeat(1500)));
  await session.truncate(99);
  await session.compact();
  const { metaWrites } = store.counters;
  await store.close();
  must("I20", store.counters.metaWrites === metaWrites, "Closing a session that was just compacted seals it again");
}

/** A log is sealed when it is closed, if that saves reading, and only then. */
async function sealed(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem();
  const append = async (content: string): Promise<number> => {
    const store = await open(directory, { fileSystem: machine });
    await (await store.session("chat")).append(message(content));
    const { metaWrites } = store.counters;
    await store.close();
    return store.counters.metaWrites - metaWrites;
  };
  await append("first");
  must("I20", await append("small") === 0, "Closing a session of a few records writes its meta file");
  await append("x".repeat(100_000));
  const holdfast = (await metaOf(machine))["holdfast"];
  const seal = JSON.stringify(holdfast ?? null);
  const { length } = await bytesOf(machine, logPath);
  must("I18", seal.includes(`"bytes":${length},`), `A log of ${length} bytes was closed without a seal: ${seal}`);
}

/** A key that is too long is refused; one that is long has a name that every file system takes. */
async function keyLengths(open: OpenStore): Promise<void> {
  await withStore(open, new SimulatedFileSystem(), async (store) => {
    const refused = await store.session("k".repeat(1025)).then(() => false, (error) => error instanceof RangeError);
    must("I18", refused, "A key of 1025 bytes was taken");
    for (const bytes of [201, 256, 1024]) {
      const key = "k".repeat(bytes);
      must("I12", !await store.has(key), "A session is there that nobody has made");
      await (await store.session(key)).append(message("0"));
      must("I12", await store.has(key), `A session whose key has ${bytes} bytes is not found`);
    }
    must("I12", await store.resolve("k".repeat(1025)) === null, "What is too long for a key leads to a session");
  });
}

/** The key of a log without its meta file is told by its first line's checksum. */
async function keyFromChecksum(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem();
  await withStore(open, machine, async (store) => void await (await store.session("a:b")).append(message("0")));
  await machine.unlink(`${directory}/a_b.meta.json`);
  await withStore(open, machine, async (store) => {
    const keys = (await store.list()).map(({ key }) => key).join();
    must("I12", keys === "a:b", `Without its meta file a session is listed as ${keys || "nothing"}`);
  }, { readOnly: true });
}

/** Idle sessions are given back. */
async function openBounded(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem();
  const port = new WatchedFileSystem(machine);
  await withStore(open, port, async (store) => {
    for (let n = 0; n < 8; n++) await (await store.session(`s${n}`)).append(message("0"));
    must("I18", port.openFiles <= 6, `${port.openFiles} files are open for two sessions at the most`);
  }, { openSessionsMax: 2 });
}

/** Who reads beside the appends is shown nothing that a power cut takes. */
async function durableOnly(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem({ model: "weak" });
  const read = async (store: SessionStore): Promise<string> => {
    const found: unknown[] = [];
    const records = (await store.session("chat")).records({ durable: true });
    for await (const { record } of records) found.push(record["content"]);
    return found.join();
  };
  await withStore(open, machine, async (store) => {
    const session = await store.session("chat");
    await session.append(message("0"));
    await session.append(message("1"), { durability: "buffered" });
    const shown = await read(store);
    const left = await withStore(open, machine.clone().crash(), contentsOf);
    must("I6", left.join().startsWith(shown), `Showed ${shown}, of which a power cut left ${left.join()}`);
  });
}

/** All of them. */
export const storeLengthProbes = {
  held: probe("6 MiB of appends that wait", heldBounded),
  appendLimit: probe("an append beyond the log's limit", appendLimited),
  replaceLimit: probe("a replace beyond the log's limit", replaceLimited),
  group: probe("4 MB appended at once", groupBounded),
  blockingLine: probe("a blocking flush of a value that is no line", blockingLine),
  twoBytes: probe("a record of characters of two bytes", async (open) => await bytesCounted(open, "\u00e9", 80)),
  threeBytes: probe("a record of characters of three bytes", async (open) => await bytesCounted(open, "\u20ac", 60)),
  values: probe("66 MiB of large values", valuesBounded),
  ids: probe("ids beyond the reach", idsForgotten),
  asOfOne: probe("truncate to one as of an earlier record", async (open) => await asOf(open, 1, "1,2,3")),
  asOfNone: probe("truncate to none as of an earlier record", async (open) => await asOf(open, 0, "2,3")),
  hidden: probe("truncate as of a hidden record", hiddenStays),
  compacted: probe("compact blank bytes and hidden records", compacted),
  damagedApart: probe("compaction over two damaged lines", damagedApart),
  counted: probe("a longer log in the place of a sealed one", countedAfresh),
  sealedByCompaction: probe("compact, close", sealedByCompaction),
  sealed: probe("close a long session, and a short one", sealed),
  keys: probe("keys of many bytes", keyLengths),
  keyFromChecksum: probe("a session without its meta file", keyFromChecksum),
  openBound: probe("more sessions than may be open", openBounded),
  durableOnly: probe("a reader beside the appends", durableOnly),
} as const satisfies Record<string, Hunt>;
