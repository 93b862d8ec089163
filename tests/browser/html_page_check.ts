/**
 * `npm run test:browser`: the page that `export --format html` writes, in Chromium: it folds, searches, changes its
 * theme, is used by keys, asks for nothing, and does nothing that a hostile conversation wants.
 *
 * Where there is no Chromium it says so, and ends with 0.
 *
 * @module
 */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { htmlWriter } from "../../src/formats/html_writer.ts";
import type { SessionFacts } from "../../src/formats/session_format.ts";
import { realInputData } from "../real_input_data.ts";
import { Browser, findChromium } from "./devtools_pipe.ts";
import { hostileFacts, hostileRecords } from "./hostile_records.ts";

/** A page out of records. */
function pageOf(facts: SessionFacts, texts: readonly string[]): string {
  const writer = htmlWriter.open(facts, { stem: "page", hasFiles: false, sides: new Map(), isContinued: false });
  let page = writer.begin();
  for (const [sequence, text] of texts.entries()) {
    const written = writer.write(text, { sequence, isOffBranch: false });
    if (written.kind === "line") page += written.text;
  }
  return page + writer.end();
}

const call = (id: string, command: string): object => ({ type: "tool_use", id, name: "bash", input: { command } });
const result = (id: string, content: string): object => ({
  role: "user",
  content: [{ type: "tool_result", tool_use_id: id, content }],
});

/** A conversation of two hundred questions with two calls each. */
function talk(): string[] {
  return Array.from({ length: 200 }, (_, n) => [
    { role: "user", content: `Question ${n}: where is the needle?` },
    {
      role: "assistant",
      content: [{ type: "text", text: `Looking **${n}**` }, call(`a${n}`, "ls"), call(`b${n}`, "cat x")],
    },
    result(`b${n}`, `second ${n}`),
    result(`a${n}`, n === 150 ? "hidden\n\nthe only NEEDLE-in-a-result" : "first"),
    { role: "assistant", content: "Here:\n\n```ts\nconst a = 1;\n```\n\n- one\n  - two\n\nDone." },
  ]).flat().map((record) => JSON.stringify(record));
}

/** What a page must not do, told to a listener before its own script runs. */
async function watch(browser: Browser): Promise<void> {
  const source = `window.violations = [];
    document.addEventListener("securitypolicyviolation", (event) => violations.push(event.violatedDirective));
    window.alert = () => { window.attacked = "yes"; };`;
  await browser.send("Page.addScriptToEvaluateOnNewDocument", { source });
}

/** Everything that was asked for beside the page itself, and every error. */
function askedFor(browser: Browser, url: string): string[] {
  return browser.events.flatMap(({ method, params }) => {
    if (method === "Runtime.exceptionThrown") return [JSON.stringify(params)];
    if (method === "Log.entryAdded" || method === "Audits.issueAdded") return [JSON.stringify(params)];
    if (method !== "Network.requestWillBeSent") return [];
    const asked: unknown = Object(params["request"])["url"];
    return asked === url || String(asked).startsWith("data:image/") ? [] : [String(asked)];
  });
}

async function checkHostile(browser: Browser, url: string): Promise<void> {
  await browser.open(url);
  assert.deepEqual(askedFor(browser, url), [], "something was asked for");
  for (const wake of ["foldButton.click()", "document.querySelectorAll('[onfocus],[autofocus]').length"]) {
    await browser.evaluate(wake.replace("foldButton", "document.getElementById('fold-button')"));
  }
  assert.equal(await browser.evaluate("window.attacked"), undefined);
  assert.deepEqual(await browser.evaluate("window.violations"), []);
  assert.equal(await browser.evaluate("document.scripts.length"), 1);
  assert.equal(await browser.evaluate("document.querySelectorAll('style').length"), 1);
  const strange =
    "iframe,object,embed,link,base,svg,math,video,audio,form:not(#search),meta[http-equiv=refresh],[style]";
  assert.equal(await browser.evaluate(`document.querySelectorAll(${JSON.stringify(strange)}).length`), 0);
  const handlers =
    "[...document.querySelectorAll('*')].flatMap((e) => e.getAttributeNames()).filter((n) => /^on/.test(n))";
  assert.deepEqual(await browser.evaluate(handlers), []);
  const targets = await browser.evaluate("[...document.links].map((link) => link.protocol)");
  assert.deepEqual([...new Set(Array.isArray(targets) ? targets : [])].sort(), ["file:", "http:"]);
  assert.equal(await browser.evaluate("document.images.length"), 1);
  assert.equal(
    await browser.evaluate("/[\\u202a-\\u202e\\u2066-\\u2069\\u200b\\u0000]/.test(document.body.textContent)"),
    false,
  );
  assert.equal(await browser.evaluate("document.body.textContent.includes('⟨U+202E⟩gnp.exe')"), true);
  console.log("ok  hostile conversation: nothing runs, nothing is asked for, no violation of the policy");

  // The policy bites: what a hole would let in is refused.
  await browser.evaluate(`(async () => {
    const script = document.createElement("script"); script.textContent = "window.attacked = 'yes'";
    document.body.append(script);
    const picture = new Image(); picture.src = "http://attack.example/p.png"; document.body.append(picture);
    await fetch("http://attack.example/").catch(() => {});
    document.body.setAttribute("onclick", "window.attacked = 'yes'"); document.body.click();
    const style = document.createElement("style"); style.textContent = "body{display:none}"; document.head.append(style);
    await new Promise((resolve) => setTimeout(resolve, 50));
  })()`);
  const refused = await browser.evaluate("[...new Set(window.violations)].sort()");
  assert.deepEqual(refused, ["connect-src", "img-src", "script-src-attr", "script-src-elem", "style-src-elem"]);
  assert.equal(await browser.evaluate("window.attacked"), undefined);
  console.log(`ok  the policy refuses what a hole would let in: ${Array.isArray(refused) ? refused.join(", ") : ""}`);
}

async function checkFolding(browser: Browser): Promise<void> {
  const open = "document.querySelectorAll('.message details[open]').length";
  assert.equal(await browser.evaluate(open), 0);
  assert.equal(await browser.evaluate("document.querySelectorAll('.message details').length"), 400);
  await browser.evaluate("document.querySelector('.message summary').focus()");
  await browser.press("Enter");
  assert.equal(await browser.evaluate(open), 1);
  const first = "document.querySelector('.message details').textContent";
  assert.match(String(await browser.evaluate(first)), /bash.*ls.*Result.*first/s);
  await browser.press("e");
  assert.equal(await browser.evaluate(open), 400);
  await browser.press("e");
  assert.equal(await browser.evaluate(open), 0);
  console.log("ok  folds open and close by keys, each result stands with its call");
}

/** Types into the page, and waits until it has been searched. */
async function searchFor(browser: Browser, text: string): Promise<unknown> {
  await browser.press("/");
  assert.equal(await browser.evaluate("document.activeElement.id"), "query");
  await browser.send("Input.insertText", { text });
  await browser.press("Enter");
  return await browser.evaluate("document.getElementById('count').textContent");
}

async function checkSearch(browser: Browser): Promise<void> {
  const count = "document.getElementById('count').textContent";
  assert.equal(await searchFor(browser, "needle-IN-a"), "1 of 1");
  assert.equal(await browser.evaluate("document.querySelectorAll('.message details[open]').length"), 1);
  const seen = `(() => { const [range] = [...CSS.highlights.get("current")]; const box = range.getBoundingClientRect();
    return range.toString() + " " + (box.top > 50 && box.bottom < innerHeight && box.height > 0); })()`;
  assert.equal(await browser.evaluate(seen), "NEEDLE-in-a true");
  await browser.press("Escape");
  assert.equal(await browser.evaluate(count), "");
  await browser.evaluate("scrollTo(0, 0)");
  assert.equal(await searchFor(browser, "where is the needle"), "1 of 200");
  await browser.press("Enter");
  assert.equal(await browser.evaluate(count), "2 of 200");
  await browser.evaluate("document.activeElement.blur()");
  await browser.press("n");
  assert.equal(await browser.evaluate(count), "3 of 200");
  for (let step = 0; step < 3; step++) await browser.press("N", 8);
  assert.equal(await browser.evaluate(count), "200 of 200");
  assert.equal(await browser.evaluate(seen), "where is the needle true");
  await browser.press("Escape");
  assert.equal(await searchFor(browser, "no such words"), "none");
  await browser.press("Escape");
  console.log("ok  search: counts, goes on and back by keys, opens the fold that it finds something in");
}

async function checkKeysAndThemes(browser: Browser, url: string): Promise<void> {
  const ground = "getComputedStyle(document.documentElement).backgroundColor";
  await browser.resize(1280, 900, "dark");
  await browser.open(url);
  const dark = await browser.evaluate(ground);
  await browser.press("t");
  const light = await browser.evaluate(ground);
  assert.notEqual(light, dark);
  await browser.resize(1280, 900, "light");
  assert.equal(await browser.evaluate(ground), light);
  await browser.evaluate("document.getElementById('theme-button').click()");
  assert.equal(await browser.evaluate(ground), dark);
  await browser.evaluate("document.getElementById('theme-button').click()");
  await browser.press("Tab");
  assert.equal(await browser.evaluate("document.activeElement.className"), "skip");
  await browser.press("j");
  assert.equal(await browser.evaluate("document.activeElement.id"), "m0");
  await browser.press("J", 8);
  assert.equal(await browser.evaluate("document.activeElement.id"), "m5");
  await browser.press("k");
  assert.equal(await browser.evaluate("document.activeElement.id"), "m4");
  await browser.press("?");
  assert.equal(await browser.evaluate("document.getElementById('keys').open"), true);
  await browser.press("Escape");
  assert.equal(await browser.evaluate("document.getElementById('keys').open"), false);
  await browser.press("o");
  assert.equal(await browser.evaluate("document.querySelectorAll('#outline li').length"), 200);
  await browser.evaluate("document.querySelectorAll('#outline a')[99].click()");
  assert.equal(await browser.evaluate("document.activeElement.id"), "m495");
  const unnamed = `[...document.querySelectorAll("button,input,a,summary")].filter((element) =>
    !(element.getAttribute("aria-label") || element.labels?.[0]?.textContent || element.textContent).trim()).length`;
  assert.equal(await browser.evaluate(unnamed), 0);
  console.log(
    "ok  dark and light by the system and by a switch; skip link, messages, keys and outline without a mouse",
  );
}

async function checkWidths(browser: Browser, url: string): Promise<void> {
  for (const [width, height] of [[390, 844], [320, 600], [1280, 900]] as const) {
    await browser.resize(width, height);
    await browser.open(url);
    assert.ok(Number(await browser.evaluate("document.documentElement.scrollWidth")) <= width, `wider than ${width}`);
    await browser.press("e");
    assert.ok(
      Number(await browser.evaluate("document.documentElement.scrollWidth")) <= width,
      `open: wider than ${width}`,
    );
  }
  console.log("ok  320, 390 and 1,280 pixels wide, folded and open: nothing sticks out");
}

/** A page of a thousand messages: how long it takes is printed; that what is out of sight is not laid out is held. */
async function checkLarge(browser: Browser, url: string, name: string): Promise<void> {
  await browser.resize(1280, 900);
  const started = performance.now();
  await browser.open(url);
  const loaded = performance.now();
  assert.deepEqual(askedFor(browser, url), []);
  const found = await searchFor(browser, "theme");
  const searched = performance.now();
  assert.equal(
    await browser.evaluate("getComputedStyle(document.querySelector('.message')).contentVisibility"),
    "auto",
  );
  const count = await browser.evaluate("document.querySelectorAll('.message').length");
  console.log(
    `ok  ${name}: ${String(count)} messages, loaded in ${Math.round(loaded - started)} ms, ` +
      `searched in ${Math.round(searched - loaded)} ms (${String(found)})`,
  );
}

async function main(program: string): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-page-"));
  const browser = await Browser.start(program);
  const save = (name: string, page: string): string => {
    const path = join(directory, name);
    writeFileSync(path, page);
    return pathToFileURL(path).href;
  };
  try {
    await watch(browser);
    await browser.resize(1280, 900);
    const hostile = save("hostile.html", pageOf(hostileFacts, hostileRecords.map((record) => JSON.stringify(record))));
    await checkHostile(browser, hostile);
    const plain = save("talk.html", pageOf({ key: "talk", summary: "They talked." }, talk()));
    await browser.open(plain);
    await checkFolding(browser);
    await browser.evaluate("scrollTo(0, 0)");
    await checkSearch(browser);
    assert.deepEqual(askedFor(browser, plain), []);
    await checkKeysAndThemes(browser, plain);
    await checkWidths(browser, plain);
    await checkWidths(browser, hostile);
    const real = realInputData("pi-mono/large-session.jsonl");
    if (real === undefined) console.log("skipped: the real session of 1,000 messages is not part of the repository");
    const texts = real === undefined ? talk() : readFileSync(real, "utf8").trim().split("\n");
    await checkLarge(
      browser,
      save("large.html", pageOf({ key: "large" }, texts)),
      real === undefined ? "talk" : "real session",
    );
  } finally {
    await browser.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

const program = findChromium();
if (program === undefined || !existsSync(program)) {
  console.log(
    "skipped: the page was not tried in a browser, for there is no Chromium (Debian: apt-get install chromium)",
  );
} else await main(program);
