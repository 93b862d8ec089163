/**
 * What a file system under test brings along, and the small verbs that the conformance cases are written in.
 *
 * @module
 */
import { test, type TestContext } from "node:test";
import assert from "node:assert/strict";
import type { FileHandle, FileSystem, OpenOptions } from "../../src/fs/filesystem.ts";

/** Parts of the contract that not every environment can arrange. */
export interface ConformanceSupport {
  /** Makes a symbolic link at `path` whose content is `target`. */
  makeSymlink?: (target: string, path: string) => Promise<void>;
}

/** One file system under test, with an empty directory that is its own. */
export interface ConformanceEnvironment {
  /** The implementation. */
  fileSystem: FileSystem;
  /** An existing, empty directory, absolute and without symbolic links in it. */
  directory: string;
  /** What can be arranged beyond the port. */
  supports?: ConformanceSupport;
  /** Removes everything. */
  close(): Promise<void>;
}

/** Makes a fresh environment for one test. */
export type ConformanceSetup = () => Promise<ConformanceEnvironment>;

/** What a case gets: the environment and its verbs. */
export interface CaseContext {
  fileSystem: FileSystem;
  directory: string;
  supports: ConformanceSupport;
  /** A path inside the directory. */
  path(name: string): string;
  /** Opens a file that the end of the test closes. */
  open(path: string, options: OpenOptions): Promise<FileHandle>;
  /** Makes a file with a text in it. */
  write(path: string, text: string): Promise<void>;
  /** The text of a file. */
  text(path: string): Promise<string>;
  /** Says why the case cannot run. */
  skip(reason: string): void;
}

/** Registers a case. */
export type RegisterCase = (title: string, body: (context: CaseContext) => Promise<void>) => void;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Text as bytes. */
export function bytes(text: string): Uint8Array {
  return encoder.encode(text);
}

/** All of an open file, as text. */
export async function textOf(handle: FileHandle): Promise<string> {
  const buffer = new Uint8Array((await handle.stat()).size);
  const count = await handle.read(buffer, 0);
  return decoder.decode(buffer.subarray(0, count));
}

/** Writes all of a text at an offset. */
export async function writeAt(handle: FileHandle, text: string, offset: number): Promise<void> {
  assert.equal(await handle.write(bytes(text), offset), bytes(text).length);
}

/** Asserts that a promise rejects with one of these system error codes. */
export async function rejectsWith(promise: Promise<unknown>, ...codes: string[]): Promise<void> {
  await assert.rejects(promise, (error: unknown) => {
    assert.ok(error instanceof Error);
    const code = "code" in error ? error.code : undefined;
    assert.ok(typeof code === "string" && codes.includes(code), `${String(code)} is not ${codes.join(" or ")}`);
    return true;
  });
}

/** Asserts that a call throws with one of these system error codes. */
export function throwsWith(call: () => unknown, ...codes: string[]): void {
  assert.throws(call, (error: unknown) => {
    assert.ok(error instanceof Error);
    const code = "code" in error ? error.code : undefined;
    assert.ok(typeof code === "string" && codes.includes(code), `${String(code)} is not ${codes.join(" or ")}`);
    return true;
  });
}

/** Runs each case as a test with an environment of its own, closed at its end. */
export function caseRegistrar(name: string, setup: ConformanceSetup): RegisterCase {
  return (title, body) => {
    test(`${name}: ${title}`, async (context) => {
      const environment = await setup();
      const handles: FileHandle[] = [];
      try {
        await body(contextOf(environment, handles, context, title));
      } finally {
        for (const handle of handles) await handle.close().catch(ignoreClosed);
        await environment.close();
      }
    });
  };
}

function ignoreClosed(error: unknown): void {
  if (!(error instanceof Error && "code" in error && error.code === "EBADF")) throw error;
}

function contextOf(
  environment: ConformanceEnvironment,
  handles: FileHandle[],
  context: TestContext,
  title: string,
): CaseContext {
  const { fileSystem, directory } = environment;
  async function open(path: string, options: OpenOptions): Promise<FileHandle> {
    const handle = await fileSystem.open(path, options);
    handles.push(handle);
    return handle;
  }
  return {
    fileSystem,
    directory,
    supports: environment.supports ?? {},
    path: (name) => `${directory}/${name}`,
    open,
    async write(path, text) {
      const handle = await fileSystem.open(path, { access: "write", create: "if-missing" });
      try {
        await handle.truncate(0);
        await writeAt(handle, text, 0);
      } finally {
        await handle.close();
      }
    },
    async text(path) {
      const handle = await fileSystem.open(path, { access: "read" });
      try {
        return await textOf(handle);
      } finally {
        await handle.close();
      }
    },
    skip(reason) {
      console.log(`skipped: ${title}: ${reason}`);
      context.skip(reason);
    },
  };
}
