/**
 * Probes of the lengths that the store compares when it reads: pages, checks, lists, forks, the index of workspaces.
 *
 * @module
 */

import type { RecordsOptions, Session, SessionStore } from "../../mod.ts";
import type { QuickReport } from "../../src/store/quick_check.ts";
import { createStoreCounters } from "../../src/store/store_counters.ts";
import { type FileSystem, SimulatedFileSystem } from "../../src/testing/mod.ts";
import { WatchedFileSystem } from "../store/watched_filesystem.ts";
import { appendBytes, bytesOf, directory, logPath, message, must, withStore } from "./cut_probe.ts";
import { type Hunt, type Prey, probe } from "./hunts.ts";
import type { OpenStore } from "./mutant_source.ts";

const textDecoder = new TextDecoder();
const mebibyte = 1024 * 1024;

async function appendEach(session: Session, contents: readonly string[]): Promise<void> {
  for (const content of contents) await session.append(message(content));
}

async function contentsRead(session: Session, options: RecordsOptions = {}): Promise<string> {
  const found: unknown[] = [];
  for await (const { record } of session.records(options)) found.push(record["content"]);
  return found.join();
}

/** A closed session of some records. */
async function machineWith(open: OpenStore, contents: readonly string[]): Promise<SimulatedFileSystem> {
  const machine = new SimulatedFileSystem();
  await withStore(open, machine, async (store) => await appendEach(await store.session("chat"), contents));
  return machine;
}

const records = 768;

/** A log of 3 MiB as a writer leaves it that was killed: nothing of it is sealed. */
async function unsealed(open: OpenStore): Promise<SimulatedFileSystem> {
  const machine = new SimulatedFileSystem();
  const store = await open(directory, { fileSystem: machine });
  const session = await store.session("chat");
  const batch = new Array<ReturnType<typeof message>>(32).fill(message("x".repeat(4096)));
  for (let n = 0; n < records; n += batch.length) await session.appendAll(batch);
  return machine.kill();
}

async function limited(open: OpenStore, follow: boolean): Promise<void> {
  const machine = await machineWith(open, ["0", "1", "2", "3"]);
  await withStore(open, machine, async (store) => {
    const found = await contentsRead(await store.session("chat"), { limit: 2, follow });
    must("limit", found === "0,1", `Of two records at the most, ${found} are given out`);
  });
}

/** A page in front of a long log costs what the page costs. */
async function pageInFront(open: OpenStore): Promise<void> {
  await withStore(open, await unsealed(open), async (store) => {
    const session = await store.session("chat");
    const { bytesRead } = store.counters;
    const found: number[] = [];
    for await (const { sequence } of session.recordsBack({ before: 2 })) found.push(sequence);
    const read = store.counters.bytesRead - bytesRead;
    must("I2", found.join() === "1,0", `In front of record 2 there are ${found.join()}`);
    must("I18", read < mebibyte, `Two records of 3 MiB cost ${read} bytes`);
  }, { readOnly: true });
}

/** Numbers that stand in a sealed log's lines are sought, though its last lines are picoclaw's. */
async function soughtByNumber(open: OpenStore): Promise<void> {
  const machine = await unsealed(open);
  await withStore(open, machine, async (store) => await (await store.session("chat")).setSummary("sealed"));
  await appendBytes(machine, '{"role":"user","content":"theirs"}\n');
  await withStore(open, machine, async (store) => {
    const session = await store.session("chat");
    const { bytesRead } = store.counters;
    const found = await contentsRead(session, { from: records });
    const read = store.counters.bytesRead - bytesRead;
    must("I1", found === "theirs", `From the last record on there are ${found.slice(0, 40)}`);
    must("I18", read < mebibyte, `A record of 3 MiB cost ${read} bytes`);
  }, { readOnly: true });
}

/** Lines of 4 KiB that picoclaw alone has written: no numbers stand in them. */
async function picoclawsOwn(count: number): Promise<SimulatedFileSystem> {
  const machine = new SimulatedFileSystem();
  await machine.makeDirectory(directory, 0o700);
  await (await machine.open(logPath, { access: "write", create: "exclusive" })).close();
  const rest = `,"tool_call_id":"${"x".repeat(4096)}"}\n`;
  const lines = Array.from({ length: count }, (_, n) => `{"role":"tool","content":"${n}"${rest}`);
  await appendBytes(machine, lines.join(""));
  return machine;
}

/** Of a log that can be read forwards only a window is held, and what is in front of it is read again. */
async function windowBounded(open: OpenStore): Promise<void> {
  const machine = await picoclawsOwn(160);
  const { length } = await bytesOf(machine, logPath);
  await withStore(open, machine, async (store) => {
    const session = await store.session("chat");
    const { bytesRead } = store.counters;
    let next = 160;
    for await (const { record } of session.recordsBack()) {
      must("I2", record["content"] === `${--next}`, `Backwards, ${next} is followed by ${record["content"]}`);
    }
    must("I1", next === 0, `Backwards, the first ${next} records are missing`);
    must("I18", store.counters.bytesRead - bytesRead > 4 * length, "All of a log is held to be read backwards");
  }, { readOnly: true });
}

async function withoutNumbers(open: OpenStore): Promise<void> {
  const machine = await picoclawsOwn(40);
  await withStore(open, machine, async (store) => {
    const session = await store.session("chat");
    must("I1", await contentsRead(session, { from: 38 }) === "38,39", "Picoclaw's records are not found by number");
    const back: unknown[] = [];
    for await (const { record } of session.recordsBack({ before: 2 })) back.push(record["content"]);
    must("I1", back.join() === "1,0", `In front of picoclaw's record 2 there are ${back.join()}`);
    const [info] = await store.list();
    must("I12", info?.records === 40, `Of 40 lines of picoclaw's ${info?.records} are listed`);
  }, { readOnly: true });
}

async function quickReport({ quickCheck }: Prey, fileSystem: FileSystem): Promise<QuickReport> {
  const context = { fileSystem, directory, counters: createStoreCounters(), report: () => undefined };
  const report = await quickCheck(context, "chat");
  if (report === null) throw new TypeError("There is no such session");
  return report;
}

type Look = (prey: Prey, port: FileSystem) => Promise<{ tornTail: { length: number } | null }>;
const looks: Record<"verify" | "quick", Look> = {
  verify: async ({ open }, port) => {
    return await withStore(open, port, async (store) => await (await store.session("chat")).verify(), {
      readOnly: true,
    });
  },
  quick: quickReport,
};

/** A torn end is told of; what is whole, or is being written, is not torn. */
async function tornEnd(prey: Prey, look: Look): Promise<void> {
  const machine = await machineWith(prey.open, ["0", "1"]);
  must("I11", (await look(prey, machine)).tornTail === null, "A log that is whole is said to be torn");
  await appendBytes(machine, '{"role":"user","content":"2');
  const torn = (await look(prey, machine)).tornTail;
  must("I11", torn?.length === 27, `A torn end of 27 bytes is told of as ${torn?.length ?? "none"}`);
  // How often one look opens the log does not matter: at some second look the writer has gone on.
  for (let nth = 1; nth < 6; nth++) {
    const again = await machineWith(prey.open, ["0", "1"]);
    await appendBytes(again, '{"role":"user","content":"2');
    const watched = new WatchedFileSystem(again);
    let opens = 0;
    let isFirst = true;
    watched.onCall = async ({ method, path }) => {
      if (method !== "open" || path !== logPath || ++opens <= nth || !isFirst) return;
      isFirst = false;
      await appendBytes(again, '"}\n');
    };
    const seen = await look(prey, watched);
    must("H11", isFirst || seen.tornTail === null, "A writer in mid-write is taken for a torn end");
  }
}

/** Records that were durable, and are gone from the end. */
async function lostEnd(prey: Prey): Promise<void> {
  const machine = await machineWith(prey.open, ["0", "1", "2"]);
  await withStore(prey.open, machine, async (store) => await (await store.session("chat")).setSummary("sealed"));
  const check = async (): Promise<string> => {
    const report = await quickReport(prey, machine);
    return JSON.stringify(report.missing ?? null);
  };
  must("I11", await check() === "null", `Of a log that is whole ${await check()} is said to be missing`);
  const file = await machine.open(logPath, { access: "write" });
  await file.truncate(textDecoder.decode(await bytesOf(machine, logPath)).indexOf("\n") + 1);
  await file.close();
  must("I11", await check() === '{"from":1,"to":2}', `Two durable records are gone, and ${await check()} is missing`);
}

/** A quick check of a log that is not sealed looks at its end, of a small one at all of it. */
async function quickEnd(prey: Prey): Promise<void> {
  const large = await quickReport(prey, await unsealed(prey.open));
  must("I18", large.bytesChecked <= mebibyte, `Of 3 MiB ${large.bytesChecked} bytes were looked at`);
  const machine = await machineWith(prey.open, ["damage", "1", "2"]);
  const file = await machine.open(logPath, { access: "write" });
  await file.write(Uint8Array.of(0x44), textDecoder.decode(await bytesOf(machine, logPath)).indexOf("damage"));
  await file.close();
  const report = await quickReport(prey, machine);
  must("I11", report.ok === false, "Damage in a small log is not seen");
}

async function measured(open: OpenStore): Promise<void> {
  const machine = await machineWith(open, ["0", "1", "2", "3"]);
  await withStore(open, machine, async (store) => {
    const session = await store.session("chat");
    await session.truncate(1);
    const { records, dead } = await session.stats();
    must("stats", records === 4 && dead === 3, `Of four records, three hidden, ${dead} of ${records} are called dead`);
  });
}

/** How many records are listed: behind a seal, behind a compaction. */
async function listed(open: OpenStore): Promise<void> {
  const counts = async (store: SessionStore): Promise<string> => {
    return (await store.list()).map(({ records, active }) => `${records} ${active}`).join();
  };
  const machine = await machineWith(open, ["0", "1"]);
  await withStore(open, machine, async (store) => {
    const session = await store.session("chat");
    await session.setSummary("sealed");
    await appendEach(session, ["2", "3"]);
    must("I12", await counts(store) === "4 4", `Of four records behind a seal there are listed ${await counts(store)}`);
    await appendEach(session, ["4".repeat(2000), "5"]);
    await session.truncate(2);
    await session.compact();
    must("I12", await counts(store) === "2 2", `Of two long records there are listed ${await counts(store)}`);
  });
}

async function lineCounts(machine: SimulatedFileSystem, key: string): Promise<string> {
  const { skip, count } = JSON.parse(textDecoder.decode(await bytesOf(machine, `${directory}/${key}.meta.json`)));
  return `${skip} ${count}`;
}

/** A fork in front of its source's seal has as many lines as it has. */
async function forkCounted(open: OpenStore): Promise<void> {
  const machine = await machineWith(open, ["0", "1", "2", "3"]);
  await withStore(open, machine, async (store) => {
    await (await store.session("chat")).setSummary("sealed");
    await store.fork("chat", "fork", { at: 1 });
    const counts = await lineCounts(machine, "fork");
    must("I9", counts === "0 2", `Of a fork of two lines picoclaw is told ${counts}`);
  });
}

/** A fork at a hidden record shows it; at the last one, what is hidden stays so. */
async function forkHidden(open: OpenStore): Promise<void> {
  const machine = await machineWith(open, ["0", "1", "2", "3"]);
  await withStore(open, machine, async (store) => {
    const session = await store.session("chat");
    const forked = async (to: string, at: number): Promise<string> => {
      await store.fork("chat", to, { at });
      return await contentsRead(await store.session(to));
    };
    await session.truncate(1);
    must("I1", await forked("early", 1) === "0,1", "A fork at a hidden record does not show it");
    must("I7", await forked("late", 3) === "3", "A fork at an active record shows what is hidden");
    await session.truncate(0);
    must("I7", await forked("end", 3) === "", "A fork at the last record shows what is hidden");
  });
}

/** A cursor behind the end of a log that has become shorter. */
async function shorterFollowed(open: OpenStore): Promise<void> {
  const machine = await machineWith(open, ["0", "1", "2"]);
  const reader = await open(directory, { fileSystem: machine, readOnly: true });
  const session = await reader.session("chat");
  const found: unknown[] = [];
  const end = textDecoder.decode(await bytesOf(machine, logPath)).indexOf("\n") + 1;
  for await (const { record } of session.records({ follow: true, limit: 4 })) {
    found.push(record["content"]);
    if (found.length !== 3) continue;
    const file = await machine.open(logPath, { access: "write" });
    await file.truncate(end);
    await file.close();
    await withStore(open, machine.anotherProcess(), async (store) => {
      await appendEach(await store.session("chat"), ["one", "two", "three"]);
    });
  }
  await reader.close();
  must("I3", found.join() === "0,1,2,three", `Who follows a log that was cut is shown ${found.join()}`);
}

/** All of them. */
export const readingLengthProbes = {
  limit: probe("two records at the most", (open) => limited(open, false)),
  limitFollowed: probe("follow two records at the most", (open) => limited(open, true)),
  page: probe("a page in front of 3 MiB", pageInFront),
  sought: probe("a record behind 3 MiB, picoclaw's", soughtByNumber),
  withoutNumbers: probe("picoclaw's log, by numbers", withoutNumbers),
  window: probe("picoclaw's log, backwards", windowBounded),
  torn: probe("verify a torn end", async (_, prey) => await tornEnd(prey, looks.verify)),
  quickTorn: probe("check a torn end quickly", async (_, prey) => await tornEnd(prey, looks.quick)),
  lost: probe("check quickly what has lost its end", async (_, prey) => await lostEnd(prey)),
  quickEnd: probe("check an unsealed log quickly", async (_, prey) => await quickEnd(prey)),
  stats: probe("measure hidden records", measured),
  listed: probe("list behind a seal and a compaction", listed),
  forkCounted: probe("fork in front of the seal", forkCounted),
  forkHidden: probe("fork at hidden records", forkHidden),
  shorter: probe("follow a log that gets shorter", shorterFollowed),
} as const satisfies Record<string, Hunt>;
