/**
 * The block device under a directory of the real system, unchanged on Node, Deno and Bun.
 *
 * @module
 */
import { readdir, readFile, realpath, stat, type Stats } from "node:fs";
import { type BlockDeviceLookup, lookUpBlockDevice, type SystemReader } from "./block_device.ts";
import { settled } from "./runtime_callback.ts";

/**
 * Finds the block device under a directory, for counting what is written to it and how often it is flushed.
 *
 * It only reads `/proc/self/mountinfo` and `/sys`. Deno lets a program read those with `--allow-all` and no less.
 *
 * @param directory Where the files are; it must exist.
 * @returns The device, or null with a reason where it cannot be told. Never rejects.
 */
export async function findBlockDevice(directory: string): Promise<BlockDeviceLookup> {
  return await lookUpBlockDevice(directory, runtimeSystem);
}

const runtimeSystem: SystemReader = {
  async readText(path) {
    return await settled<string>((done) => readFile(path, "utf8", done));
  },
  async realPath(path) {
    return await settled<string>((done) => realpath(path, done));
  },
  async deviceNumber(path) {
    return (await settled<Stats>((done) => stat(path, done))).dev;
  },
  async readNames(path) {
    return await settled<string[]>((done) => readdir(path, done));
  },
};
