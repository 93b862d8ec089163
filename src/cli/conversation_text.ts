/**
 * A conversation as text: who, when, what; tool calls and results folded; nothing that could steer the terminal.
 *
 * @module
 */

import { type RecordPart, viewRecord } from "./record_view.ts";
import {
  countOf,
  fitText,
  formatBytes,
  type Painter,
  type Style,
  visibleLine,
  visibleText,
  wrapText,
} from "./terminal_text.ts";

/** A record as the log holds it. */
export interface ShownRecord {
  /** Its number. */
  sequence: number;
  /** A JSON object. */
  text: string;
}

/** How a conversation is laid out. */
export interface ConversationLayout {
  /** The width, in columns. */
  readonly columns: number;
  /** Dresses text. */
  readonly paint: Painter;
}

const resultLinesShownMax = 4;
const thinkingLinesShownMax = 2;
const indent = "    ";

const roleStyles: Readonly<Record<string, Style>> = {
  user: "green",
  human: "green",
  assistant: "cyan",
  system: "magenta",
  developer: "magenta",
  tool: "yellow",
  toolResult: "yellow",
};

/**
 * One record of a conversation.
 *
 * @param entry The record as it is written, and its number.
 * @param layout Width and colours.
 * @returns The text, with a final line feed.
 */
export function renderRecord({ sequence, text }: ShownRecord, layout: ConversationLayout): string {
  const { paint } = layout;
  const { who, time, parts } = viewRecord(JSON.parse(text), text);
  const head = [paint(`#${sequence}`, "dim"), paint(visibleLine(who), "bold", roleStyles[who] ?? "blue")];
  if (time !== null) head.push(paint(renderTime(time), "dim"));
  return [head.join("  "), ...parts.flatMap((part) => renderPart(part, layout))].join("\n") + "\n";
}

function renderPart(part: RecordPart, layout: ConversationLayout): string[] {
  const { columns, paint } = layout;
  const width = columns - indent.length;
  switch (part.kind) {
    case "text":
      return wrapText(visibleText(part.text).trimEnd(), width).map((line) => (indent + line).trimEnd());
    case "thinking":
      return folded(part.text, "~ ", thinkingLinesShownMax, layout);
    case "call": {
      const detail = visibleLine(part.detail.replaceAll(/\s+/g, " "));
      return [indent + paint(fitText(`→ ${visibleLine(part.name)} ${detail}`.trimEnd(), width), "yellow")];
    }
    case "result":
      return folded(part.text, "← ", resultLinesShownMax, layout);
    case "other":
      return [indent + paint(fitText(visibleLine(part.text), width), "dim")];
  }
}

/** The first lines, each cut to the width, and how much more there is. */
function folded(text: string, mark: string, linesMax: number, { columns, paint }: ConversationLayout): string[] {
  const lines = visibleText(text).trimEnd().replace(/^(?: *\n)+/, "").split("\n");
  const width = columns - indent.length - mark.length;
  const shown = lines.slice(0, linesMax).map((line) => fitText(line.trimEnd(), width));
  const hidden = lines.length - shown.length;
  const cut = shown.some((line, index) => line !== (lines[index] ?? "").trimEnd());
  if (hidden > 0) {
    shown.push(`… ${countOf(hidden, "more line")}, ${formatBytes(new TextEncoder().encode(text).length)} in all`);
  } else if (cut) shown.push(`… ${formatBytes(new TextEncoder().encode(text).length)} in all`);
  return shown.map((line, index) => indent + paint((index === 0 ? mark : "  ") + line, "dim"));
}

/** To the second, in UTC, if it is a time; else what stands there. */
function renderTime(time: string): string {
  const parsed = new Date(time);
  if (Number.isNaN(parsed.getTime())) return fitText(visibleLine(time), 40);
  return parsed.toISOString().slice(0, 19).replace("T", " ");
}

/**
 * What stands above a conversation: title, how many records are hidden, the summary of what came before.
 *
 * @param facts The session's.
 * @param layout Width and colours.
 * @returns The text; empty if there is nothing to say.
 */
export function renderHeader(
  facts: { title: string | null; summary: string; hidden: number },
  { columns, paint }: ConversationLayout,
): string {
  const lines: string[] = [];
  if (facts.title !== null && facts.title !== "") lines.push(paint(visibleLine(facts.title), "bold"));
  if (facts.summary !== "") {
    lines.push(paint("Summary of what came before:", "bold"));
    lines.push(...wrapText(visibleText(facts.summary), columns - indent.length).map((line) => indent + line));
  }
  if (facts.hidden > 0) lines.push(paint(`${countOf(facts.hidden, "earlier record")} hidden; --all shows them`, "dim"));
  return lines.length === 0 ? "" : lines.join("\n") + "\n\n";
}
