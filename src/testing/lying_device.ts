/**
 * A device that does not keep what it promises: cheap cards do.
 *
 * The promise to hold against it is weaker than the one against a power cut: damage is *detected* and reported, and
 * nothing is invented, doubled or reordered. Damage happens at a power cut and is part of its choices: the first
 * {@linkcode DEVICE_CHOICES} of them are the device's, `0` is always honest, the rest are as with an honest device.
 *
 * | choice | decides |
 * |---|---|
 * | 0 | how many of the last syncs were acknowledged, but void |
 * | 1 | which damage: none, or one that the profile allows |
 * | 2 | where: which recent write, or which file |
 * | 3 | how: which byte, bit, page or filling |
 *
 * @module
 */

import { type Choices, choose } from "./crash_choices.ts";
import { type FileNode, type FileTree, PAGE_BYTES } from "./file_tree.ts";
import { noise } from "./garbage.ts";
import type { PageCache } from "./page_cache.ts";
import type { CrashRules, PendingOperation } from "./pending_operations.ts";

/** How many choices a lying device takes from the front. */
export const DEVICE_CHOICES = 4;

const WRITES_REMEMBERED = 16;
const SECTOR_BYTES = 512;
const NEIGHBOUR_PAGES = 4;

/** What a device may do wrong. Everything is off unless said. */
export interface DeviceProfile {
  /**
   * How many of the last syncs may have been acknowledged without effect: everything since is undecided again.
   *
   * @default {0}
   */
  droppedSyncs?: number;
  /**
   * Whether what was issued later may be there although something earlier is not, whatever the file system orders.
   *
   * @default {false}
   */
  reorderedCommits?: boolean;
  /**
   * Whether a recently written page may be new only in its first sectors; the rest is old, NUL or 0xFF.
   *
   * @default {false}
   */
  shornWrites?: boolean;
  /**
   * Whether one bit of any file may be wrong.
   *
   * @default {false}
   */
  flippedBits?: boolean;
  /**
   * Whether a recently written page may have gone to another place: that one holds it, its own place the old bytes.
   *
   * @default {false}
   */
  misdirectedWrites?: boolean;
  /**
   * Whether a sector near a recently written one (in the same 16 KiB of its file) may hold noise.
   *
   * @default {false}
   */
  damagedNeighbours?: boolean;
}

type Damage = "shorn" | "flipped" | "misdirected" | "neighbour";

interface RecentWrite {
  readonly inode: number;
  readonly page: number;
  readonly before: Uint8Array | undefined;
}

interface Sync {
  readonly disk: FileTree;
  readonly pending: readonly PendingOperation[];
  readonly issued: number;
}

/** What the choices of a power cut make of a device. */
export interface DeviceVerdict {
  /** What was really durable. */
  readonly disk: FileTree;
  /** What was really pending. */
  readonly pending: readonly PendingOperation[];
  /** The rules that really hold. */
  readonly rules: CrashRules;
  /** How many choices were the device's. */
  readonly consumed: number;
  /** What it did, in words. */
  readonly text: string;
  /** Damages what survived. */
  damage(tree: FileTree, seed: number): void;
}

/** What a lying device has to remember in order to lie later. */
export class DeviceMemory {
  /** What it may do wrong. */
  readonly profile: DeviceProfile;
  /** Every operation since the oldest remembered sync. */
  issued: PendingOperation[] = [];
  /** The latest writes, oldest first. */
  writes: RecentWrite[] = [];
  #syncs: Sync[] = [];

  /**
   * Starts with nothing to remember.
   *
   * @param profile What the device may do wrong.
   */
  constructor(profile: DeviceProfile) {
    this.profile = profile;
  }

  /** The same device with an empty memory. */
  fresh(): DeviceMemory {
    return new DeviceMemory(this.profile);
  }

  /** A copy; neither sees what the other remembers later. */
  clone(): DeviceMemory {
    const copy = this.fresh();
    copy.issued = this.issued.slice();
    copy.writes = this.writes.slice();
    copy.#syncs = this.#syncs.slice();
    return copy;
  }

  /** Remembers how things were before a sync. */
  beforeSync(pages: PageCache): void {
    const remembered = this.profile.droppedSyncs ?? 0;
    if (remembered === 0) return;
    this.#syncs.push({ disk: pages.disk.clone(), pending: pages.pending.slice(), issued: this.issued.length });
    if (this.#syncs.length <= remembered) return;
    this.#syncs.shift();
    const oldest = this.#syncs[0]?.issued ?? 0;
    this.issued = this.issued.slice(oldest);
    this.#syncs = this.#syncs.map((sync) => ({ ...sync, issued: sync.issued - oldest }));
  }

  /** What the choices make of the device. */
  read(pages: PageCache, choices: Choices): DeviceVerdict {
    const dropped = choose(choices, 0, this.#syncs.length + 1);
    const sync = dropped === 0 ? undefined : this.#syncs[this.#syncs.length - dropped];
    const rules: CrashRules = this.profile.reorderedCommits === true ? { ...pages.rules, model: "weak" } : pages.rules;
    const damages: Damage[] = [];
    if (this.profile.shornWrites === true) damages.push("shorn");
    if (this.profile.flippedBits === true) damages.push("flipped");
    if (this.profile.misdirectedWrites === true) damages.push("misdirected");
    if (this.profile.damagedNeighbours === true) damages.push("neighbour");
    const damage = damages[choose(choices, 1, damages.length + 1) - 1];
    return {
      disk: sync?.disk ?? pages.disk,
      pending: sync === undefined ? pages.pending : [...sync.pending, ...this.issued.slice(sync.issued)],
      rules,
      consumed: DEVICE_CHOICES,
      text: `${dropped === 0 ? "kept every sync" : `dropped the last ${dropped} syncs`}${damageText(damage)}`,
      damage: (tree, seed) => {
        if (damage === "flipped") flipBit(tree, choices);
        else if (damage !== undefined) damageWrite(tree, damage, this.writes, choices, seed);
      },
    };
  }
}

function damageText(damage: Damage | undefined): string {
  if (damage === undefined) return ", damaged nothing";
  if (damage === "flipped") return ", flipped a bit";
  return damage === "neighbour" ? ", damaged a neighbour of a recent write" : `, a recent write was ${damage}`;
}

/** Remembers a written page and what it held before. */
export function rememberWrite(device: DeviceMemory, inode: number, page: number, before: Uint8Array | undefined): void {
  device.writes.push({ inode, page, before });
  if (device.writes.length > WRITES_REMEMBERED) device.writes.shift();
}

function filesOf(tree: FileTree): FileNode[] {
  const files: FileNode[] = [];
  for (const node of tree.nodes.values()) if (node.kind === "file" && node.size > 0) files.push(node);
  return files.sort((one, other) => one.inode - other.inode);
}

function flipBit(tree: FileTree, choices: Choices): void {
  const files = filesOf(tree);
  const chosen = files[choose(choices, 2, files.length)];
  if (chosen === undefined) return;
  const file = tree.mutableFile(chosen.inode);
  if (file === undefined) return;
  const bit = choose(choices, 3, file.size * 8);
  const offset = Math.floor(bit / 8);
  const bytes = tree.mutablePage(file, Math.floor(offset / PAGE_BYTES)).bytes;
  const within = offset % PAGE_BYTES;
  bytes[within] = (bytes[within] as number) ^ (1 << (bit % 8));
}

/** Damages what one of the latest writes left, or what is near it. */
function damageWrite(
  tree: FileTree,
  damage: Exclude<Damage, "flipped">,
  writes: readonly RecentWrite[],
  choices: Choices,
  seed: number,
): void {
  const found = writes.filter(({ inode, page }) => (tree.file(inode)?.size ?? 0) > page * PAGE_BYTES);
  // The first choice is the latest write.
  const write = found[found.length - 1 - choose(choices, 2, found.length)];
  const file = write === undefined ? undefined : tree.mutableFile(write.inode);
  if (write === undefined || file === undefined) return;
  const old = write.before ?? new Uint8Array(PAGE_BYTES);
  if (damage === "shorn") {
    const how = choose(choices, 3, 21);
    const filling = [old, new Uint8Array(PAGE_BYTES), new Uint8Array(PAGE_BYTES).fill(0xff)][Math.floor(how / 7)] ??
      old;
    const kept = (1 + (how % 7)) * SECTOR_BYTES;
    tree.writeBytes(file, filling.subarray(kept), write.page * PAGE_BYTES + kept);
  } else if (damage === "misdirected") {
    const places = filesOf(tree).flatMap(({ inode, size }) =>
      Array.from({ length: Math.ceil(size / PAGE_BYTES) }, (_, page) => ({ inode, page }))
    ).filter(({ inode, page }) => inode !== write.inode || page !== write.page);
    const place = places[choose(choices, 3, places.length)];
    const other = place === undefined ? undefined : tree.mutableFile(place.inode);
    if (place === undefined || other === undefined) return;
    const written = file.pages[write.page]?.bytes.slice() ?? new Uint8Array(PAGE_BYTES);
    tree.writeBytes(other, written, place.page * PAGE_BYTES);
    tree.writeBytes(file, old, write.page * PAGE_BYTES);
    tree.resize(other, other.size);
  } else {
    const group = Math.floor(write.page / NEIGHBOUR_PAGES) * NEIGHBOUR_PAGES * PAGE_BYTES;
    const sectors = Math.ceil(Math.min(NEIGHBOUR_PAGES * PAGE_BYTES, file.size - group) / SECTOR_BYTES);
    const offset = group + choose(choices, 3, sectors) * SECTOR_BYTES;
    tree.writeBytes(file, noise(SECTOR_BYTES, offset, seed ^ offset), offset);
  }
  tree.resize(file, file.size);
}
