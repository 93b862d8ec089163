/**
 * A file system whose n-th call fails.
 *
 * Run the same work with `failAt` 1, 2, 3 … until nothing fails any more: then every call has failed once.
 *
 * @module
 */

import type { DirectoryEntry, FileHandle, FileStat, FileSystem, LockAttempt, OpenOptions } from "../fs/filesystem.ts";
import { FaultInjector, type FaultPlan, type PortCall } from "./fault_injector.ts";
import { systemError } from "./system_error.ts";
import { FaultyFile, type SyncFaultTarget } from "./faulty_file.ts";

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
  /** {@inheritDoc FileSystem.startTimer} */
  readonly startTimer?: NonNullable<FileSystem["startTimer"]>;

  /**
   * Wraps a file system.
   *
   * @param inner Does the work.
   * @param plan What fails.
   * @throws RangeError if `failAt` is not at least 1.
   */
  constructor(inner: FileSystem, plan: FaultPlan) {
    this.#inner = inner;
    if (inner.startTimer !== undefined) this.startTimer = inner.startTimer.bind(inner);
    this.#injector = new FaultInjector(plan);
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
    const writes = options.access === "write" || (options.create ?? "never") !== "never";
    const handle = await this.#injector.run({ method: "open", path }, () => this.#inner.open(path, options), writes);
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
    return this.#injector.run({ method: "makeDirectory", path }, () => this.#inner.makeDirectory(path, mode));
  }

  /** {@inheritDoc FileSystem.removeDirectory} */
  removeDirectory(path: string): Promise<void> {
    return this.#injector.run({ method: "removeDirectory", path }, () => this.#inner.removeDirectory(path));
  }

  /** {@inheritDoc FileSystem.rename} */
  rename(from: string, to: string): Promise<void> {
    const call: PortCall = { method: "rename", path: from, toPath: to };
    return this.#injector.run(call, () => this.#inner.rename(from, to));
  }

  /** {@inheritDoc FileSystem.link} */
  link(from: string, to: string): Promise<void> {
    const call: PortCall = { method: "link", path: from, toPath: to };
    return this.#injector.run(call, () => this.#inner.link(from, to));
  }

  /** {@inheritDoc FileSystem.cloneFile} */
  cloneFile(from: string, to: string): Promise<void> {
    const call: PortCall = { method: "cloneFile", path: from, toPath: to };
    return this.#injector.run(call, async () => {
      if (this.#inner.cloneFile === undefined) throw systemError("ENOTSUP", "clone", from);
      await this.#inner.cloneFile(from, to);
    });
  }

  /** {@inheritDoc FileSystem.unlink} */
  unlink(path: string): Promise<void> {
    return this.#injector.run({ method: "unlink", path }, () => this.#inner.unlink(path));
  }

  /** {@inheritDoc FileSystem.syncDirectory} */
  syncDirectory(path: string): Promise<void> {
    return this.#injector.run({ method: "syncDirectory", path }, () => this.#inner.syncDirectory(path));
  }

  /** {@inheritDoc FileSystem.lock} */
  async lock(path: string, holder: string): Promise<LockAttempt> {
    const attempt = await this.#injector.run({ method: "lock", path }, () => this.#inner.lock(path, holder));
    if (!attempt.acquired) return attempt;
    const release = () => this.#injector.run({ method: "release", path }, () => attempt.lock.release());
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
}

/** Whether a file system knows how a failed sync leaves a file. */
function canFailSync(inner: FileSystem): inner is FileSystem & SyncFaultTarget {
  return "failSync" in inner && typeof inner.failSync === "function";
}
