/**
 * What the objects of a session are called. Part of the layout; see `LAYOUT.md`.
 *
 * @module
 */

const sessionsPrefix = "sessions/";
const epochDigits = 6;
const sequenceDigits = 16;
const recordsName = /^sessions\/([^/]+)\/records\/(\d{6})-(\d{16})\.jsonl$/;
const manifestName = /^sessions\/([^/]+)\/manifest-(\d{6})\.json$/;

/** What stands in the name of an object of records. */
export interface RecordsPlace {
  /** In which epoch of the session it was written. */
  epoch: number;
  /** No record in it has a lower number, and none in front of it a higher or the same. */
  from: number;
}

/**
 * What all names of a session's objects begin with.
 *
 * @param id The session's id; absent: of all sessions.
 * @returns The prefix.
 */
export function sessionPrefix(id?: string): string {
  return id === undefined ? sessionsPrefix : `${sessionsPrefix}${id}/`;
}

/**
 * Names an object of records.
 *
 * @param id The session's id.
 * @param place What it begins with.
 * @returns The name.
 */
export function recordsObject(id: string, { epoch, from }: RecordsPlace): string {
  return `${recordsPrefix(id)}${padded(epoch, epochDigits)}-${padded(from, sequenceDigits)}.jsonl`;
}

/**
 * What all names of a session's objects of records begin with.
 *
 * @param id The session's id.
 * @returns The prefix.
 */
export function recordsPrefix(id: string): string {
  return `${sessionPrefix(id)}records/`;
}

/**
 * Reads the name of an object of records.
 *
 * @param name An object's name.
 * @returns What it says; null if it is none.
 */
export function readRecordsName(name: string): RecordsPlace | null {
  const match = recordsName.exec(name);
  return match === null ? null : { epoch: Number(match[2]), from: Number(match[3]) };
}

/**
 * Names the manifest of an epoch.
 *
 * @param id The session's id.
 * @param epoch The epoch.
 * @returns The name.
 */
export function manifestObject(id: string, epoch: number): string {
  return `${manifestPrefix(id)}${padded(epoch, epochDigits)}.json`;
}

/**
 * What the names of a session's manifests begin with.
 *
 * @param id The session's id.
 * @returns The prefix.
 */
export function manifestPrefix(id: string): string {
  return `${sessionPrefix(id)}manifest-`;
}

/**
 * Reads the name of a manifest.
 *
 * @param name An object's name.
 * @returns Whose it is; null if it is none.
 */
export function readManifestName(name: string): { id: string; epoch: number } | null {
  const match = manifestName.exec(name);
  return match?.[1] === undefined ? null : { id: match[1], epoch: Number(match[2]) };
}

/**
 * Names the object of a large value.
 *
 * @param id The id of the session that it belongs to.
 * @param hash Its SHA-256.
 * @returns The name.
 */
export function blobObject(id: string, hash: string): string {
  return `${sessionPrefix(id)}blobs/${hash}`;
}

/**
 * Whether a text can be a session's id: it becomes part of a name.
 *
 * @param id The text.
 * @returns True if it can.
 */
export function isSessionId(id: unknown): id is string {
  return typeof id === "string" && /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id);
}

function padded(value: number, digits: number): string {
  return String(value).padStart(digits, "0");
}
