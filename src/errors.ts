/**
 * The one error class for conditions that a caller can act on.
 *
 * Wrong arguments are `TypeError` or `RangeError`; broken invariants of our own are assertions; everything that the
 * outside world can do to a store is a {@linkcode HoldfastError} with a stable {@linkcode HoldfastErrorCode}.
 *
 * @module
 */

/**
 * What happened, in a word that never changes.
 *
 * | code | meaning | what to do |
 * |---|---|---|
 * | `locked` | another process (or another store of this one) writes the session | wait for it, or stop it |
 * | `disk-full` | no space, or over a quota; nothing of the call is in the log | free space, then try again |
 * | `too-large` | a record, a batch or an identifier is over its limit | make it smaller |
 * | `corrupt` | bytes that a power cut cannot explain (only with `strict`, or where going on would destroy them) | `holdfast check`, `holdfast repair` |
 * | `failed` | an earlier failure left the outcome unknown; nothing more is written | open the session again |
 * | `read-only` | the store was opened `readOnly`, or the file system is | open it for writing |
 * | `not-found` | no such session, alias or record | check the key |
 * | `exists` | there is a session of that key already | remove it, or take another key |
 * | `closed` | the store, or this handle of a deleted session, is closed | open it again |
 * | `io` | the operating system refused; `cause` has its error | see `cause` |
 */
export type HoldfastErrorCode =
  | "locked"
  | "disk-full"
  | "too-large"
  | "corrupt"
  | "failed"
  | "read-only"
  | "not-found"
  | "exists"
  | "closed"
  | "io";

/** Where it happened and why, for {@linkcode HoldfastError}. */
export interface HoldfastErrorDetails {
  /** The file or directory concerned. */
  path?: string | undefined;
  /** The byte offset in that file. */
  offset?: number | undefined;
  /** The error underneath. */
  cause?: unknown;
}

/**
 * An operating condition that a caller can act on. Test {@linkcode HoldfastError.code}, not the message.
 *
 * @example Retry later when somebody else holds the session
 * ```ts
 * import { HoldfastError } from "holdfast";
 *
 * try {
 *   throw new HoldfastError("locked", "Session is held by process 42");
 * } catch (error) {
 *   if (!(error instanceof HoldfastError) || error.code !== "locked") throw error;
 * }
 * ```
 */
export class HoldfastError extends Error {
  /** What happened; see {@linkcode HoldfastErrorCode}. */
  readonly code: HoldfastErrorCode;
  /** The file or directory concerned, where there is one. */
  readonly path?: string;
  /** The byte offset in that file, where there is one. */
  readonly offset?: number;

  /**
   * Creates an error.
   *
   * @param code The stable code.
   * @param message What happened and what to do, sentence case, no final period.
   * @param details Where, and the cause.
   */
  constructor(code: HoldfastErrorCode, message: string, details: HoldfastErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "HoldfastError";
    this.code = code;
    if (details.path !== undefined) this.path = details.path;
    if (details.offset !== undefined) this.offset = details.offset;
  }
}

/**
 * The operating system's own code of an error (`ENOENT`, `EIO`, …), the only thing about a system error that Node,
 * Deno and Bun agree on.
 *
 * @param error Anything that was thrown.
 * @returns The code, or undefined.
 */
export function systemErrorCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/**
 * Turns what the operating system threw into a {@linkcode HoldfastError}; one that is already ours passes through.
 *
 * @param error What was thrown.
 * @param doing What was being done, as a gerund phrase: "writing the meta file".
 * @param path The file or directory concerned.
 * @returns The typed error, with the original as its cause.
 */
export function toHoldfastError(error: unknown, doing: string, path: string): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const systemCode = systemErrorCode(error);
  const reason = error instanceof Error ? error.message : String(error);
  const details = { path, cause: error };
  switch (systemCode) {
    case "ENOSPC":
    case "EDQUOT":
      return new HoldfastError("disk-full", `No space left while ${doing}: ${path}`, details);
    case "EROFS":
    case "EACCES":
    case "EPERM":
      return new HoldfastError("read-only", `Permission refused while ${doing}: ${path} (${systemCode})`, details);
    case "ELOOP":
      return new HoldfastError("io", `Refused to follow a symbolic link while ${doing}: ${path}`, details);
    case "ERR_ACCESS_DENIED":
      return new HoldfastError("read-only", `Not allowed while ${doing}: ${path}, ${missingOption(error)}`, details);
    case "ENOTSUP":
      return new HoldfastError("io", `Not possible here, ${doing}: ${reason}`, details);
    default:
      return new HoldfastError("io", `Failed while ${doing}: ${path} (${systemCode ?? reason})`, details);
  }
}

/** Node's permission model names a permission; what grants it stands in its manual only. */
function missingOption(error: unknown): string {
  const isNamed = typeof error === "object" && error !== null && "permission" in error;
  const options: Readonly<Record<string, string>> = {
    FileSystemRead: "run again with the --allow-fs-read option",
    FileSystemWrite: "run again with the --allow-fs-write option",
    ChildProcess: "run again with the --allow-child-process option, which the lock needs to start flock",
    Net: "run again with the --allow-net option",
  };
  return (isNamed ? options[String(error.permission)] : undefined) ??
    "Node's permission model refuses it (ERR_ACCESS_DENIED)";
}

/**
 * Fails on a broken invariant of our own. Never used for what the outside world can cause.
 *
 * @param condition What must hold.
 * @param invariant Its number or a sentence.
 */
export function assertInvariant(condition: boolean, invariant: string): asserts condition {
  if (!condition) throw new Error(`Invariant broken: ${invariant} (a bug in Holdfast; please report it)`);
}
