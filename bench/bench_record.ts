/**
 * The records that are measured: JSON objects of an exact size whose text compresses about as prose does.
 *
 * @module
 */

import type { BenchRecord } from "./contenders/contender.ts";

/** Which record. */
export interface RecordName {
  /** Who writes it. */
  client: number;
  /** The client's how-manieth of this session. */
  index: number;
  /** How long its JSON text is, in bytes. */
  bytes: number;
}

const proseBytes = 1024 * 1024;
const prose = makeProse();

/**
 * Makes a record; the same name always gives the same record.
 *
 * @param name Which.
 * @returns The record, ASCII only.
 */
export function makeRecord({ client, index, bytes }: RecordName): BenchRecord {
  const record = { role: index % 2 === 0 ? "user" : "assistant", client, index, content: "" };
  const length = Math.max(0, bytes - JSON.stringify(record).length);
  const start = ((client * 7919 + index * 104_729) >>> 0) % (proseBytes - Math.min(length, proseBytes - 1));
  record.content = prose.slice(start, start + length);
  return record;
}

/** Words drawn by a fixed seed, the short ones more often. */
function makeProse(): string {
  const syllables = "ba ce di fo gu la me ni po ru sa te vi wo zu an er in on ul st tr ch ly ed".split(" ");
  let state = 20_260_101;
  const draw = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const words: string[] = [];
  for (let index = 0; index < 3000; index++) {
    let word = "";
    for (let count = 1 + draw(4); count > 0; count--) word += syllables[draw(syllables.length)] ?? "";
    words.push(word);
  }
  const parts: string[] = [];
  for (let length = 0; length < proseBytes;) {
    const word = words[Math.floor(draw(3000) * draw(3000) / 3000)] ?? "";
    const part = draw(12) === 0 ? `${word}. ` : `${word} `;
    parts.push(part);
    length += part.length;
  }
  return parts.join("").slice(0, proseBytes);
}
