/**
 * The demo's judge: compares what a store gives back with what was written to it and what it acknowledged. Knows no
 * store and believes nothing.
 *
 * @module
 */

/** A record as the store gives it back. */
export interface RecoveredRecord {
  /** Its number. */
  sequence: number;
  /** Its text. */
  text: string;
}

/** What was found. All but `recovered` must be 0. */
export interface RecoveryVerdict {
  /** Records that came back. */
  recovered: number;
  /** Acknowledged records that did not. */
  lost: number;
  /** Records that came back more than once. */
  duplicated: number;
  /** Records that came back at another place, under another number, or behind one that is missing. */
  outOfOrder: number;
  /** Records that nobody has written. */
  invented: number;
  /** The first thing that is wrong, for a person; null if nothing is. */
  firstFault: string | null;
}

/**
 * Judges a store.
 *
 * @param written What was handed to it, in order, from number 0.
 * @param acknowledgedCount How many of these it acknowledged, from number 0.
 * @param recovered What it gives back.
 * @returns The verdict.
 */
export async function judgeRecovery(
  written: readonly string[],
  acknowledgedCount: number,
  recovered: AsyncIterable<RecoveredRecord>,
): Promise<RecoveryVerdict> {
  const verdict: RecoveryVerdict = {
    recovered: 0,
    lost: 0,
    duplicated: 0,
    outOfOrder: 0,
    invented: 0,
    firstFault: null,
  };
  const places = placesByText(written);
  const seen = new Uint8Array(written.length);
  let expected = 0;
  for await (const { sequence, text } of recovered) {
    verdict.recovered++;
    const place = text === written[expected] ? expected : unseenPlace(places.get(text), seen);
    if (place === null) {
      const known = places.has(text);
      if (known) verdict.duplicated++;
      else verdict.invented++;
      verdict.firstFault ??= `record ${sequence} ${known ? "came back before" : "was never written"}: ${
        text.slice(0, 80)
      }`;
      continue;
    }
    seen[place] = 1;
    if (place !== expected || sequence !== place) {
      verdict.outOfOrder++;
      verdict.firstFault ??= `record ${place} came back as number ${sequence}, where ${expected} was expected`;
    }
    expected = Math.max(expected, place + 1);
  }
  const firstLost = seen.subarray(0, acknowledgedCount).indexOf(0);
  if (firstLost >= 0) {
    verdict.lost = seen.subarray(0, acknowledgedCount).reduce((count, one) => count + 1 - one, 0);
    verdict.firstFault ??= `record ${firstLost} was acknowledged and is not there`;
  }
  return verdict;
}

function placesByText(written: readonly string[]): Map<string, number[]> {
  const places = new Map<string, number[]>();
  for (const [place, text] of written.entries()) {
    const known = places.get(text);
    if (known === undefined) places.set(text, [place]);
    else known.push(place);
  }
  return places;
}

/** A conversation may hold equal records at several places: the first that has not come back yet. */
function unseenPlace(places: readonly number[] | undefined, seen: Uint8Array): number | null {
  return places?.find((place) => seen[place] === 0) ?? null;
}
