/**
 * One simulated computer: its page cache, its clock, who waits, who holds what; shared by the processes on it.
 *
 * @module
 */

import { emptyTree, PAGE_BYTES, ROOT_INODE, type TreeNode } from "./file_tree.ts";
import { DeviceMemory, type DeviceProfile } from "./lying_device.ts";
import { PageCache } from "./page_cache.ts";
import type { CrashModel, SectorBytes } from "./pending_operations.ts";
import { SeededRandom } from "./seeded_random.ts";
import type { SimulatedTimers } from "./simulated_timers.ts";
import { systemError } from "./system_error.ts";

/**
 * Called between the smallest steps of every call: before the first, and after each. The file system may be copied
 * and crashed here, also in the middle of a call.
 *
 * @param step Counts up from 0.
 * @param description What is about to be, or was, done: "before write /log 0..100".
 */
export type StepHook = (step: number, description: string) => void;

/** Options for {@linkcode SimulatedFileSystem}. */
export interface SimulatedFileSystemOptions {
  /**
   * What survives beyond what was synced: as ext4 with ordered data, or as little as POSIX lets anybody promise.
   *
   * @default {"weak"}
   */
  model?: CrashModel;
  /**
   * The smallest part of a file that is written whole or not at all.
   *
   * @default {512}
   */
  sectorBytes?: SectorBytes;
  /**
   * Decides garbage and the order of names in a directory, nothing else.
   *
   * @default {0}
   */
  seed?: number;
  /**
   * How much the disk holds, counted in pages of 4 KiB. Space that is freed returns only when that is durable.
   *
   * @default {Infinity}
   */
  capacityBytes?: number;
  /**
   * Whether a power cut can show a rename in the middle, as on FAT: the old target gone, the new name not yet there.
   * Only with the weak model.
   *
   * @default {false}
   */
  splitRenames?: boolean;
  /**
   * Whether files can share bytes, as on btrfs and XFS: `cloneFile` is refused without.
   *
   * @default {false}
   */
  reflinks?: boolean;
  /**
   * What the clock says at the start. It ticks one millisecond with each change.
   *
   * @default {1700000000000}
   */
  clockStartMs?: number;
  /**
   * Whether the clock starts again after a power cut, as on a board without a battery.
   *
   * @default {false}
   */
  clockRestarts?: boolean;
  /**
   * What the device does wrong, if anything.
   *
   * @default {undefined}
   */
  device?: DeviceProfile | undefined;
  /**
   * Who runs the programs: owner and group of what they make.
   *
   * @default {1000}
   */
  userId?: number;
  /**
   * Whether they may give files away.
   *
   * @default {false}
   */
  privileged?: boolean;
  /**
   * How many turns of the microtask queue an answer may take at most, after its call has had its effect; how many, the
   * seed decides. With 0 every answer comes as soon as it can.
   *
   * @default {0}
   */
  answerTurnsMax?: number;
  /**
   * Called between the smallest steps; can be set later too.
   *
   * @default {undefined}
   */
  onStep?: StepHook | undefined;
}

/** What a file system was asked to do, counted since it was made; a power cut starts from zero. */
export interface SimulatedCounters {
  /** Files opened. */
  opens: number;
  /** Calls to read. */
  reads: number;
  /** Bytes that they gave. */
  readBytes: number;
  /** Calls to write. */
  writes: number;
  /** Bytes that they took. */
  writtenBytes: number;
  /** Files cut or grown. */
  truncations: number;
  /** Files synced. */
  syncs: number;
  /** How many of those had to commit a size too. */
  metadataSyncs: number;
  /** Directories synced. */
  directorySyncs: number;
  /** Pages of 4 KiB that syncs brought to the disk; times 4,096 the bytes of data that the device had to write. */
  syncedPages: number;
  /** Names made, changed and removed. */
  namespaceOperations: number;
}

/** A program on the machine: its locks and open files die with it. */
export interface SimulatedProcess {
  /** Whether it still runs. */
  alive: boolean;
  /** How to close what it has open. */
  readonly openFiles: Set<{ abandon(): void }>;
  /** What it wants to be reminded of. */
  readonly timers: SimulatedTimers;
}

/** Whether anybody has asked what some files hold. */
export interface ContentWatch {
  /** The files, by inode. */
  readonly inodes: ReadonlySet<number>;
  /** Whether a program has read one of them, or asked for its size. */
  looked: boolean;
}

/** Somebody who waits for a change. */
export interface Watcher {
  /** The directory of the name; `0`: any change will do. */
  readonly directory: number;
  /** The name. */
  readonly name: string;
  /** What has the name; `0` if nothing. */
  readonly inode: number;
  /** Ends the waiting. */
  readonly wake: () => void;
}

const CLOCK_START_MS = 1_700_000_000_000;

/** The state that the processes on one simulated computer share. */
export class SimulatedMachine {
  /** How it was set up. */
  readonly options: SimulatedFileSystemOptions;
  /** Cache and disk. */
  pages: PageCache;
  /** What was asked of it. */
  counters: SimulatedCounters = {
    opens: 0,
    reads: 0,
    readBytes: 0,
    writes: 0,
    writtenBytes: 0,
    truncations: 0,
    syncs: 0,
    metadataSyncs: 0,
    directorySyncs: 0,
    syncedPages: 0,
    namespaceOperations: 0,
  };
  /** Orders names in a directory. */
  random: SeededRandom;
  /** Called between steps. */
  onStep: StepHook | undefined;
  /** Until the power goes. */
  alive = true;
  /** How often each file is open. */
  readonly openCounts: Map<number, number> = new Map();
  /** Who holds which lock file. */
  readonly locks: Map<number, SimulatedProcess> = new Map();
  /** Who waits for a change. */
  readonly watchers: Set<Watcher> = new Set();
  /** What is open, for all programs. */
  readonly openFiles: Set<object> = new Set();
  /** Files that were cut to nothing and not closed since. */
  readonly emptied: Set<number> = new Set();
  /** Milliseconds since 1970, as the machine believes. */
  clockMs: number;
  /** Files that nobody is expected to look into. */
  readonly contentWatches: ContentWatch[] = [];
  #step = 0;
  readonly #turns: SeededRandom;

  /**
   * Sets up a machine.
   *
   * @param options How.
   * @param pages What it starts with; nothing by default.
   */
  constructor(options: SimulatedFileSystemOptions, pages?: PageCache) {
    this.options = options;
    this.clockMs = options.clockStartMs ?? CLOCK_START_MS;
    this.random = new SeededRandom(options.seed ?? 0);
    this.#turns = new SeededRandom(~(options.seed ?? 0));
    this.pages = pages ?? emptyPages(options, this.clockMs);
  }

  /** The seed, or 0. */
  get seed(): number {
    return this.options.seed ?? 0;
  }

  /** A machine of the same kind with other contents and the same time. */
  derive(pages: PageCache): SimulatedMachine {
    const machine = new SimulatedMachine(this.options, pages);
    machine.clockMs = this.clockMs;
    machine.random = this.random.clone();
    machine.contentWatches.push(...this.contentWatches);
    return machine;
  }

  /** Notes that a program is told what a file holds, or how much. */
  look(inode: number): void {
    for (const watch of this.contentWatches) if (watch.inodes.has(inode)) watch.looked = true;
  }

  /** Moves the clock, and says what it shows. */
  tick(): number {
    return ++this.clockMs;
  }

  /** Marks a point between two steps. */
  step(process: SimulatedProcess, moment: "before" | "after", call: string, path: string): void {
    if (this.onStep !== undefined) this.onStep(this.#step++, `${moment} ${call} ${path}`);
    this.check(process, call, path);
  }

  /** Hands an answer over, some turns later; not at all, if the power or the program went meanwhile. */
  answer<T>(process: SimulatedProcess, call: string, path: string, value: T): T | Promise<T> {
    const turnsMax = this.options.answerTurnsMax ?? 0;
    return turnsMax === 0 ? value : this.#answerLater(process, call, path, value, turnsMax);
  }

  async #answerLater<T>(
    process: SimulatedProcess,
    call: string,
    path: string,
    value: T,
    turnsMax: number,
  ): Promise<T> {
    for (let turns = this.#turns.below(turnsMax + 1); turns > 0; turns--) await undefined;
    this.check(process, call, path);
    return value;
  }

  /** Refuses to go on for what no longer runs. */
  check(process: SimulatedProcess, call: string, path: string): void {
    if (!this.alive || !process.alive) throw systemError("ESHUTDOWN", call, path);
  }

  /** Whether that many more pages fit. */
  hasSpace(pages: number): boolean {
    const { capacityBytes } = this.options;
    if (capacityBytes === undefined || capacityBytes === Infinity) return true;
    return (this.pages.usedPages() + pages) * PAGE_BYTES <= capacityBytes;
  }

  /** Attributes of the next node, without its kind. */
  nodeBase(
    mode: number,
  ): Pick<TreeNode, "inode" | "owner" | "modifiedMs" | "linkCount" | "mode" | "userId" | "groupId"> {
    const id = this.options.userId ?? 1000;
    const inode = this.pages.nextInode++;
    return { inode, owner: {}, modifiedMs: this.tick(), linkCount: 0, mode, userId: id, groupId: id };
  }

  /** Counts one more, or one less, that has a file open. */
  countOpen(inode: number, difference: number): void {
    const count = (this.openCounts.get(inode) ?? 0) + difference;
    if (count > 0) this.openCounts.set(inode, count);
    else {
      this.openCounts.delete(inode);
      if ((this.pages.cache.get(inode)?.linkCount ?? 0) <= 0) this.pages.cache.nodes.delete(inode);
    }
  }

  /** Wakes who waits for a file. */
  fileChanged(inode: number): void {
    const node = this.pages.cache.mutableNode(inode);
    if (node !== undefined) node.modifiedMs = this.tick();
    for (const watcher of this.watchers) if (watcher.inode === inode) watcher.wake();
  }

  /** Wakes who waits for a name. */
  nameChanged(directory: number, name: string): void {
    const node = this.pages.cache.mutableDirectory(directory);
    if (node !== undefined) node.modifiedMs = this.tick();
    for (const watcher of this.watchers) {
      const isName = watcher.directory === directory && watcher.name === name;
      if (watcher.directory === 0 || watcher.inode === directory || isName) watcher.wake();
    }
  }

  /** Ends a process: the kernel closes its files and frees its locks. */
  end(process: SimulatedProcess): void {
    process.alive = false;
    process.timers.clear();
    for (const file of process.openFiles) file.abandon();
    process.openFiles.clear();
    for (const [inode, holder] of this.locks) if (holder === process) this.locks.delete(inode);
  }

  /** Sets the clock as a board without a battery does. */
  restartClock(): void {
    this.clockMs = this.options.clockStartMs ?? CLOCK_START_MS;
  }

  /** Cuts the power. */
  cutPower(): void {
    this.alive = false;
    for (const watcher of this.watchers) watcher.wake();
  }
}

function emptyPages(options: SimulatedFileSystemOptions, nowMs: number): PageCache {
  const id = options.userId ?? 1000;
  const tree = emptyTree({ mode: 0o755, userId: id, groupId: id }, nowMs);
  const rules = {
    model: options.model ?? "weak",
    sectorBytes: options.sectorBytes ?? 512,
    splitRenames: options.splitRenames ?? false,
  };
  const pages = new PageCache(rules, tree, tree.clone(), ROOT_INODE + 1);
  if (options.device !== undefined) pages.device = new DeviceMemory(options.device);
  return pages;
}
