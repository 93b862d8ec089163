/**
 * An open file whose calls may fail.
 *
 * @module
 */

import type { FileHandle, FileStat } from "../fs/filesystem.ts";
import type { Choices } from "./crash_choices.ts";
import { type Fault, faultError, type FaultInjector, type PortCall } from "./fault_injector.ts";
import { systemError } from "./system_error.ts";
import type { SyncFaultMode } from "./writeback.ts";

/** Who can make the next sync of a file fail from inside. */
export interface SyncFaultTarget {
  /** As `SimulatedFileSystem.failSync`. */
  failSync(handle: FileHandle, mode: SyncFaultMode, choices: Choices, code: string): void;
}

/** An open file of a {@linkcode FaultyFileSystem}. */
export class FaultyFile implements FileHandle {
  readonly #inner: FileHandle;
  readonly #path: string;
  readonly #injector: FaultInjector;
  readonly #target: SyncFaultTarget | undefined;
  #isLate = false;
  /** {@inheritDoc FileHandle.writeDurable} */
  readonly writeDurable?: NonNullable<FileHandle["writeDurable"]>;
  /** {@inheritDoc FileHandle.pathSync} */
  readonly pathSync?: NonNullable<FileHandle["pathSync"]>;
  /** {@inheritDoc FileHandle.setModified} */
  readonly setModified?: NonNullable<FileHandle["setModified"]>;

  /**
   * Wraps an open file.
   *
   * @param inner Does the work.
   * @param path How it was opened.
   * @param injector Says which call fails.
   * @param target Makes syncs fail from inside, where there is one.
   */
  constructor(inner: FileHandle, path: string, injector: FaultInjector, target: SyncFaultTarget | undefined) {
    this.#inner = inner;
    this.#path = path;
    this.#injector = injector;
    this.#target = target;
    // What is missing below is missing here: who finds it takes another way, and that way is to fail, too.
    const writeDurable = inner.writeDurable?.bind(inner);
    if (writeDurable !== undefined) {
      this.writeDurable = (bytes, offset) => this.#writeDurable(writeDurable, bytes, offset);
    }
    const pathSync = inner.pathSync?.bind(inner);
    if (pathSync !== undefined) this.pathSync = () => injector.runSync({ method: "path", path }, pathSync);
    const setModified = inner.setModified?.bind(inner);
    if (setModified !== undefined) {
      this.setModified = (modifiedMs) => injector.run({ method: "setModified", path }, () => setModified(modifiedMs));
    }
  }

  /** {@inheritDoc FileHandle.read} */
  read(buffer: Uint8Array, offset: number): Promise<number> {
    const call: PortCall = { method: "read", path: this.#path, offset, length: buffer.length };
    return this.#injector.run(call, () => this.#inner.read(buffer, offset));
  }

  /** {@inheritDoc FileHandle.readSync} */
  readSync(buffer: Uint8Array, offset: number): number {
    const call: PortCall = { method: "read", path: this.#path, offset, length: buffer.length };
    return this.#injector.runSync(call, () => this.#inner.readSync(buffer, offset));
  }

  /** {@inheritDoc FileHandle.write} */
  async write(bytes: Uint8Array, offset: number): Promise<number> {
    const call: PortCall = { method: "write", path: this.#path, offset, length: bytes.length };
    const fault = this.#injector.next(call);
    const part = partWritten(fault, bytes);
    const done = part === undefined ? 0 : await this.#inner.write(part, offset);
    return answer(fault, call, done);
  }

  /** {@inheritDoc FileHandle.writeSync} */
  writeSync(bytes: Uint8Array, offset: number): number {
    const call: PortCall = { method: "write", path: this.#path, offset, length: bytes.length };
    const fault = this.#injector.next(call);
    const part = partWritten(fault, bytes);
    const done = part === undefined ? 0 : this.#inner.writeSync(part, offset);
    return answer(fault, call, done);
  }

  /** It can fail as a write, and as a sync. */
  async #writeDurable(
    writeDurable: NonNullable<FileHandle["writeDurable"]>,
    bytes: Uint8Array,
    offset: number,
  ): Promise<number> {
    const call: PortCall = { method: "write", path: this.#path, offset, length: bytes.length };
    const fault = this.#injector.next(call);
    if (fault !== undefined) {
      const part = partWritten(fault, bytes);
      return answer(fault, call, part === undefined ? 0 : await writeDurable(part, offset));
    }
    const { passes, failure } = this.#planSync();
    const count = passes ? await writeDurable(bytes, offset) : await this.#inner.write(bytes, offset);
    if (failure !== undefined) throw failure;
    return count;
  }

  /** {@inheritDoc FileHandle.truncate} */
  truncate(size: number): Promise<void> {
    const call: PortCall = { method: "truncate", path: this.#path, offset: size };
    return this.#injector.run(call, () => this.#inner.truncate(size));
  }

  /** {@inheritDoc FileHandle.syncData} */
  async syncData(): Promise<void> {
    const { passes, failure } = this.#planSync();
    if (passes) await this.#inner.syncData();
    if (failure !== undefined) throw failure;
  }

  /** {@inheritDoc FileHandle.syncDataSync} */
  syncDataSync(): void {
    const { passes, failure } = this.#planSync();
    if (passes) this.#inner.syncDataSync();
    if (failure !== undefined) throw failure;
  }

  /** Whether a sync is done below, and what it rejects with afterwards. */
  #planSync(): { passes: boolean; failure?: Error } {
    const call: PortCall = { method: "syncData", path: this.#path };
    const fault = this.#injector.next(call);
    if (this.#isLate) {
      this.#isLate = false;
      return { passes: false, failure: systemError("EIO", call.method, call.path) };
    }
    if (fault === undefined) return { passes: true };
    if (fault.kind === "sync" && this.#target !== undefined) {
      this.#target.failSync(this.#inner, fault.mode, fault.choices ?? [], fault.code ?? "EIO");
      return { passes: true };
    }
    if (fault.kind === "sync" && fault.mode === "late") {
      this.#isLate = true;
      return { passes: false };
    }
    const passes = fault.kind === "sync" ? fault.mode === "false" : fault.kind === "error" && fault.done === true;
    return { passes, failure: faultError(fault, call) };
  }

  /** {@inheritDoc FileHandle.stat} */
  stat(): Promise<FileStat> {
    return this.#injector.run({ method: "fileStat", path: this.#path }, () => this.#inner.stat());
  }

  /** {@inheritDoc FileHandle.setMode} */
  setMode(mode: number): Promise<void> {
    return this.#injector.run({ method: "setMode", path: this.#path }, () => this.#inner.setMode(mode));
  }

  /** {@inheritDoc FileHandle.setOwner} */
  setOwner(userId: number, groupId: number): Promise<void> {
    const call: PortCall = { method: "setOwner", path: this.#path };
    return this.#injector.run(call, () => this.#inner.setOwner(userId, groupId));
  }

  /** {@inheritDoc FileHandle.close} */
  close(): Promise<void> {
    return this.#injector.run({ method: "close", path: this.#path }, () => this.#inner.close());
  }
}

/** What a write still takes; undefined for nothing. */
function partWritten(fault: Fault | undefined, bytes: Uint8Array): Uint8Array | undefined {
  if (fault === undefined) return bytes;
  if (fault.kind === "short-write") {
    const count = Math.min(fault.bytes, bytes.length - 1);
    return count > 0 ? bytes.subarray(0, count) : undefined;
  }
  return fault.kind === "error" && fault.done === true ? bytes : undefined;
}

function answer(fault: Fault | undefined, call: PortCall, done: number): number {
  if (fault === undefined || (fault.kind === "short-write" && fault.code === undefined)) return done;
  throw faultError(fault, call);
}
