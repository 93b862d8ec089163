/**
 * The manifest: whose a session's objects are, and the facts about it. One for each epoch; its creation is the claim,
 * which only one device can win.
 *
 * @module
 */

import { HoldfastError } from "../errors.ts";
import { isJsonObject, parseObject } from "../log/json_text.ts";
import { readParent, type SessionParent } from "../store/session_meta.ts";

/** What is known of a session beside its records. */
export interface ArchivedFacts {
  /** The session's key. */
  key: string;
  /** The number of the first active record; what is lower was hidden, compacted away or replaced on the device. */
  first: number;
  /** The summary of what is hidden. */
  summary: string;
  /** A title for people. */
  title: string | null;
  /** The workspace that it belongs to. */
  workspace: string | null;
  /** Picoclaw's scope, as JSON text; null if it has none. */
  scope: string | null;
  /** Other keys by which it is found. */
  aliases: string[];
  /** Where it branches off from another session. */
  parent: SessionParent | null;
  /** When it was made, RFC 3339; nothing depends on it. */
  createdAt: string;
}

/** What a manifest says. */
export interface Manifest extends ArchivedFacts {
  /** The session's id. */
  id: string;
  /** Which writer this is, counted from 1: each takes over from the one before. */
  epoch: number;
  /** The device's own id. */
  device: string;
  /** The number from which on only objects of this epoch count. */
  from: number;
  /** At least all records below this number are in the bucket. */
  next: number;
  /** Whether the session was deleted on the device. Its objects stay. */
  deleted: boolean;
}

/**
 * Writes a manifest.
 *
 * @param manifest What it says.
 * @returns The object's text.
 */
export function encodeManifest(manifest: Manifest): string {
  const { id, epoch, device, from, next, deleted, scope, ...facts } = manifest;
  const shown = { format: 1, id, epoch, device, from, next, deleted, ...facts, scope: parsedScope(scope) };
  return JSON.stringify(shown, null, 2) + "\n";
}

/**
 * Reads a manifest.
 *
 * @param name The object's name, for errors.
 * @param text The object's text.
 * @returns What it says.
 * @throws {HoldfastError} `corrupt` if it is none.
 */
export function parseManifest(name: string, text: string): Manifest {
  if (text.startsWith("HFS1")) {
    throw new HoldfastError("corrupt", `Object ${name} is encrypted; set HOLDFAST_S3_ENCRYPTION_KEY`);
  }
  const parsed = parseObject(text);
  const value = "value" in parsed ? parsed.value : {};
  const { format, id, epoch, device, from, next, key, first } = value;
  if (
    format !== 1 || typeof id !== "string" || typeof device !== "string" || typeof key !== "string" || key === "" ||
    !isCount(epoch) || !isCount(from) || !isCount(next) || !isCount(first)
  ) throw new HoldfastError("corrupt", `Object ${name} is no manifest of format 1`);
  const { summary, title, workspace, scope, aliases, parent, createdAt, deleted } = value;
  return {
    id,
    epoch,
    device,
    from,
    next,
    deleted: deleted === true,
    key,
    first,
    summary: typeof summary === "string" ? summary : "",
    title: typeof title === "string" ? title : null,
    workspace: typeof workspace === "string" ? workspace : null,
    scope: scope === undefined || scope === null ? null : JSON.stringify(scope),
    aliases: Array.isArray(aliases) ? aliases.filter((alias) => typeof alias === "string") : [],
    parent: isJsonObject(parent) ? readParent(parent) : null,
    createdAt: typeof createdAt === "string" ? createdAt : "",
  };
}

function parsedScope(scope: string | null): unknown {
  return scope === null ? null : JSON.parse(scope);
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
