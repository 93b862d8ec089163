/**
 * Text as a terminal may show it: colour, width in columns, wrapping, and nothing that could steer the terminal.
 *
 * @module
 */

import type { OutputStream } from "./command.ts";

/** A colour or weight. */
export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "blue" | "magenta" | "cyan";

const styleCodes: Readonly<Record<Style, number>> = {
  bold: 1,
  dim: 2,
  red: 31,
  green: 32,
  yellow: 33,
  blue: 34,
  magenta: 35,
  cyan: 36,
};

/** Dresses text, or leaves it as it is. */
export type Painter = (text: string, ...styles: Style[]) => string;

/**
 * Chooses whether text is dressed: on a terminal, unless `NO_COLOR` is set or the terminal is `dumb`.
 *
 * @param stream Where the text goes.
 * @param environment For `NO_COLOR`, `TERM` and `FORCE_COLOR`.
 * @returns The painter.
 */
export function painterFor(
  stream: OutputStream,
  environment: Readonly<Record<string, string | undefined>>,
): Painter {
  const coloured = stream.isTerminal && !variable(environment, "NO_COLOR") && variable(environment, "TERM") !== "dumb";
  if (!coloured) return (text) => text;
  return (text, ...styles) =>
    text === "" ? "" : `${styles.map((style) => `\u001b[${styleCodes[style]}m`).join("")}${text}\u001b[0m`;
}

/**
 * Reads an environment variable; where a runtime forbids that, it counts as not set.
 *
 * @param environment The variables.
 * @param name Which one.
 * @returns Its value, undefined if it is unset, empty or forbidden.
 */
export function variable(environment: Readonly<Record<string, string | undefined>>, name: string): string | undefined {
  try {
    const value = environment[name];
    return value === "" ? undefined : value;
  } catch {
    return undefined;
  }
}

// C0 but tab and line feed, DEL, C1, the marks that reorder text, line and paragraph separators, lone surrogates.
const unsafe =
  // deno-lint-ignore no-control-regex
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|\p{Surrogate}/gu;

/**
 * Makes text safe to show: what could move the cursor, change colours or hide other text is spelled out (`\x1b`).
 * Line feeds stay, tabs become spaces.
 *
 * @param text Anything that came from outside.
 * @returns The text, for a terminal.
 */
export function visibleText(text: string): string {
  return text.replaceAll("\r\n", "\n").replaceAll("\t", "    ").replace(unsafe, (character) => {
    if (character === "\r") return "\\r";
    const code = character.charCodeAt(0);
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

/**
 * {@linkcode visibleText} on one line: line feeds are spelled out too.
 *
 * @param text Anything that came from outside.
 * @returns One line.
 */
export function visibleLine(text: string): string {
  return visibleText(text).replaceAll("\n", "\\n");
}

/**
 * How many columns a terminal gives to a text.
 *
 * @param text Visible text without colour.
 * @returns Columns.
 */
export function textWidth(text: string): number {
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

function characterWidth(character: string): number {
  if (character >= " " && character <= "~") return 1;
  // Here, so that a program which shows no such text does not read them.
  if (/^[\p{Mn}\p{Me}\p{Cf}]$/u.test(character)) return 0;
  return /^[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|^\p{Emoji_Presentation}|^[\u{20000}-\u{3fffd}]/u
      .test(character)
    ? 2
    : 1;
}

/**
 * Cuts text to a width, with an ellipsis if something is left out.
 *
 * @param text One visible line.
 * @param columns The most it may take.
 * @returns The line.
 */
export function fitText(text: string, columns: number): string {
  if (textWidth(text) <= columns) return text;
  let fitted = "";
  let width = 0;
  for (const character of text) {
    width += characterWidth(character);
    if (width > columns - 1) break;
    fitted += character;
  }
  return fitted + "…";
}

/**
 * Breaks text into lines of a width, between words where it can. Line feeds and the spaces that begin a line stay.
 *
 * @param text Visible text.
 * @param columns The width, at least 8.
 * @returns The lines.
 */
export function wrapText(text: string, columns: number): string[] {
  const width = Math.max(columns, 8);
  return text.split("\n").flatMap((line) => wrapLine(line, width));
}

function wrapLine(line: string, columns: number): string[] {
  if (textWidth(line) <= columns) return [line.trimEnd()];
  const lines: string[] = [];
  let current = "";
  let width = 0;
  for (const word of line.split(/(?<= )(?=[^ ])/)) {
    const bare = textWidth(word.trimEnd());
    if (width > 0 && width + bare > columns) {
      lines.push(current.trimEnd());
      [current, width] = ["", 0];
    }
    for (const character of word) {
      const step = characterWidth(character);
      if (width + step > columns && character !== " ") {
        lines.push(current);
        [current, width] = ["", 0];
      }
      current += character;
      width += step;
    }
  }
  if (current.trimEnd() !== "") lines.push(current.trimEnd());
  return lines;
}

/**
 * A number of bytes for people: `812 B`, `16.6 KB`, `1.2 MB`; powers of 1,024.
 *
 * @param bytes How many.
 * @returns The text.
 */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  let value = bytes;
  let unit = "B";
  for (const next of ["KB", "MB", "GB", "TB"]) {
    if (value < 1024) break;
    value /= 1024;
    unit = next;
  }
  return `${value < 100 ? value.toFixed(1) : value.toFixed(0)} ${unit}`;
}

/**
 * A number with thousands separated: `12,345`.
 *
 * @param count The number.
 * @returns The text.
 */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/**
 * A number and its noun: `1 record`, `2 records`.
 *
 * @param count How many.
 * @param noun In the singular.
 * @returns The text.
 */
export function countOf(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}
