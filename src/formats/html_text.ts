/**
 * Text from anybody, made safe for a page: nothing in it is markup, and nothing in it is invisible or turns the
 * direction of what stands beside it.
 *
 * @module
 */

const escapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Control characters other than tab and line feed, direction overrides, blanks of no width, and halves of characters. */
const hidden =
  // deno-lint-ignore no-control-regex
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|\p{Surrogate}/gu;

/** What a terminal takes for colours. */
// deno-lint-ignore no-control-regex
const colours = /\u001b\[[0-9;:]{0,100}m/g;

/**
 * Shows characters that would not be seen, or would change how others are.
 *
 * @param text Any text.
 * @returns The text with their numbers in their place: `⟨U+202E⟩`. CRLF becomes LF.
 */
export function visibleControls(text: string): string {
  return text.replaceAll("\r\n", "\n").replace(hidden, (character) => {
    return `\u27e8U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}\u27e9`;
  });
}

/**
 * Makes text safe for a page, in an element or in a quoted attribute.
 *
 * @param text Any text.
 * @returns HTML that shows it.
 */
export function escapeHtml(text: string): string {
  return visibleControls(text).replace(/[&<>"']/g, (sign) => escapes[sign] ?? sign);
}

/**
 * What a program printed, as a page shows it: a terminal's colours are left out.
 *
 * @param text Any text.
 * @returns HTML that shows it.
 */
export function escapeOutput(text: string): string {
  return escapeHtml(text.replace(colours, ""));
}
