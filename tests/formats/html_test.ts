import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "../properties.ts";
import { CallPairing } from "../../src/formats/call_pairing.ts";
import { renderInline, renderMarkdown } from "../../src/formats/html_markdown.ts";
import { messageHtml } from "../../src/formats/html_message.ts";
import { pageScript } from "../../src/formats/html_script.ts";
import { darkColours, lightColours, pageStyle } from "../../src/formats/html_style.ts";
import { escapeHtml, escapeOutput, visibleControls } from "../../src/formats/html_text.ts";
import { htmlWriter, pagePolicy } from "../../src/formats/html_writer.ts";
import type { MessagePart } from "../../src/formats/message_parts.ts";
import type { MessageView } from "../../src/formats/message_view.ts";
import { hostileFacts, hostileRecords } from "../browser/hostile_records.ts";
import { anyHistory } from "./any_history.ts";
import { writeSession } from "./write_session.ts";

const say = (role: MessageView["role"], ...parts: MessagePart[]): MessageView => ({ role, roleName: role, parts });
const text = (words: string): MessagePart => ({ kind: "text", text: words });
const call = (id: string): MessagePart => ({ kind: "call", id, name: "bash", input: `{"command":"ls ${id}"}` });
const result = (id: string, words = id): MessagePart => ({
  kind: "result",
  id,
  text: words,
  images: [],
  isError: false,
});

/** The tags of a page, with their attributes; enough of a reader for what the page itself writes. */
function tagsOf(html: string): { name: string; attributes: Map<string, string> }[] {
  return [...html.matchAll(/<([a-z][a-z0-9]*)((?:\s+[a-z-]+(?:="[^"]*")?)*)\s*>/g)].map(([, name = "", rest = ""]) => ({
    name,
    attributes: new Map(
      [...rest.matchAll(/([a-z-]+)(?:="([^"]*)")?/g)].map(([, key = "", value = ""]) => [key, value]),
    ),
  }));
}

test("escapeHtml() and visibleControls(): nothing is markup, nothing is invisible, nothing turns the direction", () => {
  assert.equal(escapeHtml(`<a b="c" d='e'>&`), "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;");
  assert.equal(visibleControls("a\u202eb\u200bc\u0000d\ud800"), "a⟨U+202E⟩b⟨U+200B⟩c⟨U+0000⟩d⟨U+D800⟩");
  assert.equal(visibleControls("tab\tand\r\nline, 👩‍👩‍👧 می‌خواهم"), "tab\tand\nline, 👩‍👩‍👧 می‌خواهم");
  assert.equal(escapeOutput("\u001b[1;31mred\u001b[0m <b> \u001b]0;x\u0007"), "red &lt;b&gt; ⟨U+001B⟩]0;x⟨U+0007⟩");
  fc.assert(fc.property(fc.string({ unit: "binary" }), (words) => {
    // deno-lint-ignore no-control-regex
    assert.doesNotMatch(escapeHtml(words), /[<>"'\u0000-\u0008\u202a-\u202e\u2066-\u2069]|\p{Surrogate}/u);
  }));
});

test("renderMarkdown(): paragraphs, headings, lists in lists, quotes, tables, fences, code, emphasis, links", () => {
  assert.equal(renderInline("`a<b` **c** *d* 2*3*4"), "<code>a&lt;b</code> <strong>c</strong> <em>d</em> 2*3*4");
  assert.equal(renderMarkdown("one\ntwo\n\nthree"), '<p dir="auto">one\ntwo</p>\n<p dir="auto">three</p>');
  assert.equal(renderMarkdown("## A `b` ##"), '<p class="heading h2">A <code>b</code></p>');
  assert.equal(
    renderMarkdown("1. a\n   - b\n   - c\n2. d"),
    '<ol dir="auto"><li value="1">a<ul dir="auto"><li>b</li><li>c</li></ul></li><li value="2">d</li></ol>',
  );
  assert.equal(
    renderMarkdown("> a\n> > b"),
    '<blockquote><p dir="auto">a</p>\n<blockquote><p dir="auto">b</p></blockquote></blockquote>',
  );
  assert.match(
    renderMarkdown("| a | b |\n|---|---|\n| 1 | `2` |"),
    /<th scope="col">a<\/th>.*<td>1<\/td><td><code>2<\/code>/,
  );
  const fence = renderMarkdown("````ts\n```\nx\n````\nafter");
  assert.match(fence, /<figcaption>ts<\/figcaption><pre tabindex="0"><code>```\nx<\/code><\/pre>/);
  assert.match(fence, /after/);
  // A fence that is not closed goes on to the end, and a list ends where something else begins.
  assert.match(renderMarkdown("```\nopen"), /<code>open<\/code>/);
  assert.match(renderMarkdown("- a\n\nb"), /<\/ul>\n<p dir="auto">b/);
});

test("renderMarkdown(): only http, https and mailto become links, with nothing sent along", () => {
  assert.equal(
    renderInline("[a](https://x.example/?b=1&c) https://y.example/z."),
    '<a href="https://x.example/?b=1&amp;c" rel="noopener noreferrer">a</a> ' +
      '<a href="https://y.example/z" rel="noopener noreferrer">https://y.example/z</a>.',
  );
  for (
    const target of ["javascript:alert(1)", "JAVASCRIPT:x", "data:text/html,x", "vbscript:x", "file:///etc", "//x"]
  ) {
    assert.doesNotMatch(renderInline(`[a](${target})`), /<a /, target);
  }
});

const ownTags = new Set(
  "p ol ul li em a hr table thead tbody tr th td div pre code strong blockquote figure figcaption".split(" "),
);

test("renderMarkdown() takes any text, in a time that its length bounds", () => {
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom(..."`*_[]()<>#|-> \n1.~:h"), maxLength: 60 }), (words) => {
    const tags = [...renderMarkdown(words).matchAll(/<\/?([^ >]*)/g)].map(([, name = ""]) => name);
    assert.ok(tags.every((name) => ownTags.has(name)), tags.join(" "));
  }));
  const units = [
    "`",
    "[",
    "*",
    "* ",
    "[a](",
    ">",
    "> > x\n",
    "- a\n",
    "|",
    "|a|\n",
    "# #",
    "```\n",
    " ",
    "\n",
    "http://",
    "**a",
  ];
  for (const unit of units) {
    for (const end of ["", "x", "\n"]) assert.ok(renderMarkdown(unit.repeat(30_000 / unit.length) + end).length >= 0);
  }
  assert.ok(renderMarkdown(`# ${"#".repeat(200_000)}x`).length > 200_000);
});

test("CallPairing: results come to their calls, messages stay in order, orphans stand for themselves", () => {
  const pairing = new CallPairing();
  const out = [
    ...pairing.take(say("user", text("go")), 0),
    ...pairing.take(say("assistant", text("I look"), call("a"), call("b")), 1),
    ...pairing.take(say("tool", result("b")), 2),
    ...pairing.take(say("assistant", text("meanwhile")), 3),
    ...pairing.take(say("user", result("a"), text("and this")), 4),
    ...pairing.take(say("tool", result("nobody")), 5),
    ...pairing.take(say("assistant", call("open")), 6),
    ...pairing.end(),
  ];
  assert.deepEqual(out.map(({ sequence }) => sequence), [0, 1, 3, 4, 5, 6]);
  assert.deepEqual([...(out[1]?.results ?? [])].map(([place, { id }]) => [place, id]), [[2, "b"], [1, "a"]]);
  assert.deepEqual(out[3]?.message.parts, [text("and this")]);
  assert.deepEqual(pairing.end(), []);
});

test("CallPairing holds no more than 64 messages or 4 MiB, however long a result takes", () => {
  const pairing = new CallPairing();
  let waiting = 0;
  let most = 0;
  for (let sequence = 0; sequence < 300; sequence++) {
    waiting += 1 - pairing.take(say("assistant", call(`never${sequence}`)), sequence).length;
    most = Math.max(most, waiting);
  }
  assert.ok(most <= 65, String(most));
  const large = new CallPairing();
  assert.equal(large.take(say("assistant", call("a"), text("x".repeat(5 * 1024 * 1024))), 0).length, 1);
});

test("messageHtml(): a call is folded, its input readable, its result inside, and how it went is told outside", () => {
  const message = say("assistant", { kind: "call", id: "a", name: "edit", input: '{"path":"x.ts","oldText":"a\\nb"}' });
  const results = new Map([[0, { kind: "result" as const, id: "a", text: "no\nmatch", images: [], isError: true }]]);
  const html = messageHtml({ message, sequence: 7, results }, { isContinued: false });
  assert.match(html, /^<article class="message assistant" id="m7" tabindex="-1">/);
  assert.match(
    html,
    /<details class="tool failed"><summary><span class="name">edit<\/span> <code class="gist">x\.ts<\/code>/,
  );
  assert.match(html, /<span class="status error">failed<\/span><\/summary>/);
  assert.match(html, /<div class="field removed"><span class="name">oldText<\/span><pre tabindex="0">a\nb<\/pre>/);
  assert.match(html, /<h4>Error<\/h4><pre class="output" tabindex="0">no\nmatch<\/pre><\/div><\/details>/);
  assert.doesNotMatch(html, /<details[^>]* open/);
});

test("messageHtml(): pictures only out of the record, and only of kinds that are nothing but pictures", () => {
  const html = (part: MessagePart): string =>
    messageHtml({ message: say("user", part), sequence: 0, results: new Map() }, { isContinued: false });
  assert.match(
    html({ kind: "image", mimeType: "image/png", data: "AA\nAA" }),
    /<img alt="[^"]+" src="data:image\/png;base64,AAAA">/,
  );
  for (
    const part of [
      { kind: "image", mimeType: "image/svg+xml", data: "AAAA" },
      { kind: "image", mimeType: "image/png", data: `AA" onerror="x` },
      { kind: "image", mimeType: `image/png" onerror="x`, data: "AAAA" },
      { kind: "image", mimeType: "image/png", url: "http://attack.example/p.png" },
    ] as const
  ) assert.doesNotMatch(html(part), /<img/);
});

test("htmlWriter: the policy names the page's own style and script by their hashes, and nothing else but pictures as data", () => {
  const hash = (content: string): string => `'sha256-${createHash("sha256").update(content).digest("base64")}'`;
  const { text: page } = writeSession("html", { key: "k" }, [`{"role":"user","content":"hi"}`]);
  const style = /<style>([\s\S]*?)<\/style>/.exec(page)?.[1] ?? "";
  const script = /<script>([\s\S]*?)<\/script>/.exec(page)?.[1] ?? "";
  assert.equal(style, pageStyle);
  assert.equal(script, pageScript);
  assert.equal(
    pagePolicy,
    `default-src 'none'; style-src ${hash(style)}; script-src ${hash(script)}; img-src data:; base-uri 'none'; ` +
      "form-action 'none'",
  );
  assert.ok(page.indexOf(`content="${pagePolicy}"`) < page.indexOf("<style>"));
  assert.doesNotMatch(style + script, /https?:|@import|url\(|innerHTML|insertAdjacentHTML|document\.write|eval\(/);
});

test("htmlWriter: whatever a conversation holds, the page has no tags and attributes but its own", () => {
  const known = new Set(tagsOf(writeSession("html", { key: "k" }, []).text).map(({ name }) => name));
  const more =
    "article header h3 time details summary pre code figure figcaption ul ol li blockquote strong em hr table thead " +
    "tbody tr th td img h2 h4";
  for (const name of more.split(" ")) known.add(name);
  const check = (page: string): void => {
    const [head = "", body = ""] = page.split("</style>");
    assert.equal(head.split("<style>").length, 2);
    for (const { name, attributes } of tagsOf(body.slice(0, body.indexOf("<script>")))) {
      assert.ok(known.has(name), name);
      for (const [attribute, value] of attributes) {
        assert.doesNotMatch(attribute, /^on|^style$|^srcdoc$/);
        if (attribute === "href") assert.match(value, /^(?:#|https?:\/\/|mailto:)/);
        if (attribute === "src") assert.match(value, /^data:image\/(?:png|jpeg|gif|webp|avif);base64,[A-Za-z0-9+/=]+$/);
      }
    }
    assert.equal(page.split("<script>").length, 2);
    assert.equal(page.split("</script>").length, 2);
  };
  check(writeSession("html", hostileFacts, hostileRecords.map((record) => JSON.stringify(record))).text);
  fc.assert(fc.property(anyHistory, (texts) => check(writeSession("html", { key: "k" }, texts).text)), { numRuns: 50 });
});

test("htmlWriter streams: what is written of a message does not wait for the end", () => {
  const writer = htmlWriter.open({ key: "k" }, { stem: "k", hasFiles: false, sides: new Map(), isContinued: false });
  const place = { sequence: 0, isOffBranch: false };
  assert.match(writer.begin(), /<main id="conversation"/);
  const written = writer.write(`{"role":"user","content":"hello"}`, place);
  assert.ok(written.kind === "line" && written.text.includes("hello"));
  assert.doesNotMatch(writer.end(), /hello/);
  assert.deepEqual(writer.lost(), []);
});

/** The contrast of two colours, by the formula of the guidelines for accessible content. */
function contrast(one: string, other: string): number {
  const luminance = (colour: string): number => {
    const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
      const value = parseInt(colour.slice(at, at + 2), 16) / 255;
      return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

test("pageStyle: every text on every ground has a contrast of at least 4.5 to 1, dark and light", () => {
  for (const colours of [lightColours, darkColours]) {
    for (const text of ["text", "quiet", "user", "assistant", "tool", "system", "failed", "link"] as const) {
      for (const ground of ["ground", "raised", "code"] as const) {
        const ratio = contrast(colours[text], colours[ground]);
        assert.ok(ratio >= 4.5, `${text} on ${ground}: ${ratio.toFixed(2)}`);
      }
    }
    for (const ground of ["found", "current", "removed", "added"] as const) {
      assert.ok(contrast(colours.text, colours[ground]) >= 4.5, `text on ${ground}`);
    }
  }
});
