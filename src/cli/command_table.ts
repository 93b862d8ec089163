/**
 * Which commands there are, in the order of the help. Each one's file is loaded only when it is asked for.
 *
 * @module
 */

import type { Command } from "./command.ts";

/** Name and loader of every command. */
export const commandTable: ReadonlyMap<string, () => Promise<Command>> = new Map<string, () => Promise<Command>>([
  ["append", async () => (await import("./append.ts")).command],
  ["show", async () => (await import("./show.ts")).command],
  ["ls", async () => (await import("./ls.ts")).command],
  ["truncate", async () => (await import("./truncate.ts")).command],
  ["fork", async () => (await import("./fork.ts")).command],
  ["compact", async () => (await import("./compact.ts")).command],
  ["rm", async () => (await import("./rm.ts")).command],
  ["retain", async () => (await import("./retain.ts")).command],
  ["restore", async () => (await import("./restore.ts")).command],
  ["check", async () => (await import("./check.ts")).command],
  ["repair", async () => (await import("./repair.ts")).command],
  ["import", async () => (await import("./import.ts")).command],
  ["export", async () => (await import("./export.ts")).command],
  ["stats", async () => (await import("./stats.ts")).command],
  ["push", async () => (await import("./push.ts")).command],
  ["pull", async () => (await import("./pull.ts")).command],
  ["sink", async () => (await import("./sink.ts")).command],
  ["bench", async () => (await import("./bench.ts")).command],
  ["torture", async () => (await import("./torture.ts")).command],
  ["torture-worker", async () => (await import("./torture_worker.ts")).command],
  ["demo", async () => (await import("./demo.ts")).command],
  ["demo-writer", async () => (await import("./demo_writer.ts")).command],
]);
