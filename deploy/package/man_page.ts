/**
 * The man page, made from what the program says of itself. Pure.
 *
 * @module
 */

import { commonOptions } from "../../src/cli/arguments.ts";
import type { CommandDescription, OptionDescription } from "../../src/cli/command.ts";
import { programHelp, usageLine } from "../../src/cli/help_text.ts";

/**
 * Writes the man page.
 *
 * @param descriptions Every command, in the order of the help; hidden ones are left out.
 * @param version The program's version.
 * @returns The page, for `man`.
 */
export function manPage(descriptions: readonly CommandDescription[], version: string): string {
  const shown = descriptions.filter(({ hidden }) => hidden !== true);
  return [
    `.TH HOLDFAST 1 "" "holdfast ${roff(version)}" "User Commands"`,
    ".SH NAME",
    "holdfast \\- keep the sessions of AI agents, through power cuts",
    ".SH SYNOPSIS",
    ".B holdfast",
    "\\fIcommand\\fR [\\fB\\-\\-dir\\fR \\fIDIR\\fR] [\\fB\\-\\-json\\fR]",
    ".SH DESCRIPTION",
    roff(paragraphOf(shown, (text) => text.startsWith("Holdfast "))),
    ".SH COMMANDS",
    ...shown.flatMap(commandSection),
    ".SH COMMON OPTIONS",
    ...commonOptions.flatMap(optionLines),
    ".SH ENVIRONMENT",
    roff(paragraphOf(shown, (text) => text.startsWith("The directory is "))),
    ".SH EXIT STATUS",
    roff(paragraphOf(shown, (text) => text.startsWith("exit codes: "))),
    ".SH FILES",
    ".TP",
    ".I /var/lib/holdfast/sessions",
    "The store of the agent that comes with the package, and of its housekeeping.",
    ".TP",
    ".I /etc/default/holdfast",
    "Their settings.",
    ".SH SEE ALSO",
    ".BR systemctl (1),",
    ".BR journalctl (1),",
    ".BR flock (1)",
    "",
  ].join("\n");
}

/** What the whole program's help says stands there in paragraphs: none of it is said twice. */
function paragraphOf(descriptions: readonly CommandDescription[], isWanted: (text: string) => boolean): string {
  const paragraphs = programHelp(descriptions).split("\n\n").map((text) => text.replaceAll(/\s+/g, " ").trim());
  const found = paragraphs.find(isWanted);
  if (found === undefined) throw new Error("The program's help lacks a paragraph that the man page is made from");
  return found;
}

function commandSection(description: CommandDescription): string[] {
  const { summary, details = [], positionals, options, examples } = description;
  const usage = usageLine(description).replace("usage: ", "");
  const lines = [`.SS ${roff(description.name)}`, `.B ${roff(usage)}`, ".PP"];
  lines.push(roff(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`));
  for (const paragraph of details) lines.push(".PP", roff(paragraph));
  for (const { name, description: text } of positionals) lines.push(".TP", `.I ${roff(name)}`, roff(text));
  lines.push(...options.flatMap(optionLines));
  for (const { does, line } of examples) {
    lines.push(".PP", roff(`${does.charAt(0).toUpperCase()}${does.slice(1)}`), ".PP", ".nf");
    lines.push(`.RS`, roff(line), ".RE", ".fi");
  }
  return lines;
}

function optionLines({ name, short, value, choices, description }: OptionDescription): string[] {
  const names = [...(short === undefined ? [] : [`\\fB\\-${short}\\fR`]), `\\fB\\-\\-${roff(name)}\\fR`].join(", ");
  const said = choices === undefined ? description : `${description} (${choices.join(", ")})`;
  return [".TP", value === undefined ? names : `${names} \\fI${roff(value)}\\fR`, roff(said)];
}

/**
 * Text as roff takes it: no line begins a request, and nothing in it is one.
 *
 * @param text Any text.
 * @returns The same for a reader of the page.
 */
export function roff(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll(/^(?=[.'])/gm, "\\&");
}
