import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../properties.ts";
import { codetether } from "../../src/formats/codetether.ts";
import { formatNamed } from "../../src/formats/detect.ts";
import type { MessagePart } from "../../src/formats/message_parts.ts";
import { messageOf, type MessageView } from "../../src/formats/message_view.ts";
import { isSideRecord, sideRecordText } from "../../src/formats/side_record.ts";
import { imageUrl, inputObjectText } from "../../src/formats/written_message.ts";
import { isTransientThought } from "../../src/store/picoclaw_message.ts";
import { anyHistory } from "./any_history.ts";
import { fixtures, fixtureText, names, readFixture } from "./fixtures.ts";
import { readDocument, readLines, type ReadSession } from "./read_session.ts";
import { writeSession } from "./write_session.ts";

/** What a format holds of a conversation: a list in which nothing else stands. */
type Held = unknown[][];

const facts = { key: "k", title: "A title", workspace: "/home/me", createdAt: "2026-01-01T00:00:00Z" };

function viewsOf(texts: readonly string[]): MessageView[] {
  return texts.filter((text) => !isSideRecord(text)).map((text) => messageOf(Object(JSON.parse(text))))
    .filter((view) => view !== undefined);
}

function ofKind<K extends MessagePart["kind"]>(parts: readonly MessagePart[], kind: K): (MessagePart & { kind: K })[] {
  return parts.filter((part): part is MessagePart & { kind: K } => part.kind === kind);
}

const joined = (parts: readonly MessagePart[], kind: "text" | "thinking"): string =>
  ofKind(parts, kind).map(({ text }) => text).join("\n\n");

/** Whoever speaks beside a tool's result is the user. */
const speaker = (role: string): string => role === "tool" ? "user" : role;

const held: Record<string, (view: MessageView) => Held> = {
  gencode: ({ role, parts }) =>
    parts.flatMap((part): Held => {
      switch (part.kind) {
        case "text":
          return [["text", speaker(role), part.text]];
        case "thinking":
          return [["thinking", part.text, part.signature ?? ""]];
        case "call":
          return [["call", part.id, part.name, JSON.stringify(JSON.parse(inputObjectText(part)))]];
        case "result":
          return [["result", part.id, part.text, part.isError, part.images.map(imageUrl)]];
        case "image":
          return part.data === undefined ? [] : [["image", imageUrl(part)]];
        default:
          return [];
      }
    }),
  picoclaw: ({ role, parts }) => {
    const results: Held = ofKind(parts, "result").map((
      { id, text, images },
    ) => ["result", id, text, images.map(imageUrl)]);
    const rest = parts.filter(({ kind }) => kind !== "result");
    if (rest.length === 0 && parts.length > 0) return results;
    const calls = ofKind(rest, "call").map(({ id, name, input }) => [id, name, input]);
    const media = ofKind(rest, "image").map(imageUrl);
    const files = ofKind(rest, "file").map(({ name }) => name);
    const [text, thinking] = [joined(rest, "text"), joined(rest, "thinking")];
    const message = {
      role,
      content: text,
      "reasoning_content": thinking,
      "tool_calls": calls,
      media,
      attachments: files,
    };
    return isTransientThought(message) ? results : [...results, [speaker(role), text, thinking, calls, media, files]];
  },
  codetether: ({ role, parts }) => {
    const results: Held = ofKind(parts, "result").map(({ id, text }) => ["result", id, text]);
    const rest = parts.flatMap((part): Held => {
      switch (part.kind) {
        case "text":
          return [["text", speaker(role), part.text]];
        case "thinking":
          return [["thinking", part.text, part.signature]];
        case "call":
          return [["call", part.id, part.name, part.input]];
        case "image":
          return [["image", imageUrl(part)]];
        case "file":
          return [["file", part.name, part.mimeType]];
        default:
          return [];
      }
    });
    return [...results, ...rest];
  },
  omega: ({ role, parts }) => {
    const text = joined(parts, "text");
    const said: Held = text === "" || role === "system" || role === "tool" ? [] : [["text", role, text]];
    return [
      ...said,
      ...parts.flatMap((part): Held => {
        if (part.kind === "call") return [["call", part.name, part.input.slice(0, 200)]];
        return part.kind === "result" ? [["result", part.text.slice(0, 200)]] : [];
      }),
    ];
  },
};

function readBack(format: string, text: string): ReadSession {
  const reader = formatNamed(format);
  assert.ok(reader !== undefined);
  if (reader === codetether) {
    return readDocument(reader, text, "k", { part: { name: "session", layout: "document", role: "session" } });
  }
  return readLines(reader, text, "k", { part: { name: "log", layout: "lines", role: "session" } });
}

for (const [format, project] of Object.entries(held)) {
  test(`round trip: any history of ours, written as ${format} and read back, is equal in what the format holds`, () => {
    fc.assert(
      fc.property(anyHistory, (texts) => {
        const written = writeSession(format, facts, texts);
        const back = readBack(format, written.text);
        assert.deepEqual(back.damaged, []);
        if (written.unfit.length > 0) assert.equal(format, "picoclaw");
        // gencode has a tree itself: its own events all go through.
        const active = texts.filter((_, place) => format === "gencode" || !written.offBranch.has(place));
        assert.deepEqual(viewsOf(back.records).flatMap(project), viewsOf(active).flatMap(project));
        if (format !== "picoclaw") {
          assert.equal(back.facts.key, "k");
          assert.equal(back.facts.createdAt, facts.createdAt);
        }
        if (format === "gencode" || format === "codetether") assert.equal(back.facts.title, facts.title);
        if (format === "codetether") assert.equal(back.facts.workspace, facts.workspace);
        // Once in the format's own words, a second trip changes nothing.
        const texts2 = [
          ...back.records,
          ...back.sides.map(([name, value]) => sideRecordText({ format, part: "session", name }, value)),
        ];
        assert.equal(writeSession(format, { ...facts, ...back.facts }, texts2).text, written.text);
      }),
      { numRuns: 100 },
    );
  });
}

test("round trip: any history of ours, written as JSON Lines and read back, is the same text", () => {
  fc.assert(fc.property(anyHistory, (texts) => {
    assert.deepEqual(readBack("jsonl", writeSession("jsonl", facts, texts).text).records, texts);
  }));
});

test("round trip: the fixtures of a format come out of it byte for byte", () => {
  for (const [path, [format, part, counts]] of Object.entries(fixtures)) {
    if (!["picoclaw", "gencode", "omega", "codetether", "jsonl"].includes(format)) continue;
    if (!["log", "session"].includes(part) || counts[0] === 0) continue;
    const { facts: known, records, sides } = readFixture(path);
    const stem = known.key ?? "k";
    const texts = [...records, ...sides.map(([name, value]) => sideRecordText({ format, part, name }, value))];
    const { text, unfit, lost } = writeSession(format, { ...known, key: stem }, texts);
    assert.deepEqual(unfit, [], path);
    const original = fixtureText(path).replace(/^\ufeff/, "");
    const expected = format === "codetether"
      ? original.trim()
      : original.split("\n").map((line) => line.trim()).filter(Boolean).map((line) => `${line}\n`).join("");
    assert.equal(text, expected, path);
    if (format === "gencode" || format === "codetether") assert.deepEqual(lost, [], path);
  }
});

test("round trip: OmegaLLM's index and codetether's files beside the document come back as they were", () => {
  const log = readFixture("omega/sessions/demo.jsonl");
  const index = readFixture("omega/sessions/demo.index.json");
  const sides = index.sides.map(([name, value]) => sideRecordText({ format: "omega", part: "index", name }, value));
  const written = writeSession("omega", { key: "demo" }, [...log.records, ...sides]);
  assert.equal(written.files.get("demo.index.json")?.text, fixtureText("omega/sessions/demo.index.json").trim());

  const repl = readFixture("omega/repl-main.json").sides
    .map(([name, value]) => sideRecordText({ format: "omega", part: "repl", name }, value));
  const replText = writeSession("omega", { key: "main" }, repl).files.get("repl-main.json")?.text;
  assert.equal(replText, fixtureText("omega/repl-main.json").trim());

  const base = `codetether/sessions/${names.codetether}`;
  for (
    const [part, path] of [
      ["journal", `${names.codetether}.journal.jsonl`],
      ["tasks", `${names.codetether}.tasks.jsonl`],
      ["checkpoint", `${names.codetether}.checkpoint.json`],
    ] as const
  ) {
    const read = readFixture(`codetether/sessions/${path}`).sides
      .map(([name, value]) => sideRecordText({ format: "codetether", part, name }, value));
    const files = writeSession("codetether", { key: names.codetether }, read).files;
    assert.equal(files.get(path)?.text.trim(), fixtureText(`${base.slice(0, base.lastIndexOf("/"))}/${path}`).trim());
  }
});
