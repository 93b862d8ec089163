import assert from "node:assert/strict";
import { test } from "node:test";
import { blankSource, findImports, resolveSpecifier } from "./source_text.ts";

const everything = { comments: true, strings: true };

test("blankSource() leaves out comments, and keeps every line's length", () => {
  const text = 'const a = 1; // "b"\n/* c\n   d */ const e = "// no comment";\n';
  const blanked = blankSource(text, { comments: true, strings: false });
  assert.equal(blanked, 'const a = 1;       \n    \n        const e = "// no comment";\n');
});

test("blankSource() leaves out strings with escapes, and regular expressions with slashes in a class", () => {
  assert.equal(
    blankSource(String.raw`f("a\"b\\", 'c', /[/"]+\/x/g, d / e / "f")`, everything),
    'f("      ", \' \', /        /g, d / e / " ")',
  );
});

test("blankSource() goes into the expressions of a template, and out again", () => {
  assert.equal(
    blankSource("`a ${ f({ b: `c ${ d } e` }) } // g`; h", everything),
    "`  ${ f({ b: `  ${ d }  ` }) }     `; h",
  );
});

test("blankSource() ends with the text when something is left open", () => {
  for (const text of ['"open', "`open ${", "/* open", "/", "// open", "\\", "`open"]) {
    assert.equal(blankSource(text, everything).length, text.length, text);
  }
});

test("findImports() finds imports, re-exports and import(), not those in comments and strings", () => {
  const text = `import { a } from "./a.ts"; // from "./b.ts"
import type { c } from './c.ts';
export {
  d,
} from "./d.ts";
import "./e.ts";
const f = 'import "./f.ts"';
const g = await import("./g.ts");
`;
  assert.deepEqual(findImports(text), [
    { specifier: "./a.ts", isDynamic: false, line: 1 },
    { specifier: "./c.ts", isDynamic: false, line: 2 },
    { specifier: "./d.ts", isDynamic: false, line: 5 },
    { specifier: "./e.ts", isDynamic: false, line: 6 },
    { specifier: "./g.ts", isDynamic: true, line: 8 },
  ]);
});

test("resolveSpecifier() goes up and down", () => {
  assert.equal(resolveSpecifier("src/store/session.ts", "../log/log_writer.ts"), "src/log/log_writer.ts");
  assert.equal(resolveSpecifier("src/cli/main.ts", "../../mod.ts"), "mod.ts");
  assert.equal(resolveSpecifier("mod.ts", "./src/errors.ts"), "src/errors.ts");
});
