import assert from "node:assert/strict";
import { test } from "node:test";
import { textWidth } from "../../src/cli/terminal_text.ts";
import { renderPairs, renderTable } from "../../src/cli/text_table.ts";
import { TextStream } from "./in_process.ts";

const columns = [{ heading: "KEY", shrinks: true }, { heading: "RECORDS", align: "right" as const }, {
  heading: "ABOUT",
  shrinks: true,
}];
const plain = (text: string): string => text;

test("renderTable aligns under headings on a terminal", () => {
  const table = renderTable(
    columns,
    [["a", "12", "x"], ["気温", "1,000", ""]],
    new TextStream({ isTerminal: true }),
    plain,
  );
  assert.equal(table, "KEY   RECORDS  ABOUT\na          12  x\n気温    1,000\n");
});

test("renderTable separates by tabs elsewhere, without headings, and cuts nothing", () => {
  const long = "x".repeat(300);
  assert.equal(renderTable(columns, [["a\tb\nc", "12", long]], new TextStream(), plain), `a    b\\nc\t12\t${long}\n`);
});

test("renderTable cuts the columns that shrink to the terminal's width", () => {
  const stream = new TextStream({ isTerminal: true, columns: 60 });
  const table = renderTable(columns, [["k".repeat(80), "12", "s".repeat(80)]], stream, plain);
  for (const line of table.split("\n")) assert.ok(textWidth(line) <= 60, line);
  assert.match(table, /k… +12 {2}s+…/);
});

test("renderTable shows no control character of a cell", () => {
  assert.match(
    renderTable(columns, [["\u001b[2J", "1", ""]], new TextStream({ isTerminal: true }), plain),
    /\\x1b\[2J/,
  );
});

test("renderTable of no rows is empty", () => {
  assert.equal(renderTable(columns, [], new TextStream({ isTerminal: true }), plain), "");
});

test("renderPairs aligns the values", () => {
  assert.equal(renderPairs([["a", "1"], ["long", "2"]], plain), "a     1\nlong  2\n");
});
