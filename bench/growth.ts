/**
 * What must not grow with the log, on Holdfast alone: `tail(50)`, and opening, recovering and appending after the writer
 * was killed, on a session of 1 MB and on one of 1 GB.
 *
 * @module
 */

import { rmSync } from "node:fs";
import { join } from "node:path";
import { ContenderClient, type Subject } from "./contender_client.ts";
import type { LoopDevice } from "./device.ts";
import { median } from "./write_speed.ts";

/** What was measured on one size. */
export interface GrowthRow {
  /** The build. */
  subject: string;
  /** The log's size, roughly. */
  logBytes: number;
  /** `tail(50)`, in milliseconds. */
  tailMilliseconds: number;
  /** Bytes that it read. */
  tailBytesRead: number;
  /** Bytes that it reads where the last records were written in large groups: the way back to a synced one is longer. */
  groupedTailBytesRead: number;
  /** Open, recover and append one durable record, in milliseconds. */
  recoverMilliseconds: number;
  /** Bytes that this read. */
  recoverBytesRead: number;
}

const recordBytes = 1024;
const session = "grown";

/**
 * Measures one build of Holdfast on several sizes, in turn.
 *
 * @param device The device; it must have room for all logs.
 * @param subject The build.
 * @param sizes Log sizes in bytes.
 * @param rounds How often each has its turn.
 * @returns One row per size.
 */
export async function measureGrowth(
  device: LoopDevice,
  subject: Subject,
  sizes: readonly number[],
  rounds: number,
): Promise<GrowthRow[]> {
  device.format();
  const logs = [];
  for (const bytes of sizes) {
    const directory = join(device.mountPoint, `grown-${bytes}`);
    const groupedTailBytesRead = await fillAndKill(subject, directory, Math.floor(bytes / (recordBytes + 28)));
    logs.push({ bytes, directory, groupedTailBytesRead, tails: emptyFigures(), recoveries: emptyFigures() });
  }
  for (let round = 0; round < rounds; round++) {
    for (const { directory, tails, recoveries } of logs) {
      await tailOnce(subject, directory, tails);
      await recoverOnce(subject, directory, recoveries);
    }
  }
  return logs.map(({ bytes, groupedTailBytesRead, tails, recoveries }) => ({
    subject: subject.id,
    logBytes: bytes,
    tailMilliseconds: median(tails.milliseconds),
    tailBytesRead: tails.bytesRead,
    groupedTailBytesRead,
    recoverMilliseconds: median(recoveries.milliseconds),
    recoverBytesRead: recoveries.bytesRead,
  }));
}

interface Figures {
  milliseconds: number[];
  bytesRead: number;
}

function emptyFigures(): Figures {
  return { milliseconds: [], bytesRead: 0 };
}

/**
 * The writer never closes: there is no seal, and the end is as a killed process leaves it. The last records were
 * appended one by one, as a conversation is.
 */
async function fillAndKill(subject: Subject, directory: string, records: number): Promise<number> {
  const { client } = await ContenderClient.open(subject, directory);
  await client.tell({ op: "fill", session, records, recordBytes });
  const { bytesRead } = await client.tell({ op: "read", kind: "tail", session, count: 50, times: 1 });
  await client.tell({ op: "fillSerially", session, records: 100, recordBytes });
  await client.kill();
  return bytesRead;
}

async function tailOnce(subject: Subject, directory: string, figures: Figures): Promise<void> {
  const { client } = await ContenderClient.open(subject, directory);
  const first = { op: "read", kind: "tail", session, count: 50, times: 1 } as const;
  const { bytesRead } = await client.tell(first);
  const { milliseconds } = await client.tell({ ...first, times: 9 });
  figures.milliseconds.push(median(milliseconds));
  figures.bytesRead = Math.max(figures.bytesRead, bytesRead);
  await client.kill();
}

/** What a killed writer leaves behind: each round appends one record and is killed again, so the next has to recover. */
async function recoverOnce(subject: Subject, directory: string, figures: Figures): Promise<void> {
  // The first open loads the program; it looks at another store.
  const { client } = await ContenderClient.open(subject, `${directory}-other`);
  await client.tell({ op: "fillSerially", session: "other", records: 1, recordBytes });
  await client.tell({ op: "close" });
  await client.tell({ op: "choose", contender: subject.contender, directory, modulePath: subject.modulePath });
  const { milliseconds, bytesRead } = await client.tell({ op: "openAndAppend", session, recordBytes });
  figures.milliseconds.push(milliseconds);
  figures.bytesRead = Math.max(figures.bytesRead, bytesRead);
  await client.kill();
  rmSync(`${directory}-other`, { recursive: true, force: true });
}
