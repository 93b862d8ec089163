import assert from "node:assert/strict";
import { test } from "node:test";
import { startRuntimeTimer } from "../../src/fs/runtime_timer.ts";

test("startRuntimeTimer() calls back once, and not when it was cancelled", async () => {
  let calls = 0;
  const cancel = startRuntimeTimer(1, () => calls++);
  cancel();
  // Keeps the process alive, which the timer itself does not.
  const alive = setInterval(() => {}, 1000);
  await new Promise<void>((resolve) => void startRuntimeTimer(1, resolve));
  clearInterval(alive);
  assert.equal(calls, 0);
});
