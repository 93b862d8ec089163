import assert from "node:assert/strict";
import { test } from "node:test";
import { keyChecksum } from "../../src/log/record_format.ts";
import { encodeGroup, groupBytesBound } from "../../src/log/record_group.ts";
import { latin1, LogBuilder, logKey } from "./log_fixture.ts";

test("encodeGroup() chains, numbers and flags as format 1 says", () => {
  const batches = [['{"a":0}'], ['{"a":1}', '{"a":"ä😀"}'], ["{}"]];
  for (const deferred of [false, true]) {
    const log = new LogBuilder().own('{"a":0}', deferred ? "~" : "").own('{"a":1}', "+~").own('{"a":"ä😀"}', "~").own(
      "{}",
      "~",
    );
    const group = encodeGroup(batches, 0, keyChecksum(logKey), deferred);
    assert.equal(latin1(group.bytes), latin1(log.bytes()));
    assert.deepEqual([group.sequenceNext, group.rawLines], [4, 4]);
    assert.ok(group.bytes.length <= groupBytesBound(batches));
    const next = encodeGroup([["{}"]], group.sequenceNext, group.checksum, true);
    assert.equal(latin1(next.bytes), latin1(log.own("{}", "~").bytes()).slice(group.bytes.length));
  }
});

test("encodeGroup() of one line, and of none", () => {
  const one = encodeGroup([["{}"]], 5, 9, false);
  assert.deepEqual([one.sequenceNext, one.rawLines], [6, 1]);
  assert.deepEqual(encodeGroup([], 5, 9, false), {
    bytes: new Uint8Array(0),
    checksum: 9,
    sequenceNext: 5,
    rawLines: 0,
  });
  assert.equal(groupBytesBound([]), 0);
});
