/**
 * `flock(2)` on an open file, by what each runtime has for it. `runtime_lock.ts` says why.
 *
 * @module
 */
import { fstat, type Stats } from "node:fs";
import process from "node:process";
import { systemErrorCode } from "../errors.ts";
import { codedError, settled } from "./runtime_callback.ts";
import { runOnDescriptor } from "./runtime_descriptor_program.ts";

/** A kernel lock that is held, apart from the descriptor of the lock file. */
export interface KernelLock {
  /** Gives back what holds the lock beside the descriptor. */
  close(): void;
}

/** What we use of an open file of Deno's. */
export interface DenoFile {
  /** `flock` without waiting. */
  tryLock(exclusive: boolean): Promise<boolean>;
  /** Which file it is. */
  stat(): Promise<{ dev: number; ino: number | null }>;
  /** Closes it, and so frees the lock. */
  close(): void;
}

/** What we use of Deno. */
export interface DenoRuntime {
  /** `Deno.open`. */
  open(path: string, options: { read: boolean; write: boolean }): Promise<DenoFile>;
  /** `Deno.permissions`. */
  permissions: {
    /** Says what is permitted, and asks nobody. */
    querySync(permission: { name: "read"; path: string }): { state: string };
  };
}

/** What we use of Bun: C functions by name. */
interface BunRuntime {
  /** `Bun.FFI`. */
  FFI: {
    /** Loads a library. */
    dlopen(
      library: string,
      symbols: Readonly<Record<string, { args: readonly string[]; returns: string }>>,
    ): { symbols: Readonly<Record<string, unknown>> };
  };
}

/** `LOCK_EX | LOCK_NB` of Linux. */
const EXCLUSIVE_WITHOUT_WAITING = 6;

/** `flock` says by this that somebody else has the lock. */
const EXIT_REFUSED = 1;
/** A busybox without its `flock` ends so, and so does a wrapper that finds nothing to run. */
const EXIT_NOT_FOUND = 127;

/**
 * Deno, if we run on it: not where a library only brings its global.
 *
 * @returns The runtime, or undefined.
 */
export function denoRuntime(): DenoRuntime | undefined {
  if (!("deno" in process.versions)) return undefined;
  const candidate: unknown = Reflect.get(globalThis, "Deno");
  return isDenoRuntime(candidate) ? candidate : undefined;
}

function isDenoRuntime(candidate: unknown): candidate is DenoRuntime {
  return typeof candidate === "object" && candidate !== null && "open" in candidate &&
    typeof candidate.open === "function";
}

/**
 * Locks by Deno's own call, on a second open file of the same path.
 *
 * @param deno The runtime.
 * @param path The lock file, which is no symbolic link.
 * @param descriptor The lock file, open.
 * @returns The lock, or undefined if somebody else has it or the path leads to another file by now.
 */
export async function lockByDeno(deno: DenoRuntime, path: string, descriptor: number): Promise<KernelLock | undefined> {
  let file: DenoFile;
  try {
    file = await deno.open(path, { read: true, write: true });
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
  let kept = false;
  try {
    const [opened, expected] = [await file.stat(), await settled<Stats>((done) => fstat(descriptor, done))];
    if (opened.dev !== expected.dev || opened.ino !== expected.ino) return undefined;
    kept = await file.tryLock(true);
    return kept ? file : undefined;
  } finally {
    if (!kept) file.close();
  }
}

/**
 * Locks by the C library's own call, which Bun can reach: no process is started.
 *
 * @param descriptor The lock file, open; it holds the lock afterwards.
 * @returns The lock; undefined if it was refused for whatever reason, or there is no such call here.
 */
export function lockByLibrary(descriptor: number): KernelLock | undefined {
  const candidate: unknown = "bun" in process.versions ? Reflect.get(globalThis, "Bun") : undefined;
  if (!isBunRuntime(candidate)) return undefined;
  try {
    const { flock } = candidate.FFI.dlopen("libc.so.6", { flock: { args: ["int", "int"], returns: "int" } }).symbols;
    const isLocked = typeof flock === "function" && flock(descriptor, EXCLUSIVE_WITHOUT_WAITING) === 0;
    return isLocked ? { close: () => {} } : undefined;
  } catch {
    // Another C library, or a Bun without a compiler for such calls.
    return undefined;
  }
}

function isBunRuntime(candidate: unknown): candidate is BunRuntime {
  if (typeof candidate !== "object" || candidate === null || !("FFI" in candidate)) return false;
  const { FFI } = candidate;
  return typeof FFI === "object" && FFI !== null && "dlopen" in FFI && typeof FFI.dlopen === "function";
}

/**
 * Locks by a child that inherits the descriptor, and with it the open file description that the kernel locks.
 *
 * @param path The lock file, for messages.
 * @param descriptor The lock file, open; it holds the lock afterwards.
 * @returns The lock, or undefined if somebody else has it.
 */
export async function lockByProgram(path: string, descriptor: number): Promise<KernelLock | undefined> {
  // The short flags: busybox knows no long ones.
  const exit = await runOnDescriptor("flock", ["-n", "-x", "3"], descriptor).catch((error: unknown) => {
    throw systemErrorCode(error) === "ENOENT" ? missingProgram(path) : error;
  });
  if (exit === 0) return { close: () => {} };
  if (exit === EXIT_REFUSED) return undefined;
  if (exit === EXIT_NOT_FOUND) throw missingProgram(path);
  throw codedError("ENOLCK", `flock ended with ${exit}: the file system may not support locks, lock '${path}'`);
}

function missingProgram(path: string): Error {
  return codedError("ENOTSUP", `no 'flock' program: install util-linux (or busybox with flock), lock '${path}'`);
}
