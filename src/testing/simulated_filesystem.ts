/**
 * A file system in memory that can lose power.
 *
 * It shows programs what a kernel's cache shows, and remembers what of it is on the disk, and what is not yet. A power
 * cut makes a new file system of that: everything synced is in it; of the rest, what a list of integers says. Time
 * passes in it when it is told so: the same calls with the same choices give the same bytes, on every runtime.
 *
 * The states of a {@linkcode SimulatedFileSystem}:
 *
 * ```text
 *   new / crash() ──▶ running ──kill()──▶ ended     (this program only; the machine and its cache go on)
 *                        │
 *                        └──crash(), by any program──▶ off   (all programs; what is left can be crashed again)
 * ```
 *
 * Ended or off, every call rejects with `ESHUTDOWN`, on old handles too; locks are gone.
 *
 * @module
 */

import type { DirectoryEntry, FileHandle, FileStat, FileSystem, LockAttempt, OpenOptions } from "../fs/filesystem.ts";
import type { Choices } from "./crash_choices.ts";
import { describeChoices, describePending, type PendingDescription } from "./crash_story.ts";
import { hashTree, mixHashes } from "./image_hash.ts";
import * as names from "./namespace_calls.ts";
import { lookUpExisting } from "./path_lookup.ts";
import { bytesToShare, writeClone } from "./simulated_clone.ts";
import { SimulatedFile, statOf } from "./simulated_file.ts";
import { lockFile } from "./simulated_lock.ts";
import {
  type ContentWatch,
  type SimulatedCounters,
  type SimulatedFileSystemOptions,
  SimulatedMachine,
  type SimulatedProcess,
  type StepHook,
} from "./simulated_machine.ts";
import { SimulatedTimers } from "./simulated_timers.ts";
import { systemError } from "./system_error.ts";
import { syncDirectory, type SyncFaultMode, writeBack } from "./writeback.ts";

/**
 * The port in memory, with power loss.
 *
 * @example A name needs a sync of its own
 * ```ts
 * import { SimulatedFileSystem } from "holdfast/testing";
 * import assert from "node:assert/strict";
 *
 * const before = new SimulatedFileSystem({ model: "weak" });
 * const file = await before.open("/note", { access: "write", create: "exclusive" });
 * await file.write(new TextEncoder().encode("hello"), 0);
 * await file.syncData();
 *
 * const after = before.crash();
 * assert.deepEqual(await after.readDirectory("/"), []);
 * ```
 */
export class SimulatedFileSystem implements FileSystem {
  static #adopted: SimulatedMachine | undefined;
  readonly #machine: SimulatedMachine;
  readonly #process: SimulatedProcess = { alive: true, openFiles: new Set(), timers: new SimulatedTimers() };

  /**
   * Starts a machine with an empty disk, and one program on it.
   *
   * @param options What it promises, and how large it is.
   */
  constructor(options: SimulatedFileSystemOptions = {}) {
    this.#machine = SimulatedFileSystem.#adopted ?? new SimulatedMachine(options);
    SimulatedFileSystem.#adopted = undefined;
    if (options.onStep !== undefined) this.#machine.onStep = options.onStep;
  }

  static #on(machine: SimulatedMachine): SimulatedFileSystem {
    SimulatedFileSystem.#adopted = machine;
    return new SimulatedFileSystem();
  }

  /** How it was set up. */
  get options(): SimulatedFileSystemOptions {
    return this.#machine.options;
  }

  /** What was asked of the machine so far. */
  get counters(): Readonly<SimulatedCounters> {
    return this.#machine.counters;
  }

  /** Called between the smallest steps of every call, of every program on the machine. Copies have none. */
  get onStep(): StepHook | undefined {
    return this.#machine.onStep;
  }

  /** Sets the function that is called between the smallest steps. */
  set onStep(hook: StepHook | undefined) {
    this.#machine.onStep = hook;
  }

  /** {@inheritDoc FileSystem.open} */
  async open(path: string, options: OpenOptions): Promise<FileHandle> {
    const machine = this.#machine;
    machine.step(this.#process, "before", "open", path);
    const node = names.openNode(machine, path, options);
    const file = new SimulatedFile(machine, this.#process, node.inode, path, options.access === "write");
    machine.counters.opens++;
    machine.step(this.#process, "after", "open", path);
    return await machine.answer(this.#process, "open", path, file);
  }

  /** {@inheritDoc FileSystem.stat} */
  async stat(path: string): Promise<FileStat> {
    this.#machine.check(this.#process, "stat", path);
    return statOf(this.#machine, lookUpExisting(this.#machine.pages.cache, path, "stat", false).node);
  }

  /** {@inheritDoc FileSystem.readDirectory} */
  async readDirectory(path: string): Promise<DirectoryEntry[]> {
    const machine = this.#machine;
    machine.check(this.#process, "readdir", path);
    const { node } = lookUpExisting(machine.pages.cache, path, "readdir", true);
    if (node.kind !== "directory") throw systemError("ENOTDIR", "readdir", path);
    const entries: DirectoryEntry[] = [];
    for (const [name, inode] of node.entries) {
      entries.push({ name, kind: machine.pages.cache.get(inode)?.kind ?? "other" });
    }
    return machine.random.shuffle(entries);
  }

  /** {@inheritDoc FileSystem.makeDirectory} */
  async makeDirectory(path: string, mode: number): Promise<void> {
    this.#change("mkdir", path, () => names.makeDirectory(this.#machine, path, mode));
    await this.#machine.answer(this.#process, "mkdir", path, undefined);
  }

  /** {@inheritDoc FileSystem.removeDirectory} */
  async removeDirectory(path: string): Promise<void> {
    this.#change("rmdir", path, () => names.removeDirectory(this.#machine, path));
    await this.#machine.answer(this.#process, "rmdir", path, undefined);
  }

  /** {@inheritDoc FileSystem.rename} */
  async rename(from: string, to: string): Promise<void> {
    this.#change("rename", `${from} -> ${to}`, () => names.rename(this.#machine, from, to));
    await this.#machine.answer(this.#process, "rename", from, undefined);
  }

  /** {@inheritDoc FileSystem.link} */
  async link(from: string, to: string): Promise<void> {
    this.#change("link", `${from} -> ${to}`, () => names.link(this.#machine, from, to));
    await this.#machine.answer(this.#process, "link", from, undefined);
  }

  /**
   * {@inheritDoc FileSystem.cloneFile}
   *
   * What was shared is as little durable as if it had been written.
   */
  async cloneFile(from: string, to: string): Promise<void> {
    this.#machine.check(this.#process, "clone", from);
    await writeClone(this, to, bytesToShare(this.#machine, from));
  }

  /** {@inheritDoc FileSystem.unlink} */
  async unlink(path: string): Promise<void> {
    this.#change("unlink", path, () => names.unlink(this.#machine, path));
    await this.#machine.answer(this.#process, "unlink", path, undefined);
  }

  /**
   * Makes a symbolic link, which the port cannot; for tests of what must not be followed. A change like any other: it
   * is durable after a sync of its directory.
   *
   * @param path The link.
   * @param target Where it leads.
   */
  addSymbolicLink(path: string, target: string): void {
    this.#change("symlink", path, () => names.makeSymbolicLink(this.#machine, path, target));
  }

  #change(call: string, path: string, change: () => void): void {
    this.#machine.step(this.#process, "before", call, path);
    change();
    this.#machine.counters.namespaceOperations++;
    this.#machine.step(this.#process, "after", call, path);
  }

  /** {@inheritDoc FileSystem.syncDirectory} */
  async syncDirectory(path: string): Promise<void> {
    const machine = this.#machine;
    machine.step(this.#process, "before", "fsync of directory", path);
    const { node } = lookUpExisting(machine.pages.cache, path, "fsync", true);
    if (node.kind !== "directory") throw systemError("ENOTDIR", "fsync", path);
    machine.counters.directorySyncs++;
    machine.pages.device?.beforeSync(machine.pages);
    syncDirectory(machine.pages, node.inode);
    machine.step(this.#process, "after", "fsync of directory", path);
    await machine.answer(this.#process, "fsync", path, undefined);
  }

  /** {@inheritDoc FileSystem.lock} */
  async lock(path: string, holder: string): Promise<LockAttempt> {
    return lockFile(this.#machine, this.#process, path, holder);
  }

  /** {@inheritDoc FileSystem.waitForChange} */
  async waitForChange(path: string, signal: AbortSignal): Promise<void> {
    const machine = this.#machine;
    machine.check(this.#process, "watch", path);
    if (signal.aborted) return;
    const { directory, name, node } = names.placeToWatch(machine, path);
    await new Promise<void>((resolve) => {
      const watcher = { directory, name, inode: node?.inode ?? 0, wake };
      function wake(): void {
        machine.watchers.delete(watcher);
        signal.removeEventListener("abort", wake);
        resolve();
      }
      machine.watchers.add(watcher);
      signal.addEventListener("abort", wake);
    });
  }

  /** {@inheritDoc FileSystem.startTimer} */
  startTimer(delayMs: number, callback: () => void): () => void {
    return this.#process.timers.start(delayMs, callback);
  }

  /** How many timers of this program are waiting. */
  get timers(): number {
    return this.#process.timers.count;
  }

  /**
   * Lets time pass for this program: timers that are due go off, the earliest first. What they began is under way then.
   *
   * @param milliseconds How much.
   */
  passTime(milliseconds: number): void {
    if (this.#machine.alive) this.#process.timers.pass(milliseconds);
  }

  /** {@inheritDoc FileSystem.realPath} */
  async realPath(path: string): Promise<string> {
    this.#machine.check(this.#process, "realpath", path);
    return lookUpExisting(this.#machine.pages.cache, path, "realpath", true).path;
  }

  /**
   * Cuts the power. What is on gives nothing any more; it can be asked again what else might have survived.
   *
   * @param choices What survives of the pending operations, one integer for each, `0` for nothing of it, `-1` for all
   *   of it; missing ones are `0`, so that by default only what was synced survives. Any integers will do.
   * @returns The machine after the power is back, with one program on it.
   */
  crash(choices: Choices = []): SimulatedFileSystem {
    const { pages, seed, options } = this.#machine;
    this.#machine.cutPower();
    const machine = this.#machine.derive(pages.afterCrash(choices, seed));
    if (options.clockRestarts === true) machine.restartClock();
    return SimulatedFileSystem.#on(machine);
  }

  /**
   * A copy that can be crashed, or lived in, without disturbing this one. Nobody has anything open or locked in it.
   * Cheap: contents are shared until they are changed.
   *
   * @returns A machine with the same cache and the same disk.
   */
  clone(): SimulatedFileSystem {
    const machine = this.#machine.derive(this.#machine.pages.clone());
    Object.assign(machine.counters, this.#machine.counters);
    return SimulatedFileSystem.#on(machine);
  }

  /** Starts another program on the same machine: same files, own locks and handles. */
  anotherProcess(): SimulatedFileSystem {
    return SimulatedFileSystem.#on(this.#machine);
  }

  /**
   * Ends this program as SIGKILL does. The machine goes on: what it wrote is in the cache, its locks are free.
   *
   * @returns The next program on the same machine.
   */
  kill(): SimulatedFileSystem {
    this.#machine.end(this.#process);
    return this.anotherProcess();
  }

  /**
   * Writes some of what is pending to the disk, as a kernel does whenever it likes.
   *
   * @param choices As for {@linkcode SimulatedFileSystem.crash}; what is not chosen stays pending.
   */
  writeBack(choices: Choices): void {
    writeBack(this.#machine.pages, choices, this.#machine.seed);
  }

  /**
   * Makes the next sync of a file fail.
   *
   * @param handle The file, opened here.
   * @param mode What the failure leaves behind.
   * @param choices Which of the file's pending operations reach the disk all the same; none by default.
   * @param code What it rejects with; `ENOSPC` where space is found missing only now.
   * @throws TypeError if the file was not opened by a simulated file system.
   */
  failSync(handle: FileHandle, mode: SyncFaultMode, choices: Choices = [], code = "EIO"): void {
    if (!(handle instanceof SimulatedFile)) throw new TypeError("Not a file of a simulated file system");
    handle.failNextSync(mode, choices, code);
  }

  /** What a power cut could take now, in the order in which it was issued; the first choice is for the first. */
  pending(): PendingDescription[] {
    return describePending(this.#machine.pages);
  }

  /**
   * What becomes of each pending operation under some choices, after the rules. Equal lists are equal crashes.
   *
   * @param choices As for {@linkcode SimulatedFileSystem.crash}.
   * @returns `0` for lost, else a number that depends on the kind of operation.
   */
  outcomes(choices: Choices): number[] {
    return this.#machine.pages.outcomes(choices);
  }

  /**
   * One number below 2^53 for what a power cut leaves under some choices: what is durable, and what survives of the
   * rest. Equal numbers are equal disks, also for copies, and for the same machine a few calls later; unequal ones may
   * be equal disks all the same. Much cheaper than to crash and to look.
   *
   * @param choices As for {@linkcode SimulatedFileSystem.crash}.
   * @returns The number.
   */
  cutIdentity(choices: Choices): number {
    return this.#machine.pages.cutIdentity(choices);
  }

  /**
   * Tells in words what was pending, and what of it survives.
   *
   * @param choices As for {@linkcode SimulatedFileSystem.crash}.
   * @returns One line for each operation.
   */
  describe(choices: Choices): string {
    return describeChoices(this.#machine.pages, choices);
  }

  /** One number below 2^53 for all names and contents that are durable now; attributes and times do not count. */
  diskImageHash(): number {
    return hashTree(this.#machine.pages.durableTree(this.#machine.seed));
  }

  /** One number below 2^53 for all names and contents that programs see now. */
  cacheImageHash(): number {
    return hashTree(this.#machine.pages.cache);
  }

  /**
   * One number below 2^53 for what programs see now and for what is durable now, without what some files hold: for
   * explorers who expect that nobody looks into them. {@linkcode SimulatedFileSystem.watchContents} tells whether that
   * is so; two machines that are equal but for what nobody looks into behave the same.
   *
   * @param isSkipped Whether what a file holds does not count, by its path. Its name counts.
   * @param skipped Gets the inodes of those files.
   * @returns The number.
   */
  imageHashWithout(isSkipped: (path: string) => boolean, skipped: Set<number>): number {
    const { pages, seed } = this.#machine;
    const hash = hashTree(pages.cache, isSkipped, skipped);
    const isSame = pages.pending.length === 0 && pages.promisedSizes.size === 0;
    if (isSame) return hash;
    return mixHashes(hash, hashTree(pages.durableTree(seed), isSkipped, skipped));
  }

  /**
   * Watches whether any program is told what some files hold, or how large they are: on this machine, on its copies,
   * and on what is left after a power cut.
   *
   * @param inodes The files.
   * @returns Changes when it happens.
   */
  watchContents(inodes: ReadonlySet<number>): ContentWatch {
    const watch = { inodes, looked: false };
    this.#machine.contentWatches.push(watch);
    return watch;
  }
}
