/**
 * A writer that is killed at any moment: what it acknowledged is there, once, in order, and equal; and readers and
 * followers in other processes see nothing else.
 *
 * @module
 */
import assert from "node:assert/strict";
import { appendFile } from "node:fs/promises";
import { openStore } from "../../mod.ts";
import { SeededRandom } from "../../src/testing/seeded_random.ts";
import { numberedRecord } from "./fixtures/numbered_record.ts";
import { type ProcessParties, processTest, tell } from "./process_parties.ts";
import { currentRuntime, type RuntimeChild, runtimeNames } from "./spawn_helper.ts";

const key = "telegram:123";
/** Who starts the writers makes no difference to them: elsewhere than on Node two lives of each runtime. */
const lives = currentRuntime() === "node" ? 15 : 6;

/** Reads acknowledgements until there are so many, kills, and reads what had still been said. */
async function killAfter(child: RuntimeChild, count: number): Promise<number[]> {
  const acknowledged: number[] = [];
  while (acknowledged.length < count) acknowledged.push(Number(await child.readLine()));
  const killed = child.kill("SIGKILL");
  for (;;) {
    const line = await child.readLine().catch(() => null);
    if (line === null) break;
    acknowledged.push(Number(line));
  }
  assert.equal((await killed).signal, "SIGKILL");
  return acknowledged;
}

/** What a reader finds, in numbers; each record is as it was appended, and batches are whole. */
async function readNumbers(directory: string, readOnly: boolean): Promise<number[]> {
  await using store = await openStore(directory, { readOnly });
  const history = await (await store.session(key)).history();
  const numbers = history.map((record) => Number(record["number"]));
  for (const record of history) {
    const [first = 0, last = 0] = Array.isArray(record["batch"]) ? record["batch"].map(Number) : [];
    const batch = Array.from({ length: last - first + 1 }, (_, index) => first + index);
    assert.deepEqual(record, numberedRecord(Number(record["number"]), batch));
    for (const member of batch) assert.ok(numbers.includes(member), `I5: ${member} of batch ${first} to ${last}`);
  }
  return numbers;
}

async function killOften(parties: ProcessParties, seed: number): Promise<void> {
  const random = new SeededRandom(seed);
  const acknowledged: number[] = [];
  let found: number[] = [];
  for (let life = 0; life < lives; life++) {
    const runtime = runtimeNames[life % runtimeNames.length] ?? "node";
    const child = await parties.start(
      runtime,
      "session_appender",
      key,
      String(found.length),
      String(random.below(1e6)),
    );
    acknowledged.push(...await killAfter(child, 1 + random.below(40)));
    found = await readNumbers(parties.directory, true);
    const what = `seed ${seed}, life ${life} (${runtime})`;
    assert.deepEqual(found, found.map((_, index) => index), `I2, I3, I4: ${what}`);
    const lost = acknowledged.filter((number) => number >= found.length);
    assert.deepEqual(lost, [], `I1: ${what}`);
  }
  assert.deepEqual(await readNumbers(parties.directory, false), found);
  await using store = await openStore(parties.directory);
  assert.equal((await (await store.session(key)).verify()).damaged.length, 0);
  assert.equal(new Set(acknowledged).size, acknowledged.length);
}

processTest(
  "I1 to I5: a writer killed at random moments, on each runtime in turn, loses nothing it acknowledged",
  runtimeNames,
  (parties) => killOften(parties, 20261120),
);

processTest(
  "I6: a follower in another process goes on through the writer's kill, a torn tail and its recovery",
  runtimeNames,
  async (parties) => {
    const first = await parties.start("node", "session_user");
    await tell(first, "append", key, { n: 0 });
    const follower = await parties.start("deno", "session_follower", key);
    const seen: string[] = [];
    const until = async (count: number): Promise<void> => {
      while (seen.length < count) seen.push(await follower.readLine());
    };
    await until(1);
    for (let n = 1; n < 5; n++) await tell(first, "append", key, { n });
    await until(5);
    await first.kill("SIGKILL");
    await appendFile(`${parties.directory}/telegram_123.jsonl`, '{"n":"torn","#":"5 0123');
    const second = await parties.start("bun", "session_user");
    await tell(second, "append", key, { n: 5 });
    await until(6);
    await tell(second, "appendAll", key, [{ n: 6 }, { n: 7 }]);
    await until(8);
    await tell(second, "compact", key);
    await tell(second, "replace", key, [{ n: 8 }]);
    await until(9);
    await second.kill("SIGKILL");
    const third = await parties.start("deno", "session_user");
    await tell(third, "append", key, { n: 9 });
    await until(10);
    assert.deepEqual(seen, Array.from({ length: 10 }, (_, n) => `${n} {"n":${n}}`));
    await tell(third, "close");
  },
);
