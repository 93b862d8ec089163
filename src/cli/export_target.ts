/**
 * Where an export goes: stdout, one file with what belongs beside it, or a directory in the layout of the format's own
 * program. Each file appears whole or not at all, those that a file names before it.
 *
 * @module
 */

import { toHoldfastError } from "../errors.ts";
import { fileIdOf, isFileId } from "../formats/file_id.ts";
import { picoclawStem } from "../formats/picoclaw_writer.ts";
import type { FormatWriter, WrittenBlob, WrittenFile } from "../formats/session_format.ts";
import type { FileSystem } from "../fs/filesystem.ts";
import { directoryOf, joinPath } from "./import_files.ts";
import { fileChunks } from "./input_lines.ts";
import { writeOutputFile } from "./output_file.ts";

/** A place for an export. */
export interface ExportTarget {
  /** The name of the session's file without directory and extension. */
  readonly stem: string;
  /** The session's file; null for stdout. */
  readonly path: string | null;
  /** Whether a whole directory is written, with what several sessions share. */
  readonly isDirectory: boolean;
}

/**
 * Finds out where an export goes.
 *
 * @param fileSystem The port.
 * @param format What is written.
 * @param key The session's key.
 * @param out As given to `--out`; a directory if there is one of that name or if it ends in a slash.
 * @returns The place. Nothing has been made there.
 */
export async function exportTarget(
  fileSystem: FileSystem,
  format: FormatWriter,
  key: string,
  out: string | undefined,
): Promise<ExportTarget> {
  const ownStem = format.name === "picoclaw" ? picoclawStem(key) : fileIdOf(key);
  if (out === undefined) return { stem: ownStem, path: null, isDirectory: false };
  if (out.endsWith("/") || await isDirectory(fileSystem, out)) {
    return {
      stem: ownStem,
      path: joinPath(out, `${format.directory}/${ownStem}${format.extension}`),
      isDirectory: true,
    };
  }
  const base = out.endsWith(format.extension) ? out.slice(0, -format.extension.length) : out;
  const name = base.slice(base.lastIndexOf("/") + 1);
  if (["jsonl", "markdown", "html"].includes(format.name)) return { stem: name, path: out, isDirectory: false };
  // Other programs know a session by the name of its file.
  const isName = format.name === "picoclaw" || isFileId(name);
  return { stem: isName ? name : ownStem, path: base + format.extension, isDirectory: false };
}

/**
 * Writes a large value, durable when this resolves, so that a record never names what is not there.
 *
 * @param fileSystem The port.
 * @param target Where the export goes.
 * @param blob The value.
 */
export async function writeBlob(
  fileSystem: FileSystem,
  target: ExportTarget,
  { path, text }: WrittenBlob,
): Promise<void> {
  await writeText(fileSystem, besidePath(target, path), text);
}

/**
 * Writes a file that belongs to a session, or to a directory of sessions.
 *
 * @param fileSystem The port.
 * @param target Where the export goes.
 * @param file The file.
 */
export async function writeCompanion(fileSystem: FileSystem, target: ExportTarget, file: WrittenFile): Promise<void> {
  const path = besidePath(target, file.path);
  const existing = file.merge === undefined ? null : await textOfFile(fileSystem, path);
  await writeText(fileSystem, path, existing === null ? file.text : file.merge?.(existing) ?? file.text);
}

/**
 * Makes a directory and those above it.
 *
 * @param fileSystem The port.
 * @param filePath A file that is to be in it.
 */
export async function makeDirectoryOf(fileSystem: FileSystem, filePath: string): Promise<void> {
  const directory = directoryOf(filePath);
  if (directory === "." || directory === "/" || await isDirectory(fileSystem, directory)) return;
  await makeDirectoryOf(fileSystem, directory);
  try {
    await fileSystem.makeDirectory(directory, 0o700);
  } catch (error) {
    if (!await isDirectory(fileSystem, directory)) throw toHoldfastError(error, "making the directory", directory);
  }
}

async function writeText(fileSystem: FileSystem, path: string, text: string): Promise<void> {
  await makeDirectoryOf(fileSystem, path);
  await writeOutputFile(fileSystem, path, (file) => file.write(text));
}

async function isDirectory(fileSystem: FileSystem, path: string): Promise<boolean> {
  try {
    await fileSystem.readDirectory(path);
    return true;
  } catch {
    return false;
  }
}

/** The text of a file that is there; null if none is. */
async function textOfFile(fileSystem: FileSystem, path: string): Promise<string | null> {
  try {
    await fileSystem.stat(path);
  } catch {
    return null;
  }
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of fileChunks(fileSystem, path)) text += decoder.decode(chunk, { stream: true });
  return text + decoder.decode();
}

function besidePath({ path, stem }: ExportTarget, relative: string): string {
  return joinPath(directoryOf(path ?? stem), relative);
}
