/**
 * Any port, watched: every call is told before it is made, can be made to wait or to fail, and open files are counted.
 *
 * @module
 */
import type { DirectoryEntry, FileHandle, FileStat, FileSystem, LockAttempt, OpenOptions } from "../../mod.ts";
import type { PortCall, PortMethod } from "../../src/testing/mod.ts";

/** Decides over a call before it is made: throws to make it fail, returns a promise to make it wait. */
export type CallHook = (call: PortCall) => Promise<void> | void;

/** Calls that change what is on the disk. */
const changingMethods: ReadonlySet<PortMethod> = new Set<PortMethod>([
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
]);

/** An error as the operating system throws it. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: made by a test`), { code });
}

/** A call that waits until it is let go. */
export class Gate {
  /** Resolves when a call stands at the gate. */
  readonly reached: Promise<void>;
  #arrive: () => void = () => {};
  #open: () => void = () => {};
  readonly #opened: Promise<void>;

  /** Makes a closed one. */
  constructor() {
    this.reached = new Promise((resolve) => this.#arrive = resolve);
    this.#opened = new Promise((resolve) => this.#open = resolve);
  }

  /** Stands at the gate. */
  pass(): Promise<void> {
    this.#arrive();
    return this.#opened;
  }

  /** Lets everybody through from here on. */
  open(): void {
    this.#open();
  }
}

/** The wrapper; set {@linkcode WatchedFileSystem.onCall} at any time. */
export class WatchedFileSystem implements FileSystem {
  /** Told of every call before it is made. */
  onCall: CallHook | null = null;
  /** Every call that changes something, and every sync, as `method name`, since the last {@linkcode takeCalls}. */
  calls: string[] = [];
  /** How many files are open now, locks included. */
  openFiles = 0;
  /** How many were open at most. */
  openFilesMax = 0;
  readonly #inner: FileSystem;
  readonly #gates: Gate[] = [];

  /** Wraps a port. */
  constructor(inner: FileSystem) {
    this.#inner = inner;
  }

  /** What was called since the last time. */
  takeCalls(): string[] {
    const calls = this.calls;
    this.calls = [];
    return calls;
  }

  /** The next call that fits waits at the gate that is returned. */
  holdNext(fits: (call: PortCall) => boolean): Gate {
    const gate = new Gate();
    this.#gates.push(gate);
    let held = false;
    const before = this.onCall;
    this.onCall = (call) => {
      if (held || !fits(call)) return before?.(call);
      held = true;
      return gate.pass();
    };
    return gate;
  }

  /** Nothing waits or fails any more. */
  letGo(): void {
    this.onCall = null;
    for (const gate of this.#gates) gate.open();
  }

  /** The next call that fits fails. */
  failNext(fits: (call: PortCall) => boolean, code: string): void {
    let failed = false;
    const before = this.onCall;
    this.onCall = (call) => {
      if (failed || !fits(call)) return before?.(call);
      failed = true;
      throw systemError(code);
    };
  }

  async #run<T>(call: PortCall, perform: () => Promise<T>): Promise<T> {
    this.note(call);
    await this.onCall?.(call);
    return await perform();
  }

  /** Writes a call down. */
  note(call: PortCall): void {
    const isSync = call.method === "syncData" || call.method === "syncDirectory";
    if (!isSync && !changingMethods.has(call.method)) return;
    const nameOf = (path: string) => path.slice(path.lastIndexOf("/") + 1);
    const target = call.toPath === undefined ? "" : ` ${nameOf(call.toPath)}`;
    this.calls.push(`${call.method} ${nameOf(call.path)}${target}`);
  }

  /** Counts an open file. */
  countOpen(change: number): void {
    this.openFiles += change;
    this.openFilesMax = Math.max(this.openFilesMax, this.openFiles);
  }

  async open(path: string, options: OpenOptions): Promise<FileHandle> {
    const creates = (options.create ?? "never") !== "never";
    if (creates) this.calls.push(`create ${path.slice(path.lastIndexOf("/") + 1)}`);
    const handle = await this.#run({ method: "open", path }, () => this.#inner.open(path, options));
    this.countOpen(1);
    return this.#watched(handle, path);
  }

  #watched(handle: FileHandle, path: string): FileHandle {
    const blocking = (call: PortCall): void => {
      this.note(call);
      const wait = this.onCall?.(call);
      if (wait instanceof Promise) throw systemError("EDEADLK");
    };
    const at = (method: PortMethod, offset?: number, length?: number): PortCall => ({
      method,
      path,
      ...(offset === undefined ? {} : { offset }),
      ...(length === undefined ? {} : { length }),
    });
    return {
      read: (buffer, offset) => this.#run(at("read", offset, buffer.length), () => handle.read(buffer, offset)),
      write: (bytes, offset) => this.#run(at("write", offset, bytes.length), () => handle.write(bytes, offset)),
      truncate: (size) => this.#run(at("truncate", size), () => handle.truncate(size)),
      syncData: () => this.#run(at("syncData"), () => handle.syncData()),
      stat: () => this.#run(at("fileStat"), () => handle.stat()),
      setMode: (mode) => this.#run(at("setMode"), () => handle.setMode(mode)),
      setOwner: (userId, groupId) => this.#run(at("setOwner"), () => handle.setOwner(userId, groupId)),
      ...(handle.setModified === undefined ? {} : { setModified: handle.setModified.bind(handle) }),
      readSync: (buffer, offset) => {
        blocking(at("read", offset, buffer.length));
        return handle.readSync(buffer, offset);
      },
      writeSync: (bytes, offset) => {
        blocking(at("write", offset, bytes.length));
        return handle.writeSync(bytes, offset);
      },
      syncDataSync: () => {
        blocking(at("syncData"));
        handle.syncDataSync();
      },
      close: async () => {
        this.countOpen(-1);
        await handle.close();
      },
    };
  }

  stat(path: string): Promise<FileStat> {
    return this.#run({ method: "stat", path }, () => this.#inner.stat(path));
  }

  readDirectory(path: string): Promise<DirectoryEntry[]> {
    return this.#run({ method: "readDirectory", path }, () => this.#inner.readDirectory(path));
  }

  makeDirectory(path: string, mode: number): Promise<void> {
    return this.#run({ method: "makeDirectory", path }, () => this.#inner.makeDirectory(path, mode));
  }

  removeDirectory(path: string): Promise<void> {
    return this.#run({ method: "removeDirectory", path }, () => this.#inner.removeDirectory(path));
  }

  rename(from: string, to: string): Promise<void> {
    return this.#run({ method: "rename", path: from, toPath: to }, () => this.#inner.rename(from, to));
  }

  link(from: string, to: string): Promise<void> {
    return this.#run({ method: "link", path: from, toPath: to }, () => this.#inner.link(from, to));
  }

  cloneFile(from: string, to: string): Promise<void> {
    return this.#run({ method: "cloneFile", path: from, toPath: to }, async () => {
      if (this.#inner.cloneFile === undefined) throw systemError("ENOTSUP");
      await this.#inner.cloneFile(from, to);
    });
  }

  unlink(path: string): Promise<void> {
    return this.#run({ method: "unlink", path }, () => this.#inner.unlink(path));
  }

  syncDirectory(path: string): Promise<void> {
    return this.#run({ method: "syncDirectory", path }, () => this.#inner.syncDirectory(path));
  }

  async lock(path: string, holder: string): Promise<LockAttempt> {
    const attempt = await this.#run({ method: "lock", path }, () => this.#inner.lock(path, holder));
    if (!attempt.acquired) return attempt;
    this.countOpen(1);
    const release = async (): Promise<void> => {
      this.countOpen(-1);
      await attempt.lock.release();
    };
    return { acquired: true, lock: { release } };
  }

  waitForChange(path: string, signal: AbortSignal): Promise<void> {
    return this.#run({ method: "waitForChange", path }, () => this.#inner.waitForChange(path, signal));
  }

  realPath(path: string): Promise<string> {
    return this.#run({ method: "realPath", path }, () => this.#inner.realPath(path));
  }
}
