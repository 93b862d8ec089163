/**
 * Lengths and sizes that the store compares when it keeps what others rely on: large values, old files of picoclaw's,
 * what housekeeping may remove.
 *
 * @module
 */

import type { Mutation } from "./mutation.ts";
import { keepingProbes as hunts } from "./store_keeping_length_probes.ts";

const values = "store/blob_values.ts";
const writing = "store/session_blobs.ts";
const reading = "store/blob_files.ts";
const migration = "store/migration.ts";
const retention = "store/retention.ts";
const plan = "store/retention_plan.ts";

/** What is compared before something is kept, or goes. */
export const storeKeepingLengthMutations: readonly Mutation[] = [
  {
    name: "a known blob of another size is taken for whole",
    replace: [{ file: writing, from: "?.size === bytes.length) continue;", to: "?.size !== undefined) continue;" }],
    hunts: [hunts.knownShort],
  },
  {
    name: "all blobs that there ever were are remembered",
    replace: [{ file: writing, from: "this.#known.size <= knownMax", to: "this.#known.size <= Infinity" }],
    hunts: [hunts.known],
  },
  {
    name: "no blob is remembered",
    replace: [{ file: writing, from: "this.#known.size <= knownMax", to: "this.#known.size <= 0" }],
    hunts: [hunts.known],
  },
  {
    name: "a blob that begins with the right bytes is taken for whole",
    replace: [{ file: writing, from: "(await handle.stat()).size !== bytes.length || ", to: "" }],
    hunts: [hunts.longer],
  },
  {
    name: "a blob of another size is read",
    replace: [{ file: reading, from: " || bytes.length !== size) return", to: ") return" }],
    hunts: [hunts.readShort],
    redundant: "bytes of another length have another hash; only the message says more",
  },
  {
    name: "a blob with other bytes is read",
    replace: [{ file: reading, from: "return blobHash(bytes) === hash ?", to: "return bytes.length === size ?" }],
    hunts: [hunts.readOther],
  },
  {
    name: "a value of exactly as many bytes as the option says stays in the log",
    replace: [{ file: values, from: "if (bytes.length < valueBytesMin)", to: "if (bytes.length <= valueBytesMin)" }],
    hunts: [hunts.exactlyOut],
  },
  {
    name: "a value of fewer bytes than the option says is kept out",
    replace: [{ file: values, from: "if (bytes.length < valueBytesMin)", to: "if (bytes.length < 0)" }],
    hunts: [hunts.justIn],
  },
  {
    name: "a value is measured by its characters",
    replace: [{ file: values, from: "return (end - start) * 3 >= bytesMin;", to: "return end - start >= bytesMin;" }],
    hunts: [hunts.wideOut],
  },
  {
    name: "a record is measured by its characters",
    replace: [{ file: values, from: "text.length * 3 < bytesMin", to: "text.length < bytesMin" }],
    hunts: [hunts.wideOut],
  },
  {
    name: "a preview is cut in the middle of a character",
    replace: [{ file: values, from: "while (end > 0 && ((head[end] ?? 0) & 0xc0) === 0x80) end--;" }],
    hunts: [hunts.preview],
  },
  {
    name: "somebody's files among the blobs are taken for leftovers",
    replace: [{ file: "store/blob_collection.ts", from: " && name.length > suffix.length)", to: ")" }],
    hunts: [hunts.foreign],
  },
  {
    name: "files may come and go while blobs are looked for",
    replace: [{
      file: "store/blob_names.ts",
      from: "after.size === before.size && [...after.keys()].every((file) => before.has(file))",
      to: "after.size >= 0",
    }],
    hunts: [hunts.moved],
  },
  {
    name: "migration: a message that is no line is taken over",
    replace: [{
      file: migration,
      from: "lineBytesBound(text) > lineBytesMax)",
      to: "lineBytesBound(text) > Infinity)",
    }],
    hunts: [hunts.migratedLong],
  },
  {
    name: "migration: a record behind those that were taken over is newer data",
    replace: [{ file: migration, from: "if (matched === legacy.messages.length) return true;" }],
    hunts: [hunts.migratedAgain],
  },
  {
    name: "migration: any record tells that all was taken over",
    replace: [{
      file: migration,
      from: "if (matched === legacy.messages.length) return true;",
      to: "if (matched <= legacy.messages.length) return true;",
    }],
    hunts: [hunts.migratedOther],
  },
  {
    name: "migration: the first records tell that all was taken over",
    replace: [{
      file: migration,
      from: "return matched === legacy.messages.length;\n  });",
      to: "return matched <= legacy.messages.length;\n  });",
    }],
    hunts: [hunts.migratedPart],
  },
  {
    name: "retain: the trash may have more than it may have",
    replace: [{ file: retention, from: "held <= trashBytesMax", to: "held <= Infinity" }],
    hunts: [hunts.trash],
  },
  {
    name: "retain: all of the trash goes when some must",
    replace: [{ file: retention, from: "held <= trashBytesMax", to: "held < 0" }],
    hunts: [hunts.trash],
  },
  {
    name: "retain: the quarantine may have more than it may have",
    replace: [{
      file: retention,
      from: "if (held <= quarantineBytesMax) return;\n  const keys",
      to: "if (held <= Infinity) return;\n  const keys",
    }],
    hunts: [hunts.quarantine],
  },
  {
    name: "retain: all of the quarantine goes when some must",
    replace: [{
      file: retention,
      from: "if (held <= quarantineBytesMax) return;\n    // It",
      to: "if (held < 0) return;\n    // It",
    }],
    hunts: [hunts.quarantine],
  },
  {
    name: "retain: sessions may have more bytes than they may have",
    replace: [{ file: plan, from: "bytes > bytesMax && count > 1", to: "bytes > Infinity && count > 1" }],
    hunts: [hunts.sessions],
  },
  {
    name: "retain: the only session goes where it is too large",
    replace: [{ file: plan, from: "bytes > bytesMax && count > 1", to: "bytes > bytesMax" }],
    hunts: [hunts.sessions],
  },
  {
    name: "retain: a session that has grown in the same moment is as it was",
    replace: [{ file: retention, from: "stat?.size === session.size && stat.", to: "stat?." }],
    hunts: [hunts.sameMoment],
  },
  {
    name: "retain: a session without a time that has grown is as old as before",
    replace: [{ file: "store/retention_clock.ts", from: "note[0] === size && ", to: "" }],
    hunts: [hunts.withoutTime],
  },
];
