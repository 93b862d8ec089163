// deno-lint-ignore-file camelcase -- the names are picoclaw's
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "../properties.ts";
import { parsePicoclawMeta, picoclaw, writePicoclawMeta, writePicoclawRecord } from "../../src/formats/picoclaw.ts";
import type { SessionFacts } from "../../src/formats/session_format.ts";
import { PicoclawReference } from "../interop/picoclaw_reference.ts";
import { noRealData, realInputData } from "../real_input_data.ts";
import { readDocument } from "./read_session.ts";

const created = "2026-01-02T03:04:05Z";
const updated = "2026-01-02T03:05:05.5+08:00";

function withReference(body: (reference: PicoclawReference) => void): void {
  const directory = mkdtempSync(join(tmpdir(), "picoclaw-format-"));
  try {
    body(new PicoclawReference(directory, { now: () => created }));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

test("picoclaw reads a legacy session: messages are records, the rest is facts", () => {
  const session = { key: "k", messages: [{ role: "user", content: "q" }, 7], summary: "s", created, updated };
  assert.deepEqual(readDocument(picoclaw, JSON.stringify(session, null, 2), "k"), {
    facts: { key: "k", summary: "s", createdAt: created, updatedAt: updated },
    records: [`{"role":"user","content":"q"}`],
    sides: [],
    damaged: ["line 8: message 1 is no object"],
  });
});

const anyText = fc.string({ unit: "binary" });
const anyTime = fc.constantFrom(created, updated, "2026-11-20T13:19:31.27572132Z");
const anyFacts: fc.Arbitrary<SessionFacts> = fc.record({
  key: anyText.filter((key) => key !== ""),
  summary: anyText,
  createdAt: anyTime,
  updatedAt: anyTime,
  skip: fc.nat(),
  count: fc.nat(),
  aliases: fc.array(anyText),
}, { noNullPrototype: true });

test("writePicoclawMeta(): any facts are read back equal, by us and by picoclaw, which would write the same bytes", () =>
  withReference((reference) => {
    const path = reference.metaPath("k");
    const anyScope = fc.option(fc.constantFrom("{}", `{"version":1,"n":12345678901234567890,"d":["<a>",[]]}`));
    fc.assert(fc.property(anyFacts, anyScope, (facts, scope) => {
      const all: SessionFacts = scope === null ? facts : { ...facts, scope };
      const text = writePicoclawMeta(all);
      assert.deepEqual(
        parsePicoclawMeta(text),
        scope === null ? facts : { ...facts, scope: scope.replace("<a>", "\\u003ca\\u003e") },
      );
      writeFileSync(path, text);
      const meta = reference.getSessionMeta("k");
      assert.deepEqual([meta?.key, meta?.summary, meta?.skip], [facts.key, facts.summary, facts.skip]);
      new PicoclawReference(reference.directory, { now: () => facts.updatedAt ?? "" }).setSummary(
        "k",
        facts.summary ?? "",
      );
      assert.equal(readFileSync(path, "utf8"), text);
    }));
  }));

test("writePicoclawMeta() writes what is absent as picoclaw does, and refuses a time that picoclaw could not read", () => {
  const zero = "0001-01-01T00:00:00Z";
  assert.equal(
    writePicoclawMeta({ key: "k" }),
    `{\n  "key": "k",\n  "summary": "",\n  "skip": 0,\n  "count": 0,\n  "created_at": "${zero}",\n  "updated_at": "${zero}"\n}`,
  );
  assert.throws(() => writePicoclawMeta({ key: "k", createdAt: "monday" }), RangeError);
});

test("parsePicoclawMeta() refuses what picoclaw could not read, and takes absent fields for empty", () => {
  const whole = { key: "k", summary: "", skip: 0, count: 0, created_at: created, updated_at: updated };
  const damaged: unknown[] = [
    { ...whole, key: "" },
    { ...whole, key: 5 },
    { ...whole, summary: 5 },
    { ...whole, skip: "0" },
    { ...whole, count: 1.5 },
    { ...whole, created_at: "monday" },
    { ...whole, updated_at: 0 },
    { ...whole, aliases: "x" },
    { ...whole, aliases: [1] },
    [],
    null,
  ];
  for (const other of damaged) assert.equal(parsePicoclawMeta(JSON.stringify(other)), undefined, JSON.stringify(other));
  assert.equal(parsePicoclawMeta(""), undefined);
  assert.deepEqual(parsePicoclawMeta(`{"key":"k","scope":null}`), {
    key: "k",
    summary: "",
    skip: 0,
    count: 0,
    aliases: [],
  });
});

test("writePicoclawRecord(): picoclaw reads every line that is written; what it could not read is named", () =>
  withReference((reference) => {
    const unknown = fc.record({ id: fc.jsonValue(), "#": anyText }, { requiredKeys: [] });
    const message = fc.record({ role: fc.constantFrom("user", "tool"), content: fc.oneof(anyText, fc.jsonValue()) });
    fc.assert(fc.property(fc.array(fc.tuple(message, unknown)), (messages) => {
      const written = messages.map(([known, more]) =>
        writePicoclawRecord(JSON.stringify({ ...more, ...known }, null, 1))
      );
      const lines = written.flatMap((result) => result.kind === "line" ? [result.text] : []);
      writeFileSync(reference.logPath("k"), lines.join(""));
      const fitting = messages.filter(([{ content }]) => typeof content === "string" || content === null);
      assert.deepEqual(
        reference.getHistory("k"),
        fitting.map(([{ role, content }]) => ({ role, content: content ?? "" })),
      );
      assert.equal(reference.log.length, 0);
      assert.equal(lines.length, fitting.length);
    }));
  }));

test("writePicoclawRecord() keeps a record's text, and refuses a line that picoclaw's scanner could not take (W6)", () =>
  withReference((reference) => {
    const text = `{"id":12345678901234567890,"content":"a<b","role":"user"}`;
    assert.deepEqual(writePicoclawRecord(text), { kind: "line", text: `${text}\n` });
    assert.deepEqual(writePicoclawRecord(`{"type":"x"}`), { kind: "unfit", reason: "it has no role" });

    const overhead = new TextEncoder().encode(`{"role":"user","content":"é"}\n`).length;
    const record = (lineBytes: number): string => `{"role":"user","content":"é${"x".repeat(lineBytes - overhead)}"}`;
    const largest = writePicoclawRecord(record(10 * 1024 * 1024));
    assert.ok(largest.kind === "line");
    writeFileSync(reference.logPath("k"), largest.text);
    assert.equal(reference.getHistory("k").length, 1);
    assert.equal(writePicoclawRecord(record(10 * 1024 * 1024 + 1)).kind, "unfit");
  }));

const sessions = realInputData("picoclaw/sessions");
test(
  "real input: picoclaw's own files go through unchanged",
  sessions === undefined ? { skip: noRealData } : {},
  () => {
    if (sessions === undefined) return;
    for (const stem of ["agent_main_main", "agent_main_slack_direct_c42", "telegram_123456789"]) {
      const meta: string = readFileSync(join(sessions, `${stem}.meta.json`), "utf8");
      const facts = parsePicoclawMeta(meta);
      assert.ok(facts !== undefined);
      assert.equal(writePicoclawMeta(facts), meta);
      for (const line of readFileSync(join(sessions, `${stem}.jsonl`), "utf8").trimEnd().split("\n")) {
        assert.deepEqual(writePicoclawRecord(line), { kind: "line", text: `${line}\n` });
      }
    }
  },
);
