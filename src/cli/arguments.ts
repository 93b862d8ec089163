/**
 * Reads a command's arguments by its description: strictly, with messages that say what to type.
 *
 * @module
 */

import { assertKey } from "../store/session_name.ts";
import { argumentTokens } from "./argument_tokens.ts";
import { type CommandDescription, type OptionDescription, UsageError } from "./command.ts";

/** Options that every command has. */
export const commonOptions: readonly OptionDescription[] = [
  { name: "dir", value: "DIR", description: "the store's directory ($HOLDFAST_DIR)" },
  { name: "json", description: "one JSON value per line" },
  { name: "help", short: "h", description: "this text" },
];

/** A command's arguments, checked against its description. */
export class ParsedArguments {
  /** In order, as many as the description allows. */
  readonly positionals: readonly string[];
  readonly #values: ReadonlyMap<string, string | true>;

  /**
   * Keeps what was parsed.
   *
   * @param positionals In order.
   * @param values By option name; `true` for a switch.
   */
  constructor(positionals: readonly string[], values: ReadonlyMap<string, string | true>) {
    this.positionals = positionals;
    this.#values = values;
  }

  /**
   * Whether a switch was given.
   *
   * @param name The option.
   * @returns Whether it was there.
   */
  has(name: string): boolean {
    return this.#values.has(name);
  }

  /**
   * An option's value.
   *
   * @param name The option.
   * @returns Its text, undefined if it was not given.
   */
  text(name: string): string | undefined {
    const value = this.#values.get(name);
    return typeof value === "string" ? value : undefined;
  }

  /**
   * The value of an option of kind `count`.
   *
   * @param name The option.
   * @returns A whole number from 0, undefined if it was not given.
   */
  count(name: string): number | undefined {
    const value = this.text(name);
    return value === undefined ? undefined : Number(value);
  }

  /**
   * A required positional argument.
   *
   * @param index Which one, from 0.
   * @returns Its text.
   */
  positional(index: number): string {
    const value = this.positionals[index];
    if (value === undefined) throw new UsageError(`Argument ${index + 1} is missing`);
    return value;
  }
}

/**
 * Parses what stands behind a command's name.
 *
 * @param description The command.
 * @param args The words.
 * @returns The arguments.
 * @throws {UsageError} If they do not fit the description.
 */
export function parseArguments(description: CommandDescription, args: readonly string[]): ParsedArguments {
  const options = [...description.options, ...commonOptions];
  const values = new Map<string, string | true>();
  const positionals: string[] = [];
  for (const token of argumentTokens(options, args)) {
    if (token.kind === "positional") {
      positionals.push(token.value);
      continue;
    }
    const option = options.find(({ name, short }) => name === token.name || short === token.name);
    if (option === undefined || (token.rawName.startsWith("--") ? token.rawName.slice(2) !== option.name : false)) {
      throw new UsageError(
        `Unknown option ${token.rawName}`,
        nearestHint(token.name, options.map(({ name }) => name), "--"),
      );
    }
    values.set(option.name, checkValue(option, token.value, token.isInline));
  }
  if (!values.has("help")) checkPositionals(description, positionals);
  return new ParsedArguments(positionals, values);
}

function checkValue(option: OptionDescription, value: string, inline: boolean): string | true {
  if (option.value === undefined) {
    if (inline) throw new UsageError(`Option --${option.name} takes no value`);
    return true;
  }
  if (value === "" && !inline && option.name !== "summary") {
    throw new UsageError(`Option --${option.name} needs a value: --${option.name} ${option.value}`);
  }
  if (!inline && /^--?[a-z]/.test(value)) {
    throw new UsageError(
      `Option --${option.name} needs a value, and what follows looks like an option: ${value}`,
      `For a value that begins with a dash write --${option.name}=${value}`,
    );
  }
  if (option.kind === "count" && !(/^[0-9]{1,15}$/.test(value))) {
    throw new UsageError(`Option --${option.name} needs a whole number, not ${JSON.stringify(value)}`);
  }
  if (option.choices !== undefined && !option.choices.includes(value)) {
    throw new UsageError(
      `Option --${option.name} has no value ${JSON.stringify(value)}`,
      `It can be: ${option.choices.join(", ")}`,
    );
  }
  if (option.value === "KEY") checkKey(value);
  return value;
}

function checkPositionals(description: CommandDescription, positionals: readonly string[]): void {
  const required = description.positionals.filter((positional) => positional.required);
  const missing = required[positionals.length];
  if (missing !== undefined) throw new UsageError(`${missing.name} is missing: ${missing.description}`);
  const multiple = description.positionals.some((positional) => positional.multiple === true);
  const extra = positionals[description.positionals.length];
  if (!multiple && extra !== undefined) throw new UsageError(`One argument too many: ${JSON.stringify(extra)}`);
  if (description.positionals[0]?.name === "KEY") positionals.forEach(checkKey);
}

function checkKey(key: string): void {
  try {
    assertKey(key);
  } catch (error) {
    throw error instanceof TypeError || error instanceof RangeError ? new UsageError(error.message) : error;
  }
}

/**
 * Finds what was probably meant.
 *
 * @param typed What was typed.
 * @param known What there is.
 * @param prefix Put in front of the suggestion.
 * @returns A hint, null if nothing is near.
 */
export function nearestHint(typed: string, known: readonly string[], prefix: string): string | null {
  let best: string | null = null;
  let bestDistance = 3;
  for (const candidate of known) {
    const distance = candidate.startsWith(typed) && typed !== "" ? 1 : editDistance(typed, candidate);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best === null ? null : `Did you mean ${prefix}${best}?`;
}

function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
