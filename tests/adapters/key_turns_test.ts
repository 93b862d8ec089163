import assert from "node:assert/strict";
import { test } from "node:test";
import { KeyTurns } from "../../src/adapters/key_turns.ts";

test("KeyTurns: calls for one key are made in order, however long each takes to find its session", async () => {
  const turns = new KeyTurns();
  const made: string[] = [];
  const releases: (() => void)[] = [];
  const slow = () => new Promise<string>((resolve) => releases.push(() => resolve("slow")));
  const first = turns.take("a", slow, (found) => Promise.resolve(made.push(`first ${found}`)));
  const second = turns.take(
    "a",
    () => Promise.resolve("quick"),
    (found) => Promise.resolve(made.push(`second ${found}`)),
  );
  await turns.take("b", () => Promise.resolve("quick"), () => Promise.resolve(made.push("other")));
  assert.deepEqual(made, ["other"]);
  releases[0]?.();
  assert.deepEqual(await Promise.all([first, second]), [2, 3]);
  assert.deepEqual(made, ["other", "first slow", "second quick"]);
});

test("KeyTurns: the next call is made before the one before is done, also if that fails", async () => {
  const turns = new KeyTurns();
  let fail: (error: Error) => void = () => undefined;
  const first = turns.take("a", () => Promise.resolve(0), () => new Promise((_, reject) => fail = reject));
  const failing = turns.take("a", () => Promise.reject(new Error("not found")), () => Promise.resolve(1));
  assert.equal(await turns.take("a", () => Promise.resolve(2), (found) => Promise.resolve(found)), 2);
  await assert.rejects(failing, /not found/);
  fail(new Error("later"));
  await assert.rejects(first, /later/);
  await turns.over();
});
