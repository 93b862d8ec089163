/**
 * Lines of the product that compare lengths and that no row of the table changes, by why nobody needs to.
 *
 * @module
 */

/** A reason, and the lines that it is given for: the file from `src/`, and the whole line. */
export interface LengthException {
  /** Why no row changes them. */
  readonly because: string;
  /** The lines. */
  readonly lines: readonly string[];
}

/** All of them. */
export const lengthExceptions: readonly LengthException[] = [
  {
    because: "how much is read or held at once: the same is found, in more reads or more memory",
    lines: [
      "log/archive.ts: if (wanted.length < records.length) break;",
      "log/end_window.ts: const room = offset < this.#start && this.#start < this.#end",
      "log/line_scanner.ts: if (this.#buffer.length < this.#roomBytes) this.#grow(this.#roomBytes);",
      "log/line_scanner.ts: if (this.#buffer.length > scannerBytesInitial) this.#grow(scannerBytesInitial);",
      "log/log_lines.ts: if (carried.length > lineBytesMax) {",
      "log/log_lines.ts: chunkBytes = carried.length > scannerBytesInitial ? Math.min(chunkBytes * 2, 4 * 1024 * 1024) : scannerBytesInitial;",
      "log/log_seek.ts: if (this.#places.length > this.#placesMax) this.#places = this.#places.filter((_, at) => at % 2 === 0);",
      "log/log_seek.ts: if (grown <= length - keptFrom || grown > 2 * lineBytesMax) return null;",
    ],
  },
  {
    because: "it spares work whose result is nothing, or is known",
    lines: [
      "log/atomic_file.ts: if (end <= start) return;",
      "log/checksum.ts: return fast === undefined || bytes.length < fastBytesMin ? crc32ByTable(bytes, seed) : fast(bytes, seed);",
      "log/log_reader.ts: return bytes[bodyLength - 1] === 0x7d && bytes[bodyLength - 2] === 0x22;",
      "log/log_writer.ts: if (this.#failure !== null || end.size <= end.tailOffset) return;",
      'log/record_format.ts: if (end < 16 || line[end - 1] !== braceClose || line[end - 2] !== quote) return { kind: "unmarked" };',
      "sink/pull_session.ts: if (line.bytes[verdict.mark.bodyLength - 1] !== 0x7d) continue;",
      "store/session_view.ts: if (tail.breaks === breaks && tail.kept.offset === offset) break;",
    ],
  },
  {
    because: "without it a loop does not end, in whatever test",
    lines: [
      "log/line_scanner.ts: if (this.#end === this.#buffer.length) {",
      "log/line_scanner.ts: if (held >= this.#lineBytesMax) this.#drop();",
      "log/log_seek.ts: if (index >= length) {",
      "log/log_writer.ts: if (seen === size) return;",
    ],
  },
  {
    because: "it asserts what other rows break",
    lines: [
      "log/group_writer.ts: this.#end.unsynced === 0 || this.#end.unsynced + group.bytes.length <= unsyncedBytesMax + batchBytesMax,",
    ],
  },
  {
    because: "it compares no lengths: bytes, and what is known of a line",
    lines: [
      "log/fork_point.ts: const isFragment = torn.get(line.offset)?.isFragment === true;",
      "log/record_chain.ts: if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) start = 3;",
    ],
  },
  {
    because: "it bounds a cache of hashed names, and what is not in it is hashed again",
    lines: ["store/session_name.ts: if (knownNames.size === knownNamesMax) knownNames.clear();"],
  },
];
