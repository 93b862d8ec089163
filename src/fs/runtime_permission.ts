/**
 * What Node's permission model (`node --permission`) leaves of `node:fs`.
 *
 * With it on, Node refuses `fsync`, `fdatasync`, `fchmod`, `fchown` and `futimes` of a descriptor, whatever was
 * allowed, because a descriptor has no path to check. A sync is still to be had from the `FileHandle` of
 * `node:fs/promises`, the others by path. So a file gets a second descriptor, opened right after the first: the kernel
 * syncs the file, not the descriptor, and reports a failed write to each one that was open when it failed.
 *
 * Since 24.22 and 26.9 Node refuses it there, too. Then a short-lived `sync` (coreutils, or busybox) gets the
 * descriptor and syncs what it leads to, whatever its name is by then: the kernel reports a failed write that nobody
 * was told of to whoever opens the file next. Appends into blocks that are filled ahead need none: their writes sync by
 * themselves.
 *
 * @module
 */
import { chmod, chown, constants, fstat, realpath, type Stats, utimes } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import process from "node:process";
import { systemErrorCode } from "../errors.ts";
import { codedError, settled } from "./runtime_callback.ts";
import { runOnDescriptor } from "./runtime_descriptor_program.ts";

/**
 * Whether Node's permission model is on.
 *
 * @returns False on every other runtime.
 */
export function isPermissionModelOn(): boolean {
  return "permission" in process && process.permission !== undefined && !("deno" in process.versions);
}

/** The calls on an open file that are refused by its descriptor. */
export class PermittedFile {
  readonly #path: string;
  readonly #handle: FileHandle;

  private constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
  }

  /**
   * Opens the second descriptor of a file.
   *
   * @param path The file or directory.
   * @param descriptor The first descriptor.
   * @returns The file; undefined if the path leads to another one by now.
   */
  static async open(path: string, descriptor: number): Promise<PermittedFile | undefined> {
    // Loaded late: without the permission model nobody needs it.
    const { open } = await import("node:fs/promises");
    const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const [first, second] = [await settled<Stats>((done) => fstat(descriptor, done)), await handle.stat()];
    if (first.dev === second.dev && first.ino === second.ino) return new PermittedFile(path, handle);
    await handle.close();
    return undefined;
  }

  /** `fdatasync`. */
  async syncData(): Promise<void> {
    await this.#sync(() => this.#handle.datasync());
  }

  /** `fsync`. */
  async sync(): Promise<void> {
    await this.#sync(() => this.#handle.sync());
  }

  /** `chmod`, by path. */
  async setMode(mode: number): Promise<void> {
    await settled((done) => chmod(this.#path, mode, done));
  }

  /** `utimes`, by path. */
  async setModified(seconds: number): Promise<void> {
    await settled((done) => utimes(this.#path, seconds, seconds, done));
  }

  /** `chown`, by path. */
  async setOwner(userId: number, groupId: number): Promise<void> {
    await settled((done) => chown(this.#path, userId, groupId, done));
  }

  /** Closes the second descriptor. */
  async close(): Promise<void> {
    await this.#handle.close();
  }

  /** What Node refuses was not tried: nothing is lost by doing it another way. */
  async #sync(call: () => Promise<void>): Promise<void> {
    if (!isSyncRefused) {
      try {
        return await call();
      } catch (error) {
        if (systemErrorCode(error) !== "ERR_ACCESS_DENIED") throw error;
        isSyncRefused = true;
      }
    }
    await syncByProgram(this.#path, this.#handle.fd);
  }
}

/** Whether this Node has refused to sync: it will again. */
let isSyncRefused = false;

/** Data and size with one call: an old busybox has no other. */
async function syncByProgram(path: string, descriptor: number): Promise<void> {
  const exit = await runOnDescriptor("sync", ["/proc/self/fd/3"], descriptor).catch((error: unknown) => {
    if (systemErrorCode(error) !== "ENOENT") throw error;
    throw codedError("ENOTSUP", `no 'sync' program, which Node's permission model needs, fsync '${path}'`);
  });
  if (exit !== 0) throw codedError("EIO", `sync ended with ${exit}, fsync '${path}'`);
}

/**
 * Resolves a path. Node's own walk looks at each parent, which the permission model refuses; the system's does not.
 *
 * @param path Any path.
 * @returns The path without symbolic links.
 */
export async function resolveRealPath(path: string): Promise<string> {
  return await settled<string>((done) => isPermissionModelOn() ? realpath.native(path, done) : realpath(path, done));
}
