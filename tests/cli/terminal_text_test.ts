import assert from "node:assert/strict";
import { test } from "node:test";
import {
  countOf,
  fitText,
  formatBytes,
  formatCount,
  painterFor,
  textWidth,
  variable,
  visibleLine,
  visibleText,
  wrapText,
} from "../../src/cli/terminal_text.ts";
import { TextStream } from "./in_process.ts";

test("visibleText leaves no control character but the line feed, for every one there is", () => {
  for (let code = 0; code < 0xa0; code++) {
    const shown = visibleText(`a${String.fromCharCode(code)}b`);
    const isControl = code < 0x20 || code >= 0x7f;
    // deno-lint-ignore no-control-regex
    assert.doesNotMatch(shown, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/, `code ${code}`);
    if (!isControl) assert.equal(shown, `a${String.fromCharCode(code)}b`);
  }
  assert.equal(visibleText("\u001b[31mred\u001b]0;title\u0007"), "\\x1b[31mred\\x1b]0;title\\x07");
  assert.equal(visibleText("a\r\nb\nc\rd\te"), "a\nb\nc\\rd    e");
});

test("visibleText spells out what reorders or hides text: bidirectional marks, separators, lone surrogates", () => {
  for (const character of ["\u202e", "\u2066", "\u200f", "\u2028", "\u2029", "\ufeff", "\ud800", "\udc00"]) {
    assert.equal(visibleText(character), `\\u${character.charCodeAt(0).toString(16)}`);
  }
  assert.equal(visibleText("気温 🌡️ 👩🏽‍🌾 é"), "気温 🌡️ 👩🏽‍🌾 é");
});

test("visibleLine is one line", () => {
  assert.equal(visibleLine("a\nb\r\n"), "a\\nb\\n");
});

test("textWidth counts columns: two for wide characters, none for combining ones", () => {
  assert.deepEqual(["abc", "気温", "é", "e\u0301", "🌱", ""].map(textWidth), [3, 4, 1, 1, 2, 0]);
});

test("fitText cuts to the width and says so", () => {
  assert.equal(fitText("abcdef", 6), "abcdef");
  assert.equal(fitText("abcdefg", 6), "abcde…");
  assert.equal(fitText("気温は20度", 6), "気温…");
});

test("wrapText breaks between words, and inside one that is too long; no line is over the width", () => {
  assert.deepEqual(wrapText("one two three four", 9), ["one two", "three", "four"]);
  assert.deepEqual(wrapText("abcdefghijklmnopqrst", 8), ["abcdefgh", "ijklmnop", "qrst"]);
  assert.deepEqual(wrapText("a\n\n  b", 20), ["a", "", "  b"]);
  const text = "Zwölf Boxkämpfer jagen 気温は20度です Viktor quer über den großen Sylter Deich 🌱 ".repeat(4);
  for (let columns = 8; columns < 100; columns++) {
    const lines = wrapText(text, columns);
    for (const line of lines) assert.ok(textWidth(line) <= columns, `${columns}: ${line}`);
    assert.equal(lines.join("").replaceAll(" ", ""), text.replaceAll(" ", ""));
  }
});

test("formatBytes, formatCount and countOf", () => {
  assert.deepEqual([0, 1023, 1024, 17_017, 1_048_576, 5e9, 3e12].map(formatBytes), [
    "0 B",
    "1023 B",
    "1.0 KB",
    "16.6 KB",
    "1.0 MB",
    "4.7 GB",
    "2.7 TB",
  ]);
  assert.deepEqual([0, 999, 1000, 1234567].map(formatCount), ["0", "999", "1,000", "1,234,567"]);
  assert.deepEqual([0, 1, 2000].map((count) => countOf(count, "line")), ["0 lines", "1 line", "2,000 lines"]);
});

test("painterFor colours only a terminal, and none where NO_COLOR is set or the terminal is dumb", () => {
  const terminal = new TextStream({ isTerminal: true });
  assert.equal(painterFor(terminal, {})("x", "bold", "red"), "\u001b[1m\u001b[31mx\u001b[0m");
  assert.equal(painterFor(terminal, {})("", "red"), "");
  assert.equal(painterFor(terminal, { NO_COLOR: "1" })("x", "red"), "x");
  assert.equal(painterFor(terminal, { NO_COLOR: "" })("x", "red"), "\u001b[31mx\u001b[0m");
  assert.equal(painterFor(terminal, { TERM: "dumb" })("x", "red"), "x");
  assert.equal(painterFor(new TextStream(), {})("x", "red"), "x");
});

test("variable counts one that may not be read as not set", () => {
  const forbidden = new Proxy({}, {
    get() {
      throw new Error("NotCapable");
    },
  });
  assert.equal(variable(forbidden, "HOME"), undefined);
  assert.deepEqual([variable({ A: "" }, "A"), variable({ A: "x" }, "A")], [undefined, "x"]);
});
