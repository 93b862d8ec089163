/**
 * A message as HTML: who and when, text, thoughts and tool calls folded with their results beside them, pictures.
 *
 * @module
 */
import { isJsonObject, type JsonObject } from "../log/json_text.ts";
import type { PairedMessage } from "./call_pairing.ts";
import { renderMarkdown } from "./html_markdown.ts";
import { escapeHtml, escapeOutput } from "./html_text.ts";
import type { CallPart, ImagePart, MessagePart, ResultPart } from "./message_parts.ts";
import type { MessageRole } from "./message_view.ts";

const roleTitles: Readonly<Record<MessageRole, string>> = {
  user: "You",
  assistant: "Assistant",
  tool: "Tool",
  system: "System",
};
/** Of a call's input what says most about it in a line. */
const tellingNames = [
  "command",
  "cmd",
  "file_path",
  "path",
  "pattern",
  "query",
  "url",
  "code",
  "description",
  "prompt",
];
const gistLengthMax = 140;
const pictureTypes = new Set(["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"]);
/** A system's message of this length is folded. */
const systemLengthMax = 600;

/** How a message is shown. */
export interface MessageLook {
  /** Whether the same speaker goes on: who it is need not be said again. */
  isContinued: boolean;
}

/**
 * Renders a message.
 *
 * @param paired The message and the results of its calls.
 * @param look How.
 * @returns An `article`, with a line feed at the end.
 */
export function messageHtml({ message, sequence, results }: PairedMessage, { isContinued }: MessageLook): string {
  const { role, roleName, time, model, parts } = message;
  const kind = isContinued ? `${role} continued` : role;
  const clock = time === undefined ? "" : `<time datetime="${escapeHtml(time)}">${time.slice(11, 16)}</time>`;
  const name = roleTitles[role] + (role === "system" && roleName !== "system" ? ` · ${roleName}` : "");
  const shownModel = model === undefined || role !== "assistant"
    ? ""
    : ` <span class="model">${escapeHtml(model)}</span>`;
  const body = parts.map((part, place) => partHtml(part, role, results.get(place)));
  if (parts.length === 0) body.push('<p class="note">(says nothing)</p>');
  return `<article class="message ${kind}" id="m${sequence}" tabindex="-1">` +
    `<header><h3>${escapeHtml(name)}</h3>${shownModel}<a class="at" href="#m${sequence}" ` +
    `aria-label="Link to message ${sequence}">${clock === "" ? `#${sequence}` : clock}</a></header>\n` +
    `<div class="body">${body.join("\n")}</div></article>\n`;
}

function partHtml(part: MessagePart, role: MessageRole, result: ResultPart | undefined): string {
  switch (part.kind) {
    case "text": {
      const html = `<div class="text">${renderMarkdown(part.text)}</div>`;
      if (role !== "system" || part.text.length <= systemLengthMax) return html;
      return `<details class="fold"><summary>${escapeHtml(gistOf(part.text))}</summary>${html}</details>`;
    }
    case "thinking":
      if (part.text.trim() === "") return '<p class="note">(a thought that cannot be shown)</p>';
      return `<details class="fold thinking"><summary><span class="label">Thinking</span> <span class="gist">` +
        `${escapeHtml(gistOf(part.text))}</span></summary><div class="text">${
          renderMarkdown(part.text)
        }</div></details>`;
    case "call":
      return callHtml(part, result);
    case "result":
      return `<details class="tool"><summary><span class="label">Result</span> <code>${
        escapeHtml(part.name ?? "")
      }</code> ` +
        `${statusHtml(part)}</summary>${resultHtml(part)}</details>`;
    case "image":
      return pictureHtml(part);
    case "file":
      return `<p class="note">Attached: ${escapeHtml(part.name)}</p>`;
    case "other":
      return `<p class="note">${
        escapeHtml(part.text.length > 2_000 ? `${part.text.slice(0, 2_000)}…` : part.text)
      }</p>`;
  }
}

function callHtml({ name, input }: CallPart, result: ResultPart | undefined): string {
  const value = decoded(input);
  const status = result === undefined ? '<span class="status none">no result</span>' : statusHtml(result);
  return `<details class="tool${result?.isError === true ? " failed" : ""}"><summary><span class="name">${
    escapeHtml(name)
  }</span> ` + `<code class="gist">${escapeHtml(callGist(value, input))}</code> ${status}</summary>` +
    `<div class="input">${inputHtml(value, input)}</div>${result === undefined ? "" : resultHtml(result)}</details>`;
}

function statusHtml({ text, images, isError }: ResultPart): string {
  const lines = text === "" ? 0 : text.split("\n").length;
  const size = images.length > 0 ? "picture" : lines === 1 ? "1 line" : `${lines.toLocaleString("en-US")} lines`;
  return isError ? '<span class="status error">failed</span>' : `<span class="status">${size}</span>`;
}

function resultHtml({ text, images, isError }: ResultPart): string {
  const shown = text === "" && images.length === 0
    ? '<p class="note">(nothing)</p>'
    : text === ""
    ? ""
    : `<pre class="output" tabindex="0">${escapeOutput(text)}</pre>`;
  return `<div class="result"><h4>${isError ? "Error" : "Result"}</h4>${shown}${
    images.map(pictureHtml).join("")
  }</div>`;
}

/** Each member by itself, texts as they read and not as JSON writes them. */
function inputHtml(value: unknown, input: string): string {
  if (!isJsonObject(value)) return input === "" ? "" : `<pre tabindex="0">${escapeHtml(input)}</pre>`;
  return Object.entries(value).map(([name, member]) => {
    const text = typeof member === "string" ? member : JSON.stringify(member, null, 2);
    const change = /^old/i.test(name) ? " removed" : /^new/i.test(name) ? " added" : "";
    const isShort = text.length <= 100 && !text.includes("\n");
    const shown = isShort ? `<code>${escapeHtml(text)}</code>` : `<pre tabindex="0">${escapeHtml(text)}</pre>`;
    return `<div class="field${change}"><span class="name">${escapeHtml(name)}</span>${shown}</div>`;
  }).join("");
}

function callGist(value: unknown, input: string): string {
  if (!isJsonObject(value)) return gistOf(input);
  const members: JsonObject = value;
  const telling = tellingNames.map((name) => members[name]).find((member) =>
    typeof member === "string" && member !== ""
  );
  const first = Object.values(members).find((member) => typeof member === "string" && member !== "");
  const text = telling ?? first;
  return gistOf(typeof text === "string" ? text : input === "{}" ? "" : input);
}

function gistOf(text: string): string {
  const line = text.slice(0, gistLengthMax * 4).replace(/\s+/g, " ").trim();
  return line.length > gistLengthMax ? `${line.slice(0, gistLengthMax)}…` : line;
}

/** Only pictures that the record holds, and only of kinds that are nothing but pictures. */
function pictureHtml({ data, mimeType, url }: ImagePart): string {
  if (data === undefined) return `<p class="note">Picture: ${escapeHtml(url ?? "")}</p>`;
  const base64 = data.replace(/\s/g, "");
  const isShown = pictureTypes.has(mimeType) && /^[A-Za-z0-9+/]+={0,2}$/.test(base64);
  if (!isShown) return `<p class="note">A picture that is not shown (${escapeHtml(mimeType)})</p>`;
  return `<img alt="A picture in the conversation" src="data:${mimeType};base64,${base64}">`;
}

function decoded(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
