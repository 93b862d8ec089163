/**
 * The facts of a session that its user can set.
 *
 * @module
 */

import { readParent, type SessionMeta, type SessionParent, type SessionPromotion } from "./session_meta.ts";

/** Facts of a session that its user can set; `null` takes one away. */
export interface SessionFacts {
  /** A title for people. */
  title?: string | null;
  /** The workspace that it belongs to. */
  workspace?: string | null;
  /** A name that no other session ever has: what a sink knows it by. A fork, or a session made anew, has none. */
  id?: string | null;
  /** Where it branches off from another session: a subagent's names the one that called it, and the record. */
  parent?: SessionParent | null;
  /** Picoclaw's scope: any JSON value. */
  scope?: unknown;
  /** Other keys by which `resolve` finds it. */
  aliases?: readonly string[];
}

/** What a session's meta file says of it. */
export interface KnownFacts {
  /** A title for people; null if it has none. */
  title: string | null;
  /** The workspace that it belongs to; null: to none. */
  workspace: string | null;
  /** What a sink knows it by; null: no sink has taken it yet. */
  id: string | null;
  /** Picoclaw's scope; null if it has none. */
  scope: unknown;
  /** Other keys by which `resolve` finds it. */
  aliases: string[];
  /** Where it branches off from another session, or goes on with it; null: it does not. */
  parent: SessionParent | null;
  /** Which session has taken its place, or is about to; null: none. */
  promoted: SessionPromotion | null;
}

/**
 * The facts in a meta file.
 *
 * @param meta What it says; null: there is none.
 * @returns The facts.
 */
export function factsOf(meta: SessionMeta | null): KnownFacts {
  const { title = null, workspace = null, id = null, scope, aliases = [], parent = null, promoted = null } = meta ?? {};
  const scopeValue: unknown = scope === undefined ? null : JSON.parse(scope);
  return { title, workspace, id, scope: scopeValue, aliases: [...aliases], parent, promoted };
}

/**
 * Checks facts and puts them as the meta file has them.
 *
 * @param facts What the user gave.
 * @returns What changes in the meta.
 * @throws {TypeError} If a fact has the wrong type.
 */
export function factsToMeta(facts: SessionFacts): Partial<SessionMeta> {
  const change: Partial<SessionMeta> = {};
  if (facts.title !== undefined) change.title = facts.title === null ? null : assertText("title", facts.title);
  if (facts.workspace !== undefined) {
    change.workspace = facts.workspace === null ? null : assertText("workspace", facts.workspace);
  }
  if (facts.id !== undefined) change.id = facts.id === null ? null : assertText("id", facts.id);
  if (facts.parent !== undefined) {
    change.parent = facts.parent === null ? null : readParent(facts.parent);
    if (change.parent === null && facts.parent !== null) {
      throw new TypeError("parent must be a key and a number, or null");
    }
  }
  if (facts.scope !== undefined) {
    const scope: unknown = facts.scope === null ? null : JSON.stringify(facts.scope);
    change.scope = scope === null ? undefined : assertText("scope as JSON", scope);
  }
  if (facts.aliases !== undefined) {
    if (!Array.isArray(facts.aliases)) throw new TypeError("aliases must be a list of strings");
    change.aliases = [...new Set(facts.aliases.map((alias) => assertText("alias", alias).trim()))].filter(Boolean);
  }
  return change;
}

/**
 * Whether a change would change nothing.
 *
 * @param meta What is there.
 * @param change What would be.
 * @returns True if all that would change is as it would be.
 */
export function isUnchanged(meta: SessionMeta, change: Partial<SessionMeta>): boolean {
  const { summary, title, workspace, id, aliases, parent } = change;
  return (summary === undefined || summary === meta.summary) && (title === undefined || title === meta.title) &&
    (workspace === undefined || workspace === meta.workspace) && (id === undefined || id === meta.id) &&
    (parent === undefined || JSON.stringify(parent) === JSON.stringify(meta.parent)) &&
    (!("scope" in change) || change.scope === meta.scope) &&
    (aliases === undefined || JSON.stringify(aliases) === JSON.stringify(meta.aliases));
}

/**
 * Checks a text.
 *
 * @param name What it is called.
 * @param value What the user gave.
 * @returns The same.
 * @throws {TypeError} If it is no string.
 */
export function assertText(name: string, value: unknown): string {
  if (typeof value !== "string") throw new TypeError(`${name} must be a string`);
  return value;
}
