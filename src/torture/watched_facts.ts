/**
 * What a session shows beside its records and its summary, once an operation has set it.
 *
 * @module
 */

import type { SessionState } from "./model.ts";
import type { SubjectSession, SubjectStore } from "./subject.ts";

/** Which facts there are. */
export type FactName = "title";

/** Facts of one session; one that nobody has set is empty. */
export type SessionFacts = { readonly [Name in FactName]?: string };

/** How a fact is asked for. */
export interface FactRule {
  /** Asks a session that there is. */
  readonly read: (session: SubjectSession, store: SubjectStore) => Promise<string>;
  /** Whether what is shown is what a state says; equal, by default. */
  readonly agrees?: (shown: string, state: SessionState) => boolean;
  /** Whether it is gone once picoclaw has written the meta file. */
  readonly isUnknownToPicoclaw: boolean;
}

/** All facts by name. */
export const factTable: Readonly<Record<FactName, FactRule>> = {
  title: {
    read: async (session) => (await session.info()).title ?? "",
    isUnknownToPicoclaw: true,
  },
};

/**
 * A state with another fact.
 *
 * @param state The state; not changed.
 * @param name The fact.
 * @param value What it is now; empty for none.
 * @returns The new state.
 */
export function withFact(state: SessionState, name: FactName, value: string): SessionState {
  return { ...state, facts: { ...state.facts, [name]: value } };
}

/**
 * A state as it is when picoclaw has written the meta file.
 *
 * @param state The state; not changed.
 * @returns The new state.
 */
export function withPicoclawsFacts(state: SessionState): SessionState {
  const facts: { [Name in FactName]?: string } = { ...state.facts };
  for (const name of factNames(facts)) if (factTable[name].isUnknownToPicoclaw) delete facts[name];
  return { ...state, facts };
}

/**
 * The facts that are set.
 *
 * @param facts Some.
 * @returns Their names.
 */
export function factNames(facts: SessionFacts): FactName[] {
  return Object.keys(facts).filter((name): name is FactName => Object.hasOwn(factTable, name));
}
