/**
 * Small verbs for tests of the simulated file system.
 *
 * @module
 */
import type { FileHandle, FileSystem } from "../../src/fs/filesystem.ts";
import { type Choices, SimulatedFileSystem, type SimulatedFileSystemOptions } from "../../src/testing/mod.ts";

const encoder = new TextEncoder();

/** Text as bytes. */
export function bytes(text: string): Uint8Array {
  return encoder.encode(text);
}

/** A byte many times. */
export function many(letter: string, count: number): string {
  return letter.repeat(count);
}

/** Opens for writing, making the file if need be. */
export function edit(fileSystem: FileSystem, path: string): Promise<FileHandle> {
  return fileSystem.open(path, { access: "write", create: "if-missing" });
}

/** Writes a text at an offset through a handle of its own, without any sync. */
export async function put(fileSystem: FileSystem, path: string, text: string, offset = 0): Promise<void> {
  const file = await edit(fileSystem, path);
  await file.write(bytes(text), offset);
  await file.close();
}

/** Cuts or grows a file without any sync. */
export async function cut(fileSystem: FileSystem, path: string, size: number): Promise<void> {
  const file = await edit(fileSystem, path);
  await file.truncate(size);
  await file.close();
}

/** Makes the bytes of a file durable. */
export async function sync(fileSystem: FileSystem, path: string): Promise<void> {
  const file = await edit(fileSystem, path);
  await file.syncData();
  await file.close();
}

/** A file system with durable files in its top directory. */
export async function diskWith(
  options: SimulatedFileSystemOptions,
  files: Readonly<Record<string, string>>,
): Promise<SimulatedFileSystem> {
  const fileSystem = new SimulatedFileSystem(options);
  for (const [path, text] of Object.entries(files)) {
    await put(fileSystem, path, text);
    await sync(fileSystem, path);
  }
  await fileSystem.syncDirectory("/");
  return fileSystem;
}

/** The bytes of a file, as Latin-1 text so that each byte is one character; undefined if there is none. */
export async function textAt(fileSystem: FileSystem, path: string): Promise<string | undefined> {
  let file: FileHandle;
  try {
    file = await fileSystem.open(path, { access: "read" });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
  const buffer = new Uint8Array((await file.stat()).size);
  await file.read(buffer, 0);
  await file.close();
  let text = "";
  for (const byte of buffer) text += String.fromCharCode(byte);
  return text;
}

/** Every combination of choices there is at this moment; for short traces. */
export function* everyChoice(fileSystem: SimulatedFileSystem): Generator<number[]> {
  const counts = fileSystem.pending().map(({ outcomes }) => outcomes);
  const choices = counts.map(() => 0);
  for (;;) {
    yield choices.slice();
    let index = 0;
    while (index < counts.length && ++(choices[index] as number) === counts[index]) choices[index++] = 0;
    if (index === counts.length) return;
  }
}

/** Every state that a look at the disk can find after a power cut now, each once, sorted. */
export async function everyState(
  fileSystem: SimulatedFileSystem,
  look: (after: SimulatedFileSystem) => Promise<string>,
): Promise<string[]> {
  const states = new Set<string>();
  for (const choices of everyChoice(fileSystem)) states.add(await look(crashCopy(fileSystem, choices)));
  return [...states].sort();
}

/** A power cut of a copy, so that the original goes on. */
export function crashCopy(fileSystem: SimulatedFileSystem, choices: Choices): SimulatedFileSystem {
  return fileSystem.clone().crash(choices);
}

/** The names and contents of the top directory, as one text. */
export async function listing(fileSystem: FileSystem): Promise<string> {
  const entries = await fileSystem.readDirectory("/");
  const parts: string[] = [];
  for (const { name, kind } of entries) {
    parts.push(kind === "file" ? `${name}=${await textAt(fileSystem, `/${name}`)}` : `${name}/`);
  }
  return parts.sort().join(" ");
}
