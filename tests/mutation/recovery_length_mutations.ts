/**
 * Lengths that recovery compares: seals, the end of a log, pieces in quarantine.
 *
 * @module
 */

import { cutHunts } from "./hunts.ts";
import type { Mutation } from "./mutation.ts";
import { ownTest } from "./own_tests.ts";
import { probes } from "./probes.ts";
import { syncProbes } from "./sync_probes.ts";

/** Seals, the end of a log, the quarantine. */
export const recoveryLengthMutations: readonly Mutation[] = [
  {
    name: "a seal may lie behind the end of its log",
    replace: [{ file: "log/seal.ts", from: "if (seal.bytes > size) return null;" }],
    hunts: [cutHunts.truncateAll, syncProbes.otherLog, ownTest("log/seal_test.ts")],
    redundant: "behind the end nothing can be read, and blank bytes end no line",
  },
  {
    name: "a seal names a line that does not end there",
    replace: [{
      file: "log/seal.ts",
      from: "return line.offset + line.length + 1 === end ? line.bytes : null;",
      to: "return line.bytes;",
    }],
    hunts: [ownTest("log/seal_test.ts")],
  },
  {
    name: "a log with something behind its seal is taken for whole",
    replace: [{
      file: "log/log_recovery.ts",
      from: "if (size === floor.offset) return {",
      to: "if (size >= floor.offset && floor.offset > 0) return {",
    }],
    hunts: [ownTest("log/log_recovery_test.ts")],
  },
  {
    name: "a record that vouched for corruption and was torn leaves nothing to a seal",
    replace: [{
      file: "log/log_recovery.ts",
      from: "const isVouched = tail.durableOffset < tail.kept.offset || tail.durableOffset === floor.offset;",
      to: "const isVouched = tail.durableOffset <= tail.kept.offset;",
    }],
    hunts: [ownTest("log/log_recovery_test.ts")],
  },
  {
    name: "what is torn at the end is not set aside",
    replace: [{
      file: "log/log_recovery.ts",
      from: 'if (tail.tornEnd > offset) pieces.push({ kind: "torn", offset, length: tail.tornEnd - offset });',
    }],
    hunts: [probes.quarantine],
  },
  {
    name: "the end of a short log is looked for, and the start of what counts not found",
    replace: [{
      file: "log/unsealed_tail.ts",
      from: "const isShort = size - floor.offset <= scanBytesMax;",
      to: "const isShort = size < 0;",
    }],
    hunts: [ownTest("log/unsealed_tail_test.ts")],
  },
  {
    name: "a glued line at the very end is torn",
    replace: [{
      file: "log/unsealed_tail.ts",
      from: "behind === size || !await isBlankFrom(handle, behind, size)",
      to: "!await isBlankFrom(handle, behind, size)",
    }],
    hunts: [ownTest("log/log_recovery_test.ts")],
  },
  {
    name: "a line is glued whatever stands behind it",
    replace: [{
      file: "log/unsealed_tail.ts",
      from: "behind === size || !await isBlankFrom(handle, behind, size)",
      to: "behind <= size",
    }],
    hunts: [ownTest("log/log_recovery_test.ts")],
  },
  {
    name: "a record without `~` that fits nothing vouches for nothing",
    replace: [{
      file: "log/unsealed_tail.ts",
      from: "(verdict.verified || verdict.offset === this.#durableOffset)",
      to: "verdict.verified",
    }],
    hunts: [ownTest("log/log_recovery_test.ts"), ownTest("log/log_reader_test.ts")],
  },
  {
    name: "a line that ends with a sector may be one that somebody glued",
    replace: [{
      file: "log/unsealed_tail.ts",
      from: "if (bytes[bytes.length - 1] !== 0x7d || (line.offset + line.length) % 512 === 0) return false;",
      to: "if (bytes[bytes.length - 1] !== 0x7d) return false;",
    }],
    hunts: [cutHunts.crafted, cutHunts.craftedFilled, ownTest("log/log_recovery_test.ts")],
    redundant: "what stands behind a torn sector is blank, and a line that somebody glued has nothing blank behind it",
  },
  {
    name: "a shorter file in quarantine is the piece already",
    replace: [{
      file: "log/quarantine.ts",
      from: "file.offset !== piece.offset || file.size < length) continue;",
      to: "file.offset !== piece.offset) continue;",
    }],
    hunts: [ownTest("log/quarantine_test.ts")],
    redundant: "its bytes are compared, as many as the piece has",
  },
  {
    name: "the quarantine grows without end",
    replace: [{
      file: "log/quarantine.ts",
      from: "if (held + wanted <= quarantineBytesMax) return;",
      to: "if (held >= 0) return;",
    }],
    hunts: [ownTest("log/quarantine_test.ts")],
  },
];
