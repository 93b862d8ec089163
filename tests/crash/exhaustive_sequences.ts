/**
 * Runs all short sequences, and tells what it came to.
 *
 * @module
 */

import assert from "node:assert/strict";
import process from "node:process";
import { Campaign } from "../../src/torture/campaign.ts";
import type { ExplorerOptions } from "../../src/torture/explorer.ts";
import type { Scenario } from "../../src/torture/scenario.ts";
import { tellStory } from "../../src/torture/story.ts";

/** Runs scenarios; fails with the story of the first that breaks a promise. */
export async function runAll(options: ExplorerOptions, scenarios: Iterable<Scenario>, title: string): Promise<void> {
  const campaign = new Campaign(options);
  for (const scenario of scenarios) {
    const finding = await campaign.run(scenario);
    if (finding !== null) assert.fail(await tellStory(options, finding));
  }
  const { scenarios: count, states, kills, steps, cuts, recoveries } = campaign.counts;
  console.log(
    `${title}: ${count} scenarios, ${steps} steps, ${cuts} cuts, ${states} distinct states, ${kills} kills, ` +
      `${recoveries} recoveries; ${Math.round(process.cpuUsage().user / 1e6)} s of CPU`,
  );
  assert.ok(states > count, "nothing was explored");
}
