/** That the table of mutations names every call of the product that makes something durable, or says why not. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { mutationTable } from "./mutation_table.ts";
import type { Mutation } from "./mutation.ts";
import { countOf, holdSites, type Site } from "./source_sites.ts";

/** Lines that no row takes out of the source: the port leaves the sync of such a path out, or it is said why nobody does. */
const exceptions: readonly { file: string; line: string; byPort?: string; because?: string }[] = [
  { file: "log/atomic_file.ts", line: "await handle.syncData();", byPort: "/sessions/chat.meta.tmp" },
  { file: "log/log_writer.ts", line: "await this.#log.handle.syncData();", byPort: "/sessions/chat.jsonl" },
  { file: "log/quarantine.ts", line: "await target.syncData();", byPort: "/sessions/chat.quarantine/torn.tmp" },
  {
    file: "store/session_worker.ts",
    line: "if (this.#noteFailure() === null) await session.sync();",
    because: "close() syncs behind it; only a blocking flush between the two would see a difference",
  },
];

/** Whether a call makes something durable. */
const durableCall = /\.(?:sync|syncData|syncDataSync|syncDirectory|writeDurable)\(/g;

/** Whether a row takes that call out, or what calls it. */
function takesOut({ replace = [] }: Mutation, { file, offset, text }: Site): boolean {
  return replace.some(({ file: changed, from, to = "" }) => {
    const start = text.indexOf(from);
    if (changed !== file || start > offset || offset >= start + from.length) return false;
    const call = /^\.\w+\([^\n;]*/.exec(text.slice(offset))?.[0] ?? "";
    return countOf(to, call) < countOf(from, call);
  });
}

test("each file of mutations is in the table: a row that nobody runs proves nothing", async () => {
  const rows = new Set<unknown>([...mutationTable.values()].flat());
  const directory = new URL(".", import.meta.url);
  for (const name of readdirSync(directory).filter((file) => file.endsWith("_mutations.ts"))) {
    const module: Record<string, unknown> = await import(new URL(name, directory).href);
    const found = Object.values(module).filter(Array.isArray).flat();
    assert.ok(found.length > 0 && found.every((row) => rows.has(row)), name);
  }
});

test("each sync of the product is taken out by a row of the table, or it is said why not", () => {
  const { sites, open, unused } = holdSites(
    ["log", "store", "transcript", "sink"],
    (line) => [...line.matchAll(durableCall)].map(({ index }) => index),
    takesOut,
    exceptions.map(({ file, line }) => `${file}: ${line}`),
  );
  const rows = [...mutationTable.values()].flat();
  for (const { line, byPort: path } of exceptions) {
    if (path === undefined) continue;
    assert.ok(rows.some(({ leaveOut }) => leaveOut?.({ method: "syncData", path }) === true), `${line} ${path}`);
  }
  assert.ok(sites > 50, `Only ${sites} were found`);
  assert.deepEqual(open, []);
  assert.deepEqual(unused, [], "Said of lines that need it no more");
});
