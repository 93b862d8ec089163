/**
 * What the Linux kernel says of the block device under a directory: which one it is, and how much was written to it.
 *
 * Pure but for a {@linkcode SystemReader}, which `runtime_block_device.ts` has for the real system.
 *
 * @module
 */

/** What was written to a device since it came up, by everybody. */
export interface BlockDeviceCounters {
  /** Write requests that are done. */
  writes: number;
  /** Bytes that these wrote. */
  bytesWritten: number;
  /** Flush requests that are done; null where the kernel does not count them (before 5.5). */
  flushes: number | null;
}

/** A block device, or a partition of one. */
export interface BlockDevice {
  /** The kernel's name for it: `mmcblk0p2`. */
  readonly name: string;
  /** The size of the whole device, in bytes; null if it cannot be told. */
  readonly capacityBytes: number | null;
  /** Whether it keeps writes in a cache of its own, so that a sync must flush that; null if it cannot be told. */
  readonly hasWriteCache: boolean | null;
  /** Reads the counters; null if they cannot be read any more. */
  readCounters(): Promise<BlockDeviceCounters | null>;
}

/** The answer of {@linkcode lookUpBlockDevice}. */
export interface BlockDeviceLookup {
  /** The device; null where it cannot be told. */
  readonly device: BlockDevice | null;
  /** Why there is none, in a clause; empty if there is one. */
  readonly reason: string;
  /** The file system's type, `ext4`; null if it cannot be told. */
  readonly fileSystemType: string | null;
}

/** What is asked of the system; every call may reject. */
export interface SystemReader {
  /** A small file's text. */
  readText(path: string): Promise<string>;
  /** The path with every symbolic link resolved. */
  realPath(path: string): Promise<string>;
  /** The number of the device that holds a path, as `stat` has it. */
  deviceNumber(path: string): Promise<number>;
  /** The names in a directory. */
  readNames(path: string): Promise<readonly string[]>;
}

/** A mounted file system. */
export interface Mount {
  /** Where it is mounted. */
  readonly point: string;
  /** `ext4`, `overlay`, … */
  readonly type: string;
  /** Usually the device's path. */
  readonly source: string;
}

const sectorBytes = 512;
const layersMax = 8;

/**
 * Finds the block device under a directory. A mapped device (LVM, encryption) that lies on a single other one leads to
 * that; what lies on several stays as it is.
 *
 * @param directory Where the files are.
 * @param system The system.
 * @returns The device, or why there is none: overlay, tmpfs, network file systems, and where `/sys` may not be read, as
 * under Deno without `--allow-all`. Never rejects.
 */
export async function lookUpBlockDevice(directory: string, system: SystemReader): Promise<BlockDeviceLookup> {
  let fileSystemType: string | null = null;
  try {
    const path = await system.realPath(directory);
    const mount = mountOf(parseMounts(await orNull(system.readText("/proc/self/mountinfo")) ?? ""), path);
    fileSystemType = mount?.type ?? null;
    const entry = await deviceEntry(system, path, mount);
    if (entry === null) {
      return { device: null, reason: `${fileSystemType ?? "its file system"} is on no block device`, fileSystemType };
    }
    const device = await describeDevice(system, await lowestLayer(system, await system.realPath(entry)));
    if (await device.readCounters() !== null) return { device, reason: "", fileSystemType };
  } catch {
    // Which of the files is missing or forbidden says nothing to a person.
  }
  return { device: null, reason: "the kernel's figures of the device may not be read here", fileSystemType };
}

/**
 * Reads `/sys/block/…/stat`.
 *
 * @param text The file's text.
 * @returns The counters, null if it is no such file.
 */
export function parseBlockStat(text: string): BlockDeviceCounters | null {
  const fields = text.trim().split(/\s+/).map(Number);
  const [, , , , writes, , sectors] = fields;
  if (writes === undefined || sectors === undefined || !fields.every(Number.isSafeInteger)) return null;
  return { writes, bytesWritten: sectors * sectorBytes, flushes: fields[15] ?? null };
}

/**
 * Reads `/proc/self/mountinfo`.
 *
 * @param text The file's text.
 * @returns The mounts, in the order in which they were made; lines that are something else are left out.
 */
export function parseMounts(text: string): Mount[] {
  return text.split("\n").flatMap((line) => {
    const [before = "", after = ""] = line.split(" - ");
    const point = before.split(" ")[4];
    const [type, source] = after.split(" ");
    if (point === undefined || type === undefined || source === undefined) return [];
    return [{ point: unescaped(point), type, source: unescaped(source) }];
  });
}

/**
 * Finds the mount that a path lies in.
 *
 * @param mounts All of them; of two at one point the later hides the earlier.
 * @param path Absolute, without symbolic links.
 * @returns The mount, null if there is none.
 */
export function mountOf(mounts: readonly Mount[], path: string): Mount | null {
  let best: Mount | null = null;
  for (const mount of mounts) {
    const isAbove = `${path}/`.startsWith(mount.point === "/" ? "/" : `${mount.point}/`);
    if (isAbove && (best === null || mount.point.length >= best.point.length)) best = mount;
  }
  return best;
}

/**
 * Takes a device number apart, as glibc put it together; major 0 is a file system without a device.
 *
 * @param device The number of `stat`.
 * @returns Both parts.
 */
export function deviceNumbers(device: number): { major: number; minor: number } {
  const low = device % 2 ** 32;
  const high = Math.floor(device / 2 ** 32);
  return { major: ((low >>> 8) & 0xfff) + (high & ~0xfff), minor: (low & 0xff) + ((low >>> 12) & 0xfff00) };
}

/** The device's place in `/sys`; btrfs gives every subvolume a number of its own, so there its mount is asked. */
async function deviceEntry(system: SystemReader, path: string, mount: Mount | null): Promise<string | null> {
  const { major, minor } = deviceNumbers(await system.deviceNumber(path));
  if (major > 0) return `/sys/dev/block/${major}:${minor}`;
  if (mount === null || !mount.source.startsWith("/dev/")) return null;
  return `/sys/class/block/${lastPart(await system.realPath(mount.source))}`;
}

/** Flushes are not counted for mapped devices, only for what they lie on. */
async function lowestLayer(system: SystemReader, path: string): Promise<string> {
  for (let layer = 0; layer < layersMax; layer++) {
    const below = await orNull(system.readNames(`${path}/slaves`)) ?? [];
    if (below.length !== 1) break;
    path = await system.realPath(`${path}/slaves/${below[0]}`);
  }
  return path;
}

async function describeDevice(system: SystemReader, path: string): Promise<BlockDevice> {
  const isPartition = await orNull(system.readText(`${path}/partition`)) !== null;
  // Of a partition the kernel counts the writes, but not the flushes: those go to the whole device.
  const wholePath = isPartition ? path.slice(0, path.lastIndexOf("/")) : path;
  const sectors = Number(await orNull(system.readText(`${wholePath}/size`)) ?? NaN);
  const cache = (await orNull(system.readText(`${wholePath}/queue/write_cache`)))?.trim() ?? null;
  return {
    name: lastPart(path),
    capacityBytes: sectors > 0 ? sectors * sectorBytes : null,
    hasWriteCache: cache === null ? null : cache !== "write through",
    async readCounters() {
      const own = parseBlockStat(await orNull(system.readText(`${path}/stat`)) ?? "");
      if (own === null || !isPartition) return own;
      const whole = parseBlockStat(await orNull(system.readText(`${wholePath}/stat`)) ?? "");
      return { ...own, flushes: whole?.flushes ?? null };
    },
  };
}

async function orNull<T>(promise: Promise<T>): Promise<T | null> {
  return await promise.catch(() => null);
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** Blanks and the like stand as `\040`. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}
