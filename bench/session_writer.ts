/**
 * Writes the sessions that the reading benchmarks read.
 *
 * @module
 */

import type { Session } from "../mod.ts";

const filler = "The sensor on the balcony says it is a mild evening, and nothing has to be done about it. ".repeat(11);
const groupBytes = 512 * 1024;
/** What the mark adds to a line, about. */
const markBytes = 28;

/**
 * Appends records of about 1 KB that differ from each other, each a commit of its own.
 *
 * @param session Where to.
 * @param bytes How much, roughly; the log gets within a few per mille of it.
 * @returns How many records.
 */
export async function writeRecords(session: Session, bytes: number): Promise<number> {
  let count = 0;
  for (let written = 0; written < bytes;) {
    // Called together, so that they share a write.
    const waiting: Promise<unknown>[] = [];
    for (let group = 0; group < groupBytes && written < bytes; count++) {
      const role = count % 2 === 0 ? "user" : "assistant";
      const text = `{"role":"${role}","content":"${count}: ${filler.slice(0, 800 + (count * 37) % 190)}"}`;
      waiting.push(session.appendText(text, { durability: "buffered" }));
      group += text.length;
      written += text.length + markBytes;
    }
    await Promise.all(waiting);
  }
  await session.flush();
  return count;
}
