/**
 * A failure in words, for the person who has to understand it.
 *
 * @module
 */

import { Explorer, type ExplorerOptions, type Finding } from "./explorer.ts";
import { operationWords } from "./operations.ts";
import { encodeReproduction } from "./scenario.ts";
import { withStoppedClock } from "./stopped_clock.ts";

/** What each invariant says, for those that the oracle can tell apart. */
const invariantTexts: Readonly<Record<string, string>> = {
  I1: "what was acknowledged is there",
  I2: "records are in the order of their calls",
  I3: "every record is there once, with its own number, and none is invented",
  I4: "of what was not acknowledged there is a prefix, without gaps",
  I5: "a batch is there whole, or not at all",
  I6: "what a session open for writing has shown stays",
  I7: "what was removed does not come back",
  I8: "a removal that was not acknowledged has happened, or has not",
  I9: "compaction, replace and migration lose nothing and mix nothing",
  I10: "recovery can be repeated and interrupted",
  I11: "damage that a power cut explains is repaired; no other is made",
  I13: "nothing is acknowledged after a failed sync",
  I14: "a call that was refused leaves no trace",
  I15: "one writer at a time, and no lock outlives its holder",
  I16: "what is somebody else's stays as it is",
  I18: "nothing is left over, and nothing grows with repeated crashes",
  I21: "any plain line reader can read the log",
};

/**
 * What an invariant says.
 *
 * @param invariant Its number.
 * @returns A sentence without a full stop.
 */
export function invariantText(invariant: string): string {
  return invariantTexts[invariant] ?? "no call fails for no reason";
}

/**
 * Tells a finding: operations, what was pending, what survived, what is broken, and how to see it again.
 *
 * @param options How it was found.
 * @param finding What was found.
 * @returns Several lines.
 */
export async function tellStory(options: ExplorerOptions, finding: Finding): Promise<string> {
  const { scenario, path, steps, violation } = finding;
  const lines = [`${violation.invariant} is broken: ${invariantText(violation.invariant)}`];
  const { model, sectorBytes, seed } = scenario;
  lines.push(`on a ${model} file system with sectors of ${sectorBytes} bytes, seed ${seed}`);
  let number = 0;
  for (const operation of scenario.prepare) lines.push(`  ${++number}. ${operationWords(operation)} (before)`);
  for (const operation of scenario.operations) lines.push(`  ${++number}. ${operationWords(operation)}`);
  const ends: string[] = [];
  const again = await withStoppedClock(async () => {
    const onEnd: ExplorerOptions["onEnd"] = (before, _after, choices) => {
      ends.push(choices === null ? "" : before.describe(choices));
    };
    return await new Explorer({ ...options, depth: Math.max(options.depth, path.length - 1), only: path, onEnd })
      .explore(scenario);
  });
  for (const [index, step] of steps.entries()) {
    lines.push(`${index === 0 ? "then" : "and in the recovery"}: ${step}`);
    if (ends[index] !== undefined && ends[index] !== "") lines.push(ends[index]);
  }
  for (const step of again?.aftermath ?? finding.aftermath) lines.push(`afterwards: ${step}`);
  lines.push(violation.message);
  lines.push(`again: holdfast torture --reproduce '${encodeReproduction({ scenario, path })}'`);
  return lines.join("\n");
}
