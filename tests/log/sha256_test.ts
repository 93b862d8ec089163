import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { loadFastHash, sha256, sha256ByItself } from "../../src/log/sha256.ts";

function bytesOf(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => Math.imul(at + length, 0x9e3779b9) >>> 24);
}

function expected(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

test("sha256ByItself() is the runtime's for every length from 0 to 300, and at every alignment", () => {
  for (let length = 0; length <= 300; length++) {
    for (const start of [0, 1, 2, 3]) {
      const bytes = bytesOf(length + start).subarray(start);
      assert.equal(sha256ByItself(bytes), expected(bytes), `${length} bytes at ${start}`);
    }
  }
});

test("sha256ByItself() has the digests of the standard's examples", () => {
  const hash = (text: string): string => sha256ByItself(new TextEncoder().encode(text));
  assert.equal(hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  assert.equal(hash(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  assert.equal(hash("a".repeat(1_000_000)), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
});

test("sha256() is the same before and after the runtime's own was loaded", async () => {
  const bytes = bytesOf(100_000);
  const before = sha256(bytes);
  assert.equal(before, expected(bytes));
  await Promise.all([loadFastHash(), loadFastHash()]);
  await loadFastHash();
  assert.equal(sha256(bytes), before);
  assert.equal(sha256(bytes.subarray(1)), expected(bytes.subarray(1)));
});
