/**
 * Lengths and offsets that the store compares when it reads: pages, checks, lists, forks, the index of workspaces.
 *
 * @module
 */

import type { Mutation } from "./mutation.ts";
import { indexLengthProbes as indexHunts } from "./store_index_length_probes.ts";
import { readingLengthProbes as hunts } from "./store_reading_length_probes.ts";

const records = "store/session_records.ts";
const reading = "store/session_reading.ts";
const verification = "store/session_verification.ts";
const quick = "store/quick_check.ts";
const info = "store/session_info.ts";
const fork = "store/session_fork.ts";
const index = "store/workspace_index.ts";
const ranking = "store/workspace_ranking.ts";

/** What is compared when something is read. */
export const storeReadingLengthMutations: readonly Mutation[] = [
  {
    name: "a read gives out more than was asked for",
    replace: [{ file: records, from: "yield records.length > left ?", to: "yield records.length > Infinity ?" }],
    hunts: [hunts.limit],
  },
  {
    name: "a follower is given more than it asked for",
    replace: [{ file: records, from: "= part.value.length > left ?", to: "= part.value.length > Infinity ?" }],
    hunts: [hunts.limitFollowed],
  },
  {
    name: "a page in front is found by reading what is behind it",
    replace: [{ file: "store/records_back.ts", from: "if (before < tail.kept.sequence &&", to: "if (before < 0 &&" }],
    hunts: [hunts.page],
  },
  {
    name: "all that is read to be given out backwards is held",
    replace: [{ file: "store/records_back.ts", from: "bytes <= 4 * windowBytes", to: "bytes <= Infinity" }],
    hunts: [hunts.window],
  },
  {
    name: "a follower goes on behind the end of a log that was cut",
    replace: [{ file: reading, from: "cursor.position.offset <= log.tail.kept.offset && await", to: "await" }],
    hunts: [hunts.shorter],
    redundant: "the line that stands in front of its place is not found there",
  },
  {
    name: "a seal does not tell that numbers stand in the lines",
    replace: [{ file: reading, from: "floor.offset > start.offset;", to: "floor.offset > Infinity;" }],
    hunts: [hunts.sought],
  },
  {
    name: "numbers are said to stand in the lines of any log",
    replace: [{ file: reading, from: "floor.offset > start.offset;", to: "floor.offset >= start.offset;" }],
    hunts: [hunts.withoutNumbers],
    redundant: "where no line tells a number the search ends at the start, as without it",
  },
  {
    name: "verify: no end is torn",
    replace: [{
      file: verification,
      from: "if (tornEnd > kept.offset && await",
      to: "if (tornEnd > Infinity && await",
    }],
    hunts: [hunts.torn],
  },
  {
    name: "verify: every end is torn",
    replace: [{
      file: verification,
      from: "if (tornEnd > kept.offset && await",
      to: "if (tornEnd >= kept.offset && await",
    }],
    hunts: [hunts.torn],
  },
  {
    name: "verify: what is being written is torn",
    replace: [{
      file: verification,
      from: "again?.kept.offset === log.tail.kept.offset && again.tornEnd === log.tail.tornEnd",
      to: "again !== undefined",
    }],
    hunts: [hunts.torn],
  },
  {
    name: "stats: every record is dead",
    replace: [{ file: verification, from: "record.sequence < log.first)", to: "record.sequence < Infinity)" }],
    hunts: [hunts.stats],
  },
  {
    name: "quick check: no end is torn",
    replace: [{ file: quick, from: "if (tornEnd > kept.offset && await", to: "if (tornEnd > Infinity && await" }],
    hunts: [hunts.quickTorn],
  },
  {
    name: "quick check: every end is torn",
    replace: [{ file: quick, from: "if (tornEnd > kept.offset && await", to: "if (tornEnd >= kept.offset && await" }],
    hunts: [hunts.quickTorn],
  },
  {
    name: "quick check: what is being written is torn",
    replace: [{
      file: quick,
      from: "tail?.kept.offset === offset && tail.tornEnd === tornEnd;",
      to: "tail !== undefined && offset <= tornEnd;",
    }],
    hunts: [hunts.quickTorn],
  },
  {
    name: "quick check: durable records at the end may be missing",
    replace: [{ file: quick, from: "if (kept.sequence < durableNext)", to: "if (kept.sequence < 0)" }],
    hunts: [hunts.lost],
  },
  {
    name: "quick check: what is behind the last durable record is missing",
    replace: [{ file: quick, from: "if (kept.sequence < durableNext)", to: "if (kept.sequence <= durableNext)" }],
    hunts: [hunts.lost],
  },
  {
    name: "quick check: the whole of a log that is not sealed is looked at",
    replace: [{ file: quick, from: "end - log.floor.offset <= endBytesMax;", to: "end - log.floor.offset >= 0;" }],
    hunts: [hunts.quickEnd],
  },
  {
    name: "quick check: of a small log the last record is looked at",
    replace: [{ file: quick, from: "end - log.floor.offset <= endBytesMax;", to: "end - log.floor.offset <= 0;" }],
    hunts: [hunts.quickEnd],
  },
  {
    name: "list: what was appended behind the seal does not count",
    replace: [{ file: info, from: "seal.offset === bytes ?", to: "seal.offset <= bytes ?" }],
    hunts: [hunts.listed],
  },
  {
    name: "list: a first line that is long has no number",
    replace: [{ file: info, from: "if (!line.terminated && bound < Math.min(size, scannerBytesInitial)) continue;" }],
    hunts: [hunts.listed],
  },
  {
    name: "list: picoclaw's lines are not counted",
    replace: [{
      file: info,
      from: "bytes <= scannerBytesInitial || meta === null ? await countLines(handle, bytes) : meta.count;",
      to: "bytes <= 0 && meta === null ? await countLines(handle, bytes) : meta?.count ?? 0;",
    }],
    hunts: [hunts.withoutNumbers],
  },
  {
    name: "fork: lines are counted from a seal that is not in it",
    replace: [{ file: fork, from: "&& floor.offset <= point.bytes;", to: "&& floor.offset >= 0;" }],
    hunts: [hunts.forkCounted],
  },
  {
    name: "fork: what is hidden stays hidden where it is forked",
    replace: [{ file: fork, from: "point.sequence >= first ||", to: "point.sequence >= 0 ||" }],
    hunts: [hunts.forkHidden],
  },
  {
    name: "fork: what is hidden is shown where the last record is forked",
    replace: [{
      file: fork,
      from: "point.sequence >= first || point.sequence + 1 === kept.sequence;",
      to: "point.sequence >= first;",
    }],
    hunts: [hunts.forkHidden],
  },
  {
    name: "index: a session that has grown in the same moment is as it was",
    replace: [{ file: index, from: " && stamps[index].size <= size", to: "" }],
    hunts: [indexHunts.bySize],
  },
  {
    name: "index: a log that has grown in the same moment was not written to",
    replace: [{ file: ranking, from: " || now.size > before.size;", to: ";" }],
    hunts: [indexHunts.bySize],
  },
  {
    name: "index: where this process wrote last is forgotten",
    replace: [{ file: index, from: "this.#lastHere.size <= workspacesMax", to: "this.#lastHere.size <= 0" }],
    hunts: [indexHunts.sameMoment],
  },
  {
    name: "index: entries that cannot be read are left out",
    replace: [{ file: ranking, from: "if (parsed.length !== sessions.length) return null;" }],
    hunts: [indexHunts.damaged],
  },
  {
    name: "index: with more open sessions than it has room for it names the first ones",
    replace: [{
      file: index,
      from: "if (kept.length === entriesMax - 1) return null;",
      to: "if (kept.length === entriesMax - 1) break;",
    }],
    hunts: [indexHunts.crowded],
  },
  {
    name: "index: it has no room for open sessions",
    replace: [{
      file: index,
      from: "if (kept.length === entriesMax - 1) return null;",
      to: "if (kept.length > 0) break;",
    }],
    hunts: [indexHunts.held],
  },
  {
    name: "index: workspaces beyond the bound stay",
    replace: [{ file: index, from: "if (ranking.size <= workspacesMax) break;", to: "if (ranking.size >= 0) break;" }],
    hunts: [indexHunts.workspaces],
  },
  {
    name: "index: where it was lost open sessions are forgotten",
    replace: [{ file: index, from: "if (held.length > entriesMax) break;", to: "if (held.length >= 0) break;" }],
    hunts: [indexHunts.held],
  },
  {
    name: "index: where it was lost open sessions beyond its room are forgotten",
    replace: [{
      file: index,
      from: "if (held.length > entriesMax) break;",
      to: "if (held.length > entriesMax - 2) break;",
    }],
    hunts: [indexHunts.crowded],
  },
];
