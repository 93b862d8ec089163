/**
 * Cuts the power between any two steps of some work with a mutant, and looks at what is there: as the store's next
 * user, as picoclaw, or as somebody who reads the files.
 *
 * @module
 */

import type { SessionStore, StoreOptions } from "../../mod.ts";
import { crashStates, type FileSystem, SimulatedFileSystem } from "../../src/testing/mod.ts";
import { Violation } from "../../src/torture/violation.ts";
import type { OpenStore } from "./mutant_source.ts";

/** Where the stores are. */
export const directory = "/sessions";
/** The log of the session that probes write to. */
export const logPath = `${directory}/chat.jsonl`;
/** Its meta file. */
export const metaPath = `${directory}/chat.meta.json`;

/** A record as probes append it. */
export function message(content: string): { role: string; content: string } {
  return { role: "user", content };
}

/** What is done, and what must hold afterwards. */
export interface CutProbe {
  /** Done first; no power is cut. */
  readonly prepare?: (store: SessionStore, machine: SimulatedFileSystem) => Promise<void>;
  /** Done under power cuts; calls `acknowledge` with what has been promised. */
  readonly work: (machine: SimulatedFileSystem, acknowledge: (name: string) => void) => Promise<void>;
  /** Called after each cut. */
  readonly check: (machine: SimulatedFileSystem, acknowledged: ReadonlySet<string>) => Promise<void>;
  /** How many cuts are tried at each step. */
  readonly statesMax?: number;
}

/** Runs a probe on the weak model. */
export async function eachCut(open: OpenStore, plan: CutProbe): Promise<void> {
  const machine = new SimulatedFileSystem({ model: "weak" });
  await withStore(open, machine, async (store) => await plan.prepare?.(store, machine));
  const moments: { machine: SimulatedFileSystem; acknowledged: Set<string> }[] = [];
  const acknowledged = new Set<string>();
  const note = (): void => {
    moments.push({ machine: machine.clone(), acknowledged: new Set(acknowledged) });
  };
  machine.onStep = note;
  await plan.work(machine, (name) => acknowledged.add(name));
  machine.onStep = undefined;
  note();
  const seen = new Set<string>();
  for (const moment of moments) {
    for (const { choices } of crashStates(moment.machine, { limit: plan.statesMax ?? 16 })) {
      const after = moment.machine.crash(choices);
      const state = `${after.diskImageHash()} ${[...moment.acknowledged].join()}`;
      if (seen.has(state)) continue;
      seen.add(state);
      await plan.check(after, moment.acknowledged);
    }
  }
}

/** Runs something with a store, and closes it. */
export async function withStore<T>(
  open: OpenStore,
  fileSystem: FileSystem,
  run: (store: SessionStore) => Promise<T>,
  options: StoreOptions = {},
): Promise<T> {
  const store = await open(directory, { fileSystem, ...options });
  try {
    return await run(store);
  } finally {
    await store.close();
  }
}

/** What the records of the session say, hidden ones too. */
export async function contentsOf(store: SessionStore): Promise<string[]> {
  const found: string[] = [];
  for await (const { record } of (await store.session("chat")).records({ all: true })) {
    found.push(String(record["content"]));
  }
  return found;
}

/** A file's bytes; none if it is not there. */
export async function bytesOf(machine: FileSystem, path: string): Promise<Uint8Array> {
  if (await machine.stat(path).then(() => false, () => true)) return new Uint8Array(0);
  const file = await machine.open(path, { access: "read" });
  const bytes = new Uint8Array((await file.stat()).size);
  await file.read(bytes, 0);
  await file.close();
  return bytes;
}

/** Appends bytes as another program would, and syncs them. */
export async function appendBytes(machine: FileSystem, text: string): Promise<void> {
  const file = await machine.open(logPath, { access: "write" });
  await file.write(new TextEncoder().encode(text), (await file.stat()).size);
  await file.syncData();
  await file.close();
}

/** The bytes of each file in the session's quarantine, by name. */
export async function quarantineOf(machine: FileSystem): Promise<Map<string, string>> {
  const path = `${directory}/chat.quarantine`;
  const files = new Map<string, string>();
  if (await machine.stat(path).then(() => false, () => true)) return files;
  for (const { name } of await machine.readDirectory(path)) {
    if (!name.endsWith(".tmp")) files.set(name, new TextDecoder().decode(await bytesOf(machine, `${path}/${name}`)));
  }
  return files;
}

/** Says that an invariant is broken, unless a condition holds. */
export function must(invariant: string, holds: boolean, message: string): void {
  if (!holds) throw new Violation(invariant, message);
}

/** A record's text whose line, with its LF, has just so many bytes; `number` is one digit, without flags. */
export function textOfLine(content: string, lineBytes: number, flags = ""): string {
  const mark = `,"#":"0${flags} 12345678"`.length;
  const bare = `{"content":"${content}","fill":""}`.length;
  return `{"content":"${content}","fill":"${"x".repeat(lineBytes - 1 - mark - bare)}"}`;
}
