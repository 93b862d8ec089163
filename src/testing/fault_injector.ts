/**
 * Which call fails, and how: counting for a {@linkcode FaultyFileSystem}.
 *
 * @module
 */

import type { Choices } from "./crash_choices.ts";
import { systemError } from "./system_error.ts";
import type { SyncFaultMode } from "./writeback.ts";

/** A call of the port, of a file system or an open file; `path` is `pathSync`, which has no other twin. */
export type PortMethod =
  | "open"
  | "stat"
  | "readDirectory"
  | "makeDirectory"
  | "removeDirectory"
  | "rename"
  | "link"
  | "cloneFile"
  | "unlink"
  | "syncDirectory"
  | "lock"
  | "release"
  | "waitForChange"
  | "realPath"
  | "overwritesInPlace"
  | "read"
  | "write"
  | "truncate"
  | "syncData"
  | "fileStat"
  | "setMode"
  | "setOwner"
  | "setModified"
  | "path"
  | "close";

/** One call, as {@linkcode FaultPlan.filter} sees it. The blocking twins go by the same names. */
export interface PortCall {
  /** What is called. */
  readonly method: PortMethod;
  /** For what: the path that it names, or that the file was opened by. */
  readonly path: string;
  /** The other path of `rename`, `link` and `cloneFile`. */
  readonly toPath?: string;
  /** Where, for `read` and `write`; the size, for `truncate`. */
  readonly offset?: number;
  /** How many bytes, for `read` and `write`. */
  readonly length?: number;
}

/** How a call fails. */
export type Fault =
  | {
    /** The call rejects. */
    readonly kind: "error";
    /** With this code: `EIO`, `ENOSPC`, `EROFS`, `EINTR`, `EMFILE`, … */
    readonly code: string;
    /** Whether it was done all the same, so that only the answer is lost; never by default. */
    readonly done?: boolean;
  }
  | {
    /** A write takes only some of its bytes. */
    readonly kind: "short-write";
    /** How many; never all of them. */
    readonly bytes: number;
    /** With a code, it rejects after them; without, it resolves to their number. */
    readonly code?: string;
  }
  | {
    /** A sync of a file fails. */
    readonly kind: "sync";
    /** What it leaves behind; all but `false` and `late` only over a simulated file system. */
    readonly mode: SyncFaultMode;
    /** Which pending operations of the file reach the disk all the same; none by default. */
    readonly choices?: Choices;
    /** With this code: `ENOSPC` where space is found missing only now; `EIO` by default. */
    readonly code?: string;
  }
  | {
    /**
     * A sync of a directory fails, and the kernel forgets what was to be written: until a name in the directory changes
     * again, further syncs of it resolve and do nothing, as on file systems without a journal.
     */
    readonly kind: "directory-sync";
    /** With this code; `EIO` by default. */
    readonly code?: string;
  };

/** Options for {@linkcode FaultyFileSystem}. */
export interface FaultPlan {
  /** Which call fails, from 1, of those that can fail in this way and pass the filter. */
  failAt: number;
  /** How it fails. */
  fault: Fault;
  /**
   * Whether all later ones fail too.
   *
   * @default {false}
   */
  persistent?: boolean;
  /**
   * Whether the file system becomes read-only after the first failure: what changes anything is then `EROFS`.
   *
   * @default {false}
   */
  thenReadOnly?: boolean;
  /**
   * Which calls count; all by default.
   *
   * @default {() => true}
   */
  filter?: (call: PortCall) => boolean;
}

const CHANGING: ReadonlySet<PortMethod> = new Set<PortMethod>([
  "makeDirectory",
  "removeDirectory",
  "rename",
  "link",
  "cloneFile",
  "unlink",
  "lock",
  "write",
  "truncate",
  "setMode",
  "setOwner",
  "setModified",
]);

/** Counts calls, and says which one fails. */
export class FaultInjector {
  /** How many calls could have failed so far. */
  calls = 0;
  /** Those that did. */
  readonly fired: PortCall[] = [];
  readonly #plan: FaultPlan;

  /**
   * Starts counting.
   *
   * @param plan What fails.
   */
  constructor(plan: FaultPlan) {
    if (!Number.isSafeInteger(plan.failAt) || plan.failAt < 1) {
      throw new RangeError(`Calls are counted from 1: ${plan.failAt}`);
    }
    this.#plan = plan;
  }

  /**
   * The fault of this call, if it has one.
   *
   * @param call The call.
   * @param writes Whether an `open` may change something.
   * @returns How it fails; undefined if it does not.
   */
  next(call: PortCall, writes = false): Fault | undefined {
    const { fault, failAt, persistent, thenReadOnly, filter } = this.#plan;
    if (thenReadOnly === true && this.fired.length > 0 && (CHANGING.has(call.method) || writes)) {
      return { kind: "error", code: "EROFS" };
    }
    if (!fits(fault, call) || filter?.(call) === false) return undefined;
    this.calls++;
    if (this.calls !== failAt && !(persistent === true && this.calls > failAt)) return undefined;
    this.fired.push(call);
    return fault;
  }

  /**
   * Makes an asynchronous call, or lets it fail.
   *
   * @param call The call.
   * @param perform Does it.
   * @param writes Whether an `open` may change something.
   * @returns What it gives.
   */
  async run<T>(call: PortCall, perform: () => Promise<T>, writes = false): Promise<T> {
    const fault = this.next(call, writes);
    if (fault === undefined) return await perform();
    // Of a close only the answer can be lost: the descriptor is gone.
    if (call.method === "close" || (fault.kind === "error" && fault.done === true)) await perform();
    throw faultError(fault, call);
  }

  /**
   * Makes a blocking call, or lets it fail.
   *
   * @param call The call.
   * @param perform Does it.
   * @returns What it gives.
   */
  runSync<T>(call: PortCall, perform: () => T): T {
    const fault = this.next(call);
    if (fault === undefined) return perform();
    if (fault.kind === "error" && fault.done === true) perform();
    throw faultError(fault, call);
  }
}

/** Whether a call can fail in this way. */
function fits(fault: Fault, call: PortCall): boolean {
  if (fault.kind === "short-write") return call.method === "write" && (call.length ?? 0) > 0;
  if (fault.kind === "directory-sync") return call.method === "syncDirectory";
  return fault.kind === "error" || call.method === "syncData";
}

/** The error that a fault gives. */
export function faultError(fault: Fault, call: PortCall): Error {
  return systemError(fault.code ?? "EIO", call.method, call.path);
}
