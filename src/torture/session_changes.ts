/**
 * The operations that change one session through the store's own calls.
 *
 * @module
 */

import type { Experiment, NewEffect } from "./experiment.ts";
import { compacted } from "./fork_changes.ts";
import { activeEntries, archivedEntries, emptyState, nextSequence, type SessionState } from "./model.ts";
import type { Operation } from "./operations.ts";
import { sessionKeys } from "./subject.ts";
import { Violation } from "./violation.ts";
import { withFact } from "./watched_facts.ts";

/** The effect of records that are appended together. */
export function appendEffect(texts: readonly string[]): NewEffect {
  return {
    words: texts.length === 1 ? `append ${labelOf(texts[0])}` : `append the batch ${texts.map(labelOf).join("+")}`,
    apply: (state) => ({ ...state, log: [...state.log, ...numbered(texts, nextSequence(state))] }),
  };
}

function numbered(texts: readonly string[], from: number): { sequence: number; text: string }[] {
  return texts.map((text, index) => ({ sequence: from + index, text }));
}

function labelOf(text: string | undefined): string {
  return /"content":"(\d+)/.exec(text ?? "")?.[1] ?? "?";
}

/** One record. */
export async function append(experiment: Experiment, operation: Operation): Promise<void> {
  const { session, buffered = false } = operation;
  const [text = ""] = await experiment.texts(session, operation.sizes ?? ["small"]);
  const before = experiment.model(session).latest;
  const receipt = await experiment.change(session, [appendEffect([text])], !buffered, async () => {
    const target = await experiment.session(session);
    return await target.appendText(text, { durability: buffered ? "buffered" : "durable" });
  });
  experiment.expectSequence(session, before, 0, receipt?.sequence);
}

/** Records that belong together. */
export async function appendBatch(experiment: Experiment, operation: Operation): Promise<void> {
  const { session, buffered = false } = operation;
  const texts = await experiment.texts(session, operation.sizes ?? ["small", "small"]);
  const before = experiment.model(session).latest;
  const receipts = await experiment.change(session, [appendEffect(texts)], !buffered, async () => {
    const target = await experiment.session(session);
    return await target.appendTextAll(texts, { durability: buffered ? "buffered" : "durable" });
  });
  receipts?.forEach((receipt, index) => experiment.expectSequence(session, before, index, receipt.sequence));
}

/** Appends that are called at once and share a sync. */
export async function appendGroup(experiment: Experiment, operation: Operation): Promise<void> {
  const { session } = operation;
  const texts = await experiment.texts(session, operation.sizes ?? ["small", "small"]);
  const opening = experiment.session(session);
  await Promise.all(texts.map(async (text) => {
    const before = experiment.model(session).latest;
    const receipt = await experiment.change(
      session,
      [appendEffect([text])],
      true,
      async () => await (await opening).appendText(text),
    );
    experiment.expectSequence(session, before, 0, receipt?.sequence);
  }));
}

/** Makes everything durable. */
export async function flush(experiment: Experiment, { session }: Operation): Promise<void> {
  await experiment.settle(session, async () => await (await experiment.session(session)).flush());
}

/** The effect of a truncation, and the options of its call. */
export function truncateEffect(
  experiment: Experiment,
  operation: Operation,
): { effect: NewEffect; options: { summary?: string } } {
  const { keep = 0 } = operation;
  const summary = operation.summary === true ? `summary ${experiment.label()}` : undefined;
  const effect: NewEffect = {
    words: `truncate to ${keep}`,
    apply: (state) => ({ ...state, first: firstKept(state, keep), summary: summary ?? state.summary }),
  };
  return { effect, options: summary === undefined ? {} : { summary } };
}

/** Hides all but the last records. */
export async function truncate(experiment: Experiment, operation: Operation): Promise<void> {
  const { session, keep = 0 } = operation;
  const { effect, options } = truncateEffect(experiment, operation);
  await experiment.change(session, [effect], true, async () => {
    await (await experiment.session(session)).truncate(keep, options);
  });
}

function firstKept(state: SessionState, keep: number): number {
  const active = activeEntries(state);
  const kept = keep > 0 ? active.at(-keep) ?? active[0] : undefined;
  return Math.max(state.first, kept?.sequence ?? nextSequence(state));
}

/** Puts another history in place of the old one. */
export async function replace(experiment: Experiment, operation: Operation): Promise<void> {
  const { session, sizes = ["small"] } = operation;
  const summary = operation.summary === true ? `summary ${experiment.label()}` : undefined;
  const texts = await experiment.texts(session, sizes);
  const effect: NewEffect = {
    words: `replace by ${texts.map(labelOf).join("+")}`,
    apply: (state) => ({
      ...state,
      log: [...archivedEntries(state), ...numbered(texts, nextSequence(state))],
      summary: summary ?? state.summary,
    }),
  };
  await experiment.change(session, [effect], true, async () => {
    const target = await experiment.session(session);
    await target.replace(texts.map((text) => JSON.parse(text)), summary === undefined ? {} : { summary });
  });
}

/** Removes what is hidden. */
export async function compact(experiment: Experiment, { session }: Operation): Promise<void> {
  const effect: NewEffect = {
    words: "compact",
    apply: (state) => compacted(state, false),
  };
  await experiment.change(session, [effect], true, async () => await (await experiment.session(session)).compact());
}

/** Sets the summary. */
export async function setSummary(experiment: Experiment, { session }: Operation): Promise<void> {
  const summary = `summary ${experiment.label()}`;
  const effect = { words: `set ${summary}`, apply: (state: SessionState) => ({ ...state, summary }) };
  await experiment.change(session, [effect], true, async () => {
    await (await experiment.session(session)).setSummary(summary);
  });
}

/** Sets the title. */
export async function setTitle(experiment: Experiment, { session }: Operation): Promise<void> {
  const title = `title ${experiment.label()}`;
  experiment.watch("title");
  const effect = { words: `set ${title}`, apply: (state: SessionState) => withFact(state, "title", title) };
  await experiment.change(session, [effect], true, async () => {
    await (await experiment.session(session)).update({ title });
  });
}

/** Deletes the session. */
export async function remove(experiment: Experiment, { session }: Operation): Promise<void> {
  await experiment.endFollowers();
  const key = sessionKeys[session] ?? "";
  // On a full disk only the log can make room for the word that the session is deleted.
  const emptied: NewEffect = {
    words: "remove the log of",
    apply: (state) => ({ ...emptyState, ...withoutLog(state) }),
  };
  const gone = experiment.newLife();
  const effect: NewEffect = { words: "delete", apply: () => gone };
  await experiment.change(session, experiment.expectsErrors ? [emptied, effect] : [effect], true, async () => {
    const store = await experiment.store();
    await store.delete(key);
    if (!experiment.expectsErrors && await store.has(key)) {
      throw new Violation("I7", "A deleted session is still there");
    }
  });
}

function withoutLog({ first, summary, facts, life }: SessionState): Partial<SessionState> {
  return { first, summary, facts, ...(life === undefined ? {} : { life }) };
}

/** Deletes the session, and starts it anew. */
export async function recreate(experiment: Experiment, operation: Operation): Promise<void> {
  await remove(experiment, operation);
  await append(experiment, operation);
}
