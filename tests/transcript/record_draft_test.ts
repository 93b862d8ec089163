import assert from "node:assert/strict";
import { test } from "node:test";
import { draftAnyRecord, draftMessage, draftRecord, linkedRecord } from "../../src/transcript/record_draft.ts";

const sources = { createId: () => "made", now: () => new Date(0) };
const message = { role: "user", content: "hi" };

test("draftMessage() takes the id that is given, else the message's own, else makes one", () => {
  assert.equal(draftMessage(sources, message, { id: "m1" }).id, "m1");
  assert.equal(draftMessage(sources, { ...message, messageId: "m2" }, {}).id, "m2");
  assert.equal(draftMessage(sources, message, {}).id, "made");
  assert.equal(draftMessage(sources, message, {}).name, "message.appended made");
});

test("linkedRecord() fills in a parent that was left open, behind type, id and time", () => {
  const open = draftMessage(sources, message, {});
  assert.deepEqual(Object.keys(linkedRecord(open, "p")), ["type", "id", "time", "parentId", "message"]);
  assert.equal("parentId" in linkedRecord(open, null), false);
  const first = draftMessage(sources, message, { parentId: null });
  assert.equal("parentId" in linkedRecord(first, "p"), false, "null: it begins a conversation");
  assert.equal(linkedRecord(draftMessage(sources, message, { parentId: "own" }), "p")["parentId"], "own");
  const patch = draftRecord(sources, "state.patched", { state: { ops: [] } }, {});
  assert.equal(linkedRecord(patch, "p"), patch.record);
});

test("a draft is as JSON has it, and durable as its type asks for", () => {
  const draft = draftRecord(sources, "inference.requested", { inference: { none: undefined, at: new Date(0) } }, {
    fields: { cwd: "/p" },
  });
  assert.deepEqual(draft.record["inference"], { at: "1970-01-01T00:00:00.000Z" });
  assert.deepEqual([draft.record["cwd"], draft.durability], ["/p", "buffered"]);
  assert.equal(draftAnyRecord(sources, { type: "x", time: 5 }).record["time"], 5);
  assert.equal(draftAnyRecord(sources, { type: "x" }).durability, "durable");
  assert.throws(() => draftAnyRecord(sources, { type: "" }), TypeError);
  assert.throws(() => draftAnyRecord(sources, { type: "x", id: 5 }), TypeError);
  assert.throws(() => draftMessage(sources, message, { parentId: "" }), TypeError);
  assert.throws(() => draftMessage(sources, message, { agentId: "" }), TypeError);
});

test("fields do not stand in for what is written anyway", () => {
  for (const name of ["type", "id", "message", "parentId", "isSidechain", "agentId"]) {
    assert.throws(() => draftMessage(sources, message, { fields: { [name]: "x" } }), TypeError, name);
  }
  assert.equal(draftMessage(sources, message, { fields: { time: "then" } }).record["time"], "then");
});

test("draftAnyRecord() takes a message for one: its id is the message's, its parent as it is", () => {
  const draft = draftAnyRecord(sources, {
    type: "message.appended",
    id: "S:m1",
    isSidechain: true,
    agentId: "search",
    message: { messageId: "m1" },
  });
  assert.deepEqual([draft.id, draft.name, draft.link], [
    "m1",
    "message.appended m1",
    { agentId: "search", isOpen: false },
  ]);
  assert.equal("parentId" in linkedRecord(draft, "p"), false);
});
