/**
 * Small verbs for tests of the store: a directory, real or simulated, the stores on it, and its files.
 *
 * @module
 */
import assert from "node:assert/strict";
import { mkdtemp, realpath, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { test } from "node:test";
import {
  type FileSystem,
  HoldfastError,
  type HoldfastErrorCode,
  openStore,
  type RecordObject,
  type Session,
  type SessionStore,
  type StoreEvent,
  type StoreOptions,
} from "../../mod.ts";
import { runtimeFileSystem } from "../../src/fs/runtime_filesystem.ts";
import { SimulatedFileSystem, type SimulatedFileSystemOptions } from "../../src/testing/mod.ts";
import { WatchedFileSystem } from "./watched_filesystem.ts";

/** What a test of the store works with. */
export class StoreBench {
  /** The port below everything. */
  readonly base: FileSystem;
  /** The port that the stores are given. */
  readonly port: WatchedFileSystem;
  /** Where the stores are. */
  readonly directory: string;
  /** What the stores told. */
  readonly events: StoreEvent[] = [];
  readonly #stores: SessionStore[] = [];

  /** On a port and a directory that need not be there. */
  constructor(base: FileSystem, directory: string) {
    this.base = base;
    this.port = new WatchedFileSystem(base);
    this.directory = directory;
  }

  /** Opens a store that {@linkcode StoreBench.end} closes. */
  async open(options: StoreOptions = {}): Promise<SessionStore> {
    const store = await openStore(this.directory, {
      fileSystem: this.port,
      onEvent: (event) => this.events.push(event),
      ...options,
    });
    this.#stores.push(store);
    return store;
  }

  /** Opens a store and a session of it. */
  async openSession(key = "chat", options: StoreOptions = {}): Promise<Session> {
    return await (await this.open(options)).session(key);
  }

  /** Closes every store that is still open; what one that has failed says to that is not of interest. */
  async closeAll(): Promise<void> {
    for (const store of this.#stores.splice(0)) await store.close().catch(() => undefined);
  }

  /** The types of what was told so far. */
  eventTypes(): string[] {
    return this.events.map((event) => event.type);
  }

  /** The path of a file in the store. */
  path(name: string): string {
    return `${this.directory}/${name}`;
  }

  /** The names in the store's directory, in order. */
  async names(under = ""): Promise<string[]> {
    const entries = await this.base.readDirectory(this.directory + under);
    return entries.map((entry) => entry.name).sort();
  }

  /** The bytes of a file. */
  async read(name: string): Promise<Uint8Array> {
    const file = await this.base.open(this.path(name), { access: "read" });
    try {
      const bytes = new Uint8Array((await file.stat()).size);
      assert.equal(await file.read(bytes, 0), bytes.length);
      return bytes;
    } finally {
      await file.close();
    }
  }

  /** The text of a file. */
  async text(name: string): Promise<string> {
    return new TextDecoder().decode(await this.read(name));
  }

  /** What a meta file says. */
  async meta(name: string): Promise<Record<string, unknown> & { holdfast: Record<string, unknown> }> {
    return JSON.parse(await this.text(`${name}.meta.json`));
  }

  /** Writes a whole file, durably, as somebody else would. */
  async write(name: string, content: string | Uint8Array, mode = 0o600): Promise<void> {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    const file = await this.base.open(this.path(name), { access: "write", create: "if-missing", mode });
    try {
      await file.truncate(0);
      if (bytes.length > 0) assert.equal(await file.write(bytes, 0), bytes.length);
      await file.syncData();
    } finally {
      await file.close();
    }
    await this.base.syncDirectory(this.directory);
  }

  /** Appends to a file, as picoclaw would. */
  async appendTo(name: string, text: string): Promise<void> {
    const before = await this.read(name);
    const file = await this.base.open(this.path(name), { access: "write" });
    try {
      await file.write(new TextEncoder().encode(text), before.length);
      await file.syncData();
    } finally {
      await file.close();
    }
  }

  /** Makes a symbolic link. */
  async link(name: string, target: string): Promise<void> {
    if (this.base instanceof SimulatedFileSystem) this.base.addSymbolicLink(this.path(name), target);
    else await symlink(target, this.path(name));
  }
}

/** Runs a test on a file system in memory, with power loss. */
export function simulatedTest(
  title: string,
  run: (bench: StoreBench, machine: SimulatedFileSystem) => Promise<void>,
  options: SimulatedFileSystemOptions = {},
): void {
  test(title, async () => {
    const machine = new SimulatedFileSystem(options);
    const bench = new StoreBench(machine, "/sessions");
    await runAndEnd(bench, () => run(bench, machine));
  });
}

/** Runs a test in a temporary directory of the real file system. */
export function realTest(title: string, run: (bench: StoreBench) => Promise<void>): void {
  test(title, async () => {
    const parent = await realpath(await mkdtemp(`${tmpdir()}/holdfast-store-`));
    try {
      const bench = new StoreBench(runtimeFileSystem, `${parent}/sessions`);
      await runAndEnd(bench, () => run(bench));
    } finally {
      await rm(parent, { recursive: true, force: true });
    }
  });
}

/** Runs a test on both. */
export function storeTest(title: string, run: (bench: StoreBench) => Promise<void>): void {
  realTest(`${title} (real)`, run);
  simulatedTest(`${title} (simulated)`, run);
}

async function runAndEnd(bench: StoreBench, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } finally {
    bench.port.letGo();
    await bench.closeAll();
  }
  assert.equal(bench.port.openFiles, 0, "no file and no lock is held after all stores are closed");
}

/** A record with a number in it. */
export function message(number: number): { role: string; content: string } {
  return { role: "user", content: `message ${number}` };
}

/** Several of them, from a number up to, without, another. */
export function messages(from: number, end: number): RecordObject[] {
  return Array.from({ length: end - from }, (_, index) => message(from + index));
}

/** Appends them one by one. */
export async function appendMessages(session: Session, from: number, end: number): Promise<void> {
  for (const record of messages(from, end)) await session.append(record);
}

/** Fits a `HoldfastError` with a code, for `assert.rejects`. */
export function hasCode(...codes: HoldfastErrorCode[]): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof HoldfastError, `not a HoldfastError: ${error}`);
    assert.ok(codes.includes(error.code), `${error.code} (${error.message}), not ${codes}`);
    return true;
  };
}

/** The numbers of all active records. */
export async function sequences(session: Session, options: { all?: boolean } = {}): Promise<number[]> {
  const found: number[] = [];
  for await (const { sequence } of session.records(options)) found.push(sequence);
  return found;
}
