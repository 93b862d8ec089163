/**
 * The port around another, writing as a slow card does: now and then a write reaches the file in two parts with a pause
 * between, so that a kill finds it half done. A fast disk would hardly ever show a torn record.
 *
 * @module
 */

import type { FileHandle, FileSystem } from "../fs/filesystem.ts";
import type { SeededRandom } from "./seeded_random.ts";

const tornShare = 0.6;
const pauseMsMax = 10;
const tornBytesMin = 16;

/**
 * Slows a file system down.
 *
 * @param inner The file system that does the work.
 * @param random Chooses which writes, and where they break.
 * @returns The slow one.
 */
export function slowCard(inner: FileSystem, random: SeededRandom): FileSystem {
  return {
    ...inner,
    async open(path, options) {
      const handle = await inner.open(path, options);
      return options.access === "write" ? slowHandle(handle, random) : handle;
    },
  };
}

function slowHandle(inner: FileHandle, random: SeededRandom): FileHandle {
  return {
    read: (buffer, offset) => inner.read(buffer, offset),
    async write(bytes, offset) {
      if (bytes.length < tornBytesMin || random.fraction() > tornShare) return await inner.write(bytes, offset);
      const first = bytes.subarray(0, 1 + random.below(bytes.length - 1));
      const count = await inner.write(first, offset);
      if (count < first.length) return count;
      await new Promise((resolve) => setTimeout(resolve, random.below(pauseMsMax)));
      return count + await inner.write(bytes.subarray(count), offset + count);
    },
    truncate: (size) => inner.truncate(size),
    syncData: () => inner.syncData(),
    stat: () => inner.stat(),
    setMode: (mode) => inner.setMode(mode),
    setOwner: (userId, groupId) => inner.setOwner(userId, groupId),
    ...(inner.setModified === undefined ? {} : { setModified: inner.setModified.bind(inner) }),
    readSync: (buffer, offset) => inner.readSync(buffer, offset),
    writeSync: (bytes, offset) => inner.writeSync(bytes, offset),
    syncDataSync: () => inner.syncDataSync(),
    close: () => inner.close(),
  };
}
