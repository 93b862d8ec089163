/**
 * Which format a file is in, told from its content and never from its name.
 *
 * @module
 */
import { claudeCode } from "./claude_code.ts";
import { codetether } from "./codetether.ts";
import { codex } from "./codex.ts";
import { readFileHead } from "./file_head.ts";
import { gencode } from "./gencode.ts";
import { jsonl } from "./jsonl.ts";
import { omega } from "./omega.ts";
import { pi } from "./pi.ts";
import { picoclaw } from "./picoclaw.ts";
import type { FilePart, SessionFormat } from "./session_format.ts";

/** How much of a file {@linkcode detectFormat} wants to see, unless its first line is longer. */
export const detectionBytes: number = 64 * 1024;

/** All formats, the most particular first. Plain JSON Lines is last: it takes every file of objects. */
export const sessionFormats: readonly SessionFormat[] = [
  picoclaw,
  gencode,
  omega,
  codetether,
  codex,
  pi,
  claudeCode,
  jsonl,
];

/** The verdict of {@linkcode detectFormat}. */
export interface DetectedFormat {
  /** The format. */
  format: SessionFormat;
  /** What the file is in it. */
  part: FilePart;
}

/**
 * Tells the format of a file.
 *
 * @param head Its first {@linkcode detectionBytes} bytes, or up to the end of a longer first line, or all of a smaller
 * file.
 * @param isWhole Whether that is the whole file.
 * @returns The format and the part; undefined for a file that holds no session of any kind.
 */
export function detectFormat(head: Uint8Array, isWhole = false): DetectedFormat | undefined {
  const decoded = readFileHead(head, isWhole);
  for (const format of sessionFormats) {
    const part = format.detect(decoded);
    if (part !== undefined) return { format, part };
  }
  return undefined;
}

/**
 * Finds a format by its name.
 *
 * @param name As given to `--format`.
 * @returns The format, or undefined where there is none of that name.
 */
export function formatNamed(name: string): SessionFormat | undefined {
  return sessionFormats.find((format) => format.name === name);
}
