/**
 * The layout of JSON text: blanks between tokens taken out or put in, arrays cut into their elements, all without
 * decoding, so that numbers beyond 2^53, the order of members and escapes stay as they are. All functions take *valid*
 * JSON text (`JSON.parse` has accepted it).
 *
 * @module
 */
import { topLevelMembers } from "./json_text.ts";

/**
 * Removes the blanks and line breaks between the tokens, which puts the text on one line. Everything else stays.
 *
 * @param json Valid JSON text.
 * @returns The same value, on one line.
 */
export function compactJson(json: string): string {
  let compact = "";
  let kept = 0;
  for (let at = 0; at < json.length;) {
    if (json[at] === '"') {
      at = stringEnd(json, at);
    } else if (isBlank(json, at)) {
      compact += json.slice(kept, at);
      while (at < json.length && isBlank(json, at)) at++;
      kept = at;
    } else {
      at++;
    }
  }
  return compact + json.slice(kept);
}

/**
 * Sets a value out over lines, two spaces a level, as Go's `json.MarshalIndent` does.
 *
 * @param json Valid JSON text.
 * @returns The same value over several lines, without a line feed at the end.
 */
export function indentJson(json: string): string {
  const compact = compactJson(json);
  let indented = "";
  let depth = 0;
  for (let at = 0; at < compact.length;) {
    const end = compact[at] === '"' ? stringEnd(compact, at) : at + 1;
    const token = compact.slice(at, end);
    const opens = token === "{" || token === "[";
    const closes = token === "}" || token === "]";
    const before = compact[at - 1];
    if (closes) depth--;
    if (closes && before !== "{" && before !== "[") indented += lineBreak(depth);
    indented += token === ":" ? ": " : token;
    if (opens) depth++;
    const after = compact[end];
    if (token === "," || (opens && after !== "}" && after !== "]")) indented += lineBreak(depth);
    at = end;
  }
  return indented;
}

/**
 * Removes JSON's blanks from both ends. (`String.trim` takes others away as well.)
 *
 * @param text Any text.
 * @returns The text between them.
 */
export function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text, start)) start++;
  while (end > start && isBlank(text, end - 1)) end--;
  return text.slice(start, end);
}

/**
 * The text of one member of an object.
 *
 * @param json Valid JSON text of an object.
 * @param name The member's name. If it stands twice, the last one counts, as in `JSON.parse`.
 * @returns The value as it is written, or undefined if there is none of that name.
 */
export function memberText(json: string, name: string): string | undefined {
  const member = topLevelMembers(json).findLast(({ keyStart, keyEnd }) => {
    const key: unknown = JSON.parse(json.slice(keyStart, keyEnd));
    return key === name;
  });
  return member === undefined ? undefined : json.slice(member.valueStart, member.valueEnd);
}

/**
 * The elements of an array.
 *
 * @param json Valid JSON text of an array. Anything else has no elements.
 * @returns Their texts.
 */
export function jsonElements(json: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  const cut = (end: number): void => {
    const part = trimBlanks(json.slice(start, end));
    if (part !== "") parts.push(part);
    start = end + 1;
  };
  for (let at = 0; at < json.length; at++) {
    switch (json[at]) {
      case '"':
        at = stringEnd(json, at) - 1;
        break;
      case "{":
      case "[":
        depth++;
        if (depth === 1) start = at + 1;
        break;
      case "}":
      case "]":
        depth--;
        if (depth === 0) cut(at);
        break;
      case ",":
        if (depth === 1) cut(at);
        break;
    }
  }
  return parts;
}

/** The index behind the string that starts at `start`. By search, not by pattern: strings of megabytes are usual. */
function stringEnd(json: string, start: number): number {
  for (let quote = json.indexOf('"', start + 1); quote !== -1; quote = json.indexOf('"', quote + 1)) {
    let backslashes = 0;
    while (json[quote - 1 - backslashes] === "\\") backslashes++;
    if (backslashes % 2 === 0) return quote + 1;
  }
  return json.length;
}

function lineBreak(depth: number): string {
  return `\n${"  ".repeat(depth)}`;
}

function isBlank(json: string, at: number): boolean {
  const code = json.charCodeAt(at);
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}
