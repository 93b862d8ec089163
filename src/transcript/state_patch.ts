/**
 * The state of a transcript, and the operations that change it: title, tag, mode, tasks, worktree, and any other path.
 * Pure, and total: an operation that cannot be applied changes nothing and is counted; none throws.
 *
 * @module
 */

import { isJsonObject, type JsonObject } from "../log/json_text.ts";

/**
 * Sets what a path leads to; without a value, removes it.
 *
 * A path is a name (`title`), or several with slashes between them (`tasks/0/status`, `limits/tokens`): members of
 * objects, places of lists. `-` is the place behind a list's last. `~1` is a slash in a name, `~0` a tilde; a slash in
 * front does no harm. Objects that a path needs and that are not there are made.
 */
export interface PatchOperation {
  /** Where. */
  path: string;
  /** What is to be there; absent: nothing. */
  value?: unknown;
}

/** A task in a transcript's state. Other members are kept. */
export interface TranscriptTask extends JsonObject {
  /** Names the task. */
  id?: string;
  /** What is to be done. */
  content?: string;
  /** How far it is. */
  status?: string;
}

/** A working copy in a transcript's state. Other members are kept. */
export interface TranscriptWorktree extends JsonObject {
  /** Where work began. */
  originalCwd?: string;
  /** Where the working copy is. */
  worktreePath?: string;
  /** What it is called. */
  worktreeName?: string;
  /** The branch in it. */
  worktreeBranch?: string;
  /** The branch before. */
  originalBranch?: string;
  /** Whether it was left. */
  exited?: boolean;
}

/**
 * Sets the title.
 *
 * @param title A title for people.
 * @returns The operation.
 */
export function setTitle(title: string): PatchOperation {
  return { path: "title", value: title };
}

/**
 * Sets what was asked last.
 *
 * @param prompt What the user said last.
 * @returns The operation.
 */
export function setLastPrompt(prompt: string): PatchOperation {
  return { path: "lastPrompt", value: prompt };
}

/**
 * Sets the tag.
 *
 * @param tag A word to find it by.
 * @returns The operation.
 */
export function setTag(tag: string): PatchOperation {
  return { path: "tag", value: tag };
}

/**
 * Sets the mode.
 *
 * @param mode The agent's mode, such as `plan`.
 * @returns The operation.
 */
export function setMode(mode: string): PatchOperation {
  return { path: "mode", value: mode };
}

/**
 * Sets all tasks.
 *
 * @param tasks All tasks.
 * @returns The operation.
 */
export function setTasks(tasks: readonly TranscriptTask[]): PatchOperation {
  return { path: "tasks", value: tasks };
}

/**
 * Sets the working copy.
 *
 * @param worktree The working copy; null: none.
 * @returns The operation.
 */
export function setWorktree(worktree: TranscriptWorktree | null): PatchOperation {
  return { path: "worktree", value: worktree };
}

/**
 * Removes what a path leads to.
 *
 * @param path Any path.
 * @returns The operation.
 */
export function removePath(path: string): PatchOperation {
  return { path };
}

/**
 * Says a whole state again: for a transcript whose older records are to be removed from its log.
 *
 * @param values What is set, as `TranscriptState.values` has it.
 * @returns The operations that set it.
 */
export function setValues(values: JsonObject): PatchOperation[] {
  return Object.entries(values).map(([name, value]) => {
    const path = name.replaceAll("~", "~0").replaceAll("/", "~1");
    return { path, value };
  });
}

/**
 * Takes operations out of a record.
 *
 * @param value What stands there.
 * @returns Those of its items that are operations.
 */
export function readOperations(value: unknown): PatchOperation[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((item: unknown) => {
    if (!isJsonObject(item) || typeof item["path"] !== "string") return [];
    return [{ path: item["path"], ...(item["value"] === undefined ? {} : { value: item["value"] }) }];
  });
}

/** A state, and how many operations could not be applied to it. */
export interface PatchResult {
  /** The state afterwards. */
  state: JsonObject;
  /** Operations that led nowhere: into a list by a name, or beyond its end. */
  refused: number;
}

/**
 * Applies operations one after the other.
 *
 * @param state A state; neither it nor anything in it is changed.
 * @param operations What to do.
 * @returns The new state.
 */
export function applyPatch(state: JsonObject, operations: readonly PatchOperation[]): PatchResult {
  let current = state;
  let refused = 0;
  for (const { path, value } of operations) {
    const names = path.split("/").map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~"));
    if (names.length > 1 && names[0] === "") names.shift();
    const changed = changedObject(current, names, value);
    if (changed === null) refused++;
    else current = changed;
  }
  return { state: current, refused };
}

/** A copy in which one place is changed; null if the path leads nowhere. */
function changedObject(object: JsonObject, names: readonly string[], value: unknown): JsonObject | null {
  const [name, ...rest] = names;
  if (name === undefined) return null;
  const copy = { ...object };
  if (rest.length === 0) {
    if (value === undefined) delete copy[name];
    else setOwn(copy, name, value);
    return copy;
  }
  const inner: unknown = Object.hasOwn(object, name) ? object[name] : undefined;
  // There is nothing to be removed below what is not there.
  if (value === undefined && !isJsonObject(inner) && !Array.isArray(inner)) return object;
  const changed = changedInside(inner, rest, value);
  if (changed === null) return null;
  setOwn(copy, name, changed);
  return copy;
}

function changedInside(inner: unknown, names: readonly string[], value: unknown): unknown {
  if (Array.isArray(inner)) return changedList(inner, names, value);
  return changedObject(isJsonObject(inner) ? inner : {}, names, value);
}

function changedList(list: readonly unknown[], names: readonly string[], value: unknown): unknown[] | null {
  const [name = "", ...rest] = names;
  const index = name === "-" ? list.length : /^(?:0|[1-9]\d{0,8})$/.test(name) ? Number(name) : Infinity;
  if (index > list.length || (value === undefined && index >= list.length)) return null;
  if (rest.length === 0) return value === undefined ? list.toSpliced(index, 1) : replaced(list, index, value);
  const changed = changedInside(list[index], rest, value);
  return changed === null ? null : replaced(list, index, changed);
}

function replaced(list: readonly unknown[], index: number, value: unknown): unknown[] {
  const copy = [...list];
  copy[index] = value;
  return copy;
}

/** `__proto__` is a name like any other. */
function setOwn(object: JsonObject, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
}
