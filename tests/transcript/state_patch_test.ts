import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../properties.ts";
import {
  applyPatch,
  type PatchOperation,
  readOperations,
  removePath,
  setLastPrompt,
  setMode,
  setTag,
  setTasks,
  setTitle,
  setValues,
  setWorktree,
} from "../../src/transcript/state_patch.ts";

const changed = (state: Record<string, unknown>, ...operations: PatchOperation[]): Record<string, unknown> =>
  applyPatch(state, operations).state;

test("applyPatch() sets title, last prompt, tag, mode, tasks and worktree", () => {
  const tasks = [{ id: "t1", content: "water the plants", status: "open", extra: 1 }];
  const worktree = { worktreePath: "/w", worktreeName: "w" };
  const state = changed(
    {},
    setTitle("T"),
    setLastPrompt("P"),
    setTag("G"),
    setMode("plan"),
    setTasks(tasks),
    setWorktree(worktree),
  );
  assert.deepEqual(state, { title: "T", lastPrompt: "P", tag: "G", mode: "plan", tasks, worktree });
  assert.deepEqual(changed(state, setWorktree(null))["worktree"], null);
});

test("applyPatch() sets any other path, and makes the objects that it needs", () => {
  assert.deepEqual(changed({}, { path: "limits/tokens", value: 5 }), { limits: { tokens: 5 } });
  assert.deepEqual(changed({}, { path: "/limits/tokens", value: 5 }), { limits: { tokens: 5 } });
  assert.deepEqual(changed({ a: 1 }, { path: "a/b", value: 5 }), { a: { b: 5 } });
  assert.deepEqual(changed({}, { path: "a~1b/c~0d", value: 5 }), { "a/b": { "c~d": 5 } });
  assert.deepEqual(changed({}, { path: "", value: 5 }), { "": 5 });
});

test("applyPatch() goes into lists by place, and behind their last", () => {
  const state = { tasks: [{ status: "open" }, { status: "open" }] };
  assert.deepEqual(changed(state, { path: "tasks/1/status", value: "done" }).tasks, [
    { status: "open" },
    { status: "done" },
  ]);
  assert.deepEqual(changed(state, { path: "tasks/-", value: 7 }).tasks, [{ status: "open" }, { status: "open" }, 7]);
  assert.deepEqual(changed(state, { path: "tasks/2", value: 7 }).tasks, [{ status: "open" }, { status: "open" }, 7]);
  assert.deepEqual(changed(state, removePath("tasks/0")).tasks, [{ status: "open" }]);
  assert.deepEqual(state.tasks.length, 2, "the state before is as it was");
});

test("applyPatch() removes what a path without a value leads to", () => {
  assert.deepEqual(changed({ a: 1, b: 2 }, removePath("a")), { b: 2 });
  assert.deepEqual(changed({ a: { b: 1, c: 2 } }, removePath("a/b")), { a: { c: 2 } });
  assert.deepEqual(changed({ a: 1 }, removePath("x/y")), { a: 1 });
});

test("applyPatch() counts operations that lead nowhere, and applies the others", () => {
  const { state, refused } = applyPatch({ list: [1] }, [
    { path: "list/name", value: 1 },
    { path: "list/9", value: 1 },
    { path: "list/01", value: 1 },
    removePath("list/1"),
    setTitle("T"),
  ]);
  assert.deepEqual([state, refused], [{ list: [1], title: "T" }, 4]);
});

test("applyPatch() takes __proto__ for a name like any other", () => {
  const state = changed({}, { path: "__proto__/polluted", value: 1 }, { path: "constructor/prototype/x", value: 1 });
  assert.equal(Object.hasOwn(state, "__proto__"), true);
  assert.equal(Object.getOwnPropertyNames(Object.prototype).includes("polluted"), false);
  assert.equal(Reflect.get({}, "x"), undefined);
});

test("applyPatch() is total, leaves the state before as it was, and the last value set is the one that is there", () => {
  const names = fc.constantFrom("title", "tasks", "0", "1", "-", "a", "__proto__", "~0", "~1", "");
  const paths = fc.array(names, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
  const operation = fc.record({ path: paths, value: fc.jsonValue() }, { requiredKeys: ["path"] });
  fc.assert(fc.property(fc.jsonValue(), fc.array(operation), fc.jsonValue(), (tasks, operations, title) => {
    const before = { tasks };
    const text = JSON.stringify(before);
    const { state } = applyPatch(before, [...operations, { path: "title", value: title }]);
    assert.equal(JSON.stringify(before), text);
    assert.deepEqual(state["title"], title);
    assert.doesNotThrow(() => JSON.stringify(state));
  }));
});

test("setValues() says any state again", () => {
  const object = fc.dictionary(fc.string(), fc.jsonValue());
  fc.assert(fc.property(object, object, (values, before) => {
    const state = changed({}, ...setValues(values));
    assert.deepEqual(JSON.parse(JSON.stringify(state)), JSON.parse(JSON.stringify(values)));
    assert.deepEqual(Object.keys(changed(before, ...setValues(values))).length >= Object.keys(values).length, true);
  }));
});

test("readOperations() takes what is an operation out of anything", () => {
  assert.deepEqual(readOperations([{ path: "a", value: 1 }, { path: "b" }, { value: 1 }, null, "x", { path: 5 }]), [
    { path: "a", value: 1 },
    { path: "b" },
  ]);
  fc.assert(fc.property(fc.jsonValue(), (value) => assert.ok(Array.isArray(readOperations(value)))));
});
