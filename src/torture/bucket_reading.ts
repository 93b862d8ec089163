/**
 * What a bucket says of each session, by the rules of its layout and nothing else.
 *
 * @module
 */

import { type Manifest, parseManifest } from "../sink/manifest.ts";
import { readManifestName, readRecordsName, recordsPrefix } from "../sink/object_names.ts";
import { firstPosition, type LinePosition, readBucketLines, type ReadLine } from "../sink/record_lines.ts";

/** What a bucket has of one session. */
export interface BucketHistory {
  /** Its newest manifest. */
  manifest: Manifest;
  /** Its records. */
  lines: ReadLine[];
}

/**
 * Reads every session of a bucket, strictly: a gap, a second copy or a broken chain is an error.
 *
 * @param held The objects by name.
 * @returns The sessions by id.
 * @throws If the objects do not fit together.
 */
export function readBucket(held: ReadonlyMap<string, Uint8Array>): Map<string, BucketHistory> {
  const found = new Map<string, BucketHistory>();
  const ids = new Set([...held.keys()].map((name) => readManifestName(name)?.id).filter((id) => id !== undefined));
  for (const id of ids) {
    const manifests = [...held].filter(([name]) => readManifestName(name)?.id === id).sort()
      .map(([name, bytes]) => parseManifest(name, new TextDecoder().decode(bytes)));
    const manifest = manifests.at(-1);
    if (manifest === undefined) continue;
    const lines: ReadLine[] = [];
    let position: LinePosition = firstPosition(manifest.key);
    const names = [...held.keys()].filter((name) => name.startsWith(recordsPrefix(id))).sort();
    for (const name of names) {
      const place = readRecordsName(name);
      if (place === null) throw new Error(`what is ${name}?`);
      const above = manifests.find(({ epoch }) => epoch === place.epoch + 1);
      if (above !== undefined && place.from >= above.from) continue;
      if (place.from !== position.next) throw new Error(`${name} does not go on at ${position.next}`);
      const read = readBucketLines(name, held.get(name) ?? new Uint8Array(), position);
      lines.push(...read.lines);
      position = read.end;
    }
    found.set(id, { manifest, lines });
  }
  return found;
}
