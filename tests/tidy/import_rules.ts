/**
 * The rules about who may import what.
 *
 * @module
 */

import type { Finding, ReadFile } from "./finding.ts";
import { resolveSpecifier } from "./source_text.ts";

/** What the modules of one room may import. */
interface RoomRule {
  /** Rooms, beside itself. */
  rooms: readonly string[];
  /** Rooms that only `import()` may reach: they are loaded when they are used. */
  dynamicRooms?: readonly string[];
  /** What comes with the runtimes. */
  runtimeModules: readonly string[];
  /** Packages that only `import()` may reach: optional peers. */
  dynamicPackages?: readonly string[];
}

const inner = ["errors", "fs", "log", "store"];

/** Imports point one way: cli, torture, adapters, formats, transcript, sink → store → log → fs. */
export const roomRules: Readonly<Record<string, RoomRule>> = {
  errors: { rooms: [], runtimeModules: [] },
  fs: { rooms: ["errors"], runtimeModules: ["fs", "fs/promises", "child_process", "process", "timers", "buffer"] },
  log: { rooms: ["errors", "fs"], runtimeModules: ["zlib", "crypto"] },
  store: { rooms: ["errors", "fs", "log"], runtimeModules: ["zlib", "crypto"] },
  testing: { rooms: ["errors", "fs"], runtimeModules: [] },
  transcript: { rooms: inner, runtimeModules: ["crypto"] },
  formats: { rooms: [...inner, "transcript"], runtimeModules: ["crypto"] },
  adapters: { rooms: [...inner, "transcript"], runtimeModules: ["crypto"] },
  sink: { rooms: inner, runtimeModules: ["crypto", "zlib"], dynamicPackages: ["s3mini"] },
  torture: { rooms: [...inner, "testing", "transcript", "sink"], runtimeModules: ["crypto", "zlib"] },
  cli: {
    rooms: [...inner, "mod", "formats", "transcript", "sink"],
    dynamicRooms: ["torture"],
    runtimeModules: ["util", "process"],
  },
  mod: { rooms: [...inner, "transcript"], runtimeModules: [] },
};

/**
 * Names the room of a file.
 *
 * @param path Relative to the project.
 * @returns The folder below `src`, or the file's own stem where it lies in none.
 */
export function roomOf(path: string): string {
  return (path.startsWith("src/") ? path.slice(4) : path).split("/")[0]?.replace(/\.ts$/, "") ?? "";
}

function isRelative(specifier: string): boolean {
  return specifier.startsWith("./") || specifier.startsWith("../");
}

/**
 * Imports go only where {@linkcode roomRules} lets them; a room that is not in the table is refused too.
 *
 * @param files The files of `src`, and `mod.ts`.
 * @returns What breaks the rule.
 */
export function findForbiddenImports(files: readonly ReadFile[]): Finding[] {
  const findings: Finding[] = [];
  for (const { path, imports } of files) {
    const room = roomOf(path);
    const rule = roomRules[room];
    if (rule === undefined) {
      findings.push(`${path}:1: the room ${room} is not in the table of rooms`);
      continue;
    }
    for (const { specifier, isDynamic, line } of imports) {
      if (specifier.startsWith("node:")) {
        if (rule.runtimeModules.includes(specifier.slice(5))) continue;
      } else if (isRelative(specifier)) {
        const target = roomOf(resolveSpecifier(path, specifier));
        if (target === room || rule.rooms.includes(target)) continue;
        if (isDynamic && rule.dynamicRooms?.includes(target)) continue;
      } else if (isDynamic && rule.dynamicPackages?.includes(specifier)) {
        continue;
      }
      findings.push(`${path}:${line}: ${room} may not import ${specifier}`);
    }
  }
  return findings;
}

/**
 * What one loads by importing some files: everything that is imported statically, and on request what `import()` adds.
 *
 * @param files All files that may be part of it.
 * @param entryPoints Where it begins.
 * @param options Whether `import()` counts.
 * @returns The paths that are reached, those of the entry points included.
 */
export function reachableFiles(
  files: readonly ReadFile[],
  entryPoints: readonly string[],
  options: { dynamic: boolean },
): Set<string> {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const reached = new Set<string>();
  const waiting = [...entryPoints];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const file = byPath.get(path);
    if (file === undefined || reached.has(path)) continue;
    reached.add(path);
    for (const { specifier, isDynamic } of file.imports) {
      if (isRelative(specifier) && (options.dynamic || !isDynamic)) waiting.push(resolveSpecifier(path, specifier));
    }
  }
  return reached;
}

/**
 * What `mod.ts` loads is neither the simulated file system nor the laboratory, nor a package.
 *
 * @param files The files of `src`, and `mod.ts`.
 * @returns What breaks the rule.
 */
export function findHeavyCore(files: readonly ReadFile[]): Finding[] {
  const findings: Finding[] = [];
  const reached = reachableFiles(files, ["mod.ts"], { dynamic: true });
  for (const { path, imports } of files) {
    if (!reached.has(path)) continue;
    if (["testing", "torture", "cli"].includes(roomOf(path))) findings.push(`${path}:1: is loaded by mod.ts`);
    for (const { specifier, line } of imports) {
      if (isRelative(specifier) || specifier.startsWith("node:")) continue;
      findings.push(`${path}:${line}: the core has no dependency, but imports ${specifier}`);
    }
  }
  return findings;
}

/**
 * Every file is used by somebody.
 *
 * @param files The files of `src`, and `mod.ts`.
 * @param entryPoints What is exported or run.
 * @returns The files that nobody loads.
 */
export function findDeadFiles(files: readonly ReadFile[], entryPoints: readonly string[]): Finding[] {
  const reached = reachableFiles(files, entryPoints, { dynamic: true });
  return files.filter(({ path }) => !reached.has(path)).map(({ path }) => `${path}:1: nobody imports this file`);
}

/** The entry files for Deno: they alone import from JSR, and each has a twin that does without. */
const standardLibraryUsers: readonly string[] = ["deploy/build.ts", "deploy/agent/main.ts"];

/**
 * Packages from JSR serve the entry files for Deno only, by the names that `deno.json` gives them: not every machine
 * that builds this project can reach them.
 *
 * @param files All TypeScript files.
 * @returns What breaks the rule.
 */
export function findRegistryImports(files: readonly ReadFile[]): Finding[] {
  return files.flatMap(({ path, imports }) =>
    imports.filter(({ specifier }) => /^(?:jsr:|@std\/|https?:)/.test(specifier))
      .filter(({ specifier }) => !specifier.startsWith("@std/") || !standardLibraryUsers.includes(path))
      .map(({ specifier, line }) => `${path}:${line}: may not import ${specifier}`)
  );
}
