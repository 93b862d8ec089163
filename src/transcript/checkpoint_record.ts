/**
 * A checkpoint as it stands in a log: one record that holds all of it. There is no second file to lose.
 *
 * @module
 */

import { isJsonObject, type JsonObject } from "../log/json_text.ts";

/** The type of the records that hold checkpoints. */
export const checkpointType = "checkpoint.made";

/** A checkpoint. */
export interface Checkpoint {
  /** The number of its record: the state is that behind all records with lower numbers. */
  sequence: number;
  /** How many checkpoints were made in this session before it; it begins anew when compaction has removed them all. */
  ordinal: number;
  /** Why it was made: `manual`, `periodic`, `llm_boundary`, `effect`, or any word of the caller's. */
  reason: string;
  /** The state, as `JSON.parse` gives it. */
  state: unknown;
}

/**
 * The record of a checkpoint.
 *
 * @param ordinal How many there were before.
 * @param reason Why it is made.
 * @param state Anything that JSON can hold.
 * @returns The record.
 */
export function checkpointRecord(ordinal: number, reason: string, state: unknown): JsonObject {
  return { type: checkpointType, checkpoint: { ordinal, reason }, state };
}

/**
 * Reads a record as a checkpoint.
 *
 * @param record Any record.
 * @param sequence Its number.
 * @returns The checkpoint; null if it is none.
 */
export function readCheckpoint(record: JsonObject, sequence: number): Checkpoint | null {
  const { type, checkpoint, state } = record;
  if (type !== checkpointType || !isJsonObject(checkpoint) || !("state" in record)) return null;
  const { ordinal, reason } = checkpoint;
  if (typeof ordinal !== "number" || !Number.isSafeInteger(ordinal) || ordinal < 0) return null;
  return typeof reason === "string" ? { sequence, ordinal, reason, state } : null;
}
