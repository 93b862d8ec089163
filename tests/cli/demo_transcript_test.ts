import assert from "node:assert/strict";
import { test } from "node:test";
import { demoTranscript } from "../../src/cli/demo_transcript.ts";
import { seededRandom } from "../../src/cli/seeded_random.ts";

test("demoTranscript is the same for a seed, another for another, and no two records are equal", () => {
  const texts = demoTranscript(500, 7);
  assert.deepEqual(texts, demoTranscript(500, 7));
  assert.notDeepEqual(texts, demoTranscript(500, 8));
  assert.equal(new Set(texts).size, 500);
});

test("demoTranscript has tool calls with their results, long ones too, other scripts, and numbers beyond 2^53", () => {
  const texts = demoTranscript(500, 7);
  let open: string | null = null;
  for (const text of texts) {
    const record = JSON.parse(text);
    if (open !== null) assert.equal(record.tool_call_id, open);
    open = record.tool_calls?.[0].id ?? null;
  }
  assert.ok(Math.max(...texts.map((text) => text.length)) > 10_000);
  assert.ok(texts.some((text) => /[\u3040-\u30ff]/.test(text)));
  assert.ok(texts.some((text) => /:17\d{17}}$/.test(text) && JSON.stringify(JSON.parse(text)) !== text));
});

test("seededRandom stays within its limits", () => {
  const random = seededRandom(1);
  const seen = new Set(Array.from({ length: 500 }, () => random.below(7)));
  assert.deepEqual([...seen].sort(), [0, 1, 2, 3, 4, 5, 6]);
});
