/**
 * The lock between processes, whichever runtimes they run on: the kernel's `flock(2)`.
 *
 * The kernel keeps such a lock with an *open file description* and frees it when the last descriptor of that is closed,
 * which the death of a process does, however it dies. No clock, no process number and no lease is looked at (I15).
 *
 * - Deno has the system call: `Deno.FsFile.tryLock`.
 * - Bun reaches the C library's: `Bun.FFI` (glibc's, and musl's, which answers to the same name).
 * - Node has neither, nor has Bun with yet another C library. They open the lock file themselves and hand the
 *   descriptor to a short-lived `flock --nonblock --exclusive 3` (util-linux, or busybox): it locks the description
 *   that it shares with us, and exits; the lock stays with our descriptor. It costs one process start per lock
 *   (milliseconds), none while held.
 *
 * The lock file is removed on release, so a waiter may lock a file that has lost its name. Whoever gets the lock
 * therefore looks whether the name still leads to the locked file, and begins again if not. The holder removes the name
 * *before* it frees the lock, and only its own.
 *
 * Limits: Linux only (`flock` programs are rare elsewhere, Windows has no such call). All parties must use one kernel:
 * over NFS, SMB or FUSE the call may be local to one machine, or missing. A descriptor that is inherited on purpose
 * keeps the lock alive; ours are close-on-exec. Whoever removes a lock file by hand while it is held lets a second
 * writer in.
 *
 * @module
 */
import { close, fstat, ftruncate, lstat, read, type Stats, unlink, write } from "node:fs";
import { systemErrorCode } from "../errors.ts";
import type { FileLock, LockAttempt } from "./filesystem.ts";
import { settled } from "./runtime_callback.ts";
import { openRuntimeDescriptor } from "./runtime_file_handle.ts";
import { denoRuntime, type KernelLock, lockByDeno, lockByLibrary, lockByProgram } from "./runtime_flock.ts";

/** How often somebody else may release under our hands before we call the file taken. */
const ATTEMPTS_MAX = 50;
/** More than anybody writes about himself. */
const HOLDER_BYTES_MAX = 4_096;

/**
 * Takes the lock as {@linkcode FileSystem.lock} promises.
 *
 * @param path The lock file.
 * @param holder What to write into it about ourselves.
 * @returns The lock, or who has it.
 * @throws With code `ENOTSUP` if the runtime cannot lock and no `flock` program is installed, `ENOLCK` if the file
 * system refuses to lock.
 */
export async function lockRuntimeFile(path: string, holder: string): Promise<LockAttempt> {
  let lastHolder = "";
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const descriptor = await openRuntimeDescriptor(path, { access: "write", create: "if-missing", mode: 0o600 });
    let kept = false;
    let kernelLock: KernelLock | undefined;
    try {
      kernelLock = await lockKernel(path, descriptor);
      const identity = await identityOf((done) => fstat(descriptor, done));
      const named = identity !== undefined && await identityOf((done) => lstat(path, done)) === identity;
      if (kernelLock === undefined || !named) {
        lastHolder = await readHolder(descriptor);
        // Without its name the file tells nothing of who holds the session now.
        if (named) return { acquired: false, holder: lastHolder };
        continue;
      }
      await writeHolder(descriptor, holder);
      kept = true;
      return { acquired: true, lock: new RuntimeFileLock(path, identity, descriptor, kernelLock) };
    } finally {
      if (!kept) await closeBoth(descriptor, kernelLock);
    }
  }
  return { acquired: false, holder: lastHolder };
}

async function lockKernel(path: string, descriptor: number): Promise<KernelLock | undefined> {
  const deno = denoRuntime();
  if (deno !== undefined) return await lockByDeno(deno, path, descriptor);
  // Where the call is refused, the program says why.
  return lockByLibrary(descriptor) ?? await lockByProgram(path, descriptor);
}

/** Frees what is still held; closing the descriptor is what frees a lock that a program took for us. */
async function closeBoth(descriptor: number, kernelLock: KernelLock | undefined): Promise<void> {
  kernelLock?.close();
  await settled((done) => close(descriptor, done));
}

/** Tells a file from every other one that exists; undefined where there is none, or it has lost its last name. */
async function identityOf(
  call: (done: (error: Error | null | undefined, stats: Stats) => void) => void,
): Promise<string | undefined> {
  try {
    const stats = await settled<Stats>(call);
    return stats.nlink === 0 ? undefined : `${stats.dev}:${stats.ino}`;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function readHolder(descriptor: number): Promise<string> {
  const buffer = new Uint8Array(HOLDER_BYTES_MAX);
  const count = await settled<number>((done) => read(descriptor, buffer, 0, buffer.length, 0, done));
  return new TextDecoder().decode(buffer.subarray(0, count));
}

/** The text is a courtesy: a full disk must not keep a session from being recovered. */
async function writeHolder(descriptor: number, holder: string): Promise<void> {
  const bytes = new TextEncoder().encode(holder).subarray(0, HOLDER_BYTES_MAX);
  try {
    await settled((done) => ftruncate(descriptor, 0, done));
    await settled<number>((done) => write(descriptor, bytes, 0, bytes.length, 0, done));
  } catch (error) {
    const code = systemErrorCode(error);
    if (code !== "ENOSPC" && code !== "EDQUOT") throw error;
  }
}

/** A lock that we hold. */
class RuntimeFileLock implements FileLock {
  readonly #path: string;
  readonly #identity: string;
  readonly #descriptor: number;
  readonly #kernelLock: KernelLock;
  #released = false;

  constructor(path: string, identity: string, descriptor: number, kernelLock: KernelLock) {
    this.#path = path;
    this.#identity = identity;
    this.#descriptor = descriptor;
    this.#kernelLock = kernelLock;
  }

  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    try {
      const named = await identityOf((done) => lstat(this.#path, done));
      if (named === this.#identity) await settled((done) => unlink(this.#path, done));
    } finally {
      await closeBoth(this.#descriptor, this.#kernelLock);
    }
  }
}
