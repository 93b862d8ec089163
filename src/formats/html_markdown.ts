/**
 * The Markdown that models write, as HTML: paragraphs, headings, lists, quotes, tables, code blocks; code, emphasis and
 * links in a line. Small on purpose: what is not known stays as it was typed, and every character of the text goes
 * through `escapeHtml`. Only `http:`, `https:` and `mailto:` become links. The time is proportional to the length.
 *
 * @module
 */
import { escapeHtml } from "./html_text.ts";

/** A line as long as this is data: no emphasis is looked for in it. */
const inlineLengthMax = 8_000;
const quoteDepthMax = 4;
const listDepthMax = 6;

const inlinePattern = new RegExp(
  [
    "(?<code>``[^`\\n]{1,2000}``|`[^`\\n]{1,2000}`)",
    "(?<strong>\\*\\*[^*\\n]{1,1000}\\*\\*)",
    "(?<emphasis>(?<![\\w*])\\*[^*\\s][^*\\n]{0,1000}\\*(?![\\w*]))",
    "\\[(?<label>[^\\[\\]\\n]{1,500})\\]\\((?<target>[^()\\s]{1,2000})\\)",
    "(?<url>\\bhttps?://[^\\s<>\"'`\\])]{1,2000})",
  ].join("|"),
  "g",
);

/**
 * Renders a line's worth of text.
 *
 * @param text Without line breaks, or with: they stay.
 * @returns HTML.
 */
export function renderInline(text: string): string {
  if (text.length > inlineLengthMax) return escapeHtml(text);
  let html = "";
  let end = 0;
  for (const match of text.matchAll(inlinePattern)) {
    const { code, strong, emphasis, label, target, url } = match.groups ?? {};
    html += escapeHtml(text.slice(end, match.index));
    end = match.index + match[0].length;
    if (code !== undefined) html += `<code>${escapeHtml(code.replace(/^``? ?| ?``?$/g, ""))}</code>`;
    else if (strong !== undefined) html += `<strong>${renderInline(strong.slice(2, -2))}</strong>`;
    else if (emphasis !== undefined) html += `<em>${escapeHtml(emphasis.slice(1, -1))}</em>`;
    else if (label !== undefined && target !== undefined) html += linkHtml(target, label, match[0]);
    else if (url !== undefined) {
      const bare = url.replace(/[.,;:!?*_]{1,20}$/, "");
      html += linkHtml(bare, bare, bare) + escapeHtml(url.slice(bare.length));
    }
  }
  return html + escapeHtml(text.slice(end));
}

function linkHtml(target: string, label: string, source: string): string {
  if (!/^(?:https?:\/\/|mailto:)[^\s]+$/i.test(target)) return escapeHtml(source);
  return `<a href="${escapeHtml(target)}" rel="noopener noreferrer">${escapeHtml(label)}</a>`;
}

/** Reads blocks off a list of lines. */
class BlockReader {
  readonly #lines: readonly string[];
  readonly #depth: number;
  #at = 0;

  constructor(lines: readonly string[], depth: number) {
    this.#lines = lines;
    this.#depth = depth;
  }

  render(): string {
    const blocks: string[] = [];
    while (this.#at < this.#lines.length) {
      if (this.#line().trim() === "") this.#at++;
      else blocks.push(this.#block());
    }
    return blocks.join("\n");
  }

  #line(): string {
    return this.#lines[this.#at] ?? "";
  }

  #block(): string {
    const line = this.#line();
    const fence = /^ {0,3}(`{3,}|~{3,})[ \t]*([^`\s]{0,40})/.exec(line);
    if (fence?.[1] !== undefined) return this.#code(fence[1], fence[2] ?? "");
    const heading = /^ {0,3}(#{1,6})[ \t]+(.+)$/.exec(line);
    if (heading?.[1] !== undefined) {
      this.#at++;
      return `<p class="heading h${heading[1].length}">${renderInline(withoutTail(heading[2] ?? "", " \t#"))}</p>`;
    }
    if (/^ {0,3}(?:-[ \t]*){3,40}$|^ {0,3}(?:\*[ \t]*){3,40}$/.test(line)) {
      this.#at++;
      return "<hr>";
    }
    if (/^ {0,3}>/.test(line) && this.#depth < quoteDepthMax) {
      const lines = this.#take((other) => /^ {0,3}>/.test(other)).map((other) => other.replace(/^ {0,3}> ?/, ""));
      return `<blockquote>${new BlockReader(lines, this.#depth + 1).render()}</blockquote>`;
    }
    if (itemPattern.test(line)) return this.#list();
    const next = this.#lines[this.#at + 1] ?? "";
    if (/^\s*\|.*\|\s*$/.test(line) && /^[\s|:-]{3,1000}$/.test(next) && next.includes("-")) return this.#table();
    const lines = [line];
    this.#at++;
    lines.push(...this.#take((other) => other.trim() !== "" && !startsBlock(other)));
    return `<p dir="auto">${renderInline(lines.join("\n"))}</p>`;
  }

  #take(belongs: (line: string) => boolean): string[] {
    const start = this.#at;
    while (this.#at < this.#lines.length && belongs(this.#line())) this.#at++;
    return this.#lines.slice(start, this.#at);
  }

  #code(fence: string, language: string): string {
    this.#at++;
    const isEnd = (line: string): boolean => {
      const text = line.trim();
      return text.length >= fence.length && text === fence.charAt(0).repeat(text.length);
    };
    const lines = this.#take((line) => !isEnd(line));
    this.#at++;
    return codeBlock(lines.join("\n"), language);
  }

  /** Items with their continuation lines, and lists in them by their indent. */
  #list(): string {
    const items: ListItem[] = [];
    while (this.#at < this.#lines.length) {
      const line = this.#line();
      const match = itemPattern.exec(line);
      if (match !== null) {
        const [, blanks = "", mark = "", text = ""] = match;
        items.push({ indent: blanks.replaceAll("\t", "    ").length, mark, lines: [text] });
      } else if (line.trim() === "") {
        if (!itemPattern.test(this.#lines[this.#at + 1] ?? "")) break;
      } else if (/^\s{2,}\S/.test(line) && !startsBlock(line)) {
        items.at(-1)?.lines.push(line.trim());
      } else break;
      this.#at++;
    }
    return listHtml(items, 0);
  }

  #table(): string {
    const rows = this.#take((line) => /^\s*\|.*\|\s*$/.test(line));
    const cells = (row: string): string[] =>
      row.trim().slice(1, -1).split("|").map((cell) => renderInline(cell.trim()));
    const head = cells(rows[0] ?? "").map((cell) => `<th scope="col">${cell}</th>`).join("");
    const body = rows.slice(2).map((row) => `<tr>${cells(row).map((cell) => `<td>${cell}</td>`).join("")}</tr>`);
    return `<div class="table" tabindex="0" role="region" aria-label="Table"><table><thead><tr>${head}</tr></thead>` +
      `<tbody>${body.join("")}</tbody></table></div>`;
  }
}

/** An item of a list. */
interface ListItem {
  indent: number;
  mark: string;
  lines: string[];
}

/** A list of items of about the same indent; what is indented further is a list in the item before it. */
function listHtml(items: readonly ListItem[], depth: number): string {
  const [first] = items;
  if (first === undefined) return "";
  const isOrdered = /^\d/.test(first.mark);
  let html = "";
  for (let at = 0; at < items.length;) {
    const item = items[at++];
    let end = at;
    while (depth < listDepthMax && (items[end]?.indent ?? 0) >= first.indent + 2) end++;
    const value = isOrdered && /^\d/.test(item?.mark ?? "") ? ` value="${parseInt(item?.mark ?? "", 10)}"` : "";
    html += `<li${value}>${renderInline((item?.lines ?? []).join("\n"))}${
      listHtml(items.slice(at, end), depth + 1)
    }</li>`;
    at = end;
  }
  return isOrdered ? `<ol dir="auto">${html}</ol>` : `<ul dir="auto">${html}</ul>`;
}

const itemPattern = /^(\s{0,12})([-*+]|\d{1,6}[.)])[ \t]+(\S.*)$/;

/** Without the characters at its end; a pattern would look at every run of them in the line. */
function withoutTail(text: string, characters: string): string {
  let end = text.length;
  while (end > 0 && characters.includes(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}

function startsBlock(line: string): boolean {
  return /^ {0,3}(?:`{3}|~{3}|#{1,6}[ \t]|>)/.test(line) || itemPattern.test(line);
}

/**
 * A block of code.
 *
 * @param text The code.
 * @param language What it is in, as a label; may be empty.
 * @returns HTML.
 */
export function codeBlock(text: string, language = ""): string {
  const label = language === "" ? "" : `<figcaption>${escapeHtml(language)}</figcaption>`;
  return `<figure class="code">${label}<pre tabindex="0"><code>${escapeHtml(text)}</code></pre></figure>`;
}

/**
 * Renders a text.
 *
 * @param text Markdown, or any text.
 * @returns HTML.
 */
export function renderMarkdown(text: string): string {
  return new BlockReader(text.replaceAll("\r\n", "\n").split("\n"), 0).render();
}
