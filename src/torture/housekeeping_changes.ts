/**
 * The operations of housekeeping: the trash, retention, and a writer that compacts its log by itself.
 *
 * @module
 */

import { HoldfastError, systemErrorCode } from "../errors.ts";
import { gonePrefix, trashDirectoryName } from "../store/session_trash.ts";
import type { RetentionOptions, RetentionStep } from "../store/retention.ts";
import { describeError, type Experiment, type NewEffect } from "./experiment.ts";
import type { SessionState } from "./model.ts";
import type { Operation } from "./operations.ts";
import { truncateEffect } from "./session_changes.ts";
import { sessionKeys, storeDirectory, type SubjectStore } from "./subject.ts";
import { reopen } from "./surroundings.ts";
import { Violation } from "./violation.ts";

/** The calls that only a store with a trash has. */
type WithTrash = Required<Pick<SubjectStore, "moveToTrash" | "restore" | "retain">>;

function withTrash(store: SubjectStore): WithTrash {
  const { moveToTrash, restore, retain } = store;
  if (moveToTrash === undefined || restore === undefined || retain === undefined) {
    throw new TypeError("The store under test has no trash");
  }
  return { moveToTrash: moveToTrash.bind(store), restore: restore.bind(store), retain: retain.bind(store) };
}

function toTrash(experiment: Experiment): NewEffect {
  const gone = experiment.newLife();
  return { words: "delete into the trash", apply: () => gone };
}

/** Puts a session into the trash; and, with `back`, brings it back. */
export async function trash(experiment: Experiment, { session, variant }: Operation): Promise<void> {
  await experiment.endFollowers();
  // What is in doubt is looked up first.
  await experiment.texts(session, []);
  const key = sessionKeys[session] ?? "";
  const before = experiment.model(session).latest;
  const id = await experiment.change(session, [toTrash(experiment)], true, async () => {
    return await withTrash(await experiment.store()).moveToTrash(key);
  });
  // It could not be put there, or there was none.
  if (id === undefined || id === null || variant !== "back") return;
  const back: NewEffect = { words: "restore from the trash", apply: () => before };
  await experiment.change(session, [back], true, async () => {
    await withTrash(await experiment.store()).restore(id);
  });
}

/** Another process keeps house: whatever is not held goes to the trash, and from there for good. */
export async function retain(experiment: Experiment): Promise<void> {
  await experiment.endFollowers();
  for (const session of experiment.touched) await experiment.texts(session, []);
  const other = await opened(experiment);
  if (other === null) return;
  try {
    const { retain } = withTrash(other);
    const limits: RetentionOptions = { sessionsMax: 0, trashAgeMsMax: Infinity };
    const order = (await stepsOf(experiment, retain({ ...limits, dryRun: true }))).filter(isTrash);
    const steps = retain(limits);
    for (const { key } of order) {
      const session = sessionKeys.indexOf(key ?? "");
      const isHeld = await experiment.holds(session);
      await experiment.change(session, isHeld ? [] : [toTrash(experiment)], !isHeld, async () => {
        let next = await steps.next();
        while (next.done !== true && !isTrash(next.value)) next = await steps.next();
        const skipped = next.done === true ? "changed" : next.value.skipped;
        if (isHeld ? skipped === null : skipped === "locked") {
          throw new Violation("I15", `Of a session that is ${isHeld ? "" : "not "}held it says: ${skipped}`);
        }
        if (!isHeld && skipped === "changed") throw new Violation("error", "A session was not put into the trash");
        if (!isHeld && skipped !== null && skipped !== "changed") throw new HoldfastError(skipped, "It was skipped");
      });
    }
    await stepsOf(experiment, steps);
    await stepsOf(experiment, retain({ trashAgeMsMax: 0 }));
  } finally {
    await other.close();
  }
}

async function opened(experiment: Experiment): Promise<SubjectStore | null> {
  try {
    return await experiment.openAnother(false);
  } catch (error) {
    if (experiment.expectsErrors) return null;
    throw error;
  }
}

const isTrash = ({ action }: RetentionStep): boolean => action === "trash";

async function stepsOf(experiment: Experiment, steps: AsyncGenerator<RetentionStep>): Promise<RetentionStep[]> {
  const found: RetentionStep[] = [];
  try {
    for await (const step of steps) found.push(step);
  } catch (error) {
    if (!experiment.expectsErrors || systemErrorCode(error) === undefined) {
      throw new Violation("error", `House could not be kept: ${describeError(error)}`);
    }
  }
  return found;
}

/** A writer that compacts by itself hides records, and so removes them. */
export async function selfCompact(experiment: Experiment, operation: Operation): Promise<void> {
  const { session } = operation;
  const { settings } = experiment;
  experiment.settings = { ...settings, selfCompaction: { deadShareMin: 0, deadLinesMin: 1 } };
  await reopen(experiment);
  const { effect, options } = truncateEffect(experiment, operation);
  const apply = (state: SessionState): SessionState => {
    const next = effect.apply(state);
    const from = state.archivedBelow ?? 0;
    // What was archived since is not removed any more, unless it was gone before; what was not archived, once more.
    const before = (state.mayGo ?? []).filter((range) => range.from < from)
      .map((range) => ({ ...range, below: Math.min(range.below, from) }));
    return { ...next, mayGo: [...before, { from, below: next.first }] };
  };
  await experiment.change(session, [{ words: `${effect.words} and compact`, apply }], true, async () => {
    await (await experiment.session(session)).truncate(operation.keep ?? 0, options);
  });
  experiment.settings = settings;
  await reopen(experiment);
}

/** After housekeeping nothing lies about: what is in the trash has its meta file, and what was on its way has arrived. */
export async function checkTrash(experiment: Experiment): Promise<void> {
  const { fileSystem } = experiment;
  const store = await experiment.store();
  await stepsOf(experiment, withTrash(store).retain({ trashAgeMsMax: Infinity }));
  const directory = `${storeDirectory}/${trashDirectoryName}`;
  const items = await fileSystem.readDirectory(directory).catch(() => []);
  for (const { name } of items.filter(({ kind }) => kind === "directory")) {
    const files = await fileSystem.readDirectory(`${directory}/${name}`);
    if (name.startsWith(gonePrefix)) throw new Violation("I18", `Left over after housekeeping: ${directory}/${name}`);
    // An empty one is taken by the next session of the name.
    if (files.length === 0 || files.some((file) => file.name.endsWith(".meta.json"))) continue;
    throw new Violation("I1", `In the trash without a meta file: ${files.map((file) => file.name).join(", ")}`);
  }
}
