/**
 * Operations of agents that hold their own state: checkpoints, and saves in the background.
 *
 * @module
 */

import { checkpointRecord, readCheckpoint } from "../transcript/checkpoint_record.ts";
import type { Experiment, NewEffect } from "./experiment.ts";
import { type LogEntry, mayBeGone, nextSequence, type SessionState } from "./model.ts";
import type { Operation } from "./operations.ts";
import { appendEffect } from "./session_changes.ts";
import { sessionKeys } from "./subject.ts";
import type { SubjectAgents, SubjectSaver } from "./subject_agents.ts";
import { Violation } from "./violation.ts";

async function agentsOf(experiment: Experiment): Promise<SubjectAgents> {
  const { agents } = await experiment.store();
  if (agents === undefined) throw new TypeError("The store under test has no agents");
  return agents;
}

function checkpointsIn(log: readonly LogEntry[]): { sequence: number; ordinal: number; state: unknown }[] {
  return log.flatMap(({ sequence, text }) => readCheckpoint(JSON.parse(text), sequence) ?? []);
}

/** Makes a checkpoint. */
export async function checkpoint(experiment: Experiment, operation: Operation): Promise<void> {
  const { session } = operation;
  const [text = "{}"] = await experiment.texts(session, operation.sizes ?? ["small"]);
  const state: unknown = JSON.parse(text);
  const before = experiment.model(session).latest;
  const newest = checkpointsIn(before.log).at(-1);
  // Whether a store that compacts by itself has removed the newest one, only that store can say.
  const isInDoubt = newest !== undefined && mayBeGone(before, newest.sequence);
  const known = isInDoubt ? await (await agentsOf(experiment)).latest(sessionKeys[session] ?? "") : newest;
  const ordinal = (known?.ordinal ?? -1) + 1;
  const record = JSON.stringify(checkpointRecord(ordinal, "manual", state));
  const receipt = await experiment.change(session, [appendEffect([record])], true, async () => {
    return await (await agentsOf(experiment)).checkpoint(sessionKeys[session] ?? "", state);
  });
  experiment.expectSequence(session, before, 0, receipt?.sequence);
}

/** After a recovery the newest checkpoint is found, whole, and it is the newest of those that are there. */
export async function checkCheckpoints(experiment: Experiment): Promise<void> {
  const agents = await agentsOf(experiment);
  for (const session of experiment.touched) {
    const model = experiment.model(session);
    // What is there is known where nothing is undecided.
    if (model.effects.length > 0) continue;
    const newestFirst = checkpointsIn(model.latest.log).reverse();
    const found = await agents.latest(sessionKeys[session] ?? "");
    const isThis = (expected: { state: unknown } | undefined): boolean =>
      JSON.stringify(found?.state) === JSON.stringify(expected?.state);
    // An older one, or none, is right only where all that are newer may have been removed.
    const surely = newestFirst.findIndex(({ sequence }) => !mayBeGone(model.latest, sequence));
    const possible = surely < 0 ? [...newestFirst, undefined] : newestFirst.slice(0, surely + 1);
    if (possible.some(isThis)) continue;
    throw new Violation(
      "O5",
      `The newest checkpoint is that of ${found?.sequence}, not of ${newestFirst[0]?.sequence}`,
    );
  }
}

/** What is there already is not there twice: a save that is tried again after an unknown outcome (O8). */
function savedOnce(texts: readonly string[]): NewEffect {
  const missing = (state: SessionState): string[] => {
    const there = new Set(state.log.map(({ text }) => text));
    return texts.filter((text) => !there.has(text));
  };
  return {
    words: `save ${texts.length} events`,
    apply: (state) => {
      const added = missing(state).map((text, index) => ({ sequence: nextSequence(state) + index, text }));
      return { ...state, log: [...state.log, ...added] };
    },
  };
}

/** Saves events in the background; a save that fails is tried again by the same saver. */
export async function backgroundSave(experiment: Experiment, operation: Operation): Promise<void> {
  const { session } = operation;
  const texts = await experiment.texts(session, operation.sizes ?? ["small", "small"]);
  const opening: { saver: SubjectSaver | null } = { saver: null };
  const save = async (): Promise<boolean> => {
    const done = await experiment.change(session, [savedOnce(texts)], true, async () => {
      if (opening.saver === null) {
        opening.saver = await (await agentsOf(experiment)).saver(sessionKeys[session] ?? "");
        for (const text of texts) opening.saver.record(JSON.parse(text));
      }
      await opening.saver.forceSave();
      return true;
    });
    return done === true;
  };
  if (await save() || await save()) opening.saver?.end();
}

/** Saves events in the background; in the midst of it more are told, and all is saved blocking, as on exit. */
export async function backgroundFlush(experiment: Experiment, operation: Operation): Promise<void> {
  const { session } = operation;
  const [first = "small", second = "sector"] = operation.sizes ?? [];
  const [one = "{}", two = "{}"] = await experiment.texts(session, [first, second]);
  const saver = await experiment.change(session, [], false, async () => {
    return await (await agentsOf(experiment)).saver(sessionKeys[session] ?? "");
  });
  if (saver === undefined) return;
  saver.record(JSON.parse(one));
  const saving = experiment.change(session, [savedOnce([one])], true, async () => await saver.forceSave());
  for (let turn = Number(operation.variant ?? 0); turn > 0; turn--) await Promise.resolve();
  saver.record(JSON.parse(two));
  const flushed = await experiment.change(session, [savedOnce([one, two])], true, async () => {
    saver.flushSync();
    return await Promise.resolve(true);
  });
  await saving;
  if (flushed === true) saver.end();
}
