/**
 * What the benchmarks share: a table, a line that says where it was measured, a scratch directory.
 *
 * @module
 */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { arch, cpus, release, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

/**
 * Lays rows out under headings; the first column stands left, the others right.
 *
 * @param headings One per column.
 * @param rows The cells.
 * @returns The text, with a final line feed.
 */
export function tableText(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => (row[column] ?? "").length))
  );
  const line = (cells: readonly string[]): string =>
    widths.map((width, column) => {
      const cell = cells[column] ?? "";
      return column === 0 ? cell.padEnd(width) : cell.padStart(width);
    }).join("  ").trimEnd() + "\n";
  return line(headings) + line(widths.map((width) => "-".repeat(width))) + rows.map(line).join("");
}

/**
 * Which runtime this process runs on, with its version.
 *
 * @returns For instance `Node 20.20.2`.
 */
export function runtimeTitle(): string {
  const { deno, bun, node } = process.versions;
  if (deno !== undefined) return `Deno ${deno}`;
  return bun === undefined ? `Node ${node}` : `Bun ${bun}`;
}

/**
 * Where it was measured: figures without it say nothing.
 *
 * @param directory The directory that was written to.
 * @returns One line.
 */
export function placeLine(directory: string): string {
  const model = cpus()[0]?.model.trim() ?? "unknown processor";
  return `${runtimeTitle()}, Linux ${release()} ${arch()}, ${cpus().length} x ${model}, ` +
    `${fileSystemType(directory)} at ${directory}`;
}

/** The file system that the longest mount point in front of a path belongs to. */
function fileSystemType(path: string): string {
  let best = { point: "", type: "unknown file system" };
  for (const line of readFileSync("/proc/self/mounts", "utf8").split("\n")) {
    const [, point = "", type = ""] = line.split(" ");
    const isAbove = point === "/" || path === point || path.startsWith(`${point}/`);
    if (isAbove && point.length >= best.point.length) best = { point, type };
  }
  return best.type;
}

/**
 * Runs with a directory of its own, which is removed afterwards.
 *
 * @param parent Where it is made; absent: the system's directory for temporary files.
 * @param use What to do with its path.
 * @returns What `use` returned.
 */
export async function withScratch<T>(parent: string | undefined, use: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(parent ?? tmpdir(), "holdfast-bench-"));
  try {
    return await use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * Reads a size such as `64MiB`, `1GiB` or `1000000`.
 *
 * @param text What was typed.
 * @returns In bytes.
 * @throws {RangeError} If it is no size.
 */
export function parseBytes(text: string): number {
  const match = /^(\d+)\s*(KiB|MiB|GiB|kB|MB|GB|B)?$/.exec(text);
  const units: Record<string, number> = {
    B: 1,
    kB: 1e3,
    MB: 1e6,
    GB: 1e9,
    KiB: 1024,
    MiB: 1024 ** 2,
    GiB: 1024 ** 3,
  };
  if (match === null) throw new RangeError(`Not a size: ${text}`);
  return Number(match[1]) * (units[match[2] ?? "B"] ?? 1);
}

/**
 * A size in MiB with one decimal.
 *
 * @param bytes In bytes.
 * @returns For instance `12.5`.
 */
export function mebibytes(bytes: number): string {
  return (bytes / 1024 ** 2).toFixed(1);
}
