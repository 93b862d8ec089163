/** The literal fixture files of `testdata/`, and how each is read. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { formatNamed } from "../../src/formats/detect.ts";
import type { FilePart, SessionFormat } from "../../src/formats/session_format.ts";
import { partOf, readDocument, readLines, type ReadSession } from "./read_session.ts";

/** Where they are. */
export const testdata: string = fileURLToPath(new URL("./testdata/", import.meta.url));

/** The names that some files share. */
export const names = {
  gencode: "5b0d7a60-6f7f-4e9f-8a53-1f2a3b4c5d6e",
  codetether: "0b1e7c52-3f0a-4a5b-9d3e-1a2b3c4d5e6f",
  claude: "c3a1e2d4-0001-4000-8000-1234567890ab",
};

/** Every fixture: its format, what part of it the file is, and how many records, side records and damaged lines. */
export const fixtures: Record<string, readonly [format: string, part: string, counts: [number, number, number]]> = {
  [`claude-code/-home-me-web/${names.claude}.jsonl`]: ["claude-code", "log", [10, 0, 0]],
  "claude-code/-home-me-web/agent-5f2c.jsonl": ["claude-code", "log", [2, 0, 0]],
  "codetether/caches/listing_cache.json": ["codetether", "listing cache", [0, 1, 0]],
  "codetether/caches/workspace_index.json": ["codetether", "workspace index", [0, 1, 0]],
  [`codetether/sessions/${names.codetether}.checkpoint.json`]: ["codetether", "checkpoint", [0, 2, 0]],
  [`codetether/sessions/${names.codetether}.journal.jsonl`]: ["codetether", "journal", [0, 3, 0]],
  [`codetether/sessions/${names.codetether}.json`]: ["codetether", "session", [4, 10, 0]],
  [`codetether/sessions/${names.codetether}.tasks.jsonl`]: ["codetether", "tasks", [0, 1, 0]],
  [`codetether/sessions/recall/sessions/${names.codetether}.json`]: ["codetether", "recall", [0, 2, 0]],
  [`codetether/threads/${names.codetether}.jsonl`]: ["codetether", "thread", [1, 0, 0]],
  "codetether/threads/stray.jsonl": ["codetether", "thread", [1, 0, 0]],
  "codex/session_index.jsonl": ["codex", "index", [0, 0, 0]],
  "codex/sessions/2025/06/01/rollout-2025-06-01-old.jsonl": ["codex", "log", [6, 0, 0]],
  "codex/sessions/2026/05/02/rollout-2026-05-02T12-33-24-7f9f9a2e.jsonl": ["codex", "log", [6, 0, 0]],
  [`gencode/-home-me-app/transcripts/${names.gencode}.jsonl`]: ["gencode", "log", [8, 0, 0]],
  "gencode/-home-me-app/transcripts/later.jsonl": ["gencode", "log", [5, 0, 0]],
  "gencode/-home-me-app/transcripts-index.json": ["gencode", "index", [0, 0, 0]],
  "jsonl/notes.jsonl": ["jsonl", "log", [4, 0, 0]],
  "omega/repl-main.json": ["omega", "repl", [0, 8, 0]],
  "omega/sessions/demo.index.json": ["omega", "index", [0, 5, 0]],
  "omega/sessions/demo.jsonl": ["omega", "log", [7, 0, 0]],
  "pi/v1.jsonl": ["pi", "log", [4, 0, 0]],
  "pi/v2.jsonl": ["pi", "log", [4, 0, 0]],
  "pi/v3.jsonl": ["pi", "log", [8, 0, 0]],
  "picoclaw/sessions/discord_9.json": ["picoclaw", "legacy", [2, 0, 0]],
  "picoclaw/sessions/telegram_77.jsonl": ["picoclaw", "log", [4, 0, 0]],
  "picoclaw/sessions/telegram_77.meta.json": ["picoclaw", "meta", [0, 0, 0]],
};

/** The parts that are known by their paths alone. */
const partsByPath: Record<string, FilePart> = {
  checkpoint: { name: "checkpoint", layout: "document", role: "sidecar" },
  recall: { name: "recall", layout: "document", role: "sidecar" },
  tasks: { name: "tasks", layout: "lines", role: "sidecar" },
};

const bytesByPath = new Map<string, Uint8Array>();
const partByPath = new Map<string, FilePart>();

/** The bytes of a fixture. */
export function fixtureBytes(path: string): Uint8Array {
  const bytes = bytesByPath.get(path) ?? readFileSync(join(testdata, path));
  bytesByPath.set(path, bytes);
  return bytes;
}

/** The text of a fixture. */
export function fixtureText(path: string): string {
  return readFileSync(join(testdata, path), "utf8");
}

/** The format of a fixture. */
export function fixtureFormat(path: string): SessionFormat {
  const format = formatNamed(fixtures[path]?.[0] ?? "");
  if (format === undefined) throw new Error(`no fixture: ${path}`);
  return format;
}

/** What part of its format a fixture is. */
export function fixturePart(path: string): FilePart {
  const part = partByPath.get(path) ?? partsByPath[fixtures[path]?.[1] ?? ""] ??
    partOf(fixtureFormat(path), fixtureBytes(path));
  if (part === undefined) throw new Error(`not detected: ${path}`);
  partByPath.set(path, part);
  return part;
}

/** Reads a fixture, or bytes that were made from it. */
export function readFixture(path: string, bytes: Uint8Array = fixtureBytes(path), chunkBytes?: number): ReadSession {
  const format = fixtureFormat(path);
  const part = fixturePart(path);
  const stem = path.slice(path.lastIndexOf("/") + 1).replace(/\.jsonl?$/, "");
  if (part.layout === "lines") return readLines(format, bytes, stem, { part });
  return readDocument(format, bytes, stem, { part, ...(chunkBytes === undefined ? {} : { chunkBytes }) });
}
