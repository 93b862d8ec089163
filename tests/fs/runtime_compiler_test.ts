import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { compileAsUsual } from "../../src/fs/runtime_compiler.ts";

test("compileAsUsual asks Bun for its usual compiler, and nothing of the others", () => {
  const runtime: unknown = Reflect.get(globalThis, "Bun");
  const asked: unknown[] = [];
  const unsafe: unknown = typeof runtime === "object" && runtime !== null ? Reflect.get(runtime, "unsafe") : undefined;
  const isObject = typeof unsafe === "object" && unsafe !== null;
  const usual: unknown = isObject ? Reflect.get(unsafe, "setJITPolicy") : undefined;
  if (isObject) Reflect.set(unsafe, "setJITPolicy", (scale: unknown) => asked.push(scale));
  try {
    compileAsUsual();
  } finally {
    if (isObject) Reflect.set(unsafe, "setJITPolicy", usual);
  }
  assert.deepEqual(asked, "bun" in process.versions ? [1] : []);
});
