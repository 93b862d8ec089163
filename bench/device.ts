/**
 * A file system on a block device of its own, an image mounted by loop, so that what reaches the device can be counted:
 * `/sys/block/loopN/stat` tells the bytes written and the flushes. Needs root.
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import { closeSync, existsSync, ftruncateSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import process from "node:process";

/** File systems that can be tried. */
export type FileSystemName = "ext4" | "xfs" | "btrfs" | "f2fs";

/** What a device has been asked for. */
export interface DeviceCounts {
  /** Bytes written. */
  bytes: number;
  /** Requests that wrote. */
  requests: number;
  /** Cache flushes. */
  flushes: number;
}

/** How each file system is made, without work left over for later that would be counted as ours. */
const makers: Record<FileSystemName, string[]> = {
  ext4: ["mkfs.ext4", "-q", "-F", "-b", "4096", "-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard"],
  xfs: ["mkfs.xfs", "-q", "-f", "-K"],
  btrfs: ["mkfs.btrfs", "-q", "-f", "-K"],
  f2fs: ["mkfs.f2fs", "-q", "-f", "-t", "0"],
};

const open = new Set<LoopDevice>();

/** A mounted image. */
export class LoopDevice {
  /** Where it is mounted. */
  readonly mountPoint: string;
  /** How it is mounted. */
  readonly mountOptions: string;
  readonly #fileSystem: FileSystemName;
  readonly #home: string;
  #device = "";
  #mounted = false;

  private constructor(fileSystem: FileSystemName, home: string, mountOptions: string) {
    this.#fileSystem = fileSystem;
    this.mountOptions = mountOptions;
    this.#home = home;
    this.mountPoint = join(home, "mounted");
  }

  /**
   * Makes an image, a file system in it, and mounts it, with `noatime` if nothing else is said.
   *
   * @param fileSystem Which.
   * @param bytes How large; the image is sparse.
   * @param scratch Where the image is made; absent: the system's directory for temporary files.
   * @param mountOptions How it is mounted.
   * @returns The device.
   * @throws {Error} If that is not possible here, with the reason.
   */
  static create(fileSystem: FileSystemName, bytes: number, scratch?: string, mountOptions = "noatime"): LoopDevice {
    if (process.getuid?.() !== 0) {
      throw new Error("Counting what reaches the device takes root: it mounts an image by loop. Run it with sudo.");
    }
    const device = new LoopDevice(fileSystem, mkdtempSync(join(scratch ?? tmpdir(), "holdfast-device-")), mountOptions);
    open.add(device);
    try {
      device.#attach(bytes);
      device.format();
    } catch (error) {
      device.close();
      throw error;
    }
    return device;
  }

  /** Makes the file system anew: nothing of what was before is left to influence what comes. */
  format(): void {
    this.#unmount();
    run([...makers[this.#fileSystem], this.#device]);
    this.mount();
    this.settle();
  }

  /** Mounts what is there; the file system does what it does after a power cut, if there was one. */
  mount(): void {
    run(["mount", "-t", this.#fileSystem, "-o", this.mountOptions, this.#device, this.mountPoint]);
    this.#mounted = true;
  }

  /**
   * Cuts the power, as far as the file system can tell: from now on nothing reaches the device, every call fails, and
   * what was not written to the device is gone. What it was given stays. Whoever uses the files has to be ended before
   * {@linkcode LoopDevice.remount}, which is the power's coming back.
   *
   * @throws {Error} If the file system cannot be shut down (ext4, XFS and f2fs can).
   */
  cutPower(): void {
    // `_IOR('X', 125, __u32)` without a flush of the journal; Debian's smallest system has Perl.
    const script = 'open(my $f,"<",$ARGV[0]) or die "$!\\n"; my $n=pack("L",2); ' +
      'defined(ioctl($f,0x8004587d,$n)) or die "$!\\n"';
    run(["perl", "-e", script, this.mountPoint]);
  }

  /**
   * Unmounts and mounts again; after a power cut the file system replays its journal.
   *
   * @throws {Error} If it is still in use: what was cut off would then come back from memory.
   */
  remount(): void {
    run(["umount", this.mountPoint]);
    this.#mounted = false;
    // A container that began meanwhile holds a copy of every mount for a moment: what was cut off would live on in it.
    if (existsSync(`/sys/fs/${this.#fileSystem}/${basename(this.#device)}`)) {
      throw new Error(`${this.#device} is still mounted in another mount namespace`);
    }
    this.mount();
  }

  /** Writes back everything that waits, the checkpoint of the journal too. */
  settle(): void {
    run(["sync", "-f", this.mountPoint]);
  }

  /**
   * What the device has been asked for since it was attached.
   *
   * @returns The counts.
   */
  counts(): DeviceCounts {
    const fields = readFileSync(`/sys/block/${basename(this.#device)}/stat`, "utf8").trim().split(/\s+/).map(Number);
    return { requests: fields[4] ?? 0, bytes: (fields[6] ?? 0) * 512, flushes: fields[15] ?? 0 };
  }

  /** Unmounts and removes everything. */
  close(): void {
    this.#unmount();
    if (this.#device !== "") spawnSync("losetup", ["-d", this.#device]);
    this.#device = "";
    rmSync(this.#home, { recursive: true, force: true });
    open.delete(this);
  }

  #attach(bytes: number): void {
    const image = join(this.#home, "image");
    const descriptor = openSync(image, "wx", 0o600);
    ftruncateSync(descriptor, bytes);
    closeSync(descriptor);
    mkdirSync(this.mountPoint);
    this.#device = run(["losetup", "--find", "--show", image]).trim();
  }

  #unmount(): void {
    if (!this.#mounted) return;
    const result = spawnSync("umount", [this.mountPoint], { encoding: "utf8" });
    // A killed contender may still be on its way out.
    if (result.status !== 0) run(["umount", "--lazy", this.mountPoint]);
    this.#mounted = false;
  }
}

/** Removes every device that is still there; for use when the program has to end. */
export function closeDevices(): void {
  for (const device of open) device.close();
}

/**
 * What came between two looks.
 *
 * @param before The earlier.
 * @param after The later.
 * @returns The difference.
 */
export function countsBetween(before: DeviceCounts, after: DeviceCounts): DeviceCounts {
  return {
    bytes: after.bytes - before.bytes,
    requests: after.requests - before.requests,
    flushes: after.flushes - before.flushes,
  };
}

function run([program = "", ...args]: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: "utf8" });
  if (error !== undefined) throw new Error(`${program} is not installed here (${error.message})`);
  if (status !== 0) throw new Error(`${program} failed: ${stderr.trim() || `exit code ${status}`}`);
  return stdout;
}
