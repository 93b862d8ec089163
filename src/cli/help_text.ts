/**
 * Help, made from the commands' descriptions.
 *
 * @module
 */

import { commonOptions } from "./arguments.ts";
import type { CommandDescription, OptionDescription } from "./command.ts";
import { wrapText } from "./terminal_text.ts";

const lineWidth = 80;

/**
 * The help of the whole program.
 *
 * @param descriptions Every command, in the order of the list; hidden ones are left out.
 * @returns The text, with a final line feed.
 */
export function programHelp(descriptions: readonly CommandDescription[]): string {
  const shown = descriptions.filter((description) => description.hidden !== true);
  return [
    "Holdfast keeps the sessions of AI agents: one JSON Lines file each, every record",
    "durable before it is acknowledged, nothing lost when the power is pulled.",
    "",
    "usage: holdfast <command> [--dir DIR] [--json]",
    "",
    "commands:",
    ...columns(shown.map(({ name, summary }) => [name, summary])),
    "",
    "options:",
    ...columns([...commonOptions.map(optionColumns), ["    --version", "the program's version"]]),
    "",
    "The directory is --dir, else $HOLDFAST_DIR, else $XDG_DATA_HOME/holdfast, else",
    "~/.local/share/holdfast. Colour is left out where NO_COLOR is set.",
    "",
    "exit codes: 0 done, 1 found damage or failed, 2 wrong usage, 3 locked by another",
    "process, 130 and 143 stopped by SIGINT and SIGTERM at a safe point.",
    "",
    "holdfast <command> --help says more about one command.",
    "",
  ].join("\n");
}

/**
 * The help of one command.
 *
 * @param description The command.
 * @returns The text, with a final line feed.
 */
export function commandHelp(description: CommandDescription): string {
  const lines = [...wrapUsage(description), "", ...wrapText(sentence(description.summary), lineWidth)];
  for (const paragraph of description.details ?? []) lines.push("", ...wrapText(paragraph, lineWidth));
  if (description.positionals.length > 0) {
    lines.push("", "arguments:");
    lines.push(...columns(description.positionals.map(({ name, description: text }) => [name, text])));
  }
  lines.push("", "options:", ...columns([...description.options, ...commonOptions].map(optionColumns)));
  if (description.examples.length > 0) lines.push("", "examples:");
  for (const { does, line } of description.examples) lines.push(`  # ${does}`, `  ${line}`);
  return lines.join("\n") + "\n";
}

/**
 * The usage line of one command.
 *
 * @param description The command.
 * @returns One line.
 */
export function usageLine(description: CommandDescription): string {
  const words = ["usage: holdfast", description.name];
  for (const { name, required, multiple } of description.positionals) {
    const word = multiple === true ? `${name}…` : name;
    words.push(required ? word : `[${word}]`);
  }
  for (const { name, value } of description.options) {
    words.push(value === undefined ? `[--${name}]` : `[--${name} ${value}]`);
  }
  return [...words, "[--dir DIR]", "[--json]"].join(" ");
}

function wrapUsage(description: CommandDescription): string[] {
  const [first = "", ...rest] = wrapText(usageLine(description).replaceAll(/(?<=\[\S+) /g, "\u00a0"), lineWidth - 4);
  return [first, ...rest.map((line) => `    ${line}`)].map((line) => line.replaceAll("\u00a0", " "));
}

function sentence(summary: string): string {
  return summary.charAt(0).toUpperCase() + summary.slice(1) + ".";
}

function optionColumns(option: OptionDescription): [string, string] {
  const short = option.short === undefined ? "    " : `-${option.short}, `;
  const value = option.value === undefined ? "" : ` ${option.value}`;
  const choices = option.choices === undefined ? "" : ` (${option.choices.join(", ")})`;
  return [`${short}--${option.name}${value}`, option.description + choices];
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.flatMap(([left, right]) =>
    wrapText(right, lineWidth - width - 4).map((line, index) => `  ${(index === 0 ? left : "").padEnd(width)}  ${line}`)
  );
}
