/**
 * What picoclaw takes for a message. Its reader decodes a line into typed fields: a line with a value of another type
 * is skipped as corrupt, a field that it does not know is ignored, names match in any case.
 *
 * @module
 */

/** The type of a value in a message. */
type Shape = "string" | "time" | readonly [Shape] | { readonly [field: string]: Shape };

const messageShape: Shape = {
  role: "string",
  content: "string",
  "model_name": "string",
  "created_at": "time",
  media: ["string"],
  attachments: [{ type: "string", ref: "string", url: "string", filename: "string", "content_type": "string" }],
  "reasoning_content": "string",
  "system_parts": [{ type: "string", text: "string", "cache_control": { type: "string" } }],
  "tool_calls": [{
    id: "string",
    type: "string",
    function: { name: "string", arguments: "string", "thought_signature": "string" },
    "extra_content": { google: { "thought_signature": "string" }, "tool_feedback_explanation": "string" },
  }],
  "tool_call_id": "string",
};

const knownFields: ReadonlySet<string> = new Set(Object.keys(messageShape));

/**
 * Says why picoclaw could not read a record as a message.
 *
 * @param record A decoded record.
 * @returns The reason as a sentence's end ("its content is not a string"), or undefined where it fits.
 */
export function messageMisfit(record: unknown): string | undefined {
  if (!isObject(record)) return "it is not an object";
  if (typeof record["role"] !== "string" || record["role"] === "") return "it has no role";
  return misfit(record, messageShape, "");
}

/**
 * Says whether a record has the fields of a picoclaw message and no others.
 *
 * @param record A decoded record.
 * @returns True for what picoclaw itself would have written.
 */
export function isPicoclawMessage(record: unknown): boolean {
  return isObject(record) && typeof record["content"] === "string" && messageMisfit(record) === undefined &&
    Object.keys(record).every((name) => knownFields.has(name));
}

/**
 * Says whether picoclaw would leave a message out, on write and on read: an assistant's reasoning without anything
 * said, done or attached.
 *
 * @param message A decoded record.
 * @returns True for such a transient thought.
 */
export function isTransientThought(message: unknown): boolean {
  if (!isObject(message)) return false;
  return message["role"] === "assistant" && isBlankText(message["content"]) &&
    !isBlankText(message["reasoning_content"]) && isEmpty(message["tool_calls"]) && isEmpty(message["media"]) &&
    isEmpty(message["attachments"]) && isEmpty(message["tool_call_id"]);
}

/**
 * Says whether a value is a time as Go reads it: RFC 3339 with a day that exists.
 *
 * @param value Any value.
 * @returns True for a string that picoclaw takes for a time.
 */
export function isRfc3339(value: unknown): value is string {
  if (typeof value !== "string") return false;
  const parts = /^(\d{4}-\d\d-\d\d)T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/
    .exec(value);
  if (parts === null) return false;
  const midnight = new Date(`${parts[1]}T00:00:00Z`);
  return !Number.isNaN(midnight.getTime()) && midnight.toISOString().slice(0, 10) === parts[1];
}

/** Where a value is of another type than picoclaw's field, if it is. `null` sets nothing and fits everywhere. */
function misfit(value: unknown, shape: Shape, path: string): string | undefined {
  if (value === null) return undefined;
  if (shape === "string") return typeof value === "string" ? undefined : `its ${path} is not a string`;
  if (shape === "time") return isRfc3339(value) ? undefined : `its ${path} is not a time`;
  if (isList(shape)) {
    if (!Array.isArray(value)) return `its ${path} is not a list`;
    return firstDefined(value, (item) => misfit(item, shape[0], path));
  }
  if (!isObject(value)) return `its ${path} is not an object`;
  return firstDefined(Object.entries(value), ([name, member]) => {
    const field = name.toUpperCase().toLowerCase();
    const inner = Object.hasOwn(shape, field) ? shape[field] : undefined;
    return inner === undefined ? undefined : misfit(member, inner, path === "" ? field : `${path}.${field}`);
  });
}

function firstDefined<T>(items: readonly T[], find: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isList(shape: Shape): shape is readonly [Shape] {
  return Array.isArray(shape);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isBlankText(value: unknown): boolean {
  return typeof value !== "string" || value.trim() === "";
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0);
}
