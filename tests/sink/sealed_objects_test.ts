import assert from "node:assert/strict";
import { test } from "node:test";
import { isSealed, sealObjects } from "../../src/sink/sealed_objects.ts";
import { MemoryObjects } from "./memory_objects.ts";

test("sealObjects() uses a new nonce for each object, and every flipped bit is found", async () => {
  const objects = new MemoryObjects();
  const sealed = await sealObjects(objects, "ab".repeat(32));
  const bytes = new TextEncoder().encode("a record");
  for (let n = 0; n < 20; n++) await sealed.create(`n/${n}`, bytes);
  const nonces = new Set([...objects.held.values()].map((one) => one.slice(12, 24).join()));
  assert.equal(nonces.size, 20);
  const one = objects.held.get("n/0") ?? new Uint8Array();
  assert.ok(isSealed(one) && !isSealed(bytes));
  for (let index = 0; index < one.length; index++) {
    const flipped = one.slice();
    flipped[index] = (flipped[index] ?? 0) ^ 1;
    objects.held.set("n/0", flipped);
    await assert.rejects(sealed.read("n/0"), { code: "corrupt" }, `byte ${index}`);
  }
  objects.held.set("n/0", one.slice(0, 30));
  await assert.rejects(sealed.read("n/0"), { code: "corrupt" });
  assert.equal(await sealed.read("none"), null);
});
