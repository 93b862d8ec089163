/**
 * A conversation as one page: everything is in the file, nothing is asked for from elsewhere, and a content security
 * policy holds the browser to that. Only the page's own style and script count, by their hashes; pictures only as data.
 *
 * What is written streams: no more of a session is held than the messages that wait for the results of their calls.
 * It is not read back. What it does not hold: records that are no messages, branches that were left, pictures that the
 * records only name.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { CallPairing, type PairedMessage } from "./call_pairing.ts";
import { messageHtml } from "./html_message.ts";
import { renderMarkdown } from "./html_markdown.ts";
import { pageScript } from "./html_script.ts";
import { pageStyle } from "./html_style.ts";
import { escapeHtml } from "./html_text.ts";
import { LossCount } from "./loss_count.ts";
import type { MessageRole } from "./message_view.ts";
import type {
  FormatWriter,
  RecordPlace,
  SessionFacts,
  SessionWriter,
  WriterOptions,
  WrittenRecord,
} from "./session_format.ts";
import { writableMessage } from "./written_message.ts";

const months = "January February March April May June July August September October November December".split(" ");

function hashOf(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

/** What the page may do: show itself. */
export const pagePolicy: string = `default-src 'none'; style-src ${hashOf(pageStyle)}; script-src ${
  hashOf(pageScript)
}; img-src data:; base-uri 'none'; form-action 'none'`;

const keyRows = [
  ["/", "search"],
  ["Enter, n", "next match"],
  ["Shift+Enter, N", "match before"],
  ["Esc", "end the search"],
  ["j, k", "next message, message before"],
  ["J, K", "next of your messages, the one before"],
  ["o", "outline of your messages"],
  ["e", "open or fold everything"],
  ["t", "dark or light"],
  ["?", "this list"],
] as const;

function button(id: string, sign: string, label: string, state: string): string {
  return `<button type="button" id="${id}" title="${label}" aria-label="${label}" ${state} data-script hidden>` +
    `${sign}</button>`;
}

function barHtml(title: string): string {
  return `<div class="bar"><div role="banner"><span class="where">${escapeHtml(title)}</span>` +
    `<form class="search" id="search" role="search" data-script hidden><label for="query">Search</label>` +
    `<input id="query" type="search" aria-keyshortcuts="/" autocomplete="off" spellcheck="false">` +
    `<output id="count" for="query" aria-live="polite"></output>` +
    `<button type="button" id="previous" aria-label="Match before">↑</button>` +
    `<button type="button" id="next" aria-label="Next match">↓</button></form>` +
    button("outline-button", "☰", "Outline of your messages (o)", 'aria-haspopup="dialog"') +
    button("fold-button", "⇕", "Open or fold everything (e)", 'aria-pressed="false"') +
    button("theme-button", "◐", "Dark (t)", 'aria-pressed="false"') +
    button("keys-button", "?", "Keys (?)", 'aria-haspopup="dialog"') + "</div></div>";
}

function aboutHtml({ key, workspace, summary = "" }: SessionFacts, title: string): string {
  const facts = [
    key === undefined || key === title ? "" : escapeHtml(key),
    workspace === undefined ? "" : escapeHtml(workspace),
  ].filter(Boolean);
  const before = summary === "" ? "" : `<details class="fold summary"><summary>Summary of what came before</summary>` +
    `<div class="text">${renderMarkdown(summary)}</div></details>`;
  return `<section class="about"><h1>${escapeHtml(title)}</h1><p class="facts">${
    facts.join(" · ")
  }</p>${before}</section>\n`;
}

const panels = `<dialog class="panel" id="outline" aria-labelledby="outline-title">` +
  `<button type="button" class="close" aria-label="Close">×</button>` +
  `<h2 id="outline-title">What you said</h2><ol></ol></dialog>` +
  `<dialog class="panel" id="keys" aria-labelledby="keys-title">` +
  `<button type="button" class="close" aria-label="Close">×</button><h2 id="keys-title">Keys</h2><dl class="keys">` +
  keyRows.map(([names, does]) =>
    `<dt>${names.split(", ").map((name) => `<kbd>${name}</kbd>`).join(" ")}</dt><dd>${does}</dd>`
  ).join("") + "</dl></dialog>";

/** Writes the page. */
class PageWriter implements SessionWriter {
  readonly #facts: SessionFacts;
  readonly #title: string;
  readonly #losses = new LossCount();
  readonly #pairing = new CallPairing();
  #lastRole: MessageRole | undefined;
  #lastDay = "";
  #count = 0;

  constructor(facts: SessionFacts, { opening }: WriterOptions) {
    this.#facts = facts;
    this.#title = facts.title ?? opening ?? facts.key ?? "Conversation";
  }

  begin(): string {
    const title = this.#title;
    return `<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n` +
      `<meta http-equiv="Content-Security-Policy" content="${pagePolicy}">\n` +
      `<meta name="viewport" content="width=device-width, initial-scale=1">\n` +
      `<meta name="referrer" content="no-referrer">\n<meta name="generator" content="holdfast">\n` +
      `<title>${escapeHtml(title)}</title>\n<style>${pageStyle}</style>\n</head>\n<body>\n` +
      `<a class="skip" href="#conversation">Skip to the conversation</a>\n${barHtml(title)}\n` +
      `<main id="conversation" tabindex="-1">\n${aboutHtml(this.#facts, title)}`;
  }

  write(text: string, place: RecordPlace): WrittenRecord {
    const message = writableMessage(text, place, this.#losses, "");
    if (message === undefined) return { kind: "aside" };
    return { kind: "line", text: this.#html(this.#pairing.take(message, place.sequence)) };
  }

  end(): string {
    const rest = this.#html(this.#pairing.end());
    const count = `${this.#count.toLocaleString("en-US")} ${this.#count === 1 ? "message" : "messages"}`;
    return `${rest}${this.#count === 0 ? '<p class="note">(no messages)</p>\n' : ""}</main>\n` +
      `<footer>${count}. This page is whole: it loads nothing.</footer>\n${panels}\n` +
      `<script>${pageScript}</script>\n</body>\n</html>\n`;
  }

  files(): [] {
    return [];
  }

  lost(): readonly string[] {
    return this.#losses.list();
  }

  #html(messages: readonly PairedMessage[]): string {
    let html = "";
    for (const paired of messages) {
      const { role, time } = paired.message;
      const day = time?.slice(0, 10) ?? this.#lastDay;
      if (day !== this.#lastDay) {
        html += `<h2 class="day">${dayName(day)}</h2>\n`;
        this.#lastDay = day;
        this.#lastRole = undefined;
      }
      html += messageHtml(paired, { isContinued: role === this.#lastRole });
      this.#lastRole = role;
      this.#count++;
    }
    return html;
  }
}

function dayName(day: string): string {
  const [year = "", month = "", date = ""] = day.split("-");
  return `${Number(date)} ${months[Number(month) - 1] ?? month} ${year}`;
}

/** The {@linkcode FormatWriter} of the page. */
export const htmlWriter: FormatWriter = {
  name: "html",
  title: "one page for the browser, whole by itself",
  extension: ".html",
  directory: "",
  losses: [
    "Records that are no messages, branches that were left, pictures that the records only name. It is not read back.",
  ],
  wantsBranch: true,
  open: (facts, options) => new PageWriter(facts, options),
};
