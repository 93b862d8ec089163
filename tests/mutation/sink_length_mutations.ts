/**
 * Lengths that the sink and the pull compare: how much goes into an object, what a bucket must hold, what has arrived.
 *
 * @module
 */

import type { Mutation } from "./mutation.ts";
import { ownTest } from "./own_tests.ts";

/** Lengths of objects, and of what stands in them. */
export const sinkLengthMutations: readonly Mutation[] = [
  {
    name: "an object holds more than its limit",
    replace: [{
      file: "sink/increment.ts",
      from: "if (increment.bytes > 0 && increment.bytes + line.bytes.length > context.objectBytesMax) {",
      to: "if (increment.bytes < 0) {",
    }],
    hunts: [ownTest("sink/increment_test.ts")],
  },
  {
    name: "a manifest in the middle may be missing",
    replace: [{
      file: "sink/bucket_sessions.ts",
      from: "if (place.epoch !== epochs.length + 1) {",
      to: "if (place.epoch < epochs.length + 1) {",
    }],
    hunts: [ownTest("sink/pull_session_test.ts")],
  },
  {
    name: "what a power cut left behind the lines that fit stays",
    replace: [{ file: "sink/pull_session.ts", from: "if (bytes < size) await handle.truncate(bytes);" }],
    hunts: [ownTest("sink/pull_session_test.ts")],
  },
  {
    name: "a pull goes on behind the record that it wants next",
    replace: [{
      file: "sink/pull_session.ts",
      from: "if (sequence >= wanted) return offset;",
      to: "if (sequence > wanted) return offset;",
    }],
    hunts: [ownTest("sink/pull_session_test.ts")],
  },
  {
    name: "a line in a bucket that has no room for its mark gets one",
    replace: [{
      file: "sink/record_lines.ts",
      from: "if (encoded.bytes.length <= lineBytesMax) return {",
      to: "if (encoded.bytes.length > 0) return {",
    }],
    hunts: [ownTest("sink/layout_test.ts")],
  },
  {
    name: "whatever is in a bucket is taken for sealed with a key",
    replace: [{
      file: "sink/sealed_objects.ts",
      from: "return magic.every((byte, index) => bytes[index] === byte);",
      to: "return bytes.length > 0;",
    }],
    hunts: [ownTest("sink/sealed_objects_test.ts")],
  },
  {
    name: "the key that an object was sealed with is not compared",
    replace: [{
      file: "sink/sealed_objects.ts",
      from: "if (!keys.id.every((byte, index) => sealed[magic.length + index] === byte)) {",
      to: "if (keys.id.length < 0) {",
    }],
    hunts: [ownTest("sink/sealed_objects_test.ts")],
  },
  {
    name: "a large value with other bytes than its name says is taken from the bucket",
    replace: [{
      file: "sink/pull_session.ts",
      from: "if (bytes === null || blobHash(bytes) !== blob.hash) return false;",
      to: "if (bytes === null) return false;",
    }],
    hunts: [ownTest("sink/pull_session_test.ts")],
  },
  {
    name: "an answer that ends too early counts",
    replace: [{
      file: "sink/open_bucket.ts",
      from: "if (expected !== null && !isEncoded && Number(expected) !== bytes.length) {",
      to: "if (Number(expected) < 0) {",
    }],
    hunts: [ownTest("sink/open_bucket_test.ts")],
    redundant: "what the runtimes offer for requests refuses it by itself, on all three of them",
  },
];
