/**
 * The order of steps of large values: what an append says, and when; what a collection does before it looks who names
 * what.
 *
 * @module
 */

import { blobHash } from "../../src/store/blob_values.ts";
import { SimulatedFileSystem } from "../../src/testing/mod.ts";
import { WatchedFileSystem } from "../store/watched_filesystem.ts";
import { appended, hunts as blobHunts } from "./blob_mutations.ts";
import { directory, must, withStore } from "./cut_probe.ts";
import { type Hunt, probe } from "./hunts.ts";
import { leave } from "./leftover_probes.ts";
import type { Mutation } from "./mutation.ts";
import type { OpenStore } from "./mutant_source.ts";

const settings = { blobs: { valueBytesMin: 1024, previewBytesMax: 16 } };
const value = "one ".repeat(256);
const blobPath = `${directory}/blobs/${blobHash(new TextEncoder().encode(value))}`;

/** A large value that nothing names any more. */
async function leaveUnnamed(open: OpenStore, machine: SimulatedFileSystem): Promise<void> {
  await withStore(open, machine, async (store) => {
    await (await store.session("gone")).append({ content: value });
    await store.delete("gone");
  }, settings);
}

/** A session is closed while another process takes it over and appends; a collection comes in between (C9). */
async function closedMeanwhile(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem({ model: "weak" });
  await leaveUnnamed(open, machine);
  const ports = [machine, machine.anotherProcess(), machine.anotherProcess()].map((port) =>
    new WatchedFileSystem(port)
  );
  const [one, two, three] = await Promise.all(ports.map((fileSystem) => open(directory, { ...settings, fileSystem })));
  const [first, second, third] = ports;
  if (!one || !two || !three || !first || !second || !third) throw new TypeError("three are needed");
  await (await one.session("chat")).append({ content: `${value}of the first` });
  let appending: Promise<unknown> = Promise.resolve();
  let isCaught = false;
  first.onCall = async ({ method, path }) => {
    if (method !== "unlink" || !path.endsWith(".intent") || isCaught) return;
    isCaught = true;
    const gate = second.holdNext((call) => call.method === "syncDirectory" && call.path.endsWith("/blobs"));
    appending = two.session("chat").then(async (chat) => await chat.append({ content: value }));
    await Promise.race([gate.reached, appending.catch(() => undefined)]);
  };
  await one.close();
  third.onCall = ({ method }) => void (method === "waitForChange" && second.letGo());
  await three.collectBlobs();
  second.letGo();
  const isAppended = await appending.then(() => true, () => false);
  await two.close();
  await three.close();
  must("error", isCaught, "nothing was under way");
  if (isAppended) await mustBeThere(machine, "an append whose session another process had just closed");
}

/** What a killed program has left does not look like an append of ours that does not end (C9). */
async function intentLeft(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem();
  await leaveUnnamed(open, machine);
  await withStore(open, machine, async (store) => void await (await store.session("chat")).append({ n: 0 }), settings);
  await leave(machine, `${directory}/blobs/chat.intent`);
  const intent = await machine.open(`${directory}/blobs/chat.intent`, { access: "write" });
  await intent.truncate(3);
  await intent.close();
  const port = new WatchedFileSystem(machine.anotherProcess());
  await withStore(open, machine, async (store) => {
    await (await store.session("chat")).append({ n: 1 });
    await withStore(open, port, async (other) => {
      port.onCall = ({ method }) => {
        if (method === "waitForChange") throw new TypeError("it would wait for ever");
      };
      const collected = await other.collectBlobs().then(({ removed }) => removed, () => "it waits");
      must("C9", collected === 1, `A collection beside an idle session that a killed one had: ${collected}`);
    });
  }, settings);
}

/** At each call of a collection an append begins, and gets as far as it can before it writes its record (C9). */
async function appendedMeanwhile(open: OpenStore): Promise<void> {
  for (let at = 0;; at++) {
    const machine = new SimulatedFileSystem({ model: "weak" });
    await leaveUnnamed(open, machine);
    const port = new WatchedFileSystem(machine);
    const otherPort = new WatchedFileSystem(machine.anotherProcess());
    const store = await open(directory, { ...settings, fileSystem: port });
    const other = await open(directory, { ...settings, fileSystem: otherPort });
    const session = await store.session("chat");
    await session.append({ n: 0 });
    let calls = 0;
    let appending: Promise<unknown> = Promise.resolve();
    otherPort.onCall = async ({ method }) => {
      if (method === "waitForChange") port.letGo();
      if (calls++ !== at) return;
      const gate = port.holdNext((call) => call.method === "write" && call.path.endsWith("chat.jsonl"));
      appending = session.append({ content: value });
      await Promise.race([gate.reached, appending]);
    };
    await other.collectBlobs();
    otherPort.onCall = null;
    port.letGo();
    await appending;
    await store.close();
    await other.close();
    if (calls <= at) return;
    await mustBeThere(machine, `an append that began at call ${at} of a collection`);
  }
}

/** Two collections have seen the same value; an append makes it anew between their steps (C9). */
async function collectedTwice(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem({ model: "weak" });
  await leaveUnnamed(open, machine);
  const [port, otherPort] = [new WatchedFileSystem(machine), new WatchedFileSystem(machine.anotherProcess())];
  const one = await open(directory, { ...settings, fileSystem: port });
  const two = await open(directory, { ...settings, fileSystem: otherPort });
  const looked = otherPort.holdNext(({ method, path }) => method === "stat" && path === blobPath);
  const later = two.collectBlobs();
  await Promise.race([looked.reached, later]);
  const removing = port.holdNext(({ method, path }) => method === "unlink" && path === `${blobPath}.unused`);
  const sooner = one.collectBlobs().catch(() => undefined);
  await Promise.race([removing.reached, sooner]);
  await withStore(open, machine.anotherProcess(), async (store) => {
    await (await store.session("chat")).append({ content: value });
  }, settings);
  const setAside = otherPort.holdNext(({ method }) => method === "syncDirectory");
  looked.open();
  await Promise.race([setAside.reached, later]);
  removing.open();
  await sooner;
  setAside.open();
  await later;
  await one.close();
  await two.close();
  await mustBeThere(machine, "an append between the steps of two collections");
}

async function mustBeThere(machine: SimulatedFileSystem, named: string): Promise<void> {
  const isThere = await machine.stat(blobPath).then(() => true, () => false);
  must("C9", isThere, `The large value is gone that is named by ${named}`);
}

const hunts = {
  closedMeanwhile: probe("a session is closed, and taken over, and values are collected", closedMeanwhile),
  intentLeft: probe("what a killed program was about to append", intentLeft),
  appendedMeanwhile: probe("an append at each call of a collection", appendedMeanwhile),
  collectedTwice: probe("two collections, and an append in between", collectedTwice),
} as const satisfies Record<string, Hunt>;

const writing = "store/session_blobs.ts";
const collecting = "store/blob_collection.ts";

/** All of them. */
export const blobOrderMutations: readonly Mutation[] = [
  {
    name: "an append says what it is about to name when it has made it durable",
    replace: [{
      file: writing,
      from:
        "return await this.during(async () => {\n      await this.#orTyped(async () => await this.#store(values));\n      return await write();\n    });",
      to:
        "await openBlobDirectory(this.#context);\n    await this.#orTyped(async () => await this.#store(values));\n    return await this.during(write);",
    }],
    hunts: [blobHunts.meanwhile],
  },
  {
    name: "an append says that it has ended before its records are written",
    replace: [{
      file: writing,
      from:
        "return await this.during(async () => {\n      await this.#orTyped(async () => await this.#store(values));\n      return await write();\n    });",
      to:
        "await this.during(async () => {\n      await this.#orTyped(async () => await this.#store(values));\n    });\n    return await write();",
    }],
    hunts: [blobHunts.meanwhile],
  },
  {
    name: "what an append says is not written down",
    replace: [{ file: writing, from: "await handle.truncate(this.#generation);" }],
    hunts: [blobHunts.meanwhile],
  },
  {
    name: "a large value does not get its name",
    replace: [{ file: writing, from: "await fileSystem.rename(temporaryPath, path);" }],
    hunts: [blobHunts.meanwhile],
  },
  {
    name: "a large value gets its name before it is written",
    replace: [{
      file: writing,
      from: "try {\n      try {\n        await writeFully(handle, bytes, 0);\n        await handle.syncData();",
      to:
        "try {\n      await fileSystem.rename(temporaryPath, path);\n      try {\n        await writeFully(handle, bytes, 0);\n        await handle.syncData();",
    }, {
      file: writing,
      from: "await handle.close();\n      }\n      await fileSystem.rename(temporaryPath, path);",
      to: "await handle.close();\n      }",
    }],
    hunts: [appended],
  },
  {
    name: "the directory of large values is not made",
    replace: [{ file: "store/blob_files.ts", from: "await place.fileSystem.makeDirectory(path, 0o700);" }],
    hunts: [blobHunts.meanwhile],
  },
  {
    name: "the directory of large values is synced before it is made",
    replace: [{
      file: writing,
      from:
        "await openBlobDirectory(this.#context);\n      // Who made it may have been killed before its name was durable.\n      await fileSystem.syncDirectory(directory);",
      to: "await fileSystem.syncDirectory(directory);\n      await openBlobDirectory(this.#context);",
    }],
    hunts: [appended],
  },
  {
    name: "a session says that nothing is under way when its lock is free",
    replace: [{
      file: "store/open_session.ts",
      from:
        "await this.blobs.close();\n    await this.closeLog().finally(async () => await this.#claim.lock.release());",
      to: "await this.closeLog().finally(async () => await this.#claim.lock.release());\n    await this.blobs.close();",
    }],
    hunts: [hunts.closedMeanwhile],
  },
  {
    name: "what a killed program was about to name stays written down",
    replace: [{
      file: "store/session_opening.ts",
      from: "if (await statIfThere(fileSystem, intent) !== null) await unlinkIfThere(fileSystem, intent);",
      to: "void intent;",
    }],
    hunts: [hunts.intentLeft],
  },
  {
    name: "a collection waits for appends before it sets anything aside",
    replace: [{
      file: collecting,
      from:
        "for (const hash of hashes) await this.#setAside(hash);\n      await fileSystem.syncDirectory(directory);\n      await this.#waitForAppends();",
      to:
        "await this.#waitForAppends();\n      for (const hash of hashes) await this.#setAside(hash);\n      await fileSystem.syncDirectory(directory);",
    }],
    hunts: [hunts.appendedMeanwhile],
  },
  {
    name: "a collection looks who names what before it waits for appends",
    replace: [{
      file: collecting,
      from: "await this.#waitForAppends();\n      const named = await findBlobNames(this.#context);",
      to: "const named = await findBlobNames(this.#context);\n      await this.#waitForAppends();",
    }],
    hunts: [blobHunts.meanwhile],
  },
  {
    name: "a collection sets aside without another name",
    replace: [{
      file: collecting,
      from: "if (await statIfThere(fileSystem, path) !== null) await fileSystem.rename(path, path + unusedSuffix);",
      to: "void fileSystem;",
    }, {
      file: collecting,
      from: "blobPath(this.#context, hash) + unusedSuffix;",
      to: "blobPath(this.#context, hash);",
    }],
    hunts: [hunts.appendedMeanwhile],
  },
  {
    name: "a collection does not give back what was named meanwhile",
    replace: [{
      file: collecting,
      from: "for (const hash of hashes) if (await this.#bringBack(hash)) this.#result.kept++;",
    }],
    hunts: [blobHunts.meanwhile],
  },
  {
    name: "what a collection gives back keeps its other name",
    replace: [{ file: collecting, from: "await fileSystem.rename(path + unusedSuffix, path);" }],
    hunts: [blobHunts.setAside],
  },
  {
    name: "a session that is open is taken for one that nobody writes",
    replace: [{
      file: collecting,
      from:
        'const attempt = await fileSystem.lock(path, fileSystem.processName ?? "another process, collecting blobs");\n    if (!attempt.acquired) return false;',
      to: 'const attempt = await fileSystem.lock(`${path}.2`, "");\n    if (!attempt.acquired) return false;',
    }],
    hunts: [blobHunts.meanwhile],
  },
  {
    name: "two collections run at a time",
    replace: [{
      file: collecting,
      from: 'const attempt = await fileSystem.lock(path, fileSystem.processName ?? "another process");',
      to: 'const attempt = await fileSystem.lock(`${path}.${Math.random()}`, "");',
    }],
    hunts: [hunts.collectedTwice],
  },
];
