import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../properties.ts";
import { toOwnVocabulary } from "../../src/transcript/gencode_vocabulary.ts";
import { projectTranscript } from "../../src/transcript/transcript_projection.ts";
import {
  readTranscriptRecord,
  transcriptDurability,
  transcriptRecordId,
} from "../../src/transcript/transcript_record.ts";

const entries = (records: Record<string, unknown>[]): { sequence: number; record: Record<string, unknown> }[] =>
  records.map((record, sequence) => ({ sequence, record }));

test("transcriptDurability() is durable for messages, starts, boundaries, forks, answers and what is not known", () => {
  const durable = ["message.appended", "session.started", "session.compacted", "session.forked", "inference.responded"];
  const buffered = [
    "state.patched",
    "inference.requested",
    "system.section.added",
    "system.section.removed",
    "tools.added",
    "tools.removed",
  ];
  for (const type of [...durable, "hook.fired", "", 5]) assert.equal(transcriptDurability({ type }), "durable");
  for (const type of buffered) assert.equal(transcriptDurability({ type }), "buffered");
  assert.equal(transcriptDurability({}), "durable");
  assert.equal(transcriptDurability({ type: "session.state.patched" }), "buffered");
  assert.equal(transcriptDurability({ type: "tool.removed" }), "buffered");
});

test("toOwnVocabulary() says gencode's older and newer words in ours, and keeps what it does not know", () => {
  assert.deepEqual(
    toOwnVocabulary({ id: "N:fork:1", transcriptId: "N", type: "transcript.forked", system: { parentId: "S" }, x: 1 }),
    { id: "N:fork:1", type: "session.forked", sessionId: "N", session: { parentId: "S" }, x: 1 },
  );
  assert.deepEqual(
    toOwnVocabulary({ type: "tool.added", tool: { schema: { name: "Read" }, caller: "c" } }),
    { type: "tools.added", tools: { schema: { name: "Read" }, caller: "c" } },
  );
  const section = { type: "system.section.added", system: { name: "identity" } };
  assert.equal(toOwnVocabulary(section), section, "a section's payload is called system in both");
});

test("a gencode transcript of either vocabulary projects to the same state and chain", () => {
  const older = [
    { id: "S:start", transcriptId: "S", type: "transcript.started", cwd: "/p", system: { provider: "p", model: "m" } },
    {
      id: "S:m1",
      transcriptId: "S",
      type: "message.appended",
      message: { messageId: "m1", role: "user", content: [] },
    },
    {
      id: "S:m2",
      transcriptId: "S",
      type: "message.appended",
      parentId: "m1",
      message: { messageId: "m2", role: "assistant", content: null },
    },
    {
      id: "S:state:1",
      transcriptId: "S",
      type: "state.patched",
      state: { ops: [{ path: "title", value: "hi" }, { path: "tag", value: "" }, { path: "never/seen", value: 1 }] },
    },
    { id: "S:compact:1", transcriptId: "S", type: "transcript.compacted", system: { boundaryId: "m2" } },
    { id: "S:fork:1", transcriptId: "S", type: "transcript.forked", system: { parentId: "R" } },
  ];
  const newer = older.map(({ transcriptId, type, system, ...rest }) => ({
    ...rest,
    sessionId: transcriptId,
    type: type.replace("transcript.", "session."),
    ...(system === undefined ? {} : { session: system }),
  }));
  const [one, other] = [older, newer].map((records) => projectTranscript(entries(records)));
  assert.deepEqual(one?.state(), other?.state());
  const state = one?.state();
  assert.deepEqual([state?.title, state?.tag, state?.forkedFrom, state?.boundaryId], ["hi", "", "R", "m2"]);
  assert.deepEqual(state?.session, { provider: "p", model: "m" });
  assert.deepEqual(state?.values["never"], { seen: 1 });
  assert.deepEqual(one?.chain(null).nodes.map(({ id }) => id), ["m2"]);
  assert.equal(transcriptRecordId(older[1] ?? {}), "message.appended m1");
});

test("sections of the system prompt and tools are those that were added and not removed", () => {
  const state = projectTranscript(entries([
    { type: "system.section.added", system: { name: "identity", content: "one" } },
    { type: "system.section.added", system: { name: "rules", content: "two" } },
    { type: "system.section.added", system: { name: "identity", content: "three" } },
    { type: "system.section.removed", system: { name: "rules" } },
    { type: "tools.added", tools: [{ name: "read" }, { name: "write" }, { schema: { name: "list" }, caller: "c" }] },
    { type: "tools.removed", tools: ["read"] },
    { type: "tool.removed", tool: { name: "write" } },
    { type: "inference.requested", inference: {} },
    { type: "hook.fired" },
  ])).state();
  assert.deepEqual([...state.systemSections], [["identity", { name: "identity", content: "three" }]]);
  assert.deepEqual([...state.tools], [["list", { name: "list" }]]);
  assert.deepEqual([state.unansweredInferences, state.unknownRecords], [1, 1]);
});

test("readTranscriptRecord() and the projection are total: no JSON object makes them throw", () => {
  const types = fc.constantFrom(
    "message.appended",
    "session.started",
    "transcript.started",
    "session.compacted",
    "session.forked",
    "state.patched",
    "session.state.patched",
    "system.section.added",
    "system.section.removed",
    "tools.added",
    "tool.removed",
    "inference.requested",
    "inference.responded",
    "toString",
  );
  const ids = fc.constantFrom("a", "b", "c");
  const member = fc.oneof(fc.jsonValue(), ids);
  const record = fc.record({
    type: fc.oneof(types, fc.jsonValue()),
    id: member,
    parentId: member,
    isSidechain: fc.oneof(fc.boolean(), fc.jsonValue()),
    agentId: member,
    message: fc.oneof(fc.record({ messageId: member }), fc.jsonValue()),
    session: fc.oneof(fc.record({ boundaryId: ids, parentId: ids }), fc.jsonValue()),
    state: fc.oneof(fc.record({ ops: fc.array(fc.record({ path: member, value: fc.jsonValue() })) }), fc.jsonValue()),
    system: fc.oneof(fc.record({ name: member }), fc.jsonValue()),
    tools: fc.oneof(fc.array(fc.oneof(ids, fc.record({ name: member }))), fc.jsonValue()),
    transcriptId: member,
  }, { requiredKeys: [] });
  fc.assert(fc.property(fc.array(record, { maxLength: 12 }), (records) => {
    const list = entries(records.map((each) => ({ ...each })));
    for (const { record: each, sequence } of list) {
      assert.ok(readTranscriptRecord(each, sequence).kind);
      transcriptDurability(each);
      transcriptRecordId(each);
    }
    const projection = projectTranscript(list);
    const state = projection.state();
    for (const agentId of [null, ...state.agentIds]) {
      const { nodes } = projection.chain(agentId);
      assert.equal(new Set(nodes.map(({ id }) => id)).size, nodes.length);
      projection.leaf(agentId);
    }
    assert.equal(projection.next, list.length);
  }));
});
