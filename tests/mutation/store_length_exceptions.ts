/**
 * Lines of the store that compare lengths, and that no row of the table changes: nothing that is promised hangs on them.
 *
 * @module
 */

/** Lines of the store that compare lengths and that no row changes, by why nobody needs to. */
export const storeLengthExceptions: readonly { because: string; lines: readonly string[] }[] = [
  {
    because: "it bounds a cache of hashed names, and what is not in it is hashed again",
    lines: ["store/session_name.ts: if (knownNames.size === knownNamesMax) knownNames.clear();"],
  },
];
