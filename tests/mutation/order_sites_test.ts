/**
 * That the table of mutations leaves out, or moves, every call of the product that changes a name or cuts or blanks a
 * file, or says why not: each of them is an ordering decision.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { mutationTable } from "./mutation_table.ts";
import type { Mutation } from "./mutation.ts";
import { holdSites, type Site } from "./source_sites.ts";

/** What the port can do to a name, or to a file's size. */
const portCalls = "rename|link|unlink|truncate|makeDirectory|removeDirectory|cloneFile|lock";

/**
 * Functions of the product that stand for such calls. What only writes a file under a temporary name is not among them:
 * nobody reads it before the call that gives it its own.
 */
const helpers = [
  "bringBack",
  "createLog",
  "cutFill",
  "emptyTrash",
  "endWithLineFeed",
  "linkSegment",
  "makeOwnDirectory",
  "moveDirectory",
  "moveFiles",
  "moveToTrash",
  "openBlobDirectory",
  "putInPlace",
  "removeArchive",
  "removeGone",
  "removeGoneItem",
  "removeItemDirectory",
  "removeLogFiles",
  "removeOwnDirectory",
  "removeSessionFiles",
  "removeTrashItem",
  "renameDurably",
  "renameIfThere",
  "replaceFile",
  "setAside",
  "setDone",
  "setMetaAside",
  "sweepArchive",
  "takenBack",
  "unlinkDurably",
  "unlinkIfThere",
  "writeMeta",
  "writeOrigin",
  "writeSegment",
];

const sitePattern = new RegExp(
  [
    `\\.(?:${portCalls})\\(`,
    `(?<!function )(?<![\\w#])(?:${helpers.join("|")})\\(`,
    "writeFully(?:Sync)?\\([\\w.#]+, (?:blank|Uint8Array\\.of)\\(",
  ].join("|"),
  "g",
);

/** Lines that no row leaves out or moves where they stand: a row does so elsewhere (`by` its name), or why nobody does. */
const exceptions: readonly { file: string; line: string; by?: string; because?: string }[] = [
  {
    file: "log/archive.ts",
    line: "await unlinkIfThere(fileSystem, temporaryPath);",
    because: "nobody reads a temporary file, and the next segment, or the end of the archive, takes it away",
  },
  {
    file: "log/log_copy.ts",
    line: "await unlinkIfThere(fileSystem, path);",
    because: "a fork has cleared the name before; where it is taken all the same, cloning fails and nothing is lost",
  },
  {
    file: "log/log_copy.ts",
    line: "await fileSystem.cloneFile(source.path, path);",
    because: "without it there is nothing to open, and the fork fails; where bytes are not shared they are copied",
  },
  {
    file: "log/log_recovery.ts",
    line: "return await setAside(fileSystem, directory, handle, piece);",
    by: "torn bytes are cut off before they are set aside",
  },
  {
    file: "log/log_recovery.ts",
    line: "if (last[0] !== lineFeed) await writeFully(handle, Uint8Array.of(lineFeed), offset);",
    by: "a NUL at the end of the last line stays",
  },
  {
    file: "log/log_writer.ts",
    line: "await cutFill(handle, end.tailOffset);",
    by: "the fill stays when a log is closed",
  },
  {
    file: "store/history_archive.ts",
    line: "if (!withDamage && await linkSegment(fileSystem, files.archive, files.log, range)) return;",
    by: "archive: the old log gets no second name",
  },
  {
    file: "store/history_edits.ts",
    line: "const name = await setAside(session.context.fileSystem, session.files.quarantine, writer.handle, piece);",
    by: "compaction drops damaged lines without setting them aside",
  },
  {
    file: "store/open_session.ts",
    line: "if (!this.#metaKeeper.written) await this.writeMeta({});",
    by: "no meta file before the first record",
  },
  {
    file: "store/open_session.ts",
    line: "await this.writeMeta({ updatedAt: this.meta.updatedAt });",
    because: "a seal at close saves the next open time, and nothing else",
  },
  {
    file: "store/open_store.ts",
    line: "await fileSystem.makeDirectory(directory, 0o700);",
    by: "the name of a new store's directory is not synced",
  },
  {
    file: "store/retention_clock.ts",
    line: "await replaceFile(context.fileSystem, path, `${path}.tmp`, new TextEncoder().encode(text));",
    because: "notes that are lost make things younger: they stay longer",
  },
  {
    file: "store/retention_clock.ts",
    line: "await unlinkIfThere(context.fileSystem, path);",
    because: "a note that stays fits nothing but the file of just that size and time",
  },
  {
    file: "store/session.ts",
    line: "else await session.writeMeta({});",
    because: "a repair renews what the meta file says of lost records; they are reported until then, and stay lost",
  },
  {
    file: "store/session_continuation.ts",
    line: "await session.writeMeta({ promoted: done ? { to: to.key, done } : undefined });",
    by: "nobody is told that a history was promoted",
  },
  {
    file: "store/session_fork.ts",
    line: "await replaceFile(fileSystem, files.meta, files.metaTemporary, encodeMeta(meta));",
    by: "fork: no meta file while it is made",
  },
  {
    file: "store/session_fork.ts",
    line: "if (await linkSegment(fileSystem, files.archive, segment.path, range)) continue;",
    by: "archive: a fork does not get it",
  },
  {
    file: "store/session_fork.ts",
    line: "await writeSegment(fileSystem, files.archive, range, seed, recordsUpTo(groups, range.last));",
    by: "archive: a fork does not get it",
  },
  {
    file: "store/session_recovery.ts",
    line:
      'const name = await setAside(fileSystem, files.quarantine, handle, { kind: "meta", offset: 0, length: size });',
    by: "a damaged meta file is replaced without being set aside",
  },
  {
    file: "store/session_rebuild.ts",
    line: "await replaceFile(fileSystem, files.meta, files.metaTemporary, encodeMeta(meta));",
    by: "pull: the meta file shows the session before its log has its name",
  },
  {
    file: "store/trash_items.ts",
    line: "return await bringBack(context, entry.id, claim.files);",
    by: "restore: the files do not move",
  },
  {
    file: "store/trash_items.ts",
    line: "await whileTrashLocked(context, async () => await removeGoneItem(context, goneId));",
    by: "retain: what a crash has left of an item stays",
  },
  {
    file: "store/workspace_index.ts",
    line: "await replaceFile(this.#context.fileSystem, this.#path, `${this.#path}.tmp`, encodeRanking(ranking));",
    by: "the index is told behind an append's back",
  },
  {
    file: "store/workspace_index.ts",
    line: 'const attempt = await fileSystem.lock(path, fileSystem.processName ?? "");',
    by: "no lock on the index",
  },
];

/** The head of a method is no call. */
function callsIn(line: string): number[] {
  return /^\s*async #?\w+\(/.test(line) ? [] : [...line.matchAll(sitePattern)].map(({ index }) => index);
}

/** What is done in a text, step by step. */
function stepsOf(text: string): string[] {
  return text.split(/[;\n]/).map((step) => step.trim()).filter((step) => /\bawait\b/.test(step));
}

/** Whether a row leaves a call out, or changes what is done in front of it or behind it. */
function moves({ replace = [] }: Mutation, { file, offset, text }: Site): boolean {
  return replace.some(({ file: changed, from, to = "" }) => {
    const start = text.indexOf(from);
    if (changed !== file || start > offset || offset >= start + from.length) return false;
    const call = /^[.\w]+\([^\n;]*/.exec(text.slice(offset))?.[0] ?? "";
    const parts = to.split(call);
    if (parts.length < from.split(call).length) return true;
    const before = stepsOf(from.slice(0, offset - start));
    const after = stepsOf(from.slice(offset - start + call.length));
    return stepsOf(parts[0] ?? "").join() !== before.join() ||
      stepsOf(parts.slice(1).join(call)).join() !== after.join();
  });
}

test("each change of a name and each cut is left out or moved by a row of the table, or it is said why not", () => {
  const { sites, open, unused } = holdSites(
    ["log", "store", "sink", "transcript"],
    callsIn,
    moves,
    exceptions.map(({ file, line }) => `${file}: ${line}`),
  );
  const names = new Set([...mutationTable.values()].flat().map(({ name }) => name));
  for (const { line, by } of exceptions) {
    if (by !== undefined) assert.ok(names.has(by), `${line}: no row is called ${by}`);
  }
  console.log(`${sites} calls change a name, or cut or blank a file`);
  assert.ok(sites > 150, `Only ${sites} were found`);
  assert.deepEqual(open, []);
  assert.deepEqual(unused, [], "Said of lines that need it no more");
});
