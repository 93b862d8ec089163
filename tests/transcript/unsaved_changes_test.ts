import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../properties.ts";
import { type ChangeBatch, type StateRecord, UnsavedChanges } from "../../src/transcript/unsaved_changes.ts";
import { hasCode } from "../store/store_fixture.ts";

function stateOf(state: unknown, isForced = false): StateRecord {
  const text = JSON.stringify(state);
  return () => ({ record: `{"state":${text}}`, state: text, isForced });
}
const none = stateOf(null);

test("O8: what arrives behind a take belongs to the next, and only what was taken counts as saved", () => {
  const changes = new UnsavedChanges(1_000);
  changes.addEvent({ n: 0 });
  const first = changes.take(none);
  changes.addEvent({ n: 1 });
  changes.touch();
  assert.deepEqual(first?.texts, ['{"n":0}']);
  changes.saved(first);
  assert.equal(changes.savedRevision, 1);
  assert.equal(changes.revision, 3);
  const second = changes.take(stateOf(5));
  assert.deepEqual(second?.texts, ['{"n":1}', '{"state":5}']);
  changes.saved(second);
  assert.equal(changes.savedRevision, 3);
  assert.equal(changes.take(none), null);
});

test("UnsavedChanges.putBack() puts events in front, in order, and asks for the state anew", () => {
  const changes = new UnsavedChanges(1_000);
  changes.addEvent({ n: 0 });
  changes.touch();
  const batch = changes.take(stateOf(1));
  assert.ok(batch !== null);
  assert.equal(changes.isWaiting, false);
  changes.addEvent({ n: 1 });
  changes.putBack(batch);
  assert.deepEqual(changes.take(stateOf(2))?.texts, ['{"n":0}', '{"n":1}', '{"state":2}']);
});

test("a state that is as it was saved last is not written, unless it is asked for", () => {
  const changes = new UnsavedChanges(1_000);
  changes.touch();
  const batch = changes.take(stateOf({ a: 1 }));
  assert.ok(batch !== null);
  changes.saved(batch);
  changes.touch();
  assert.equal(changes.take(stateOf({ a: 1 })), null);
  assert.equal(changes.savedRevision, changes.revision);
  changes.touch();
  assert.deepEqual(changes.take(stateOf({ a: 1 }, true))?.texts, ['{"state":{"a":1}}']);
});

test("events and states that no log would take are refused", () => {
  const changes = new UnsavedChanges(100);
  assert.throws(() => changes.addEvent({ text: "x".repeat(100) }), hasCode("too-large"));
  assert.throws(() => changes.addEvent({ text: "ü".repeat(50) }), hasCode("too-large"));
  changes.addEvent({ text: "ü".repeat(40) });
  changes.touch();
  assert.equal(changes.take(stateOf("x".repeat(100)))?.texts.length, 1, "the event goes without it");
  assert.throws(() => changes.take(stateOf("x".repeat(100))), hasCode("too-large"));
  assert.equal(changes.isWaiting, true);
  for (const value of [undefined, null, 1, "x", [1]]) {
    assert.throws(() => Reflect.apply(changes.addEvent, changes, [value]), TypeError);
  }
});

test("a batch is no larger than a log takes at once; the state goes behind all events", () => {
  const changes = new UnsavedChanges(10_485_695);
  const text = "x".repeat(700_000);
  for (let n = 0; n < 5; n++) changes.addEvent({ n, text });
  changes.touch();
  const batches: ChangeBatch[] = [];
  for (let batch = changes.take(stateOf(text)); batch !== null; batch = changes.take(stateOf(text))) {
    batches.push(batch);
    changes.saved(batch);
  }
  assert.deepEqual(batches.map(({ events, state }) => [events.length, state !== null]), [[2, false], [2, false], [
    1,
    true,
  ]]);
  assert.deepEqual(batches.map(({ revision }) => revision), [2, 4, 6]);
  assert.equal(changes.bytes, 0);
});

test("whatever is told, taken, put back and saved: each event is saved once, in order, and no revision too soon", () => {
  const step = fc.constantFrom("event", "event", "touch", "take", "save", "putBack");
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const changes = new UnsavedChanges(1_000);
    const saved: string[] = [];
    let told = 0;
    let state = 0;
    let taken: ChangeBatch | null = null;
    const finish = (isSaved: boolean): void => {
      if (taken === null) return;
      if (isSaved) {
        saved.push(...taken.texts);
        changes.saved(taken);
      } else changes.putBack(taken);
      taken = null;
    };
    const take = (): void => void (taken ??= changes.take(stateOf(state)));
    for (const name of steps) {
      if (name === "event") changes.addEvent({ n: told++ });
      else if (name === "touch") changes.touch();
      else if (name === "take") take();
      else finish(name === "save");
      if (name === "touch") state++;
      const events = saved.filter((text) => text.startsWith('{"n"'));
      assert.deepEqual(events, Array.from({ length: events.length }, (_, n) => `{"n":${n}}`));
      if (changes.savedRevision === changes.revision) assert.equal(events.length, told);
    }
    finish(true);
    take();
    finish(true);
    assert.equal(saved.filter((text) => text.startsWith('{"n"')).length, told);
    assert.equal(changes.savedRevision, changes.revision);
    if (state > 0) assert.equal(saved.findLast((text) => text.startsWith('{"s')), `{"state":${state}}`);
  }));
});
