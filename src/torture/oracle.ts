/**
 * Whether what a store shows is one of the things that it may show; and if not, which promise is broken.
 *
 * @module
 */

import { activeEntries, type LogEntry, type SessionModel, type SessionState } from "./model.ts";
import type { ObservedSession } from "./observation.ts";
import { Violation } from "./violation.ts";
import { factNames, factTable, type SessionFacts } from "./watched_facts.ts";

/**
 * Finds out which of the allowed states a session is in.
 *
 * @param observed What it shows.
 * @param model What it may show.
 * @param atLeast How many effects must be there.
 * @returns How many effects are there: the most that explain it.
 * @throws {Violation} If it is in none.
 */
export function explain(observed: ObservedSession, model: SessionModel, atLeast: number): number {
  return find(observed, model, atLeast);
}

/**
 * The same for a session that there surely is, which a deleted one that shows nothing either is not.
 *
 * @param observed What it shows.
 * @param model What it may show.
 * @param atLeast How many effects must be there.
 * @returns How many effects are there: the least that explain it, if it shows nothing.
 * @throws {Violation} If it is in no allowed state.
 */
export function explainExisting(
  observed: ObservedSession,
  model: SessionModel,
  atLeast: number,
): number {
  if (observed.active.length === 0) {
    const least = model.states.findIndex((state, index) => index >= atLeast && matches(observed, state));
    if (least >= 0) return least;
  }
  return find(observed, model, atLeast);
}

/**
 * What a store without numbers shows, with those of the model.
 *
 * @param observed What it shows; numbers are places.
 * @param model What it may show.
 * @returns The same, numbered; a record that the model does not know keeps its place.
 */
export function numberedBy(observed: ObservedSession, model: SessionModel): ObservedSession {
  const known = new Map(model.states.flatMap(({ log }) => log).map(({ text, sequence }) => [text, sequence]));
  const numbered = ({ text, sequence }: LogEntry): LogEntry => ({ text, sequence: known.get(text) ?? sequence });
  const { log, active } = observed;
  return { ...observed, log: log === null ? null : log.map(numbered), active: active.map(numbered) };
}

function find(observed: ObservedSession, model: SessionModel, atLeast: number): number {
  for (let index = model.states.length - 1; index >= atLeast; index--) {
    const state = model.states[index];
    if (state !== undefined && matches(observed, state)) return index;
  }
  const extra = atLeast > 0 ? -1 : model.extras.findIndex((state) => {
    return matches(withNumbersOf(state, observed), state);
  });
  if (extra >= 0) return model.states.length + extra;
  throw new Violation(brokenInvariant(observed, model, atLeast), difference(observed, model, atLeast));
}

function matches(observed: ObservedSession, state: SessionState): boolean {
  return observed.summary === state.summary && sameFacts(observed.facts, state) &&
    (observed.log === null || sameLog(observed.log, state)) &&
    sameEntries(observed.active, activeEntries(state));
}

function sameFacts(shown: SessionFacts, state: SessionState): boolean {
  return factNames(shown).every((name) => {
    const value = shown[name] ?? "";
    return factTable[name].agrees?.(value, state) ?? value === (state.facts[name] ?? "");
  });
}

function sameLog(shown: readonly LogEntry[], state: SessionState): boolean {
  if (state.mayGo === undefined || shown.length >= state.log.length) return sameEntries(shown, state.log);
  const there = new Set(shown.map(({ sequence }) => sequence));
  // The last record stays in any case: it holds the number.
  const last = state.log.at(-1)?.sequence;
  // Of each range the oldest go first: what is behind one that is there is there.
  const isGone = ({ sequence }: LogEntry): boolean => {
    if (sequence === last || there.has(sequence)) return false;
    const range = state.mayGo?.find(({ from, below }) => sequence >= from && sequence < below);
    return range !== undefined &&
      !state.log.some((other) =>
        other.sequence >= range.from && other.sequence < sequence && there.has(other.sequence)
      );
  };
  return sameEntries(shown, state.log.filter((entry) => !isGone(entry)));
}

/** What was observed with the numbers of a state, where both have the same texts and its own numbers rise. */
function withNumbersOf(state: SessionState, observed: ObservedSession): ObservedSession {
  const renumbered = (shown: readonly LogEntry[], entries: readonly LogEntry[]): LogEntry[] => {
    const rises = shown.every(({ sequence }, index) => sequence > (shown[index - 1]?.sequence ?? -1));
    return shown.map(({ text, sequence }, index) => {
      return { text, sequence: rises ? entries[index]?.sequence ?? sequence : sequence };
    });
  };
  const log = observed.log === null ? null : renumbered(observed.log, state.log);
  return { ...observed, log, active: renumbered(observed.active, activeEntries(state)) };
}

function sameEntries(one: readonly LogEntry[], other: readonly LogEntry[]): boolean {
  if (one.length !== other.length) return false;
  for (let index = 0; index < one.length; index++) {
    if (one[index]?.sequence !== other[index]?.sequence || one[index]?.text !== other[index]?.text) return false;
  }
  return true;
}

/** The number of the invariant that says best what is wrong. */
function brokenInvariant(observed: ObservedSession, model: SessionModel, atLeast: number): string {
  const allowed = model.states.slice(atLeast);
  const log = observed.log ?? observed.active;
  const texts = log.map(({ text }) => text);
  const known = new Map<string, number>();
  for (const state of model.states) for (const entry of state.log) known.set(entry.text, entry.sequence);
  const times = new Set(texts);
  if (times.size < texts.length) return "I3";
  for (const { text, sequence } of log) {
    const number = known.get(text);
    if (number === undefined) return isFromThePast(text) ? "I7" : "I3";
    if (number !== sequence && allowed.every((state) => state.log.every((entry) => entry.sequence !== sequence))) {
      return "I3";
    }
  }
  const active = new Set(observed.active.map(({ text }) => text));
  const mustBeThere = activeEntries(allowed[0] ?? model.base)
    .filter(({ text }) => allowed.every((state) => activeEntries(state).some((entry) => entry.text === text)));
  if (mustBeThere.some(({ text }) => !active.has(text))) return model.shown ? "I6" : "I1";
  const mayBeThere = new Set(allowed.flatMap((state) => activeEntries(state).map(({ text }) => text)));
  if (observed.active.some(({ text }) => !mayBeThere.has(text))) return "I7";
  for (let index = 1; index < log.length; index++) {
    const gap = (log[index]?.sequence ?? 0) - (log[index - 1]?.sequence ?? 0);
    if (gap <= 0) return "I2";
  }
  const words = model.effects.map((effect) => effect.words).join(" ");
  if (/replac|compact|migrat/.test(words)) return "I9";
  if (/truncat|delet|summary|title|set /.test(words)) return "I8";
  return /batch/.test(words) ? "I5" : "I4";
}

/** Every text that the laboratory writes names the call that wrote it; what no state knows was removed before. */
function isFromThePast(text: string): boolean {
  return /^\{"role":"[a-z]+","content":"\d+ /.test(text) && text.endsWith('"}');
}

function difference(observed: ObservedSession, model: SessionModel, atLeast: number): string {
  const { active, log } = observed;
  const shown = { ...observed, log: log ?? active, first: active[0]?.sequence ?? 0 };
  const lines = [`shows    ${stateText(shown, active)}${log === null ? " (active records)" : ""}`];
  for (let index = atLeast; index < model.states.length; index++) {
    const state = model.states[index];
    if (state === undefined) continue;
    const because = index === 0
      ? (model.shown ? "as shown before" : "as acknowledged")
      : model.effects[index - 1]?.words;
    lines.push(`allowed  ${stateText(state, activeEntries(state))} (${because})`);
  }
  return lines.join("\n");
}

function stateText(state: SessionState, active: readonly LogEntry[]): string {
  const shownActive = new Set(active.map(({ sequence }) => sequence));
  const entries = state.log.map(({ sequence, text }) => {
    const label = /"content":"(\d+)/.exec(text)?.[1] ?? text.slice(0, 30);
    return `${sequence}:${label}${shownActive.has(sequence) ? "" : "(hidden)"}`;
  });
  const summary = state.summary === "" ? "" : ` summary=${state.summary}`;
  const facts = factNames(state.facts).map((name) => ` ${name}=${state.facts[name]}`).join("");
  return `[${entries.join(" ")}]${summary}${facts}`;
}
