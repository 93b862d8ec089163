/**
 * Which format a file is in, told from its content and never from its name.
 *
 * @module
 */
import { jsonl } from "./jsonl.ts";
import { picoclaw } from "./picoclaw.ts";
import type { FileLayout, SessionFormat } from "./session_format.ts";

/** How much of a file {@linkcode detectFormat} wants to see. */
export const detectionBytes: number = 64 * 1024;

/** All formats, the most particular first. Plain JSON Lines is last: it takes everything. */
export const sessionFormats: readonly SessionFormat[] = [picoclaw, jsonl];

/** The verdict of {@linkcode detectFormat}. */
export interface DetectedFormat {
  /** The format. */
  format: SessionFormat;
  /**
   * How the file holds its records. Where it is `document` and the format's `readDocument` refuses the whole file, the
   * file is to be read by lines: the head alone could not tell.
   */
  layout: FileLayout;
}

/**
 * Tells the format of a file.
 *
 * @param head Its first {@linkcode detectionBytes} bytes, or all of a smaller one.
 * @returns The format and the layout; plain JSON Lines where nothing else claims the file.
 */
export function detectFormat(head: Uint8Array): DetectedFormat {
  // As a stream, so that a character cut by the end of the head is left out instead of being replaced.
  const text = new TextDecoder().decode(head, { stream: true });
  for (const format of sessionFormats) {
    const layout = format.detect(text);
    if (layout !== undefined) return { format, layout };
  }
  return { format: jsonl, layout: "lines" };
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
