/** Files that somebody made to do harm: what comes of them is bounded, and said. Nothing is timed; a hang would fail. */
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { formatNamed, sessionFormats } from "../../src/formats/detect.ts";
import { readFileHead } from "../../src/formats/file_head.ts";
import { jsonLines, run, withDirectory } from "../cli/in_process.ts";
import { readDocument, readLines } from "./read_session.ts";

const tenMebibytes = 10 * 1024 * 1024;

/** Imports one file, twice; gives the report and what an export has. */
async function importText(
  text: string | Uint8Array,
  name = "hostile.jsonl",
): Promise<{ added: number; reasons: string[]; exported: string; key: string }> {
  let result = { added: 0, reasons: [""], exported: "", key: "" };
  await withDirectory(async (base) => {
    const file = join(base, name);
    await writeFile(file, text);
    const store = join(base, "store");
    const { stdout } = await run(["import", file, "--json", "--dir", store]);
    const report = Object(jsonLines(stdout)[0]);
    const again = Object(jsonLines((await run(["import", file, "--json", "--dir", store])).stdout)[0]);
    assert.deepEqual([again.added, again.skipped], [0, report.added]);
    const exported = await run(["export", report.key, "--dir", store]);
    result = {
      added: report.added,
      key: report.key,
      reasons: report.damaged.map(({ line, reason }: { line: number; reason: string }) => `${line}: ${reason}`),
      exported: exported.stdout,
    };
  });
  return result;
}

test("hostile: a line that is nested thousands deep is named, and the next one is read", async () => {
  for (const depth of [1_001, 1_000_000]) {
    const deep = `{"a":${"[".repeat(depth)}${"]".repeat(depth)}}`;
    const { added, reasons } = await importText(`{"n":1}\n${deep}\n{"n":2}\n`);
    assert.deepEqual([added, reasons], [2, ["2: nested more than 1000 deep"]]);
    const document = `{"id":"x","agent":"a","messages":[${deep},{"role":"user"}]}`;
    const codetether = await importText(document, "deep.json");
    assert.deepEqual(codetether.reasons, ['1: "messages", element "0" is nested more than 1000 deep']);
    assert.equal(codetether.added, 3);
  }
  const unclosed = `{"n":1}\n${"[".repeat(1_000_000)}\n${'{"a":'.repeat(1_000_000)}\n`;
  assert.deepEqual((await importText(unclosed)).reasons, [
    "2: nested more than 1000 deep",
    "3: nested more than 1000 deep",
  ]);
});

test("hostile: a first line that is nested millions deep is named too", async () => {
  const deep = `{"a":${"[".repeat(1_500_000)}${"]".repeat(1_500_000)}}`;
  assert.deepEqual((await importText(`${deep}\n{"n":2}\n`)).reasons, ["1: nested more than 1000 deep"]);
});

test("hostile: a message of nothing but opening tags is searched once", async () => {
  const text = "<environment_context>".repeat(400_000) + "<cwd>".repeat(200_000);
  const header = '{"id":"flat","timestamp":"2025-06-01T09:00:00Z","instructions":null}';
  const message = JSON.stringify({ type: "message", role: "user", content: [{ type: "input_text", text }] });
  assert.equal((await importText(`${header}\n${message}\n`)).added, 2);
});

test("hostile: a line of 10 MiB is taken as long as a log can hold it, a longer one is named", async () => {
  const line = (bytes: number): string => `{"a":"${"x".repeat(bytes - 8)}"}`;
  const { added, reasons } = await importText(
    [line(tenMebibytes - 100), line(tenMebibytes), line(3 * tenMebibytes), '{"n":1}'].join("\n"),
  );
  assert.equal(added, 2);
  assert.equal(reasons.length, 2);
  for (const [index, reason] of reasons.entries()) {
    assert.match(reason, new RegExp(`^${index + 2}: .*(over 10 MiB|more)`));
  }
});

test("hostile: 10 MiB of escapes are read and grow no further", async () => {
  const bomb = `{"role":"user","content":"${"\\u0000".repeat(1_500_000)}${"\\\\".repeat(400_000)}"}`;
  const { added, exported } = await importText(bomb + "\n");
  assert.equal(added, 1);
  assert.equal(exported, bomb + "\n");
  const openEnd = `{"role":"user","content":"${"\\".repeat(5_000_001)}\n{"n":1}\n`;
  assert.deepEqual((await importText(openEnd)).reasons, ["1: not JSON"]);
});

test("hostile: invalid UTF-8, control characters and NUL are named, each on its line", async () => {
  const bytes = new TextEncoder().encode('{"n":1}\n{"a":"?"}\n{"a":"\u0001"}\n{"a":"\u0000"}\n\u0000\u0000\n{"n":2}\n');
  bytes[bytes.indexOf(0x3f)] = 0xc3;
  const { added, reasons } = await importText(bytes);
  assert.equal(added, 2);
  assert.deepEqual(reasons.slice(0, 2), ["2: invalid UTF-8", "3: not JSON"]);
  assert.ok(reasons.slice(2).every((reason) => reason.startsWith("4: ")));
});

test("hostile: __proto__, doubled names and marks come through with their text and change nothing else", async () => {
  const text = [
    '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}',
    '{"role":"user","role":"assistant","content":"a","content":"b"}',
    '{"#":"0 00000000","##":1}',
    '{"type":"holdfast.sidecar","format":"x"}',
    '{"</script>":"<script>alert(1)</script>"}',
  ].map((line) => line + "\n").join("");
  const { exported } = await importText(text);
  assert.equal(exported, text);
  assert.equal(Object({})["polluted"], undefined);
  const document = `{"__proto__":{"polluted":1},"id":"x","id":"y","agent":"a","messages":[{"__proto__":1}]}`;
  const { key, reasons } = await importText(document, "proto.json");
  assert.deepEqual([key, reasons], ["x", ['1: "id" a second time']]);
  assert.equal(Object({})["polluted"], undefined);
});

test("hostile: a session id that leads elsewhere, is huge or is no text names no file outside the store", async () => {
  for (const id of ["../../escape", "/etc/passwd", ".", "a\u0000b", "\ud800", "con:x", "-rf", "é".repeat(500)]) {
    const header = { type: "session", version: 3, id, timestamp: "2026-01-01T00:00:00Z", cwd: "/" };
    const { added, key } = await importText(JSON.stringify(header) + "\n");
    assert.deepEqual([added, key], [1, id]);
  }
  for (const id of ["", "x".repeat(100_000), 7, null, ["x"], { x: 1 }]) {
    const header = { type: "session", version: 3, id, timestamp: "2026-01-01T00:00:00Z", cwd: 5 };
    assert.equal((await importText(JSON.stringify(header) + "\n")).key, "hostile");
  }
});

test("hostile: values of the wrong kind anywhere in a line leave it a record and crash no reader", () => {
  const odd = ["null", "0", '""', "[]", "{}", "[null]", '[{"type":"tool_result","content":[null,{"text":5}]}]', "true"];
  const lines: string[] = [];
  const fields = ["type", "id", "payload", "message", "state", "sessionId", "timestamp", "cwd", "summary", "leafUuid"];
  const types = ["message.appended", "state.patched", "session", "session_meta", "message", "summary", "user"];
  for (const field of fields) {
    for (const value of odd) {
      for (const type of types) lines.push(`{"type":"${type}","${field}":${value},"content":${value},"ops":${value}}`);
    }
  }
  const text = lines.join("\n");
  for (const format of sessionFormats) {
    if (format.fallback === undefined) continue;
    const { records, damaged } = readLines(format, text, "x", { part: format.fallback });
    assert.deepEqual([records.length, damaged.length], [lines.length, 0], format.name);
    for (const line of lines) format.blobs?.find(Object(JSON.parse(line)));
  }
  for (const line of lines) {
    const bytes = new TextEncoder().encode(line);
    for (const format of sessionFormats) format.detect(readFileHead(bytes, true));
  }
});

test("hostile: a document whose every member has the wrong kind gives what there is", () => {
  const codetether = formatNamed("codetether");
  const picoclaw = formatNamed("picoclaw");
  assert.ok(codetether !== undefined && picoclaw !== undefined);
  for (const value of ["null", "7", '"x"', "[]", "{}", '{"a":{"role":"user"}}', "[[]]"]) {
    const members = ["title", "created_at", "metadata", "messages", "tool_uses", "usage"].map((name) =>
      `"${name}":${value}`
    );
    const { facts } = readDocument(codetether, `{"id":"x",${members.join(",")}}`, "x", {
      part: { name: "session", layout: "document", role: "session" },
    });
    assert.equal(facts.key, "x");
    const legacy = ["messages", "summary", "created", "updated"].map((name) => `"${name}":${value}`);
    readDocument(picoclaw, `{"key":"k",${legacy.join(",")}}`, "k", {
      part: { name: "legacy", layout: "document", role: "session" },
    });
  }
});

test("hostile: names of files with control characters do not steer the terminal", async () => {
  await withDirectory(async (base) => {
    const directory = join(base, "files");
    await mkdir(directory);
    await writeFile(join(directory, "a\u001b[31m\n.jsonl"), '{"n":1}\nnope\n');
    await writeFile(join(directory, "b\u001b]0;x\u0007"), "no session");
    const { stdout, stderr } = await run(["import", directory, "--dir", join(base, "store")]);
    // deno-lint-ignore no-control-regex
    assert.doesNotMatch(stdout + stderr, /[\u0000-\u0009\u000b-\u001f]/);
  });
});
