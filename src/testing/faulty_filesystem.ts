/**
 * A file system whose n-th call fails.
 *
 * Run the same work with `failAt` 1, 2, 3 … until nothing fails any more: then every call has failed once.
 *
 * @module
 */

import type { DirectoryEntry, FileHandle, FileStat, FileSystem, LockAttempt, OpenOptions } from "../fs/filesystem.ts";
import { faultError, FaultInjector, type FaultPlan, type PortCall } from "./fault_injector.ts";
import { FaultyFile, type SyncFaultTarget } from "./faulty_file.ts";
import { FaultyNames } from "./faulty_names.ts";

/**
 * Any port, with failures.
 *
 * @example The disk is full at every write in turn
 * ```ts
 * import { FaultyFileSystem, SimulatedFileSystem } from "holdfast/testing";
 * import assert from "node:assert/strict";
 *
 * const codes: unknown[] = [];
 * for (let failAt = 1;; failAt++) {
 *   const faulty = new FaultyFileSystem(new SimulatedFileSystem(), {
 *     failAt,
 *     fault: { kind: "error", code: "ENOSPC" },
 *     filter: ({ method }) => method === "write",
 *   });
 *   const file = await faulty.open("/log", { access: "write", create: "if-missing" });
 *   await file.write(new Uint8Array(10), 0).catch((error: { code: string }) => codes.push(error.code));
 *   if (faulty.fired.length === 0) break;
 * }
 * assert.deepEqual(codes, ["ENOSPC"]);
 * ```
 */
export class FaultyFileSystem implements FileSystem {
  readonly #inner: FileSystem;
  readonly #injector: FaultInjector;
  readonly #plan: FaultPlan;
  readonly #names = new FaultyNames();
  /** {@inheritDoc FileSystem.processName} */
  readonly processName?: string;
  /** {@inheritDoc FileSystem.statSync} */
  readonly statSync?: NonNullable<FileSystem["statSync"]>;
  /** {@inheritDoc FileSystem.cloneFile} */
  readonly cloneFile?: NonNullable<FileSystem["cloneFile"]>;
  /** {@inheritDoc FileSystem.overwritesInPlace} */
  readonly overwritesInPlace?: NonNullable<FileSystem["overwritesInPlace"]>;
  /** {@inheritDoc FileSystem.startTimer} */
  readonly startTimer?: NonNullable<FileSystem["startTimer"]>;

  /**
   * Wraps a file system.
   *
   * @param inner Does the work.
   * @param plan What fails.
   * @param counted Whose count of calls goes on; {@linkcode FaultyFileSystem.over} says so.
   * @throws RangeError if `failAt` is not at least 1.
   */
  constructor(inner: FileSystem, plan: FaultPlan, counted?: FaultyFileSystem) {
    this.#inner = inner;
    this.#plan = plan;
    const injector = counted === undefined ? new FaultInjector(plan) : counted.#injector;
    this.#injector = injector;
    if (inner.processName !== undefined) this.processName = inner.processName;
    if (inner.startTimer !== undefined) this.startTimer = inner.startTimer.bind(inner);
    const statSync = inner.statSync?.bind(inner);
    if (statSync !== undefined) {
      this.statSync = (path) => injector.runSync({ method: "stat", path }, () => statSync(path));
    }
    const overwritesInPlace = inner.overwritesInPlace?.bind(inner);
    if (overwritesInPlace !== undefined) {
      this.overwritesInPlace = (path) =>
        injector.run({ method: "overwritesInPlace", path }, () => overwritesInPlace(path));
    }
    const cloneFile = inner.cloneFile?.bind(inner);
    if (cloneFile !== undefined) {
      this.cloneFile = (from, to) =>
        this.#change({ method: "cloneFile", path: from, toPath: to }, [to], () => cloneFile(from, to));
    }
  }

  /**
   * The same failures over another port, as when the program is started again: the count of calls goes on.
   *
   * @param inner Does the work.
   * @returns The other file system.
   */
  over(inner: FileSystem): FaultyFileSystem {
    return new FaultyFileSystem(inner, this.#plan, this);
  }

  /** How many calls could have failed so far: those that fit the fault and pass the filter. */
  get calls(): number {
    return this.#injector.calls;
  }

  /** The calls that did fail. */
  get fired(): readonly PortCall[] {
    return this.#injector.fired;
  }

  /** {@inheritDoc FileSystem.open} */
  async open(path: string, options: OpenOptions): Promise<FileHandle> {
    const creates = (options.create ?? "never") !== "never";
    const open = () => this.#making(path, creates, () => this.#inner.open(path, options));
    const handle = await this.#injector.run({ method: "open", path }, open, options.access === "write" || creates);
    return new FaultyFile(handle, path, this.#injector, canFailSync(this.#inner) ? this.#inner : undefined);
  }

  /** {@inheritDoc FileSystem.stat} */
  stat(path: string): Promise<FileStat> {
    return this.#injector.run({ method: "stat", path }, () => this.#inner.stat(path));
  }

  /** {@inheritDoc FileSystem.readDirectory} */
  readDirectory(path: string): Promise<DirectoryEntry[]> {
    return this.#injector.run({ method: "readDirectory", path }, () => this.#inner.readDirectory(path));
  }

  /** {@inheritDoc FileSystem.makeDirectory} */
  makeDirectory(path: string, mode: number): Promise<void> {
    return this.#change({ method: "makeDirectory", path }, [path], () => this.#inner.makeDirectory(path, mode));
  }

  /** {@inheritDoc FileSystem.removeDirectory} */
  removeDirectory(path: string): Promise<void> {
    return this.#change({ method: "removeDirectory", path }, [path], () => this.#inner.removeDirectory(path));
  }

  /** {@inheritDoc FileSystem.rename} */
  rename(from: string, to: string): Promise<void> {
    const call: PortCall = { method: "rename", path: from, toPath: to };
    return this.#change(call, [from, to], () => this.#inner.rename(from, to));
  }

  /** {@inheritDoc FileSystem.link} */
  link(from: string, to: string): Promise<void> {
    return this.#change({ method: "link", path: from, toPath: to }, [to], () => this.#inner.link(from, to));
  }

  /** {@inheritDoc FileSystem.unlink} */
  unlink(path: string): Promise<void> {
    return this.#change({ method: "unlink", path }, [path], () => this.#inner.unlink(path));
  }

  /** {@inheritDoc FileSystem.syncDirectory} */
  async syncDirectory(path: string): Promise<void> {
    const call: PortCall = { method: "syncDirectory", path };
    const fault = this.#injector.next(call);
    if (fault?.kind === "directory-sync") this.#names.forget(path);
    const isDone = fault === undefined || (fault.kind === "error" && fault.done === true);
    if (isDone && !this.#names.looksClean(path)) await this.#inner.syncDirectory(path);
    if (fault !== undefined) throw faultError(fault, call);
  }

  /** {@inheritDoc FileSystem.lock} */
  async lock(path: string, holder: string): Promise<LockAttempt> {
    const lock = () => this.#making(path, true, () => this.#inner.lock(path, holder));
    const attempt = await this.#injector.run({ method: "lock", path }, lock);
    if (!attempt.acquired) return attempt;
    const release = () => this.#change({ method: "release", path }, [path], () => attempt.lock.release());
    return { acquired: true, lock: { release } };
  }

  /** {@inheritDoc FileSystem.waitForChange} */
  waitForChange(path: string, signal: AbortSignal): Promise<void> {
    return this.#injector.run({ method: "waitForChange", path }, () => this.#inner.waitForChange(path, signal));
  }

  /** {@inheritDoc FileSystem.realPath} */
  realPath(path: string): Promise<string> {
    return this.#injector.run({ method: "realPath", path }, () => this.#inner.realPath(path));
  }

  /** Makes a call that changes names. */
  #change<T>(call: PortCall, paths: readonly string[], perform: () => Promise<T>): Promise<T> {
    return this.#injector.run(call, async () => {
      const result = await perform();
      this.#names.changed(...paths);
      return result;
    });
  }

  /** Makes a call that may make a file; only one that is new is a change to its directory. */
  async #making<T>(path: string, creates: boolean, perform: () => Promise<T>): Promise<T> {
    const isNew = creates && !this.#names.isEmpty && await this.#inner.stat(path).then(() => false, () => true);
    const result = await perform();
    if (isNew) this.#names.changed(path);
    return result;
  }
}

/** Whether a file system knows how a failed sync leaves a file. */
function canFailSync(inner: FileSystem): inner is FileSystem & SyncFaultTarget {
  return "failSync" in inner && typeof inner.failSync === "function";
}
