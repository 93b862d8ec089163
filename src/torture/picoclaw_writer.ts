/**
 * Writes as picoclaw does, on a simulated machine: a line with `O_APPEND` and fsync, then the meta file by rename, with
 * the fields that it knows and no others.
 *
 * @module
 */

import { isJsonObject } from "../log/json_text.ts";
import type { SimulatedFileSystem } from "../testing/simulated_filesystem.ts";
import { readText } from "./observation.ts";
import { filesOf, sessionKeys } from "./subject.ts";

const encoder = new TextEncoder();
const knownFields = ["key", "summary", "skip", "count", "created_at", "updated_at", "scope", "aliases"];

/**
 * Appends a message to a log that is there.
 *
 * @param fileSystem Picoclaw's own program on the machine.
 * @param session The session's index.
 * @param text The message.
 * @param withMeta Whether the meta file is written too.
 */
export async function appendForeignLine(
  fileSystem: SimulatedFileSystem,
  session: number,
  text: string,
  withMeta: boolean,
): Promise<void> {
  const { log, meta } = filesOf(session);
  const handle = await fileSystem.open(log, { access: "write" });
  await handle.write(encoder.encode(`${text}\n`), (await handle.stat()).size);
  await handle.syncData();
  await handle.close();
  if (!withMeta) return;
  const before: unknown = JSON.parse(await readText(fileSystem, meta) ?? "{}");
  const facts: Record<string, unknown> = { key: sessionKeys[session], summary: "", skip: 0, count: 0 };
  if (isJsonObject(before)) { for (const name of knownFields) if (name in before) facts[name] = before[name]; }
  facts["count"] = Number(facts["count"]) + 1;
  await replaceDurably(fileSystem, meta, JSON.stringify(facts, null, 2));
}

/**
 * Leaves a session as older versions of picoclaw did: one `.json` file, durable.
 *
 * @param fileSystem Picoclaw's own program on the machine.
 * @param directory The store's directory; there is one.
 * @param key The session's key.
 * @param texts Its messages.
 * @param summary Its summary.
 */
export async function writeLegacySession(
  fileSystem: SimulatedFileSystem,
  directory: string,
  key: string,
  texts: readonly string[],
  summary: string,
): Promise<void> {
  const created = "2001-09-09T01:46:40Z";
  const facts = JSON.stringify({ key, summary, created, updated: created });
  const text = `${facts.slice(0, -1)},"messages":[${texts.join(",")}]}`;
  await replaceDurably(fileSystem, `${directory}/${key.replace(/[:/]/g, "_")}.json`, text);
}

async function replaceDurably(fileSystem: SimulatedFileSystem, path: string, text: string): Promise<void> {
  const handle = await fileSystem.open(`${path}.tmp`, { access: "write", create: "exclusive" });
  await handle.write(encoder.encode(text), 0);
  await handle.syncData();
  await handle.close();
  await fileSystem.rename(`${path}.tmp`, path);
  await fileSystem.syncDirectory(path.slice(0, path.lastIndexOf("/")));
}
