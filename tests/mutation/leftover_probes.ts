/**
 * Probes of what stays: of a session that was deleted or put into the trash, of a step that a full disk has refused,
 * of a program that was killed.
 *
 * @module
 */

import type { SessionStore } from "../../mod.ts";
import { systemErrorCode } from "../../src/errors.ts";
import { type FaultPlan, FaultyFileSystem, SimulatedFileSystem } from "../../src/testing/mod.ts";
import {
  appendBytes,
  bytesOf,
  contentsOf,
  directory,
  eachCut,
  logPath,
  message,
  must,
  withStore,
} from "./cut_probe.ts";
import { type Hunt, probe } from "./hunts.ts";
import type { OpenStore } from "./mutant_source.ts";

const blobs = { blobs: { valueBytesMin: 1024, previewBytesMax: 16 } };

/** The paths of all files and directories below a directory, in order. */
export async function namesBelow(machine: SimulatedFileSystem, path: string): Promise<string[]> {
  if (await machine.stat(path).then(() => false, () => true)) return [];
  const found: string[] = [];
  for (const { name, kind } of await machine.readDirectory(path)) {
    found.push(`${path}/${name}`);
    if (kind === "directory") found.push(...await namesBelow(machine, `${path}/${name}`));
  }
  return found.sort();
}

/** What bears the name of the session that probes write to. */
async function namesOfChat(machine: SimulatedFileSystem): Promise<string[]> {
  return (await namesBelow(machine, directory)).filter((path) => path.includes("chat"));
}

/** Makes a file with some bytes, as a program that was killed leaves it. */
export async function leave(machine: SimulatedFileSystem, path: string): Promise<void> {
  const file = await machine.open(path, { access: "write", create: "if-missing" });
  await file.write(new TextEncoder().encode("left"), 0);
  await file.close();
}

/** A fork that has all that a session can have beside its log: origin, archive, quarantine. */
export async function makeFullSession(open: OpenStore, machine: SimulatedFileSystem): Promise<void> {
  await withStore(open, machine, async (store) => {
    const source = await store.session("source");
    for (const content of ["0", "1", "2"]) await source.append(message(content));
    await store.fork("source", "chat");
    const chat = await store.session("chat");
    await chat.truncate(1, { summary: "s" });
    await chat.compact({ archive: true });
  });
  await appendBytes(machine, '{"role":"user","content":"torn');
  await withStore(open, machine, async (store) => void await (await store.session("chat")).append(message("3")));
  const names = (await namesOfChat(machine)).join();
  const isFull = ["origin", "archive/", "quarantine/"].every((name) => names.includes(`chat.${name}`));
  must("error", isFull, `the session has only ${names}`);
}

/** Of a deleted session nothing stays, whatever crashes have left beside it (I7, I18). */
async function deleted(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem();
  await makeFullSession(open, machine);
  for (const left of ["archive/segment.tmp", "quarantine/damaged.tmp", "log.tmp", "meta.tmp"]) {
    await leave(machine, `${directory}/chat.${left}`);
  }
  await withStore(open, machine, async (store) => void await store.delete("chat"));
  must("I7", (await namesOfChat(machine)).length === 0, `Of a deleted session stays ${await namesOfChat(machine)}`);
}

/** Into the trash goes all of a session, and all of it comes back; emptying leaves nothing of it (I8, I18). */
async function trashed(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem();
  await makeFullSession(open, machine);
  const before = (await namesOfChat(machine)).join();
  const lefts = ["chat.archive/segment.tmp", "chat.quarantine/torn.tmp"];
  for (const left of lefts) await leave(machine, `${directory}/${left}`);
  await withStore(open, machine, async (store) => {
    await store.moveToTrash("chat");
    const inStore = (await namesOfChat(machine)).filter((path) => !path.startsWith(`${directory}/trash/`));
    must("I8", inStore.length === 0, `Of a session in the trash there is in the store ${inStore}`);
    await store.restore("chat");
    const after = (await namesOfChat(machine)).filter((path) => !path.endsWith(".lock")).join();
    must("I8", after === before, `What came back is ${after}, not ${before}`);
    const found = (await contentsOf(store)).join();
    must("I8", found === "0,1,2,3", `What came back has the records ${found}`);
    await store.moveToTrash("chat");
    await leave(machine, `${directory}/trash/1-chat/chat.meta.tmp`);
    for await (const { skipped } of store.retain({ trashAgeMsMax: 0 })) {
      must("I7", skipped === null, `Skipped: ${skipped}`);
    }
    const left = await namesOfChat(machine);
    must("I7", left.length === 0, `Of what was in the trash stays ${left}`);
  });
}

/** What is done on a disk that is full, or fails otherwise, at one call. */
interface Refused {
  readonly options?: ConstructorParameters<typeof SimulatedFileSystem>[0];
  readonly prepare: (store: SessionStore, machine: SimulatedFileSystem) => Promise<unknown>;
  readonly work: (store: SessionStore) => Promise<unknown>;
  readonly plan: Omit<FaultPlan, "failAt">;
}

/** What was refused leaves no file behind, which would take the space that is missing (I14, I18). */
async function refused(open: OpenStore, { options = {}, prepare, work, plan }: Refused): Promise<void> {
  for (let failAt = 1;; failAt++) {
    const machine = new SimulatedFileSystem(options);
    await withStore(open, machine, async (store) => void await prepare(store, machine), blobs);
    let isArmed = false;
    const filter = (call: Parameters<NonNullable<FaultPlan["filter"]>>[0]): boolean => {
      return isArmed && plan.filter?.(call) !== false;
    };
    const port = new FaultyFileSystem(machine, { ...plan, failAt, filter });
    const store = await open(directory, { ...blobs, fileSystem: port });
    const names = async (): Promise<string> => {
      const found = await namesBelow(machine, directory);
      // What is whole is used by the next attempt, or collected.
      return found.filter((path) => !/\.(lock|intent|quarantine)$|\/blobs$|[0-9a-f]{64}$|damaged-/.test(path)).join();
    };
    const before = await names();
    isArmed = true;
    const code = await work(store).then(() => "none", (error) => systemErrorCode(error) ?? "error");
    isArmed = false;
    const { length } = port.fired;
    if (code === "disk-full" || code === "io") {
      must("I14", await names() === before, `A step that failed at call ${failAt} leaves ${await names()}`);
    }
    await store.close();
    if (length === 0) return;
  }
}

const full = { kind: "error", code: "ENOSPC" } as const;
const writing = { fault: full, filter: ({ method }: { method: string }) => method === "write" };

async function sourceAndChat(store: SessionStore): Promise<void> {
  for (const key of ["chat", "source"]) {
    const session = await store.session(key);
    for (const content of ["0", "1", "2"]) await session.append(message(content));
    await session.truncate(1);
  }
}

const refusals = {
  summary: {
    prepare: sourceAndChat,
    work: async (store) => await (await store.session("chat")).setSummary("s"),
    plan: writing,
  },
  owner: {
    prepare: sourceAndChat,
    work: async (store) => await (await store.session("chat")).setSummary("s"),
    plan: {
      fault: { kind: "error", code: "EIO" },
      filter: ({ method, path }) => method === "fileStat" && path.endsWith(".meta.tmp"),
    },
  },
  fork: { prepare: sourceAndChat, work: async (store) => await store.fork("source", "fork"), plan: writing },
  clone: {
    options: { reflinks: true },
    prepare: sourceAndChat,
    work: async (store) => await store.fork("source", "fork"),
    plan: { fault: { kind: "error", code: "EIO" }, filter: ({ method }) => method === "setMode" },
  },
  compact: {
    prepare: sourceAndChat,
    work: async (store) => await (await store.session("chat")).compact(),
    plan: writing,
  },
  blob: {
    prepare: sourceAndChat,
    work: async (store) => await (await store.session("chat")).append(message("large ".repeat(400))),
    plan: writing,
  },
  damaged: {
    prepare: async (store, machine) => {
      await sourceAndChat(store);
      await store.flush();
      const log = await machine.open(logPath, { access: "write" });
      await log.write(Uint8Array.of(0x44), 20);
      await log.close();
    },
    work: async (store) => await (await store.session("chat")).compact(),
    plan: writing,
  },
} as const satisfies Record<string, Refused>;

/** A disk that is full takes a deletion all the same, which makes the space that it needs (I14). */
async function deletedOnFullDisk(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem({ capacityBytes: 256 * 1024 });
  await withStore(open, machine, async (store) => {
    const chat = await store.session("chat");
    let code = "none";
    for (let n = 0; n < 200 && code === "none"; n++) {
      code = await chat.append(message("x".repeat(4000))).then(() => "none", (error) => systemErrorCode(error) ?? "");
    }
    must("error", code === "disk-full", `the disk is not full, but ${code}`);
    const outcome = await store.delete("chat").then(String, (error) => systemErrorCode(error) ?? "error");
    must("I14", outcome === "true", `On a full disk a session cannot be deleted: ${outcome}`);
    must("I7", !await store.has("chat"), "A session that was deleted on a full disk is there");
  });
  await withStore(open, machine, async (store) => {
    must("I7", !await store.has("chat"), "A session that was deleted on a full disk is there again");
  });
}

/** A crash has cut short that a trash was emptied; the key is used again, and its trash emptied again (I10, I18). */
async function emptiedTwice(open: OpenStore): Promise<void> {
  const empty = async (machine: SimulatedFileSystem): Promise<void> => {
    await withStore(open, machine, async (store) => {
      for await (const { action, skipped } of store.retain({ trashAgeMsMax: 0 })) {
        must("I10", skipped === null, `A step of keeping house, ${action}, was not done: ${skipped}`);
      }
    });
  };
  await eachCut(open, {
    prepare: async (store) => {
      await (await store.session("chat")).append(message("0"));
      await store.moveToTrash("chat");
    },
    work: empty,
    check: async (machine) => {
      const emptied = machine.clone();
      await empty(emptied);
      const rest = await namesOfChat(emptied);
      must("I18", rest.length === 0, `Of what was being removed stays ${rest}`);
      await withStore(open, machine, async (store) => {
        if ((await store.trash()).length > 0) return;
        await (await store.session("chat")).append(message("1"));
        await store.moveToTrash("chat");
      });
      await empty(machine);
      const left = await namesOfChat(machine);
      must("I18", left.length === 0, `Of a trash that was emptied stays ${left}`);
    },
  });
}

/** What a killed program has left goes when house is kept, or large values are collected (I18). */
async function killed(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem();
  const value = "one ".repeat(400);
  await withStore(open, machine, async (store) => {
    await (await store.session("chat")).append(message(value));
    await (await store.session("gone")).append(message(`${value}other`));
    await store.delete("gone");
  }, blobs);
  const left = ["blobs/chat.intent", "blobs/chat.tmp", "chat.log.tmp", "chat.meta.tmp"];
  for (const name of left) await leave(machine, `${directory}/${name}`);
  await withStore(open, machine, async (store) => {
    for await (const { skipped } of store.retain()) must("I18", skipped === null, `Skipped: ${skipped}`);
    const { removed } = await store.collectBlobs();
    must("I18", removed === 1, `${removed} large values were removed, not the one that nothing names`);
  });
  const found = (await namesBelow(machine, directory)).filter((path) => /(tmp|intent|unused)$/.test(path));
  must("I18", found.length === 0, `A killed program's files stay: ${found}`);
  const values = (await namesBelow(machine, `${directory}/blobs`)).filter((path) => /[0-9a-f]{64}$/.test(path));
  must("I18", values.length === 1, `${values.length} large values are left, not one`);
}

/** A store that is closed has nothing under way (I18). */
async function closed(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem();
  await withStore(open, machine, async (store) => {
    await (await store.session("chat")).append(message("one ".repeat(400)));
  }, blobs);
  const found = (await namesBelow(machine, directory)).filter((path) => /\.(tmp|intent|lock)$/.test(path));
  must("I18", found.length === 0, `A closed store leaves ${found}`);
}

/** What is set aside makes room for itself before it is written: no quarantine is larger than its quota (I18). */
async function quota(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem();
  await withStore(open, machine, async (store) => void await (await store.session("chat")).append(message("0")));
  await machine.makeDirectory(`${directory}/chat.quarantine`, 0o700);
  const old = await machine.open(`${directory}/chat.quarantine/torn-1-12345678`, {
    access: "write",
    create: "exclusive",
  });
  await old.truncate(16 * 1024 * 1024);
  await old.close();
  await appendBytes(machine, '{"role":"user","content":"torn');
  await withStore(open, machine, async (store) => void await (await store.session("chat")).append(message("1")));
  let held = 0;
  for (const path of await namesBelow(machine, `${directory}/chat.quarantine`)) held += (await machine.stat(path)).size;
  must("I18", held > 0 && held <= 16 * 1024 * 1024, `The quarantine holds ${held} bytes`);
}

/** What is written down of a deleted session is not its key (I7). */
async function forgotten(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem();
  await withStore(open, machine, async (store) => {
    for (const key of ["other", "chat"]) {
      const session = await store.session(key);
      await session.update({ workspace: "/w" });
      await session.append(message("0"));
    }
    await store.delete("chat");
  });
  const index = new TextDecoder().decode(await bytesOf(machine, `${directory}/.workspaces`));
  must("I7", index.includes("other") && !index.includes("chat"), "The index of workspaces names a deleted session");
}

/** All of them. */
export const leftoverProbes = {
  deleted: probe("a session is deleted that has everything", deleted),
  trashed: probe("a session that has everything goes into the trash and back", trashed),
  summary: probe("a full disk refuses a summary", async (open) => await refused(open, refusals.summary)),
  owner: probe("a summary fails before it is written", async (open) => await refused(open, refusals.owner)),
  fork: probe("a full disk refuses a fork", async (open) => await refused(open, refusals.fork)),
  clone: probe("a fork that shares its bytes fails", async (open) => await refused(open, refusals.clone)),
  compact: probe("a full disk refuses a compaction", async (open) => await refused(open, refusals.compact)),
  blob: probe("a full disk refuses a large value", async (open) => await refused(open, refusals.blob)),
  damaged: probe("a full disk refuses to set a line aside", async (open) => await refused(open, refusals.damaged)),
  deletedOnFullDisk: probe("a session is deleted on a full disk", deletedOnFullDisk),
  emptiedTwice: probe("the trash is emptied, cut, and emptied again", emptiedTwice),
  killed: probe("a killed program's files", killed),
  closed: probe("a store that was closed", closed),
  quota: probe("a quarantine that is full", quota),
  forgotten: probe("the index of a deleted session", forgotten),
} as const satisfies Record<string, Hunt>;
