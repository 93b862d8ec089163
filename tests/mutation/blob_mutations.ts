/**
 * Steps of large values: durable before they are named, under a name that is durable; removed only when nothing names
 * them, and nobody is about to.
 *
 * @module
 */

import { blobHash } from "../../src/store/blob_values.ts";
import { type PortCall, SimulatedFileSystem } from "../../src/testing/mod.ts";
import { WatchedFileSystem } from "../store/watched_filesystem.ts";
import { cuts, type Hunt, probe } from "./hunts.ts";
import { must } from "./cut_probe.ts";
import type { Mutation } from "./mutation.ts";
import type { OpenStore } from "./mutant_source.ts";

/** An append with a large value under power cuts. */
export const appended = cuts("append a large value", [{ kind: "append-blob" }], { prepare: [{ kind: "append" }] });
const known = cuts("name a large value again", [{ kind: "append" }, { kind: "append-blob" }], {
  prepare: [{ kind: "append-blob" }],
});
const replaced = cuts("replace by a large value", [{ kind: "replace", sizes: ["blob", "small"] }], {
  prepare: [{ kind: "append-blob" }],
});

const settings = { blobs: { valueBytesMin: 1024, previewBytesMax: 16 } };
const value = "one ".repeat(256);
const blobPath = `/sessions/blobs/${blobHash(new TextEncoder().encode(value))}`;

/** Who reads with `strict` meets an error where a record names what is not there. */
async function wholeRecords(open: OpenStore, machine: SimulatedFileSystem): Promise<number> {
  const store = await open("/sessions", { fileSystem: machine, strict: true, readOnly: true });
  let found = 0;
  for (const { key } of await store.list()) {
    for (const { content } of await (await store.session(key)).history()) if (content === value) found++;
  }
  await store.close();
  return found;
}

/** A program is killed when a blob has its name, which is not durable; another one appends the same value. */
async function nameLeftUnsynced(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem({ model: "weak" });
  const port = new WatchedFileSystem(machine);
  const store = await open("/sessions", { ...settings, fileSystem: port });
  const session = await store.session("chat");
  await session.append({ n: 0 });
  port.failNext(({ method, path }) => method === "syncDirectory" && path.endsWith("/blobs"), "EIO");
  await session.append({ content: value }).catch(() => undefined);
  const next = machine.kill();
  const other = await open("/sessions", { ...settings, fileSystem: next });
  await (await other.session("chat")).append({ content: value });
  must("I1", await wholeRecords(open, next.crash([])) === 1, "An acknowledged record's large value is gone");
}

/** At each call of an append a whole collection runs, unless it waits for the append: then that goes on (C9). */
async function collectedMeanwhile(open: OpenStore): Promise<void> {
  for (let at = 0;; at++) {
    const machine = new SimulatedFileSystem({ model: "weak" });
    const before = await open("/sessions", { ...settings, fileSystem: machine });
    await (await before.session("gone")).append({ content: value });
    await before.delete("gone");
    await before.close();
    const port = new WatchedFileSystem(machine);
    const otherPort = new WatchedFileSystem(machine.anotherProcess());
    const store = await open("/sessions", { ...settings, fileSystem: port });
    const other = await open("/sessions", { ...settings, fileSystem: otherPort });
    const session = await store.session("chat");
    await session.append({ n: 0 });
    let calls = 0;
    let collecting: Promise<unknown> | null = null;
    port.onCall = async (_call: PortCall) => {
      if (calls++ !== at) return;
      await new Promise<void>((goOn) => {
        otherPort.onCall = ({ method }) => void (method === "waitForChange" && goOn());
        collecting = other.collectBlobs().finally(goOn);
      });
    };
    await session.append({ content: value });
    port.onCall = null;
    if (collecting === null) return;
    await collecting;
    await store.close();
    await other.close();
    const isThere = await machine.stat(blobPath).then(() => true, () => false);
    must("C9", isThere, `Collected at call ${at} of the append that names it`);
    must("C9", await wholeRecords(open, machine.crash([])) === 1, `Lost after a collection at call ${at}`);
  }
}

/** A collection is cut off when it has set a blob aside that a record names by then. */
async function readWhileSetAside(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem({ model: "weak" });
  const store = await open("/sessions", { ...settings, fileSystem: machine });
  await (await store.session("chat")).append({ content: value });
  await machine.rename(blobPath, `${blobPath}.unused`);
  must("C9", await wholeRecords(open, machine) === 1, "A blob that is set aside cannot be read");
  await store.collectBlobs();
  must("C9", await machine.stat(blobPath).then(() => true, () => false), "A blob that is named was not given back");
  await store.close();
}

/** What finds them out; other tables use it, too. */
export const hunts = {
  nameLeft: probe("a blob whose name was left unsynced", nameLeftUnsynced),
  meanwhile: probe("a collection at each call of an append", collectedMeanwhile),
  setAside: probe("a blob that was set aside", readWhileSetAside),
} as const satisfies Record<string, Hunt>;

const writing = "store/session_blobs.ts";
const collecting = "store/blob_collection.ts";

/** Steps of large values. */
export const blobMutations: readonly Mutation[] = [
  {
    name: "a blob is not synced before it gets its name",
    replace: [{ file: writing, from: "await handle.syncData();\n      } finally", to: "} finally" }],
    hunts: [appended, replaced],
  },
  {
    name: "the directory of blobs is not synced behind a new name",
    replace: [{ file: writing, from: "if (isNameNew) await fileSystem.syncDirectory(blobDirectory(this.#context));" }],
    hunts: [appended],
  },
  {
    name: "the name of the directory of blobs is not synced",
    replace: [{
      file: writing,
      from: "await fileSystem.syncDirectory(directory);\n      this.#directoryDurable",
      to: "await Promise.resolve(directory);\n      this.#directoryDurable",
    }],
    hunts: [appended],
  },
  {
    name: "the record is written before its blob",
    replace: [{
      file: writing,
      from: "await this.#orTyped(async () => await this.#store(values));\n      return await write();",
      to: "const written = await write();\n      await this.#store(values);\n      return written;",
    }],
    hunts: [appended, replaced],
  },
  {
    name: "a blob that is there is trusted to have a durable name",
    replace: [{
      file: writing,
      from: "isNameNew = true;\n      if (await this.#isThere(path, bytes)) continue;",
      to: "if (await this.#isThere(path, bytes)) continue;\n      isNameNew = true;",
    }],
    hunts: [hunts.nameLeft],
  },
  {
    name: "a blob of the right size is trusted to have the right bytes",
    replace: [{ file: writing, from: " || !await holdsSame(handle, bytes)" }, {
      file: writing,
      from: "async function holdsSame(",
      to: "export async function holdsSame(",
    }],
    hunts: [appended, known],
    redundant: "a blob gets its name when its bytes are durable; other bytes are damage",
  },
  {
    name: "a blob that is known is not looked at again",
    replace: [{
      file: writing,
      from: " && (await statIfThere(fileSystem, path))?.size === bytes.length",
    }],
    hunts: [probe("a known blob was collected", async (open) => {
      const store = await open("/sessions", { ...settings, fileSystem: new SimulatedFileSystem() });
      const session = await store.session("chat");
      await session.append({ content: value });
      await session.replace([{ n: 1 }]);
      await store.collectBlobs();
      await session.append({ content: value });
      const [record] = (await session.tail(1)).records;
      must("I1", record?.["content"] === value, "What was collected was taken for known");
      await store.close();
    })],
  },
  {
    name: "an append says nothing of what it is about to name",
    replace: [{
      file: writing,
      from: "if (this.#generation % 2 === 0) this.#generation++;\n    await this.#writeIntent();",
    }],
    hunts: [hunts.meanwhile],
  },
  {
    name: "a collection does not wait for appends",
    replace: [{ file: collecting, from: "await this.#waitForAppends();" }],
    hunts: [hunts.meanwhile],
  },
  {
    name: "a collection does not look again",
    replace: [{
      file: collecting,
      from: "const named = await findBlobNames(this.#context);\n      for",
      to: "const named = new Set<string>();\n      for",
    }],
    hunts: [hunts.meanwhile],
  },
  {
    name: "what is set aside is not read",
    replace: [{ file: "store/blob_files.ts", from: "[path, path + unusedSuffix, path]", to: "[path]" }],
    hunts: [hunts.setAside],
  },
  {
    name: "what was set aside, and is named, is not given back",
    replace: [{
      file: collecting,
      from: "this.#result.kept++;\n        await this.#bringBack(hash);",
      to: "this.#result.kept++;",
    }],
    hunts: [hunts.setAside],
  },
];
