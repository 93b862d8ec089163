import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type LegacySession, parseLegacySession } from "../../src/store/legacy_session.ts";
import { noRealData, realInputData } from "../real_input_data.ts";

const created = "2026-01-02T03:04:05Z";
const updated = "2026-01-02T03:05:05.5+08:00";

test("parseLegacySession() reads a session and keeps the text of its messages", () => {
  const text = `{
  "key": "a:b",
  "messages": [
    { "role": "user", "content": "q", "n": 12345678901234567890 },
    { "role": "assistant",
      "content": "\\u003c\\n" }
  ],
  "created": "${created}",
  "updated": "${updated}",
  "more": 1
}
`;
  const expected: LegacySession = {
    key: "a:b",
    messages: [`{"role":"user","content":"q","n":12345678901234567890}`, `{"role":"assistant","content":"\\u003c\\n"}`],
    summary: "",
    createdAt: created,
    updatedAt: updated,
  };
  assert.deepEqual(parseLegacySession(text), expected);
  assert.deepEqual(parseLegacySession(text.replace(/\[[^]*\]/, "null"))?.messages, []);
});

test("parseLegacySession() leaves everything else alone (W9)", () => {
  const whole = { key: "k", messages: [{ role: "user", content: "q" }], summary: "s", created, updated };
  assert.notEqual(parseLegacySession(JSON.stringify(whole)), null);
  const others: unknown[] = [
    ...Object.keys(whole).filter((name) => name !== "summary").map((name) => ({ ...whole, [name]: undefined })),
    { ...whole, key: "" },
    { ...whole, key: 1 },
    { ...whole, summary: 1 },
    { ...whole, created: "monday" },
    { ...whole, updated: 5 },
    { ...whole, messages: {} },
    { ...whole, messages: "q" },
    { ...whole, messages: ["q"] },
    { ...whole, messages: [{ content: "q" }] },
    { ...whole, messages: [{ role: "user", content: ["q"] }] },
    [whole],
    { key: "k", summary: "", skip: 0, count: 1, created_at: created, updated_at: updated },
    { name: "unrelated", version: "1.0.0" },
    {},
    null,
    5,
  ];
  for (const other of others) assert.equal(parseLegacySession(JSON.stringify(other)), null, JSON.stringify(other));
  for (const text of ["", "\0\0\0", "{", `${JSON.stringify(whole)}x`]) {
    assert.equal(parseLegacySession(text), null, text);
  }
});

test("parseLegacySession() cut at every character is no session", () => {
  const text = JSON.stringify({ key: "k", messages: [{ role: "user", content: "q" }], created, updated }, null, 2);
  for (let end = 0; end < text.length; end++) assert.equal(parseLegacySession(text.slice(0, end)), null);
});

const sessions = realInputData("picoclaw/sessions");
test(
  "real input: picoclaw's legacy session is read, its meta files are not",
  sessions === undefined ? { skip: noRealData } : {},
  () => {
    if (sessions === undefined) return;
    const legacy = parseLegacySession(readFileSync(join(sessions, "discord_42.json"), "utf8"));
    assert.deepEqual(legacy, {
      key: "discord:42",
      messages: [`{"role":"user","content":"legacy question"}`, `{"role":"assistant","content":"legacy answer"}`],
      summary: "a legacy session",
      createdAt: "2026-01-02T03:04:05Z",
      updatedAt: "2026-01-02T03:05:05Z",
    });
    for (const stem of ["agent_main_main", "agent_main_slack_direct_c42", "telegram_123456789"]) {
      assert.equal(parseLegacySession(readFileSync(join(sessions, `${stem}.meta.json`), "utf8")), null);
    }
  },
);
