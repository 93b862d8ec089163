/**
 * What `holdfast check` says of tool calls: pairs that are torn apart are no damage, but providers refuse them.
 *
 * @module
 */

import type { RecordObject, Session } from "../../mod.ts";
import { type PairingFault, type PairingFinding, PairingReader } from "../transcript/tool_call_pairing.ts";

/** A tool call or a result that a provider would refuse, by the number of its record. */
export interface ToolCallNote {
  /** The record's number. */
  sequence: number;
  /** What is wrong. */
  fault: PairingFault;
  /** The call's id. */
  id: string;
}

/** So many are told. */
const notesMax = 100;

/**
 * Looks at the tool calls among a session's active records. A call at the very end is under way, and no fault.
 *
 * @param session The session.
 * @returns What is wrong, a hundred at the most; and how many there are in all.
 */
export async function findToolCallNotes(session: Session): Promise<{ notes: ToolCallNote[]; count: number }> {
  const reader = new PairingReader();
  const notes: ToolCallNote[] = [];
  let count = 0;
  const add = ({ index, fault, id }: PairingFinding): void => {
    if (fault === "open-call") return;
    if (count++ < notesMax) notes.push({ sequence: index, fault, id });
  };
  for await (const { sequence, record } of session.records({ previews: true })) {
    const message = messageOf(record);
    if (message !== null) reader.take(message, sequence).forEach(add);
  }
  reader.end().forEach(add);
  return { notes: notes.sort((one, other) => one.sequence - other.sequence), count };
}

/** The message that a record is, or that it holds as a transcript's do. */
function messageOf(record: RecordObject): RecordObject | null {
  if (typeof record["role"] === "string") return record;
  const { message } = record;
  if (typeof message !== "object" || message === null || Array.isArray(message)) return null;
  return { ...message };
}
