/**
 * Steps that come before the first record, or belong to what others have written: the store's own directory, the old
 * file of a migration, lines that a power cut has ended with NUL, bits that a device has flipped.
 *
 * @module
 */

import { crashStates, SimulatedFileSystem } from "../../src/testing/mod.ts";
import { deviceScenarios, DeviceTrials } from "../../src/torture/device_trials.ts";
import { withStoppedClock } from "../../src/torture/stopped_clock.ts";
import { contentsOf, directory, must, withStore } from "./cut_probe.ts";
import { cutHunts, type Hunt, probe } from "./hunts.ts";
import type { OpenStore } from "./mutant_source.ts";
import type { Mutation } from "./mutation.ts";
import { probes } from "./probes.ts";

/** A store in a directory that is new, or that somebody has made who was killed before its name was durable (C11). */
async function newDirectory(open: OpenStore, isMade: boolean): Promise<void> {
  const machine = new SimulatedFileSystem({ model: "weak" });
  if (isMade) await machine.makeDirectory(directory, 0o700);
  await withStore(open, machine, async (store) => {
    await (await store.session("chat")).append({ role: "user", content: "0" });
    for (const { choices } of crashStates(machine)) {
      await withStore(open, machine.clone().crash(choices), async (recovered) => {
        must("I1", (await contentsOf(recovered)).join() === "0", "The directory of an acknowledged record is gone");
      });
    }
  });
}

/** A device that flips bits: nothing is invented, and a gap is reported (I3, I11). */
const flippedBits: Hunt = {
  name: "device: flipped bits",
  run: async ({ subject }) =>
    await withStoppedClock(async () => {
      const trials = new DeviceTrials(subject, 4);
      for (const scenario of deviceScenarios().slice(0, 3)) {
        const finding = await trials.run(scenario, { flippedBits: true });
        if (finding !== null) return finding.violation;
      }
      return null;
    }),
};

const madeProbe = probe("a directory that a killed program has made", (open) => newDirectory(open, true));
const newProbe = probe("a store in a new directory", (open) => newDirectory(open, false));

/** All of them. */
export const openingMutations: readonly Mutation[] = [
  {
    name: "the name of a new store's directory is not synced",
    replace: [{
      file: "store/open_store.ts",
      from:
        "if (await statIfThere(fileSystem, directory) === null) throw error;\n  }\n  await fileSystem.syncDirectory(parent);",
      to: "if (await statIfThere(fileSystem, directory) === null) throw error;\n  }",
    }],
    hunts: [newProbe],
  },
  {
    name: "the name of a directory that is there is not synced at open",
    replace: [{
      file: "store/open_store.ts",
      from: "await fileSystem.syncDirectory(parent).catch((error: unknown) => {",
      to: "await Promise.resolve().catch((error: unknown) => {",
    }],
    hunts: [madeProbe],
  },
  {
    name: "migration: the old file's new name is not synced",
    replace: [{
      file: "store/migration.ts",
      from: "await renameDurably(context.fileSystem, path, target);",
      to: "await (renameDurably && context.fileSystem.rename(path, target));",
    }],
    hunts: [cutHunts.migrate, cutHunts.migrateAppend, cutHunts.nestedMigrate],
    redundant: "an old file that comes back is seen to be taken over already, and gets its new name again",
  },
  {
    name: "NUL does not end a line",
    replace: [
      { file: "log/line_scanner.ts", from: "indexOfByte(this.#buffer, nul, this.#searched)", to: "-1 - 0 * nul" },
      { file: "log/line_scanner.ts", from: " && byte !== nul) break;", to: ") break;" },
    ],
    hunts: [cutHunts.append, cutHunts.buffered, cutHunts.group, probes.picoclawAfterCut, probes.sectorSeam],
  },
  {
    name: "checksums are not compared, on a device that flips bits",
    replace: [{
      file: "log/record_chain.ts",
      from: "lineChecksum(bytes, mark, seed) === mark.checksum);\n    const behind",
      to: "lineChecksum(bytes, mark, seed) >= 0);\n    const behind",
    }],
    hunts: [flippedBits],
  },
];
