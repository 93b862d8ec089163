/**
 * Takes over sessions that older versions of picoclaw kept as one `.json` file each, when a store is opened for
 * writing.
 *
 * Only files that parse as such a session are touched; data that is there already is never overwritten (W9); a crash at
 * any point is made good by the next open.
 *
 * @module
 */

import { HoldfastError, systemErrorCode } from "../errors.ts";
import { readWhole, renameDurably, statIfThere } from "../log/atomic_file.ts";
import { toLineText } from "../log/json_text.ts";
import { readRecords } from "../log/log_reader.ts";
import { lineBytesBound, lineBytesMax } from "../log/record_format.ts";
import { replaceHistory } from "./history_edits.ts";
import { type LegacySession, parseLegacySession } from "./legacy_session.ts";
import { OpenSession } from "./open_session.ts";
import { assertKey } from "./session_name.ts";
import { withView } from "./session_reading.ts";
import type { StoreContext } from "./store_context.ts";

/** No legacy session comes near; a larger file is left alone. */
const legacyBytesMax = 256 * 1024 * 1024;
const migratedSuffix = ".migrated";

/**
 * Migrates all old sessions of a directory.
 *
 * @param context What the store shares.
 */
export async function migrateLegacySessions(context: StoreContext): Promise<void> {
  for (const { name, kind } of await context.fileSystem.readDirectory(context.directory)) {
    if (kind !== "file" || name.startsWith(".") || !name.endsWith(".json") || name.endsWith(".meta.json")) continue;
    const path = `${context.directory}/${name}`;
    const legacy = await readLegacy(context, path);
    if (legacy !== null) await migrate(context, path, legacy);
  }
}

async function readLegacy(context: StoreContext, path: string): Promise<LegacySession | null> {
  try {
    const bytes = await readWhole(context.fileSystem, path, legacyBytesMax);
    if (bytes === null) return null;
    const legacy = parseLegacySession(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (legacy !== null) assertKey(legacy.key);
    return legacy;
  } catch (error) {
    const code = systemErrorCode(error);
    // Somebody else's file, or gone meanwhile.
    if (error instanceof TypeError || error instanceof RangeError || code === "corrupt" || code === "ENOENT") {
      return null;
    }
    if (code === "EACCES" || code === "EPERM") return null;
    throw error;
  }
}

async function migrate(context: StoreContext, path: string, legacy: LegacySession): Promise<void> {
  const { key } = legacy;
  if (legacy.messages.some((text) => lineBytesBound(text) > lineBytesMax)) {
    const message = "Old picoclaw session was left alone: a message of it is too large for a line";
    context.report({ type: "migration-skipped", key, path, message });
    return;
  }
  let session: OpenSession;
  try {
    session = await OpenSession.open(context, key);
  } catch (error) {
    // Who holds the session is writing newer data.
    if (!(error instanceof HoldfastError) || error.code !== "locked") throw error;
    context.report({ type: "migration-skipped", key, path, message: `Not migrated now: ${error.message}` });
    return;
  }
  try {
    if (session.sequenceNext > 0 || (session.exists && legacy.messages.length === 0)) {
      if (!await holdsAll(context, legacy)) {
        const message = "Old picoclaw session was left alone: there is newer data under its key";
        context.report({ type: "migration-skipped", key, path, message });
        return;
      }
    } else {
      await session.writeMeta({ createdAt: legacy.createdAt, summary: legacy.summary });
      if (legacy.messages.length > 0) await replaceHistory(session, legacy.messages.map(toLineText), legacy.summary);
    }
  } finally {
    await session.close();
  }
  await setDone(context, path);
  context.report({ type: "migrated", key, path, message: `Took over ${legacy.messages.length} records of picoclaw's` });
}

/** After a crash before the last step, all of it is there already. */
async function holdsAll(context: StoreContext, legacy: LegacySession): Promise<boolean> {
  return await withView({ context, key: legacy.key, strict: false }, async (view) => {
    const log = view?.log ?? null;
    if (log === null) return legacy.messages.length === 0;
    const plan = { start: log.start, tail: log.tail, sequenceMin: 0, onDamage: () => undefined };
    let matched = 0;
    for await (const records of readRecords(log.handle, plan)) {
      for (const { text } of records) {
        if (matched === legacy.messages.length) return true;
        if (text !== toLineText(legacy.messages[matched] ?? "")) return false;
        matched++;
      }
    }
    return matched === legacy.messages.length;
  });
}

/** An earlier file of that name stays as well: nothing is overwritten. */
async function setDone(context: StoreContext, path: string): Promise<void> {
  let target = path + migratedSuffix;
  for (let copy = 2; await statIfThere(context.fileSystem, target) !== null; copy++) {
    target = `${path}${migratedSuffix}.${copy}`;
  }
  await renameDurably(context.fileSystem, path, target);
}
