/** Histories as programs leave them in a store of ours: messages in every shape, settings, markers, side records. */
import fc from "../properties.ts";
import { sideRecordText } from "../../src/formats/side_record.ts";

const anyText = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: "binary", maxLength: 6 }),
  fc.constantFrom("", " ", "one\n\ntwo", "a <b> & c", "\u202e\ud800", "x".repeat(250), '"\\', "```\ncode\n```"),
);
const anyId = fc.constantFrom("c1", "c2", "c3", "__proto__", "a/../b", "");
const anyInput = fc.dictionary(fc.oneof(fc.string({ maxLength: 4 }), fc.constant("__proto__")), fc.jsonValue(), {
  maxKeys: 3,
});
const anyTime = fc.constantFrom("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.123456789+08:00");
const anyMime = fc.constantFrom("image/png", "image/jpeg");
const anyData = fc.base64String({ minLength: 4, maxLength: 8 });

const openaiCall = fc.record({
  id: anyId,
  type: fc.constant("function"),
  function: fc.record({ name: anyText, arguments: fc.oneof(anyInput.map((input) => JSON.stringify(input)), anyText) }),
});

/** As picoclaw and the chat interfaces have them. */
const flatMessage = fc.oneof(
  fc.record({ role: fc.constantFrom("user", "system", "developer"), content: anyText, created_at: anyTime }, {
    requiredKeys: ["role", "content"],
  }),
  fc.record({
    role: fc.constant("assistant"),
    content: fc.oneof(anyText, fc.constant(null)),
    reasoning_content: anyText,
    model_name: anyText,
    tool_calls: fc.array(openaiCall, { maxLength: 2 }),
    media: fc.array(fc.tuple(anyMime, anyData).map(([type, data]) => `data:${type};base64,${data}`), { maxLength: 2 }),
  }, { requiredKeys: ["role", "content"] }),
  fc.record({ role: fc.constant("tool"), content: anyText, tool_call_id: anyId }),
);

const block = fc.oneof(
  fc.record({ type: fc.constant("text"), text: anyText }),
  fc.record({ type: fc.constant("thinking"), thinking: anyText, signature: anyText }, {
    requiredKeys: ["type", "thinking"],
  }),
  fc.record({ type: fc.constant("tool_use"), id: anyId, name: anyText, input: anyInput }),
  fc.record({ type: fc.constant("tool_result"), tool_use_id: anyId, content: anyText, is_error: fc.boolean() }),
  fc.record({
    type: fc.constant("image"),
    source: fc.record({ type: fc.constant("base64"), media_type: anyMime, data: anyData }),
  }),
  fc.record({ type: fc.constant("something"), else: fc.jsonValue() }),
);
const blockMessage = fc.record({
  role: fc.constantFrom("user", "assistant", "system", "tool"),
  content: fc.array(block, { maxLength: 4 }),
});

const codetetherPart = fc.oneof(
  fc.record({ type: fc.constant("text"), text: anyText }),
  fc.record({ type: fc.constant("thinking"), text: anyText }),
  fc.record({ type: fc.constant("tool_call"), id: anyId, name: anyText, arguments: anyText }),
  fc.record({ type: fc.constant("tool_result"), tool_call_id: anyId, content: anyText }),
  fc.record({ type: fc.constant("file"), path: fc.constantFrom("a.txt", "b"), mime_type: fc.constant("text/plain") }),
);
const codetetherMessage = fc.record({
  role: fc.constantFrom("user", "assistant", "tool"),
  content: fc.array(codetetherPart, { maxLength: 3 }),
});

/** Messages in the envelopes of other programs, and of this project's transcripts. */
const envelope = fc.oneof(
  blockMessage.map((message) => ({ type: "message", timestamp: "2026-02-03T04:05:06Z", message })),
  fc.tuple(blockMessage, anyId).map(([message, id]) => ({
    id: `k:${id}`,
    type: "message.appended",
    time: "2026-02-03T04:05:06Z",
    message: { ...message, messageId: id },
  })),
  blockMessage.map((payload) => ({ timestamp: "2026-02-03T04:05:06Z", type: "response_item", payload })),
);
const omegaEvent = fc.oneof(
  fc.record({ seq: fc.nat(9), ts: fc.nat(), type: fc.constant("input"), code: anyText }),
  fc.record({ seq: fc.nat(9), ts: fc.nat(), type: fc.constant("result"), value: anyText }),
);
const noMessage = fc.oneof(
  fc.record({ type: fc.constantFrom("model_change", "turn_context", "x"), value: fc.jsonValue() }),
  fc.record({ n: fc.jsonValue() }),
  fc.constant({ seq: 3, ts: 5, type: "step", d: 0, ctrl: "Expr" }),
);

/** A record's text. */
export const anyRecordText: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: flatMessage.map((record) => JSON.stringify(record)) },
  { weight: 3, arbitrary: blockMessage.map((record) => JSON.stringify(record)) },
  { weight: 3, arbitrary: codetetherMessage.map((record) => JSON.stringify(record)) },
  { weight: 3, arbitrary: envelope.map((record) => JSON.stringify(record)) },
  { weight: 1, arbitrary: omegaEvent.map((record) => JSON.stringify(record)) },
  { weight: 1, arbitrary: noMessage.map((record) => JSON.stringify(record)) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom("codetether", "omega", "other"), fc.constantFrom("a", "b"), fc.jsonValue())
      .map(([format, name, value]) => sideRecordText({ format, part: "session", name }, JSON.stringify(value))),
  },
);

/** A history: the texts of its records. */
export const anyHistory: fc.Arbitrary<string[]> = fc.array(anyRecordText, { maxLength: 8 });
