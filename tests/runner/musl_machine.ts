/**
 * A machine with musl on one with glibc: Debian's musl, and this machine's C++ library on top of it.
 *
 * Debian has no C++ library for musl. The one for glibc asks for a handful of functions that musl lacks; a library of a
 * few lines has them. It cannot unwind an exception of C++: a program that lives by them would not run so.
 *
 * @module
 */

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

const loader = "/lib/ld-musl-x86_64.so.1";
const glibcLoader = "/lib64/ld-linux-x86-64.so.2";

/** What glibc's C++ library asks for beside what musl has. */
const missingFunctions = `
#include <stddef.h>
size_t strftime_l(char *, size_t, const char *, const void *, void *);
long getrandom(void *, size_t, unsigned);
char __libc_single_threaded = 0;
struct { unsigned vendor, type, subtype, features[1]; } __cpu_model;
int __cpu_indicator_init(void) { return 0; }
int __cxa_thread_atexit_impl(void (*end)(void *), void *object, void *library) { return 0; }
int _dl_find_object(void *address, void *found) { return -1; }
unsigned arc4random(void) { unsigned value = 0; getrandom(&value, sizeof value, 0); return value; }
size_t __strftime_l(char *text, size_t size, const char *format, const void *time, void *locale) {
  return strftime_l(text, size, format, time, locale);
}
`;

/**
 * What must stand before a program for x86-64 with musl.
 *
 * @param directory Where libraries are put together.
 * @returns The command, or in words why there is none.
 */
export function muslPrefix(directory: string): readonly string[] | string {
  if (process.arch !== "x64") return "this machine is no x86-64";
  if (!existsSync(glibcLoader)) return "this machine has no glibc whose C++ library could be borrowed";
  if (!existsSync(loader) || spawnSync("gcc", ["--version"]).status !== 0) {
    return "not installed: apt-get install musl gcc libstdc++6";
  }
  mkdirSync(directory, { recursive: true });
  const library = (name: string, source: string): string => {
    const path = join(directory, name);
    writeFileSync(`${path}.c`, source);
    execFileSync("gcc", ["-shared", "-fPIC", "-nostdlib", "-fno-builtin", "-o", path, `${path}.c`], { stdio: "pipe" });
    return path;
  };
  for (const name of ["libstdc++.so.6", "libgcc_s.so.1"]) {
    const path = execFileSync("gcc", [`-print-file-name=${name}`], { encoding: "utf8" }).trim();
    symlinkSync(path, join(directory, name));
  }
  symlinkSync(loader, join(directory, "libc.musl-x86_64.so.1"));
  // Named by the C++ library; nothing of it is used.
  library("ld-linux-x86-64.so.2", "");
  const preloaded = library("missing.so", missingFunctions);
  return [loader, "--preload", preloaded, "--library-path", directory];
}
