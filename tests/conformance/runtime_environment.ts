/**
 * A directory of the real file system for one conformance test.
 *
 * @module
 */
import { mkdtemp, realpath, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import type { FileSystem } from "../../src/fs/filesystem.ts";
import type { ConformanceEnvironment } from "./filesystem_conformance.ts";

/** Makes a temporary directory that `close` removes. */
export async function runtimeEnvironment(fileSystem: FileSystem): Promise<ConformanceEnvironment> {
  const directory = await realpath(await mkdtemp(`${tmpdir()}/holdfast-conformance-`));
  return {
    fileSystem,
    directory,
    supports: {
      makeSymlink: (target, path) => symlink(target, path),
    },
    close: () => rm(directory, { recursive: true, force: true }),
  };
}
