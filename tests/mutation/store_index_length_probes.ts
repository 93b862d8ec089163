/**
 * Probes of the lengths that the index of workspaces compares: which session was written to last, as sizes tell it.
 *
 * @module
 */

import type { Session, SessionStore } from "../../mod.ts";
import { crc32 } from "../../src/log/checksum.ts";
import {
  encodeRanking,
  entriesMax,
  parseRanking,
  type RankedSession,
  workspacesMax,
} from "../../src/store/workspace_ranking.ts";
import { type FileSystem, SimulatedFileSystem } from "../../src/testing/mod.ts";
import { bytesOf, directory, message, must, withStore } from "./cut_probe.ts";
import { type Hunt, probe } from "./hunts.ts";
import type { OpenStore } from "./mutant_source.ts";
import { OneTime } from "./store_keeping_length_probes.ts";

const indexPath = `${directory}/.workspaces`;
const textDecoder = new TextDecoder();

/** A session in a workspace, with one record. */
async function begin(store: SessionStore, key: string): Promise<Session> {
  const session = await store.session(key);
  await session.update({ workspace: "/w" });
  await session.append(message("0"));
  return session;
}

async function mustBeLatest(open: OpenStore, port: FileSystem, key: string): Promise<void> {
  await withStore(open, port, async (store) => {
    const latest = await store.latest({ workspace: "/w" });
    must("C10", latest === key, `The latest session is said to be ${latest}, not ${key}`);
  }, { readOnly: true });
}

/** The clock was set back between two sessions, and stands still: sizes tell which was written to. */
class SetBack extends OneTime {
  override timeOf(path: string): number {
    return path.endsWith("/b.jsonl") ? 9000 : 5000;
  }
}

/** Another process goes on with a session that the index names second; then somebody goes on with the first. */
async function indexBySize(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem();
  const other = await open(directory, { fileSystem: new SetBack(machine.anotherProcess()), preallocate: false });
  const b = await begin(other, "b");
  const port = new SetBack(machine);
  await withStore(open, port, async (store) => void await begin(store, "a"));
  await b.append(message("1"));
  await mustBeLatest(open, port, "b");
  await withStore(open, port, async (store) => void await (await store.session("a")).append(message("1")));
  await mustBeLatest(open, port, "a");
  await other.close();
}

/** Two sessions are written to in one moment: the process that did it knows which was the last. */
async function lastInSameMoment(open: OpenStore): Promise<void> {
  await withStore(open, new OneTime(new SimulatedFileSystem()), async (store) => {
    const a = await begin(store, "a");
    await begin(store, "b");
    await a.append(message("1"));
    const latest = await store.latest({ workspace: "/w" });
    must("C10", latest === "a", `The latest session is said to be ${latest}, not a`);
  }, { preallocate: false });
}

/** An index with an entry that cannot be read says nothing. */
async function indexDamaged(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem();
  await withStore(open, machine, async (store) => {
    for (const key of ["a", "b"]) await begin(store, key);
  });
  const [line = ""] = textDecoder.decode(await bytesOf(machine, indexPath)).split("\n");
  const text = `${line.replace('"name":"b"', '"name":""')}\n`;
  const checksum = crc32(new TextEncoder().encode(text)).toString(16).padStart(8, "0");
  const file = await machine.open(indexPath, { access: "write" });
  await file.truncate(0);
  await file.write(new TextEncoder().encode(`${text}{"format":1,"checksum":"${checksum}"}\n`), 0);
  await file.close();
  await mustBeLatest(open, machine, "b");
}

/** Whoever may have a session open is in the index, however many there are, also where it was lost. */
async function indexHeld(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem();
  const store = await open(directory, { fileSystem: machine });
  const first = await begin(store, "first");
  for (let n = 0; n < 10; n++) await begin(store, `s${n}`);
  await first.append(message("1"));
  await mustBeLatest(open, machine.anotherProcess(), "first");
  await machine.unlink(indexPath);
  await withStore(open, machine.anotherProcess(), async (other) => void await begin(other, "new"));
  await first.append(message("2"));
  await mustBeLatest(open, machine.anotherProcess(), "first");
  await store.close();
}

/** Where more sessions are open than the index has room for, it names none of them: they are looked at. */
async function indexCrowded(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem();
  await withStore(open, machine, async (store) => {
    for (let n = 0; n < entriesMax + 2; n++) await begin(store, `s${n}`);
    const named = parseRanking(await bytesOf(machine, indexPath))?.get("/w")?.length ?? 0;
    must("C10", named === 0, `The index names ${named} of ${entriesMax + 2} open sessions`);
  }, { openSessionsMax: 2 * entriesMax });
}

/** The index does not grow with the workspaces that there ever were; one that was forgotten is found all the same. */
async function indexBounded(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem();
  await withStore(open, machine, async (store) => void await begin(store, "a"));
  const entry = { name: "gone", size: 0, modifiedMs: 0, held: false };
  const ranking = parseRanking(await bytesOf(machine, indexPath)) ?? new Map<string, RankedSession[]>();
  for (let n = 1; n < workspacesMax; n++) ranking.set(`/w${n}`, [{ key: `s${n}`, ...entry }]);
  const file = await machine.open(indexPath, { access: "write" });
  await file.write(encodeRanking(ranking), 0);
  await file.close();
  await withStore(open, machine, async (store) => {
    const session = await store.session("new");
    await session.update({ workspace: "/new" });
    await session.append(message("0"));
    const size = parseRanking(await bytesOf(machine, indexPath))?.size ?? 0;
    must("I18", size === workspacesMax, `The index has ${size} workspaces`);
  });
  await mustBeLatest(open, machine, "a");
}

/** All of them. */
export const indexLengthProbes = {
  bySize: probe("two sessions of a workspace, by size", indexBySize),
  sameMoment: probe("two sessions of a workspace, in one moment", lastInSameMoment),
  damaged: probe("an index with an odd entry", indexDamaged),
  workspaces: probe("more workspaces than the index names", indexBounded),
  held: probe("many open sessions of a workspace", indexHeld),
  crowded: probe("more open sessions of a workspace than the index has room for", indexCrowded),
} as const satisfies Record<string, Hunt>;
