/** A wrapper that hides a member of the port sends the product another way than the one that is shipped. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { countingFileSystem, createFileSystemCounters } from "../../src/fs/counting_filesystem.ts";
import type { FileHandle, FileSystem } from "../../src/fs/filesystem.ts";
import { runtimeFileSystem } from "../../src/fs/runtime_filesystem.ts";
import { type FaultPlan, FaultyFileSystem, SimulatedFileSystem } from "../../src/testing/mod.ts";
import { runFilesystemConformance } from "./filesystem_conformance.ts";
import { runtimeEnvironment } from "./runtime_environment.ts";

const never: FaultPlan = { failAt: 1, fault: { kind: "error", code: "EIO" }, filter: () => false };

runFilesystemConformance(
  "FaultyFileSystem (runtime)",
  () => runtimeEnvironment(new FaultyFileSystem(runtimeFileSystem, never)),
);
runFilesystemConformance("FaultyFileSystem (simulated)", async () => {
  const fileSystem = new SimulatedFileSystem({ reflinks: true });
  await fileSystem.makeDirectory("/directory", 0o755);
  return {
    fileSystem: new FaultyFileSystem(fileSystem, never),
    directory: "/directory",
    supports: { makeSymlink: async (target, path) => fileSystem.addSymbolicLink(path, target) },
    close: async () => {},
  };
});

/** The members that a file system, or a file, need not have: the compiler misses one that is not listed below. */
type OptionalMember<T> = { [K in keyof T]-?: Partial<Pick<T, K>> extends Pick<T, K> ? K : never }[keyof T];

const optionalOfFileSystems: Readonly<Record<OptionalMember<FileSystem>, true>> = {
  processName: true,
  statSync: true,
  cloneFile: true,
  overwritesInPlace: true,
  startTimer: true,
};

const optionalOfFiles: Readonly<Record<OptionalMember<FileHandle>, true>> = {
  writeDurable: true,
  pathSync: true,
  setModified: true,
};

/** A port that has every member, and writes down which of them were called, and with what. */
async function fullPort(called: string[]): Promise<FileSystem> {
  const fileSystem = new SimulatedFileSystem();
  const file = await fileSystem.open("/file", { access: "write", create: "exclusive" });
  const stat = await file.stat();
  const note = (...words: unknown[]): void => void called.push(words.map(String).join(" "));
  const handle: Pick<Required<FileHandle>, keyof typeof optionalOfFiles> & Pick<FileHandle, "write"> = {
    write: async (bytes) => bytes.length,
    async writeDurable(bytes, offset) {
      note("writeDurable", bytes, offset);
      return bytes.length;
    },
    pathSync() {
      note("pathSync");
      return "/file";
    },
    setModified: async (modifiedMs) => note("setModified", modifiedMs),
  };
  const members: Pick<Required<FileSystem>, keyof typeof optionalOfFileSystems> & Pick<FileSystem, "open"> = {
    processName: "somebody",
    statSync(path) {
      note("statSync", path);
      return stat;
    },
    cloneFile: async (from, to) => note("cloneFile", from, to),
    async overwritesInPlace(path) {
      note("overwritesInPlace", path);
      return false;
    },
    startTimer(delayMs, callback) {
      note("startTimer", delayMs);
      callback();
      return () => note("cancelled");
    },
    open: async () => Object.assign(Object.create(file), handle),
  };
  return Object.assign(Object.create(fileSystem), members);
}

/** Calls every member that need not be there. */
async function useOptionalMembers(fileSystem: FileSystem): Promise<unknown[]> {
  const file = await fileSystem.open("/file", { access: "write" });
  const answers: unknown[] = [
    fileSystem.processName,
    fileSystem.statSync?.("/one").kind,
    await fileSystem.cloneFile?.("/one", "/two"),
    await fileSystem.overwritesInPlace?.("/one"),
    await file.writeDurable?.(new Uint8Array([1, 2]), 3),
    file.pathSync?.(),
    await file.setModified?.(4),
  ];
  fileSystem.startTimer?.(5, () => answers.push("called back"))();
  return answers;
}

test("FaultyFileSystem passes on every member that a port need not have", async () => {
  const called: string[] = [];
  const answers = await useOptionalMembers(new FaultyFileSystem(await fullPort(called), never));
  assert.deepEqual(answers, ["somebody", "file", undefined, false, 2, "/file", undefined, "called back"]);
  assert.deepEqual(called, [
    "statSync /one",
    "cloneFile /one /two",
    "overwritesInPlace /one",
    "writeDurable 1,2 3",
    "pathSync",
    "setModified 4",
    "startTimer 5",
    "cancelled",
  ]);
});

const wrappers: Readonly<Record<string, (inner: FileSystem) => FileSystem>> = {
  FaultyFileSystem: (inner) => new FaultyFileSystem(inner, never),
  countingFileSystem: (inner) => countingFileSystem(inner, createFileSystemCounters()),
};

for (const [name, wrap] of Object.entries(wrappers)) {
  test(`${name} has the same members as the port that it wraps`, async () => {
    // The counting one answers for a port that cannot tell, with what the port says of that case.
    const always = name === "countingFileSystem" ? ["overwritesInPlace"] : [];
    const port = await fullPort([]);
    for (const member of Object.keys(optionalOfFileSystems)) {
      const without = Object.assign(Object.create(port), { [member]: undefined });
      assert.notEqual(Reflect.get(wrap(port), member), undefined, member);
      if (!always.includes(member)) assert.equal(Reflect.get(wrap(without), member), undefined, member);
    }
    const file = await port.open("/file", { access: "write" });
    for (const member of Object.keys(optionalOfFiles)) {
      const fileWithout = Object.assign(Object.create(file), { [member]: undefined });
      const without = Object.assign(Object.create(port), { open: () => Promise.resolve(fileWithout) });
      for (const [inner, isThere] of [[port, true], [without, false]] as const) {
        const handle = await wrap(inner).open("/file", { access: "write" });
        assert.equal(Reflect.get(handle, member) !== undefined, isThere, member);
      }
    }
  });
}

test("FaultyFileSystem: every member that a port need not have can fail, but for the clock", async () => {
  const failed: string[] = [];
  for (let failAt = 1;; failAt++) {
    const fault = { kind: "error", code: "EIO" } as const;
    const isAsked: FaultPlan["filter"] = ({ method }) => method !== "open";
    const faulty = new FaultyFileSystem(await fullPort([]), { failAt, fault, filter: isAsked });
    await useOptionalMembers(faulty).catch((error: unknown) => failed.push(codeOf(error)));
    if (faulty.fired.length === 0) break;
    failed.push(...faulty.fired.map(({ method }) => method));
  }
  const methods = ["stat", "cloneFile", "overwritesInPlace", "write", "syncData", "path", "setModified"];
  assert.deepEqual(failed, methods.flatMap((method) => ["EIO", method]));
});

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}
