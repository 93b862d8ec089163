import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "../properties.ts";
import { isPicoclawMessage, isRfc3339, isTransientThought, messageMisfit } from "../../src/store/picoclaw_message.ts";
import { PicoclawReference } from "../interop/picoclaw_reference.ts";

test("messageMisfit() says which value picoclaw could not decode", () => {
  const misfits: [unknown, string][] = [
    [[], "it is not an object"],
    [null, "it is not an object"],
    [{ content: "a" }, "it has no role"],
    [{ role: "", content: "a" }, "it has no role"],
    [{ role: "user", content: [{ type: "text" }] }, "its content is not a string"],
    [{ role: "user", Content: 1 }, "its content is not a string"],
    [{ role: "user", created_at: "monday" }, "its created_at is not a time"],
    [{ role: "user", media: "x" }, "its media is not a list"],
    [{ role: "user", media: [null, 1] }, "its media is not a string"],
    [
      { role: "user", tool_calls: [{ function: { arguments: {} } }] },
      "its tool_calls.function.arguments is not a string",
    ],
    [{ role: "user", attachments: ["x"] }, "its attachments is not an object"],
  ];
  for (const [record, reason] of misfits) assert.equal(messageMisfit(record), reason);
  for (const fitting of [{ role: "user" }, { role: "user", content: null, tool_calls: null, toString: 1, x: [1] }]) {
    assert.equal(messageMisfit(fitting), undefined);
  }
});

test("isPicoclawMessage() asks for role, content and no unknown field", () => {
  assert.ok(isPicoclawMessage({ role: "user", content: "a", media: [] }));
  for (
    const other of [{ role: "user" }, { role: "user", content: "a", id: 1 }, { role: "user", content: 1 }, "a", null]
  ) {
    assert.ok(!isPicoclawMessage(other));
  }
});

test("isRfc3339() takes days that exist", () => {
  for (const time of ["2024-02-29T23:59:59.123456789+08:00", "0001-01-01T00:00:00Z", "9999-12-31T00:00:00-23:59"]) {
    assert.ok(isRfc3339(time), time);
  }
  for (
    const other of [
      "2023-02-29T00:00:00Z",
      "2026-01-01T24:00:00Z",
      "2026-01-01T00:00:60Z",
      "2026-01-01 00:00:00Z",
      "",
      5,
    ]
  ) assert.ok(!isRfc3339(other), String(other));
});

/** Values of the right and of the wrong type for each field, and a field that picoclaw does not know. */
const text = fc.constantFrom("", " ", "a", "assistant", null, 5);
const anyRecord = fc.record({
  role: fc.constantFrom("user", "assistant"),
  content: text,
  created_at: fc.constantFrom("2026-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "", null, 1),
  media: fc.constantFrom([], ["m"], [null], [1], null, "m"),
  attachments: fc.constantFrom([], [{}], [{ ref: "r", more: 1 }], [{ ref: 1 }], ["r"]),
  reasoning_content: text,
  system_parts: fc.constantFrom([], [{ type: "text", text: "t", cache_control: { type: "c" } }], [{
    cache_control: "c",
  }]),
  tool_calls: fc.constantFrom(
    [],
    [{ id: "c", function: { name: "f", arguments: "{}" } }],
    [{ id: "c", function: { name: "f", arguments: {} } }],
    [{ id: "c", extra_content: { google: { thought_signature: "s" } } }],
    [{ id: "c", extra_content: [] }],
    [null],
  ),
  tool_call_id: text,
  unknown: fc.jsonValue(),
  MODEL_NAME: text,
}, { requiredKeys: ["role"] });

test("messageMisfit() and isTransientThought() agree with picoclaw's own reader", () => {
  const directory = mkdtempSync(join(tmpdir(), "picoclaw-message-"));
  try {
    const reference = new PicoclawReference(directory);
    fc.assert(fc.property(fc.array(anyRecord, { minLength: 1, maxLength: 50 }), (records) => {
      reference.log.length = 0;
      writeFileSync(reference.logPath("k"), records.map((record) => JSON.stringify(record) + "\n").join(""));
      const read = reference.getHistory("k").length;
      const corrupt = reference.log.map((message) => Number(/line (\d+)/.exec(message)?.[1]) - 1);
      const misfits = records.flatMap((record, line) => messageMisfit(record) === undefined ? [] : [line]);
      assert.deepEqual(misfits, corrupt, reference.log.join());
      const thoughts = records.filter((record) => messageMisfit(record) === undefined && isTransientThought(record));
      assert.equal(read, records.length - misfits.length - thoughts.length);
    }));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
