/**
 * JSON as Go's `encoding/json` reads and writes it into typed structs, as far as picoclaw's files need it: unknown
 * fields are dropped, names match in any case, a value of the wrong type is an error, `< > &` are escaped. Written for
 * the tests alone and sharing nothing with `src/`, so that the two can check each other.
 *
 * @module
 */

/** The type of a Go value. */
export type Shape =
  | { readonly type: "string" | "integer" | "time" | "raw" }
  | { readonly type: "list"; readonly of: Shape }
  | { readonly type: "struct"; readonly fields: readonly Field[] };

/** One field of a Go struct, in the order in which it is written. */
export interface Field {
  readonly name: string;
  readonly shape: Shape;
  readonly omitEmpty: boolean;
}

/** A field that is always written. */
export function always(name: string, shape: Shape): Field {
  return { name, shape, omitEmpty: false };
}

/** A field that is left out when it is empty. */
export function omitEmpty(name: string, shape: Shape): Field {
  return { name, shape, omitEmpty: true };
}

export const text: Shape = { type: "string" };
export const integer: Shape = { type: "integer" };
export const time: Shape = { type: "time" };
export const raw: Shape = { type: "raw" };

export function list(of: Shape): Shape {
  return { type: "list", of };
}

export function struct(...fields: readonly Field[]): Shape {
  return { type: "struct", fields };
}

/** What an unset `time.Time` is written as. */
export const zeroTime = "0001-01-01T00:00:00Z";

/** `json.Unmarshal`: throws where Go returns an error. */
export function unmarshal(json: string, shape: Shape): unknown {
  JSON.parse(json);
  return decode(json.trim(), shape);
}

/** `json.Marshal`. */
export function marshal(value: unknown, shape: Shape): string {
  switch (shape.type) {
    case "string":
      return quote(typeof value === "string" ? value : "");
    case "time":
      return quote(typeof value === "string" && value !== "" ? goTime(value) : zeroTime);
    case "integer":
      return String(value ?? 0);
    case "raw":
      return escapeForHtml(tokensOf(typeof value === "string" ? value : "null").join(""));
    case "list":
      return `[${(Array.isArray(value) ? value : []).map((item) => marshal(item, shape.of)).join(",")}]`;
    case "struct": {
      const fields = new Map<string, unknown>(Object.entries(value ?? {}));
      const members = shape.fields
        .filter((field) => !field.omitEmpty || !isEmpty(fields.get(field.name)))
        .map((field) => `${quote(field.name)}:${marshal(fields.get(field.name), field.shape)}`);
      return `{${members.join(",")}}`;
    }
  }
}

/** `json.MarshalIndent` with two spaces: no line feed at the end. */
export function marshalIndent(value: unknown, shape: Shape): string {
  const tokens = tokensOf(marshal(value, shape));
  let depth = 0;
  let out = "";
  for (const [at, token] of tokens.entries()) {
    const closes = token === "}" || token === "]";
    if (closes) depth--;
    const before = tokens[at - 1];
    const opened = before === "{" || before === "[";
    if (closes ? !opened : opened || before === ",") out += "\n" + "  ".repeat(depth);
    out += token === ":" ? ": " : token;
    if (token === "{" || token === "[") depth++;
  }
  return out;
}

function decode(json: string, shape: Shape): unknown {
  switch (shape.type) {
    case "string": {
      const value: unknown = JSON.parse(json);
      if (typeof value !== "string") throw wrongType(json, "string");
      return value.replace(/\p{Surrogate}/gu, "\ufffd");
    }
    case "time": {
      const value: unknown = JSON.parse(json);
      if (typeof value !== "string") throw wrongType(json, "time.Time");
      return goTime(value);
    }
    case "integer":
      if (!/^-?\d+$/.test(json)) throw wrongType(json, "int");
      return Number(json);
    case "raw":
      return json;
    case "list":
      if (!json.startsWith("[")) throw wrongType(json, "slice");
      return childrenOf(json).map(({ value }) => value === "null" ? zero(shape.of) : decode(value, shape.of));
    case "struct":
      return decodeStruct(json, shape.fields);
  }
}

/** The fields that were there, and the zero value of those that are always written. `null` sets nothing. */
function decodeStruct(json: string, fields: readonly Field[]): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  for (const field of fields) {
    if (!field.omitEmpty) value[field.name] = zero(field.shape);
  }
  if (json === "null") return value;
  if (!json.startsWith("{")) throw wrongType(json, "struct");
  for (const child of childrenOf(json)) {
    const name = fold(child.name ?? "");
    const field = fields.find((candidate) => fold(candidate.name) === name);
    if (field === undefined) continue;
    if (child.value === "null" && field.shape.type !== "raw") {
      if (field.shape.type === "list") delete value[field.name];
      continue;
    }
    value[field.name] = decode(child.value, field.shape);
  }
  return value;
}

function zero(shape: Shape): unknown {
  switch (shape.type) {
    case "string":
      return "";
    case "time":
      return zeroTime;
    case "integer":
      return 0;
    case "raw":
      return "null";
    case "list":
      return [];
    case "struct":
      return decodeStruct("null", shape.fields);
  }
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === "" || value === 0 || (Array.isArray(value) && value.length === 0);
}

/** Case folding as Go's decoder does it: character by character, the Kelvin sign and the long s included. */
function fold(name: string): string {
  return [...name].map((character) => {
    const upper = character.toUpperCase();
    return upper.length === character.length ? upper.toLowerCase() : character;
  }).join("");
}

/** RFC 3339 as `time.Time` takes and gives it: up to nine digits of a second, no trailing zeros, `Z` for UTC. */
function goTime(value: string): string {
  const parts = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/.exec(value);
  const instant = parts === null ? NaN : Date.parse(`${parts[1]}T${parts[2]}Z`);
  if (parts === null || Number.isNaN(instant) || !new Date(instant).toISOString().startsWith(String(parts[1]))) {
    throw new Error(`parsing time ${quote(value)} as RFC 3339`);
  }
  const fraction = (parts[3] ?? "").slice(0, 9).replace(/0+$/, "");
  const offset = parts[4] === "+00:00" ? "Z" : parts[4];
  return `${parts[1]}T${parts[2]}${fraction === "" ? "" : `.${fraction}`}${offset}`;
}

function quote(value: string): string {
  return escapeForHtml(JSON.stringify(value.replace(/\p{Surrogate}/gu, "\ufffd")));
}

function escapeForHtml(json: string): string {
  return json.replace(/[<>&\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

function wrongType(json: string, goType: string): Error {
  return new Error(`json: cannot unmarshal ${json.slice(0, 20)} into Go value of type ${goType}`);
}

function tokensOf(json: string): string[] {
  return json.match(/"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s{}[\],:"]+/g) ?? [];
}

/** The members of an object or the elements of an array, each as compact text. */
function childrenOf(json: string): { name?: string; value: string }[] {
  const children: { name?: string; value: string }[] = [];
  let depth = 0;
  let name: string | undefined;
  let value = "";
  for (const token of tokensOf(json)) {
    const closes = token === "}" || token === "]";
    if (closes) depth--;
    if (depth === 1 && token === ":") {
      name = String(JSON.parse(value));
      value = "";
    } else if ((depth === 1 && token === ",") || (depth === 0 && closes)) {
      if (value !== "") children.push(name === undefined ? { value } : { name, value });
      name = undefined;
      value = "";
    } else if (depth > 0) {
      value += token;
    }
    if (token === "{" || token === "[") depth++;
  }
  return children;
}
