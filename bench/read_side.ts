/**
 * Reading: the whole session, the history of a conversation, its end, the list of sessions, and opening for one append.
 * The contenders take turns, each in its own process, on one file system; the files are in the page cache, so this is
 * what the processor does. Whoever keeps lines reads them as nearly everybody does: `readFile`, `split`, `JSON.parse`.
 *
 * @module
 */

import { join } from "node:path";
import { ContenderClient, type ReadKind, type Subject } from "./contender_client.ts";
import type { LoopDevice } from "./device.ts";
import { median } from "./write_speed.ts";

/** What one contender did in one way of reading. */
export interface ReadSpeed {
  /** The contender. */
  subject: string;
  /** What was read. */
  reading: string;
  /** Milliseconds in each round. */
  rounds: number[];
  /** The median of these. */
  milliseconds: number;
  /** How far the peak of resident memory rose above what was resident before; full reads only. */
  growthBytes: number;
  /** Bytes that Holdfast read, by its own count. */
  bytesRead: number;
}

/** How much is read. */
export interface ReadSizes {
  /** The session that is read in full, in bytes of JSON. */
  fullBytes: number;
  /** How many sessions are listed. */
  listSessions: number;
}

interface Reading {
  title: string;
  kind: ReadKind;
  session: string;
  count: number;
  times: number;
}

const recordBytes = 1024;

/**
 * Measures all contenders.
 *
 * @param device The device.
 * @param subjects The contenders.
 * @param sizes How much is read.
 * @param rounds How often each has its turn.
 * @returns One result per contender and way of reading.
 */
export async function measureReads(
  device: LoopDevice,
  subjects: readonly Subject[],
  sizes: ReadSizes,
  rounds: number,
): Promise<ReadSpeed[]> {
  device.format();
  const results = new Map<string, ReadSpeed>();
  const fullRecords = Math.floor(sizes.fullBytes / recordBytes);
  const readings: Reading[] = [
    { title: `full read, ${sizes.fullBytes / 1e6} MB`, kind: "full", session: "big", count: fullRecords, times: 1 },
    { title: "history, 100", kind: "history", session: "h100", count: 100, times: 20 },
    { title: "history, 1000", kind: "history", session: "h1000", count: 1000, times: 5 },
    { title: "tail(50)", kind: "tail", session: "big", count: 50, times: 3 },
  ];
  const lists: Reading[] = [
    { title: `list, ${sizes.listSessions} sessions`, kind: "list", session: "", count: sizes.listSessions, times: 1 },
  ];
  for (const [index, subject] of subjects.entries()) {
    await fillSessions(subject, join(device.mountPoint, `read-${index}`), [
      ["big", fullRecords],
      ["h100", 100],
      ["h1000", 1000],
    ]);
    const few = Array.from({ length: sizes.listSessions }, (_, at): [string, number] => [`session-${at}`, 10]);
    await fillSessions(subject, join(device.mountPoint, `list-${index}`), few);
  }
  device.settle();
  for (let round = 0; round < rounds; round++) {
    for (let index = 0; index < subjects.length; index++) {
      const at = (index + round) % subjects.length;
      const subject = subjects[at];
      if (subject === undefined) continue;
      await readIn(subject, join(device.mountPoint, `read-${at}`), readings, results);
      await readIn(subject, join(device.mountPoint, `list-${at}`), lists, results);
      await openIn(subject, join(device.mountPoint, `read-${at}`), results);
    }
  }
  return [...results.values()];
}

async function fillSessions(
  subject: Subject,
  directory: string,
  sessions: readonly (readonly [string, number])[],
): Promise<void> {
  const { client } = await ContenderClient.open(subject, directory);
  for (const [session, records] of sessions) await client.tell({ op: "fill", session, records, recordBytes });
  await client.tell({ op: "close" });
  await client.end();
}

async function readIn(
  subject: Subject,
  directory: string,
  readings: readonly Reading[],
  results: Map<string, ReadSpeed>,
): Promise<void> {
  const { client } = await ContenderClient.open(subject, directory);
  for (const { title, ...reading } of readings) {
    const { milliseconds, growthBytes, bytesRead } = await client.tell({ op: "read", ...reading });
    add(results, subject, title, median(milliseconds), growthBytes, bytesRead);
  }
  await client.tell({ op: "close" });
  await client.end();
}

/** A program that was started for one message, on the store that holds the large session. */
async function openIn(subject: Subject, directory: string, results: Map<string, ReadSpeed>): Promise<void> {
  const { client } = await ContenderClient.open(subject, directory);
  await client.tell({ op: "close" });
  const { milliseconds, bytesRead } = await client.tell({ op: "openAndAppend", session: "opened", recordBytes });
  await client.tell({ op: "close" });
  await client.end();
  add(results, subject, "open and append one", milliseconds, 0, bytesRead);
}

function add(
  results: Map<string, ReadSpeed>,
  subject: Subject,
  reading: string,
  milliseconds: number,
  growthBytes: number,
  bytesRead: number,
): void {
  const key = `${subject.id} ${reading}`;
  const known = results.get(key) ??
    { subject: subject.id, reading, rounds: [], milliseconds: 0, growthBytes: 0, bytesRead: 0 };
  known.rounds.push(milliseconds);
  known.milliseconds = median(known.rounds);
  known.growthBytes = Math.max(known.growthBytes, growthBytes);
  known.bytesRead = bytesRead;
  results.set(key, known);
}
