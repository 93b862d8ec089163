/**
 * One session takes the place of another: the new one has all of it after a power cut, or nothing, and it happens once.
 *
 * @module
 */

import type { Experiment } from "./experiment.ts";
import { activeEntries, nextSequence } from "./model.ts";
import type { Operation } from "./operations.ts";
import { sessionKeys } from "./subject.ts";
import { Violation } from "./violation.ts";

/** The other session gets what this one holds, if it never had anything. */
export async function promote(experiment: Experiment, { session }: Operation): Promise<void> {
  const other = session === 0 ? 1 : 0;
  const [from = "", to = ""] = [sessionKeys[session], sessionKeys[other]];
  // What is unknown of either is looked up first.
  for (const index of [session, other]) await experiment.texts(index, []);
  const old = experiment.model(session).latest;
  const target = experiment.model(other).latest;
  const promoted = await promotionOf(experiment, session);
  if (promoted === "unknown") return;
  const isFree = promoted === null || (promoted.to === to && !promoted.done);
  const hasContent = activeEntries(old).length > 0 || old.summary !== "";
  const expected = isFree && hasContent && nextSequence(target) === 0 && target.summary === "";
  const effect = {
    words: `take the place of session ${session}`,
    apply: () => ({
      ...target,
      log: activeEntries(old).map(({ text }, index) => ({ sequence: index, text })),
      summary: old.summary,
    }),
  };
  let failure: unknown = null;
  // A call that does nothing makes nothing durable either.
  const result = await experiment.change(other, expected ? [effect] : [], expected, async () => {
    try {
      return await (await experiment.store()).promote?.(from, to);
    } catch (error) {
      failure = error;
      throw error;
    }
  });
  // Either of them may be the one of which nothing is known now.
  if (failure !== null) await experiment.settle(session, () => Promise.reject(failure));
  if (result !== undefined && result !== expected && !experiment.expectsErrors) {
    throw new Violation("I9", `A promotion said ${result}, but ${expected} is right`);
  }
}

/** Which session has taken its place; a read that fails makes no call. */
async function promotionOf(
  experiment: Experiment,
  session: number,
): Promise<{ to: string; done: boolean } | null | "unknown"> {
  try {
    return (await (await experiment.session(session)).facts?.())?.promoted ?? null;
  } catch (error) {
    if (experiment.expectsErrors) return "unknown";
    throw error;
  }
}
