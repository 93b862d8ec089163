/**
 * The port over a real operating system, unchanged on Node, Deno and Bun.
 *
 * Everything goes through `node:fs`, which all three have. Under Deno it needs only `--allow-read` and `--allow-write`
 * of the directory. What the runtimes disagree about is evened out here: modes hold whatever the umask, positions are
 * always explicit, `unlink` never removes a directory. The lock is in `runtime_lock.ts`.
 *
 * @module
 */
import {
  chmod,
  close,
  constants,
  copyFile,
  type Dirent,
  fchmod,
  fstat,
  fsync,
  link,
  lstat,
  lstatSync,
  mkdir,
  open,
  readdir,
  rename,
  rmdir,
  statfs,
  type Stats,
  type StatsFs,
  unlink,
} from "node:fs";
import process from "node:process";
import type { DirectoryEntry, FileStat, FileSystem } from "./filesystem.ts";
import { systemErrorCode } from "../errors.ts";
import { waitForRuntimeChange } from "./runtime_change.ts";
import { codedError, settled } from "./runtime_callback.ts";
import { fileStatOf, kindOf, openRuntimeFile } from "./runtime_file_handle.ts";
import { isPermissionModelOn, PermittedFile, resolveRealPath } from "./runtime_permission.ts";
import { startRuntimeTimer } from "./runtime_timer.ts";
import { lockRuntimeFile } from "./runtime_lock.ts";

/** What `statfs` says of file systems that copy on write: btrfs, ZFS, bcachefs, overlayfs. */
const copyOnWriteTypes: ReadonlySet<number> = new Set([0x9123683e, 0x2fc12fc1, 0xca451a4e, 0x794c7630]);

/** What `statfs` says of file systems on which files can share bytes: btrfs, XFS, bcachefs, ZFS, OCFS2. */
const reflinkTypes: ReadonlySet<number> = new Set([0x9123683e, 0x58465342, 0xca451a4e, 0x2fc12fc1, 0x7461636f]);
/** How a kernel says that bytes cannot be shared here. */
const noReflinkCodes: ReadonlySet<string> = new Set(["ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EXDEV", "EINVAL", "ENOTTY"]);

/** The real file system. It has no state of its own: one object serves a whole process. */
export const runtimeFileSystem: FileSystem = {
  processName: `process ${process.pid} (${runtimeName()})`,

  open: openRuntimeFile,

  async overwritesInPlace(path: string): Promise<boolean> {
    return !copyOnWriteTypes.has(await fileSystemType(path));
  },

  async stat(path: string): Promise<FileStat> {
    return fileStatOf(await settled<Stats>((done) => lstat(path, done)));
  },

  statSync(path: string): FileStat {
    return fileStatOf(lstatSync(path));
  },

  async readDirectory(path: string): Promise<DirectoryEntry[]> {
    const entries = await settled<Dirent[]>((done) => readdir(path, { withFileTypes: true }, done));
    return entries.map((entry) => ({ name: entry.name, kind: kindOf(entry) }));
  },

  async makeDirectory(path: string, mode: number): Promise<void> {
    await settled((done) => mkdir(path, { mode }, done));
    await withDirectory(path, async (descriptor) => {
      const stats = await settled<Stats>((done) => fstat(descriptor, done));
      // The umask took bits away; what the parent handed down (set-group) stays.
      if ((stats.mode & 0o777) === mode) return;
      const wanted = (stats.mode & 0o7000) | mode;
      await settled((done) => isPermissionModelOn() ? chmod(path, wanted, done) : fchmod(descriptor, wanted, done));
    });
  },

  async removeDirectory(path: string): Promise<void> {
    await settled((done) => rmdir(path, done));
  },

  async rename(from: string, to: string): Promise<void> {
    await settled((done) => rename(from, to, done));
  },

  async link(from: string, to: string): Promise<void> {
    await settled((done) => link(from, to, done));
  },

  async cloneFile(from: string, to: string): Promise<void> {
    // Deno copies where it cannot share; whether it can is asked of the file system.
    const maySilentlyCopy = "deno" in process.versions;
    if (maySilentlyCopy && !reflinkTypes.has(await fileSystemType(from))) throw cannotShare(from);
    const flags = constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE;
    try {
      await settled((done) => copyFile(from, to, flags, done));
    } catch (error) {
      const code = systemErrorCode(error);
      throw code !== undefined && noReflinkCodes.has(code) ? cannotShare(from) : error;
    }
  },

  async unlink(path: string): Promise<void> {
    // Deno's unlink removes an empty directory.
    const stats = await settled<Stats>((done) => lstat(path, done));
    if (stats.isDirectory()) throw codedError("EISDIR", `is a directory, unlink '${path}'`);
    await settled((done) => unlink(path, done));
  },

  async syncDirectory(path: string): Promise<void> {
    await withDirectory(path, async (descriptor) => {
      if (!isPermissionModelOn()) return await settled((done) => fsync(descriptor, done));
      const permitted = await PermittedFile.open(path, descriptor);
      if (permitted === undefined) throw codedError("ESTALE", `was replaced while it was synced, fsync '${path}'`);
      try {
        await permitted.sync();
      } finally {
        await permitted.close();
      }
    });
  },

  lock: lockRuntimeFile,

  waitForChange: waitForRuntimeChange,

  startTimer: startRuntimeTimer,

  async realPath(path: string): Promise<string> {
    return await resolveRealPath(path);
  },
};

async function withDirectory(path: string, use: (descriptor: number) => Promise<void>): Promise<void> {
  const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
  const descriptor = await settled<number>((done) => open(path, flags, done));
  try {
    await use(descriptor);
  } finally {
    await settled((done) => close(descriptor, done));
  }
}

/** What `statfs` calls the file system; 0 where that cannot be told. */
async function fileSystemType(path: string): Promise<number> {
  try {
    return (await settled<StatsFs>((done) => statfs(path, done))).type;
  } catch {
    // Deno asks for a permission that nothing else needs.
    return 0;
  }
}

function cannotShare(path: string): Error {
  return codedError("ENOTSUP", `files cannot share bytes here, clone '${path}'`);
}

function runtimeName(): string {
  if ("deno" in process.versions) return "Deno";
  return "bun" in process.versions ? "Bun" : "Node";
}
