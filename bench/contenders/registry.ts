/**
 * All contenders by name, each loaded only when it is asked for: most of them need packages of `bench/peers`.
 *
 * @module
 */

import type { Contender } from "./contender.ts";

const loaders: Record<string, () => Promise<Contender>> = {
  "holdfast": async () => (await import("./holdfast.ts")).contender,
  "floor": async () => (await import("./floor.ts")).contender,
  "plain-append": async () => (await import("./plain_append.ts")).contender,
  "picoclaw": async () => (await import("./picoclaw.ts")).contender,
  "whole-file": async () => (await import("./whole_file.ts")).contender,
  "omega": async () => (await import("./omega.ts")).contender,
  "sqlite-full": async () => (await import("./sqlite.ts")).contender,
  "sqlite-normal": async () => (await import("./sqlite.ts")).contenderNormal,
  "lmdb": async () => (await import("./lmdb.ts")).contender,
  "leveldb": async () => (await import("./leveldb.ts")).contender,
  "dsh-raw": async () => (await import("./dsh.ts")).contender,
  "dsh-zstd": async () => (await import("./dsh.ts")).contenderZstd,
};

/** The names of all contenders, in the order in which they are shown. */
export const contenderNames: readonly string[] = Object.keys(loaders);

/**
 * Loads a contender.
 *
 * @param name Its name.
 * @returns The contender.
 * @throws {RangeError} If there is none of that name.
 */
export async function loadContender(name: string): Promise<Contender> {
  const load = loaders[name];
  if (load === undefined) throw new RangeError(`No such contender: ${name}; there are ${contenderNames.join(", ")}`);
  return await load();
}
