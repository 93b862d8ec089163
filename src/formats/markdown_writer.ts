/**
 * Markdown, written for people: a heading per speaker, tool calls and their results folded away, nothing but the
 * conversation. Text stands as it was written; what could end a fold or a code block is fenced longer than it.
 *
 * It is not read back. What it does not hold: records that are no messages, branches that were left, thoughts'
 * signatures, pictures (they are named).
 *
 * @module
 */
import { visibleControls } from "./html_text.ts";
import { LossCount } from "./loss_count.ts";
import type { MessagePart } from "./message_parts.ts";
import type { MessageView } from "./message_view.ts";
import type { FormatWriter, SessionFacts, SessionWriter } from "./session_format.ts";
import { writableMessage } from "./written_message.ts";

const roleTitles = { user: "User", assistant: "Assistant", tool: "Tool", system: "System" } as const;

/**
 * Puts text into a code block that it cannot end.
 *
 * @param text Any text.
 * @param language What it is in.
 * @returns The block, with a line feed at the end.
 */
export function fenced(text: string, language = ""): string {
  let longest = 2;
  for (const [run] of text.matchAll(/`+/g)) longest = Math.max(longest, run.length);
  const fence = "`".repeat(longest + 1);
  return `${fence}${language}\n${text.replace(/\n$/, "")}\n${fence}\n`;
}

/** What stands in an HTML tag, in Markdown. */
function inTag(text: string): string {
  return text.replace(/\s+/g, " ").replace(/[&<>]/g, (sign) => ({ "&": "&amp;", "<": "&lt;" })[sign] ?? "&gt;");
}

function folded(title: string, body: string): string {
  return `<details>\n<summary>${inTag(title)}</summary>\n\n${body}\n</details>\n`;
}

function partText(part: MessagePart): string {
  switch (part.kind) {
    case "text":
      return `${part.text.trim()}\n`;
    case "thinking":
      return folded("Thinking", fenced(part.text));
    case "call":
      return folded(`Call of ${part.name}`, fenced(part.input, "json"));
    case "result": {
      const pictures = part.images.map(() => "*(a picture)*\n").join("");
      return folded(
        `${part.isError ? "Error" : "Result"}${part.name ? ` of ${part.name}` : ""}`,
        fenced(part.text) + pictures,
      );
    }
    case "image":
      return `*(a picture${part.url === undefined ? "" : `: ${fenced(part.url).trim()}`})*\n`;
    case "file":
      return `*(attached: ${inTag(part.name)})*\n`;
    case "other":
      return folded("More", fenced(part.text));
  }
}

/**
 * A message as Markdown.
 *
 * @param message The message.
 * @returns The text, with an empty line at the end.
 */
export function messageMarkdown({ role, time, model, parts }: MessageView): string {
  const shownModel = role === "assistant" && model !== undefined ? ` · ${inTag(model)}` : "";
  const head = `## ${roleTitles[role]}${shownModel}${time === undefined ? "" : ` · ${time}`}`;
  return visibleControls([head, ...parts.map((part) => partText(part).trimEnd())].join("\n\n")) + "\n\n";
}

function headText(
  { title, key = "Conversation", workspace, createdAt, summary = "" }: SessionFacts,
  opening = key,
): string {
  const lines = [`# ${inTag(title ?? opening)}`];
  const about = [workspace === undefined ? "" : `Workspace: ${inTag(workspace)}`, createdAt ?? ""].filter(Boolean);
  if (about.length > 0) lines.push(about.join(" · "));
  if (summary !== "") lines.push(folded("Summary of what came before", summary));
  return visibleControls(lines.join("\n\n")) + "\n\n";
}

/** The {@linkcode FormatWriter} of Markdown. */
export const markdownWriter: FormatWriter = {
  name: "markdown",
  title: "Markdown, for people",
  extension: ".md",
  directory: "",
  losses: ["Records that are no messages, branches that were left, pictures. It is not read back."],
  wantsBranch: true,
  open(facts, { opening }): SessionWriter {
    const losses = new LossCount();
    return {
      begin: () => headText(facts, opening),
      write(text, place) {
        const message = writableMessage(text, place, losses, "");
        return message === undefined ? { kind: "aside" } : { kind: "line", text: messageMarkdown(message) };
      },
      end: () => "",
      files: () => [],
      lost: () => losses.list(),
    };
  },
};
