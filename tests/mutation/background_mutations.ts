/**
 * Steps of checkpoints, background saves and blocking flushes.
 *
 * @module
 */

import { systemErrorCode } from "../../src/errors.ts";
import { FaultyFileSystem, SimulatedFileSystem } from "../../src/testing/mod.ts";
import { contentsOf, directory, logPath, message, must, withStore } from "./cut_probe.ts";
import { cuts, faults, type Hunt, probe } from "./hunts.ts";
import type { OpenStore } from "./mutant_source.ts";
import type { Mutation } from "./mutation.ts";

/** A write fails while a blocking flush comes at any turn: what is resolved is there, what is rejected is not. */
async function flushInTheMidstOfAFailure(open: OpenStore): Promise<void> {
  for (let turns = 0; turns < 45; turns++) {
    const machine = new SimulatedFileSystem({ model: "weak" });
    let isArmed = false;
    const port = new FaultyFileSystem(machine, {
      failAt: 1,
      fault: { kind: "error", code: "ENOSPC" },
      filter: ({ method, path }) => isArmed && method === "write" && path === logPath,
    });
    const store = await open(directory, { fileSystem: port, preallocate: false });
    const session = await store.session("chat");
    await session.append(message("0"));
    isArmed = true;
    const told: string[] = [];
    const first = session.append(message("1")).then(() => told.push("1"), (error) => systemErrorCode(error) ?? "");
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    const second = session.append(message("2")).then(() => told.push("2"), () => undefined);
    let isFlushed = true;
    try {
      store.flushSync();
    } catch {
      isFlushed = false;
    }
    const outcome = await first;
    await second;
    await withStore(open, machine.clone().crash(), async (left) => {
      const found = await contentsOf(left);
      const expected = ["0", ...told];
      const where = `a flush at turn ${turns} of a failing write: found ${found.join()}, told ${expected.join()}`;
      if (isFlushed) must("I1", expected.every((content) => found.includes(content)), where);
      must("I3", new Set(found).size === found.length, where);
      if (outcome === "disk-full") must("I14", !found.includes("1"), where);
    });
    await store.close().catch(() => undefined);
  }
}

const flushInFailure = probe("a blocking flush in the midst of a failing write", flushInTheMidstOfAFailure);

const history = [{ kind: "append" }, { kind: "append", sizes: ["sector"] }] as const;
const save = { kind: "background-save", sizes: ["small", "sector"] } as const;

const hunts = {
  checkpoint: cuts("make a checkpoint", [{ kind: "checkpoint" }], { prepare: history }),
  checkpoints: cuts("make two checkpoints", [{ kind: "checkpoint" }, { kind: "checkpoint" }], { model: "ordered" }),
  save: cuts("save in the background", [save], { prepare: history }),
  saveOrdered: cuts("save in the background, files in order", [save], { prepare: history, model: "ordered" }),
  flush: cuts("save, and flush in the midst of it", [
    { kind: "background-flush", variant: "8", sizes: ["small", "sector"] },
  ], { prepare: history }),
  flushOrdered: cuts("the same, files in order", [
    { kind: "background-flush", variant: "8", sizes: ["small", "sector"] },
  ], { prepare: history, model: "ordered" }),
  unknown: faults(
    "a sync fails, though all is written, of a background save",
    "I3",
    {
      fault: { kind: "sync", mode: "false" },
    },
    [save],
    history,
  ),
  full: faults(
    "the disk is full once, of a background save",
    "I1",
    {
      fault: { kind: "short-write", bytes: 7, code: "ENOSPC" },
    },
    [save],
    history,
  ),
} as const satisfies Record<string, Hunt>;

const saver = "transcript/background_saver.ts";
const queue = "store/append_queue.ts";

/** All of them. */
export const backgroundMutations: readonly Mutation[] = [
  {
    name: "a checkpoint resolves before it is durable",
    replace: [{
      file: "transcript/checkpoints.ts",
      from: 'checkpointRecord(ordinal, reason, state), { durability: "durable" }',
      to: 'checkpointRecord(ordinal, reason, state), { durability: "buffered" }',
    }],
    hunts: [hunts.checkpoint],
  },
  {
    name: "the checkpoints that were there are not looked up",
    replace: [{ file: "transcript/checkpoints.ts", from: "((await this.latest())?.ordinal ?? -1) + 1", to: "0" }],
    hunts: [hunts.checkpoints],
  },
  {
    name: "a background save resolves before it is durable",
    replace: [{
      file: saver,
      from: '{ durability: "durable", onSettled }',
      to: '{ durability: "buffered", onSettled }',
    }],
    hunts: [hunts.save, hunts.saveOrdered],
  },
  {
    name: "a save of unknown outcome is written again blindly (O8)",
    replace: [{
      file: saver,
      from: "const isThere = await isInLog(target, this.#sequenceLast + 1, batch.texts);",
      to: "const isThere = false;",
    }],
    hunts: [hunts.unknown],
  },
  {
    name: "a save that was refused is forgotten (O8)",
    replace: [{
      file: saver,
      from: 'if (refusals.has(systemErrorCode(error) ?? "")) this.#changes.putBack(batch);',
      to: 'if (refusals.has(systemErrorCode(error) ?? "")) this.#changes.saved(batch);',
    }],
    hunts: [hunts.full],
  },
  {
    name: "a blocking flush does not wait for what is under way, and takes it up again (O8)",
    replace: [{ file: saver, from: "if (this.#inFlight.size > 0) this.#target.flushSync();" }],
    hunts: [hunts.flush, hunts.flushOrdered],
  },
  {
    name: "a blocking flush takes nothing that arrived during a save (O8)",
    replace: [{
      file: saver,
      from: "for (let batch = this.#take(); batch !== null; batch = this.#take()) {",
      to: "for (let batch: ChangeBatch | null = null; batch !== null; batch = this.#take()) {",
    }],
    hunts: [hunts.flush, hunts.flushOrdered],
  },
  {
    name: "a blocking append does not sync",
    replace: [{
      file: "log/log_writer.ts",
      from: "if (end.syncedOffset < end.tailOffset) this.#log.handle.syncDataSync();",
    }],
    hunts: [hunts.flush, hunts.flushOrdered],
  },
  {
    name: "a blocking flush takes for written what was undone",
    replace: [{
      file: queue,
      from:
        'return state === "writing" && writer !== null && written !== null && writer.sequenceNext <= written.first;',
      to: "return false;",
    }],
    hunts: [flushInFailure],
  },
  {
    name: "a blocking flush takes up again what was refused",
    replace: [{
      file: queue,
      from: 'comes right now must not take them up again.\n    group.state = "done";',
    }],
    hunts: [flushInFailure],
  },
];
