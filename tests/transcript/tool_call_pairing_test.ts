import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../properties.ts";
import { openStore, type RecordObject } from "../../mod.ts";
import { crashStates, SimulatedFileSystem } from "../../src/testing/mod.ts";
import { findUnpairedCalls, pairToolCalls } from "../../src/transcript/tool_call_pairing.ts";

const call = (...ids: string[]): RecordObject => ({
  role: "assistant",
  content: null,
  tool_calls: ids.map((id) => ({ id, type: "function", function: { name: "f", arguments: "{}" } })),
});
const result = (id: string, content = "20.5"): RecordObject => ({ role: "tool", tool_call_id: id, content });
const user = (content: unknown): RecordObject => ({ role: "user", content });
const assistant = (content: unknown): RecordObject => ({ role: "assistant", content });
const text = (value: string): RecordObject => ({ type: "text", text: value });
const use = (id: string): RecordObject => ({ type: "tool_use", id, name: "f", input: {} });
const answer = (id: string, content = "20.5"): RecordObject => ({ type: "tool_result", tool_use_id: id, content });
const closing = "No result: the call was interrupted before it finished.";
const closed = (id: string): RecordObject => ({ ...answer(id, closing), is_error: true });

const blocksOf = (message: RecordObject | undefined): unknown[] => {
  const content = message?.["content"];
  return Array.isArray(content) ? content : [];
};
const typed = (block: unknown, type: string): boolean => Object(block)["type"] === type;

/** What providers ask of a history, said anew: null if they would take it. */
function refusal(history: readonly RecordObject[]): string | null {
  const rest = history.map((message) => message);
  for (let message = rest.shift(); message !== undefined; message = rest.shift()) {
    if (message["role"] === "tool") return "a result that nobody waits for";
    if (blocksOf(message).some((block) => typed(block, "tool_result"))) return "a block that nobody waits for";
    if (message["role"] !== "assistant") continue;
    if (Array.isArray(message["tool_calls"])) {
      const waiting = message["tool_calls"].map((one: unknown): unknown => Object(one)["id"]);
      if (waiting.length === 0) return "an empty list of calls";
      if (waiting.some((id) => typeof id !== "string" || id === "")) return "a call without an id";
      if (new Set(waiting).size < waiting.length) return "two calls with one id";
      while (waiting.length > 0) {
        const next = rest.shift();
        const at = next?.["role"] === "tool" ? waiting.indexOf(next["tool_call_id"]) : -1;
        if (at < 0) return `no result of ${waiting.join()}`;
        waiting.splice(at, 1);
      }
    }
    const waiting = blocksOf(message).filter((block) => typed(block, "tool_use")).map((one): unknown =>
      Object(one)["id"]
    );
    if (waiting.length === 0) continue;
    if (waiting.some((id) => typeof id !== "string" || id === "")) return "a block without an id";
    if (new Set(waiting).size < waiting.length) return "two blocks with one id";
    const next = rest.shift();
    if (next?.["role"] !== "user") return "no message with results";
    const blocks = blocksOf(next);
    for (const [place, block] of blocks.entries()) {
      const isResult = typed(block, "tool_result");
      if (place < waiting.length !== isResult) return "results are not first, or not as many as calls";
      if (isResult && !waiting.includes(Object(block)["tool_use_id"])) return "a block for somebody else";
    }
    const answered = blocks.slice(0, waiting.length).map((block): unknown => Object(block)["tool_use_id"]);
    if (new Set(answered).size < waiting.length) return "blocks are missing";
  }
  return null;
}

const id = fc.constantFrom("a", "b", "c", "");
const anyBlock = fc.oneof(
  id.map(use),
  id.map((one) => answer(one)),
  fc.constantFrom(text("hm"), { type: "thinking", thinking: "?" }, { type: "tool_use" }, null, 7),
);
const anyMessage = fc.oneof(
  fc.array(id, { maxLength: 3 }).map((ids) => call(...ids)),
  id.map((one) => result(one)),
  fc.tuple(fc.constantFrom("user", "assistant", "system"), fc.array(anyBlock, { maxLength: 4 }))
    .map(([role, content]) => ({ role, content })),
  fc.array(id, { minLength: 1, maxLength: 3 }).map((ids) => assistant([text("let me see"), ...ids.map(use)])),
  fc.array(id, { minLength: 1, maxLength: 3 }).map((ids) => user([...ids.map((one) => answer(one)), text("and")])),
  fc.constantFrom(user("hi"), assistant("hello"), { role: "tool", content: "?" }, { tool_calls: 3 }, {}),
  fc.record({
    role: fc.constant("assistant"),
    tool_calls: fc.constantFrom([{}], null, [3]),
    content: fc.constant("x"),
  }),
);
const anyHistory = fc.array(anyMessage, { maxLength: 12 });
const anyOptions = fc.constantFrom({}, { unanswered: "leave-out" as const }, { resultText: "stopped" });

test("pairToolCalls() makes of any history one that providers take; of that, nothing else", () => {
  fc.assert(
    fc.property(anyHistory, anyOptions, (history, options) => {
      const before = JSON.stringify(history);
      const view = pairToolCalls(history, options);
      assert.equal(refusal(view), null, JSON.stringify(view));
      assert.equal(JSON.stringify(history), before);
      const again = pairToolCalls(view, options);
      assert.equal(again.length, view.length);
      for (const [index, message] of again.entries()) assert.equal(message, view[index]);
      assert.deepEqual(findUnpairedCalls(view), []);
    }),
    { numRuns: 1500 },
  );
});

test("pairToolCalls() leaves a history that providers take as it is: the same messages", () => {
  fc.assert(
    fc.property(anyHistory, anyOptions, (history, options) => {
      if (refusal(history) !== null) return;
      const view = pairToolCalls(history, options);
      assert.equal(view.length, history.length);
      for (const [index, message] of view.entries()) assert.equal(message, history[index]);
    }),
    { numRuns: 3000 },
  );
});

test("pairToolCalls() loses no message that says something, and keeps their order", () => {
  fc.assert(fc.property(anyHistory, anyOptions, (history, options) => {
    const said = (messages: readonly RecordObject[]): string[] =>
      messages.flatMap((message) => {
        const { role, content } = message;
        if (typeof content === "string" && role !== "tool") return [`${String(role)}: ${content}`];
        return blocksOf(message).flatMap((block) =>
          typed(block, "text") ? [`${String(role)}: ${Object(block)["text"]}`] : []
        );
      });
    assert.deepEqual(said(pairToolCalls(history, options)), said(history));
  }));
});

test("an unanswered call is closed, or left out with a message that says nothing else (OpenAI)", () => {
  const history = [user("warm?"), call("a", "b"), result("b"), user("hello?")];
  assert.deepEqual(pairToolCalls(history), [
    user("warm?"),
    call("a", "b"),
    result("b"),
    result("a", closing),
    user("hello?"),
  ]);
  assert.deepEqual(pairToolCalls(history, { unanswered: "leave-out" }), [
    user("warm?"),
    call("b"),
    result("b"),
    user("hello?"),
  ]);
  assert.deepEqual(pairToolCalls([call("a"), user("x")], { unanswered: "leave-out" }), [user("x")]);
  const talking = { ...call("a"), content: "One moment." };
  assert.deepEqual(pairToolCalls([talking], { unanswered: "leave-out" }), [assistant("One moment.")]);
  assert.deepEqual(pairToolCalls([call("a")], { resultText: "cut off" }), [call("a"), result("a", "cut off")]);
});

test("an unanswered call is closed, or left out with a message that says nothing else (Anthropic)", () => {
  const asked = assistant([text("let me see"), use("a"), use("b")]);
  const history = [asked, user([answer("b"), text("and now?")])];
  assert.deepEqual(pairToolCalls(history), [asked, user([answer("b"), closed("a"), text("and now?")])]);
  assert.deepEqual(pairToolCalls([asked, user("hello?")]), [asked, user([closed("a"), closed("b")]), user("hello?")]);
  assert.deepEqual(pairToolCalls([asked], { unanswered: "leave-out" }), [assistant([text("let me see")])]);
  const thought = assistant([{ type: "thinking", thinking: "?" }, use("a")]);
  assert.deepEqual(pairToolCalls([thought, user("x")], { unanswered: "leave-out" }), [user("x")]);
});

test("orphan and second results go, late ones are put behind their call, ids may come again in a later turn", () => {
  assert.deepEqual(pairToolCalls([result("a"), call("a"), result("a", "1"), result("a", "2")]), [
    call("a"),
    result("a", "1"),
  ]);
  assert.deepEqual(pairToolCalls([call("a"), user("?"), result("a")]), [call("a"), result("a"), user("?")]);
  const asked = assistant([use("a")]);
  assert.deepEqual(pairToolCalls([asked, user("?"), user([text("so"), answer("a")])]), [
    asked,
    user([answer("a")]),
    user("?"),
    user([text("so")]),
  ]);
  assert.deepEqual(pairToolCalls([asked, user([text("so"), answer("a")])]), [asked, user([answer("a"), text("so")])]);
  const turns = [call("a"), result("a", "1"), call("a"), result("a", "2")];
  assert.deepEqual(pairToolCalls(turns), turns);
  assert.deepEqual(findUnpairedCalls(turns), []);
});

test("findUnpairedCalls() says what is wrong, and where", () => {
  const faults = (history: RecordObject[]): string[] =>
    findUnpairedCalls(history).map(({ fault, index, id }) => `${index} ${fault} ${id}`);
  assert.deepEqual(faults([call("a"), user("?")]), ["0 unanswered-call a"]);
  assert.deepEqual(faults([user("?"), call("a", "b"), result("b")]), ["1 open-call a"]);
  assert.deepEqual(faults([assistant([use("a"), use("b")]), user([answer("a")])]), ["0 open-call b"]);
  assert.deepEqual(faults([call("a"), call("a"), result("a")]), ["0 unanswered-call a"]);
  assert.deepEqual(faults([result("a"), call("a"), result("a"), result("a")]), [
    "0 orphan-result a",
    "3 duplicate-result a",
  ]);
  assert.deepEqual(faults([call("a"), user("?"), result("a")]), ["2 misplaced-result a"]);
  assert.deepEqual(faults([call("a", "a", ""), result("a")]), ["0 unanswerable-call a", "0 unanswerable-call "]);
});

for (const model of ["weak", "ordered"] as const) {
  test(`what appendAll() appended has no orphan, whenever the power is cut (${model})`, async () => {
    const machine = new SimulatedFileSystem({ model });
    const store = await openStore("/sessions", { fileSystem: machine });
    const session = await store.session("chat");
    await session.append(user("warm?"));
    const moments: SimulatedFileSystem[] = [];
    machine.onStep = () => void moments.push(machine.clone());
    await session.appendAll([call("a", "b"), result("b"), result("a", "x".repeat(700))]);
    await session.appendAll([assistant([use("c")]), user([answer("c", "y".repeat(700))])], { durability: "buffered" });
    await session.appendAll([call("d"), result("d")]);
    machine.onStep = undefined;
    await store.close();
    let states = 0;
    for (const moment of moments) {
      for (const { choices } of crashStates(moment, { limit: 12 })) {
        const after = await openStore("/sessions", { fileSystem: moment.crash(choices), readOnly: true });
        const history = await (await after.session("chat")).history();
        assert.deepEqual(findUnpairedCalls(history), []);
        assert.deepEqual(pairToolCalls(history), history);
        await after.close();
        states++;
      }
    }
    assert.ok(states > 20, `${states} states`);
  });
}
