/**
 * What a test runner says of each test, in the one format that Node, Deno and Bun all write: JUnit's XML.
 *
 * Their terminal output differs from runner to runner and from version to version; this does not.
 *
 * @module
 */

/** A test that was not run. */
export interface SkippedTest {
  /** Its own title, without those of the groups around it. */
  title: string;
  /** Why, where the runner passes it on (Node does; Deno and Bun do not). */
  reason: string;
}

/** What one run of one runner came to. */
export interface TestReport {
  /** How many tests passed. */
  passed: number;
  /** The titles of those that failed. */
  failed: string[];
  /** Those that were not run. */
  skipped: SkippedTest[];
}

const tagPattern = /<(\/?)(testcase|skipped|failure|error)\b((?:[^>"]|"[^"]*")*?)(\/?)>/g;

/**
 * Reads a JUnit report.
 *
 * @param xml The whole report.
 * @returns What it says.
 */
export function parseJunitReport(xml: string): TestReport {
  const report: TestReport = { passed: 0, failed: [], skipped: [] };
  let title = "";
  let outcome: "passed" | "failed" | "skipped" = "passed";
  let reason = "";
  const settle = (): void => {
    if (outcome === "failed") report.failed.push(title);
    else if (outcome === "skipped") report.skipped.push({ title: ownTitle(title), reason });
    else report.passed++;
  };
  for (const [, closing, tag, attributes = "", selfClosing] of withoutText(xml).matchAll(tagPattern)) {
    if (tag !== "testcase") {
      if (closing) continue;
      if (tag !== "skipped") outcome = "failed";
      else if (outcome === "passed") {
        outcome = "skipped";
        reason = attribute(attributes, "message");
        if (reason === "true") reason = "";
      }
    } else if (closing) {
      settle();
    } else {
      title = attribute(attributes, "name");
      outcome = "passed";
      reason = "";
      if (selfClosing) settle();
    }
  }
  return report;
}

/** Deno and Bun write `group > title`. */
function ownTitle(title: string): string {
  return title.slice(title.lastIndexOf(" > ") + 1).replace(/^> /, "").trim();
}

/** Quoted text may hold what looks like a tag. */
function withoutText(xml: string): string {
  return xml.replace(/<!\[CDATA\[[\s\S]*?\]\]>/g, "").replace(/<!--[\s\S]*?-->/g, "");
}

const entities: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

function attribute(attributes: string, name: string): string {
  const value = new RegExp(`(?:^|\\s)${name}="([^"]*)"`).exec(attributes)?.[1] ?? "";
  return value.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (whole, decimal, hexadecimal, entity) => {
    if (decimal) return String.fromCodePoint(Number.parseInt(decimal, 10));
    if (hexadecimal) return String.fromCodePoint(Number.parseInt(hexadecimal, 16));
    return entities[entity] ?? whole;
  });
}
