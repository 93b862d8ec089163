/**
 * The operations on large values: records with blobs, and the removal of blobs that nothing names.
 *
 * @module
 */

import { systemErrorCode } from "../errors.ts";
import { blobDirectoryName } from "../store/blob_files.ts";
import { blobHash } from "../store/blob_values.ts";
import { describeError, type Experiment } from "./experiment.ts";
import { readBytes } from "./observation.ts";
import type { Operation } from "./operations.ts";
import { append } from "./session_changes.ts";
import { sessionKeys, storeDirectory } from "./subject.ts";
import { Violation } from "./violation.ts";

const directory = `${storeDirectory}/${blobDirectoryName}`;

/** One record with a large value, which other records have as well. */
export async function appendBlob(experiment: Experiment, operation: Operation): Promise<void> {
  await append(experiment, { ...operation, sizes: ["blob"] });
}

/** Removes the blobs that nothing names; by another process (`other`), or by the one that writes. */
export async function collect(experiment: Experiment, { variant }: Operation): Promise<void> {
  const other = variant === "other" ? await experiment.openAnother(false) : null;
  try {
    await (other ?? await experiment.store()).collectBlobs?.();
  } catch (error) {
    const code = systemErrorCode(error);
    if (experiment.expectsErrors && ["disk-full", "io", "locked", "read-only", "failed"].includes(code ?? "")) return;
    throw new Violation("error", `Blobs could not be collected: ${describeError(error)}`);
  } finally {
    await other?.close();
  }
}

/** No name in the directory is that of other bytes, and no record names what is not there. */
export async function checkBlobs(experiment: Experiment): Promise<void> {
  const { fileSystem } = experiment;
  const store = await experiment.store();
  for (const session of experiment.touched) {
    const key = sessionKeys[session] ?? "";
    if (!await store.has(key)) continue;
    const { damagedBlobs = [] } = await (await store.session(key)).verify();
    if (damagedBlobs.length > 0) throw new Violation("I1", `Large values are gone: ${JSON.stringify(damagedBlobs)}`);
  }
  if (await fileSystem.stat(directory).then(() => false, () => true)) return;
  for (const { name } of await fileSystem.readDirectory(directory)) {
    const [, hash, rest] = /^([0-9a-f]{64})(\.unused)?$/.exec(name) ?? [];
    if (hash === undefined) {
      // One unfinished blob and one word of an append under way may stay for each session; the next takes their place.
      if (/\.(tmp|intent)$/.test(name) || name === "collect.lock") continue;
      throw new Violation("I18", `Nobody has asked for ${directory}/${name}`);
    }
    const bytes = await readBytes(fileSystem, `${directory}/${name}`);
    if (bytes !== null && blobHash(bytes) !== hash) {
      throw new Violation("I3", `A blob holds other bytes than its name says: ${name}${rest ?? ""}`);
    }
  }
}
