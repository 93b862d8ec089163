import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { encodeRanking, parseRanking, type RankedSession, rankNow } from "../../src/store/workspace_ranking.ts";
import { projectDirectory } from "../runner/project_files.ts";

const encoder = new TextEncoder();

function session(key: string, modifiedMs = 0, held = false): RankedSession {
  return { key, name: key, size: 10, modifiedMs, held };
}

function order(sessions: RankedSession[], modified: number[], lastHere?: string): string[] {
  const stamps = sessions.map(({ size }, index) => ({ size, modifiedMs: modified[index] ?? 0 }));
  return rankNow(sessions, stamps, lastHere).map(({ key, held }) => held ? `(${key})` : key);
}

test("parseRanking() reads the example of FORMAT.md, and encodeRanking() writes it", () => {
  const format = readFileSync(join(projectDirectory, "src/FORMAT.md"), "utf8");
  const example = /^\{"workspace".*\n\{"format":1,"checksum".*\n/m.exec(format)?.[0] ?? "";
  const ranking = parseRanking(encoder.encode(example));
  assert.ok(ranking !== null);
  assert.deepEqual(ranking.get("/home/pi/garden")?.map(({ key }) => key), ["b", "a"]);
  assert.equal(new TextDecoder().decode(encodeRanking(ranking)), example);
});

test("parseRanking() takes no index of which any byte is another", () => {
  const bytes = encodeRanking(new Map([["/w", [session("a", 5), session("b", 4, true)]], ["", []]]));
  assert.deepEqual(parseRanking(bytes)?.get("/w"), [session("a", 5), session("b", 4, true)]);
  for (const index of bytes.keys()) {
    const damaged = bytes.slice();
    damaged[index] = (damaged[index] ?? 0) ^ 1;
    assert.equal(parseRanking(damaged), null, `byte ${index}`);
    assert.equal(parseRanking(bytes.slice(0, index)), null, `cut at ${index}`);
  }
});

test("rankNow(): who was written to since comes first, the newest in front; the rest stays in order (I19)", () => {
  const sessions = [session("a", 9000), session("b", 100), session("c", 5000)];
  assert.deepEqual(order(sessions, [9000, 100, 5000]), ["a", "b", "c"]);
  assert.deepEqual(order(sessions, [9000, 100, 5020]), ["c", "a", "b"]);
  assert.deepEqual(order(sessions, [9000, 7000, 6000]), ["b", "c", "a"]);
  assert.deepEqual(order(sessions, [9000, 50, 5000]), ["b", "a", "c"], "a clock that was put back");
});

test("rankNow(): a log that got smaller was trimmed, one that got larger was written to", () => {
  const [a, b] = [session("a", 1), session("b", 1)];
  assert.deepEqual(rankNow([a, b], [a, { ...b, size: 5 }], undefined).map(({ key }) => key), ["a", "b"]);
  assert.deepEqual(rankNow([a, b], [a, { ...b, size: 11 }], undefined).map(({ key }) => key), ["b", "a"]);
});

test("rankNow(): within one tick of the file system's clock this process knows better", () => {
  const sessions = [session("a"), session("b")];
  assert.deepEqual(order(sessions, [1000, 1003], "a"), ["a", "b"]);
  assert.deepEqual(order(sessions, [1000, 1003]), ["b", "a"]);
  assert.deepEqual(order(sessions, [1000, 2000], "a"), ["b", "a"], "somebody else was there later");
  assert.deepEqual(order(sessions, [0, 0], "b"), ["a", "b"], "nobody was");
});

test("rankNow(): of who is only held nothing is known before it is written to", () => {
  const sessions = [session("h", 8000, true), session("a", 10), session("g", 1, true)];
  assert.deepEqual(order(sessions, [8000, 10, 1]), ["a", "(h)", "(g)"]);
  assert.deepEqual(order(sessions, [8000, 10, 50]), ["g", "a", "(h)"]);
});
