/**
 * A 64-bit ARM machine on this one: qemu's user emulation with Debian's cross libraries.
 *
 * @module
 */

import { existsSync } from "node:fs";
import process from "node:process";

const librariesDirectory = "/usr/aarch64-linux-gnu";
const emulators = ["/usr/bin/qemu-aarch64-static", "/usr/bin/qemu-aarch64"];

/** Debian's packages that bring all of it. */
export const armPackages: readonly string[] = [
  "qemu-user-static",
  "libc6-arm64-cross",
  "libgcc-s1-arm64-cross",
  "libstdc++6-arm64-cross",
  "libatomic1-arm64-cross",
];

/**
 * What must stand before a program for 64-bit ARM.
 *
 * @returns The emulator and its options, nothing on such a machine itself, or in words why there is none.
 */
export function armPrefix(): readonly string[] | string {
  if (process.arch === "arm64") return [];
  const emulator = emulators.find((path) => existsSync(path));
  if (emulator === undefined || !existsSync(`${librariesDirectory}/lib/ld-linux-aarch64.so.1`)) {
    return `not installed: apt-get install ${armPackages.join(" ")}`;
  }
  return [emulator, "-L", librariesDirectory];
}
