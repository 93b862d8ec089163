/**
 * Changes single strings in a JSON text and leaves everything else as it is written.
 *
 * @module
 */

/**
 * Puts other strings in the place of some.
 *
 * @param json Valid JSON text.
 * @param change Given a string, decoded; returns another one, or undefined to leave it.
 * @returns The text with the strings changed.
 */
export function replaceStrings(json: string, change: (string: string) => string | undefined): string {
  let result = "";
  let kept = 0;
  for (let start = json.indexOf('"'); start >= 0; start = json.indexOf('"', start)) {
    const end = stringEnd(json, start);
    const value: unknown = JSON.parse(json.slice(start, end));
    const changed = typeof value === "string" ? change(value) : undefined;
    if (changed !== undefined) {
      result += json.slice(kept, start) + JSON.stringify(changed);
      kept = end;
    }
    start = end;
  }
  return result + json.slice(kept);
}

function stringEnd(json: string, start: number): number {
  for (let quote = json.indexOf('"', start + 1); quote >= 0; quote = json.indexOf('"', quote + 1)) {
    let backslashes = 0;
    while (json[quote - 1 - backslashes] === "\\") backslashes++;
    if (backslashes % 2 === 0) return quote + 1;
  }
  return json.length;
}
