/**
 * What is appended how: the cases that every contender goes through.
 *
 * @module
 */

/** One case. */
export interface Scenario {
  /** Unique, for the JSON file. */
  id: string;
  /** For tables. */
  title: string;
  /** The length of each record's JSON text. */
  recordBytes: number;
  /** How many appends are under way at a time. */
  clients: number;
  /** How many sessions they go to. */
  sessions: number;
  /** How many records become durable together. */
  turnRecords: number;
  /** How many records a run has. */
  records: number;
}

const sizes = [
  { recordBytes: 200, name: "200 B", records: 2000 },
  { recordBytes: 1024, name: "1 KB", records: 2000 },
  { recordBytes: 10 * 1024, name: "10 KB", records: 500 },
  { recordBytes: 100 * 1024, name: "100 KB", records: 100 },
];

/** The case that most figures are quoted from. */
export const serialId = "1KB-serial";
/** The case of many appends under way at once. */
export const concurrentId = "1KB-32";
/** The case of a turn of five records. */
export const turnId = "1KB-turn";

/**
 * All cases.
 *
 * @param quick Whether to leave out what the bars do not need.
 * @returns The cases, the most important first.
 */
export function scenarios(quick: boolean): Scenario[] {
  const all: Scenario[] = [];
  for (const { recordBytes, name, records } of sizes) {
    const id = name.replace(" ", "");
    const one = { recordBytes, sessions: 1, turnRecords: 1, records };
    all.push({ ...one, id: `${id}-serial`, title: `${name}, serial`, clients: 1 });
    for (const clients of [8, 32]) {
      all.push({ ...one, id: `${id}-${clients}`, title: `${name}, ${clients} at a time`, clients });
    }
    all.push({ ...one, id: `${id}-serial-20`, title: `${name}, serial, 20 sessions`, clients: 1, sessions: 20 });
    all.push({ ...one, id: `${id}-32-20`, title: `${name}, 32 at a time, 20 sessions`, clients: 32, sessions: 20 });
  }
  const turn = { recordBytes: 1024, clients: 1, sessions: 1, turnRecords: 5, records: 2000 };
  all.push({ ...turn, id: turnId, title: "1 KB, turns of five" });
  if (!quick) return all;
  const needed = [serialId, "200B-serial", concurrentId, turnId];
  return all.filter(({ id }) => needed.includes(id));
}
