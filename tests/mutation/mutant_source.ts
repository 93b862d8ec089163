/**
 * Copies the product's source into a scratch directory, changes a few strings in it, and loads what came of it.
 *
 * @module
 */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { openStore } from "../../mod.ts";
import type { openBucket, openSink, pullSession } from "../../src/sink/mod.ts";
import type { quickCheckSession } from "../../src/store/quick_check.ts";
import type { AgentTools } from "../../src/torture/subject_agents.ts";

/** One exact string in place of another, which must stand in the file exactly once. */
export interface Replacement {
  /** The file, from `src/`. */
  readonly file: string;
  /** What stands there. */
  readonly from: string;
  /** What stands there instead; nothing by default. */
  readonly to?: string;
}

/** What opens a store. */
export type OpenStore = typeof openStore;

/** What opens a sink. */
export type OpenSink = typeof openSink;

/** What opens a bucket. */
export type OpenBucket = typeof openBucket;

/** What brings a session back from a bucket. */
export type PullSession = typeof pullSession;

/** What looks at the end of a session, as `check --quick` does. */
export type QuickCheck = typeof quickCheckSession;

/** A copy of the product. */
export interface Mutant {
  /** Where it is; its source is in `src/`. */
  directory: string;
  /** Opens a store. */
  openStore: OpenStore;
  /** Opens a sink on it. */
  openSink: OpenSink;
  /** Opens a bucket for it. */
  openBucket: OpenBucket;
  /** Brings a session back. */
  pullSession: PullSession;
  /** Looks at a session quickly. */
  quickCheck: QuickCheck;
  /** What agents use. */
  tools: AgentTools;
}

const sourceDirectory = fileURLToPath(new URL("../../src/", import.meta.url));
/** The rooms that an open store, and a sink on it, are made of. */
const rooms = ["fs", "log", "store", "transcript", "sink"];

let sources: ReadonlyMap<string, string> | undefined;

function readSources(): ReadonlyMap<string, string> {
  const files = new Map([["errors.ts", readFileSync(join(sourceDirectory, "errors.ts"), "utf8")]]);
  for (const room of rooms) {
    for (const name of readdirSync(join(sourceDirectory, room))) {
      if (name.endsWith(".ts")) files.set(`${room}/${name}`, readFileSync(join(sourceDirectory, room, name), "utf8"));
    }
  }
  return files;
}

/** Scratch directories, removed by {@linkcode removeScratch}. */
const scratch: string[] = [];

/**
 * The product's source with some strings replaced, by file.
 *
 * @param replacements What is replaced.
 * @returns All files.
 * @throws {RangeError} If a string does not stand in its file exactly once: the table is to be brought up to date.
 */
export function mutatedSources(replacements: readonly Replacement[]): Map<string, string> {
  sources ??= readSources();
  const changed = new Map(sources);
  for (const { file, from, to = "" } of replacements) {
    const text = changed.get(file) ?? "";
    const count = text.split(from).length - 1;
    if (count !== 1) throw new RangeError(`Stands ${count} times in src/${file}, not once: ${from}`);
    changed.set(file, text.replace(from, () => to));
  }
  return changed;
}

/**
 * Loads a copy of the product with some strings replaced.
 *
 * @param replacements What is replaced; nothing: a true copy.
 * @returns The copy.
 * @throws {RangeError} If a string does not stand in its file exactly once: the table is to be brought up to date.
 */
export async function loadMutant(replacements: readonly Replacement[]): Promise<Mutant> {
  const changed = mutatedSources(replacements);
  const directory = mkdtempSync(join(tmpdir(), "holdfast-mutant-"));
  scratch.push(directory);
  writeFileSync(join(directory, "package.json"), '{"type":"module"}');
  symlinkSync(join(sourceDirectory, "../node_modules"), join(directory, "node_modules"));
  for (const [file, text] of changed) {
    const path = join(directory, "src", file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  const load = async (file: string): Promise<unknown> => await import(pathToFileURL(join(directory, file)).href);
  const module = await load("src/store/open_store.ts");
  if (!hasOpenStore(module)) throw new TypeError("The copy has no openStore");
  const tools = Object.assign(
    {},
    await load("src/transcript/checkpoints.ts"),
    await load("src/transcript/background_saver.ts"),
  );
  if (!hasTools(tools)) throw new TypeError("The copy has nothing for agents");
  const sinks = Object.assign(
    {},
    await load("src/sink/open_sink.ts"),
    await load("src/sink/open_bucket.ts"),
    await load("src/sink/pull_session.ts"),
  );
  if (!hasSinks(sinks)) throw new TypeError("The copy has no sink");
  const { openSink, openBucket, pullSession } = sinks;
  const quick = await load("src/store/quick_check.ts");
  if (!hasQuickCheck(quick)) throw new TypeError("The copy has no quick check");
  const { quickCheckSession: quickCheck } = quick;
  return { directory, openStore: module.openStore, openSink, openBucket, pullSession, quickCheck, tools };
}

/** Removes what {@linkcode loadMutant} has left. */
export function removeScratch(): void {
  for (const directory of scratch.splice(0)) rmSync(directory, { recursive: true, force: true });
}

/** The same source has the same type, but for what was replaced inside of functions. */
function hasOpenStore(module: unknown): module is { openStore: OpenStore } {
  return typeof module === "object" && module !== null && "openStore" in module &&
    typeof module.openStore === "function";
}

function hasSinks(module: object): module is Pick<Mutant, "openSink" | "openBucket" | "pullSession"> {
  return "openSink" in module && typeof module.openSink === "function" && "openBucket" in module &&
    typeof module.openBucket === "function" && "pullSession" in module && typeof module.pullSession === "function";
}

function hasQuickCheck(module: unknown): module is { quickCheckSession: QuickCheck } {
  return typeof module === "object" && module !== null && "quickCheckSession" in module &&
    typeof module.quickCheckSession === "function";
}

function hasTools(tools: object): tools is AgentTools {
  return "Checkpoints" in tools && typeof tools.Checkpoints === "function" && "BackgroundSaver" in tools &&
    typeof tools.BackgroundSaver === "function";
}
