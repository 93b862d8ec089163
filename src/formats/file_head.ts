/**
 * The beginning of a file, decoded once for all detectors.
 *
 * @module
 */
import { isJsonObject, type JsonObject } from "../log/json_text.ts";
import { JsonPieces, nestingDepthMax } from "./json_pieces.ts";
import { nestsDeeper } from "./nesting_depth.ts";

/** How many lines are decoded: enough to pass over a header and what stands between it and the first message. */
const linesMax = 40;

/** The beginning of a file. */
export interface FileHead {
  /** The objects of the first lines; a line that is cut off or no object is left out. */
  readonly lines: readonly JsonObject[];
  /** How many of the first lines hold JSON that is no object. */
  readonly otherLines: number;
  /** How many of the first lines are not JSON; a last one that the head cuts off is not counted. */
  readonly brokenLines: number;
  /** Of a file that is one object (so far): its top-level members; undefined for a value that the head cuts off. */
  readonly members: ReadonlyMap<string, unknown>;
}

/**
 * Decodes the beginning of a file.
 *
 * @param bytes The first bytes; they may end anywhere.
 * @param isWhole Whether they are the whole file.
 * @returns What they hold.
 */
export function readFileHead(bytes: Uint8Array, isWhole: boolean): FileHead {
  // As a stream, so that a character cut by the end of the head is left out instead of being replaced.
  const text = new TextDecoder().decode(bytes, { stream: true });
  const lines: JsonObject[] = [];
  let otherLines = 0;
  let brokenLines = 0;
  let firstIsObject = false;
  let count = 0;
  for (let start = 0; count < linesMax && start < text.length;) {
    const feed = text.indexOf("\n", start);
    const line = text.slice(start, feed < 0 ? text.length : feed).trim();
    start = feed < 0 ? text.length : feed + 1;
    if (line === "") continue;
    const value = parsedOrUndefined(line);
    if (isJsonObject(value)) lines.push(value);
    else if (value !== undefined) otherLines++;
    else if (feed >= 0 || isWhole) brokenLines++;
    if (count++ === 0) firstIsObject = lines.length > 0;
  }
  // Lines of their own, whatever else they look like.
  if (firstIsObject && count > 1) return { lines, otherLines, brokenLines, members: new Map() };
  const { members, isDocument } = documentMembers(bytes);
  // What looks like lines in it is the layout of a document.
  if (isDocument && !firstIsObject) return { lines: [], otherLines, brokenLines, members };
  return { lines, otherLines, brokenLines, members };
}

/** Cut values count with their name only: the detectors go by names, and by the values that stand early. */
function documentMembers(bytes: Uint8Array): { members: Map<string, unknown>; isDocument: boolean } {
  const members = new Map<string, unknown>();
  const pieces = new JsonPieces(new Set(), (name) => {
    if (!members.has(name)) members.set(name, undefined);
  });
  for (const piece of pieces.feed(bytes)) {
    if (piece.kind === "piece") members.set(piece.name, piece.value);
  }
  return { members, isDocument: !pieces.failed && members.size > 0 };
}

function parsedOrUndefined(json: string): unknown {
  // What the reader will not take need not be built here either.
  if (nestsDeeper(json, nestingDepthMax)) return undefined;
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
