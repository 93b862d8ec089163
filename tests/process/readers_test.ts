/**
 * Readers in other processes while one writes, truncates, compacts and replaces: whole, committed records only, in
 * order, and never a mix of old and new.
 *
 * @module
 */
import assert from "node:assert/strict";
import { processTest, tell } from "./process_parties.ts";
import type { RuntimeChild, RuntimeName } from "./spawn_helper.ts";

const key = "telegram:123";
const generationsMin = 15;
const generationsPerRound = 8;
const roundsMax = 20;

interface Progress {
  reads: number;
  generations: number;
  faults: string[];
}

async function progressOf(reader: RuntimeChild): Promise<Progress> {
  reader.writeLine("");
  const progress: Progress = JSON.parse(await reader.readLine());
  assert.deepEqual(progress.faults, []);
  return progress;
}

const casts: [RuntimeName, RuntimeName, RuntimeName][] = [["node", "deno", "bun"], ["deno", "bun", "node"]];
for (const [writing, ...reading] of casts) {
  processTest(
    `I4, I8, B4: ${reading.join(" and ")} read while ${writing} appends, truncates, compacts and replaces: no mix`,
    [writing, ...reading],
    async (parties) => {
      const writer = await parties.start(writing, "session_user");
      await tell(writer, "churn", key, 0, 1);
      const readers = await Promise.all(reading.map((runtime) => parties.start(runtime, "session_reader", key)));
      for (let round = 0;; round++) {
        await tell(writer, "churn", key, 1 + round * generationsPerRound, generationsPerRound);
        const progress = await Promise.all(readers.map(progressOf));
        if (progress.every(({ generations }) => generations >= generationsMin)) break;
        assert.ok(round < roundsMax, `too few looks: ${JSON.stringify(progress)}`);
      }
      for (const reader of readers) {
        reader.endInput();
        assert.deepEqual(await reader.ended, { code: 0, signal: null });
      }
      await tell(writer, "close");
    },
  );
}
