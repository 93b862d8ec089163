/**
 * What tells requests to a model apart.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { isJsonObject } from "../log/json_text.ts";

/**
 * The key of a request: a SHA-256, in hexadecimal, of what its JSON says. Two requests with the same members in another
 * order have the same key.
 *
 * @param request Anything that JSON can hold.
 * @returns 64 hexadecimal digits.
 * @throws {TypeError} If JSON cannot hold it.
 *
 * @example
 * ```ts
 * import { requestKey } from "holdfast/transcript";
 *
 * console.log(requestKey({ model: "m", prompt: "p" }) === requestKey({ prompt: "p", model: "m" }));
 * ```
 */
export function requestKey(request: unknown): string {
  const text: string | undefined = JSON.stringify(request);
  if (text === undefined) throw new TypeError("request must be something that JSON can hold");
  return createHash("sha256").update(JSON.stringify(sorted(JSON.parse(text)))).digest("hex");
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isJsonObject(value)) return value;
  // As pairs: a member named __proto__ is one like any other, and keys that look like numbers stay where they sort.
  return { pairs: Object.keys(value).sort().map((key) => [key, sorted(value[key])]) };
}
