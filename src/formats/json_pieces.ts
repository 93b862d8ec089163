/**
 * Cuts one large JSON object into pieces while it streams by: its top-level members, and of those that are *opened*
 * each element or entry by itself. No more than one piece is held, so a session of a gigabyte in one document needs no
 * more memory than its largest message.
 *
 * Pieces are found by brackets and quotes and then parsed one by one, so damage in one costs that one. Where the frame
 * around the pieces is broken or cut off, that is said, and what came before it stands.
 *
 * @module
 */
import { compactJson } from "../log/json_layout.ts";

/** The largest piece in bytes; a log could not hold a larger record. */
export const pieceBytesMax: number = 10 * 1024 * 1024;

/** How deep a record may be nested. No program nests tens deep; thousands exhaust the stack of who walks over it. */
export const nestingDepthMax = 1_000;

const nameBytesMax = 64 * 1024;
const membersMax = 1_000;

/** What {@linkcode JsonPieces.feed} gives. */
export type JsonPiece =
  | {
    kind: "piece";
    /** The top-level member. */
    name: string;
    /** Null for the member as a whole; the index or name of an element of an opened one. */
    key: string | null;
    /** Valid JSON text, without blanks between the tokens. */
    text: string;
    /** Decoded. */
    value: unknown;
    /** Where it begins, from 1. */
    line: number;
  }
  | { kind: "damaged"; line: number; reason: string };

/** What the next byte that is not blank may be; `inner` states are those inside an opened member. */
type State =
  | "start"
  | "key-or-end"
  | "key"
  | "colon"
  | "value"
  | "after-value"
  | "inner-key-or-end"
  | "inner-key"
  | "inner-colon"
  | "inner-value-or-end"
  | "inner-value"
  | "inner-after"
  | "ended"
  | "failed";

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;

/**
 * Cuts a document into pieces.
 *
 * States: those of {@linkcode State}; *failed* once the frame is broken, after which nothing more is found.
 */
export class JsonPieces {
  readonly #open: ReadonlySet<string>;
  readonly #onName: (name: string) => void;
  readonly #names = new Set<string>();
  #state: State = "start";
  #line = 1;
  #atByteOrderMark = 0;
  #name = "";
  #key: string | null = null;
  #index = 0;
  #innerEnd = 0;
  #skipping = false;
  readonly #capture = new ValueCapture();

  /**
   * Begins.
   *
   * @param open The members whose elements are pieces of their own.
   * @param onName Told of each top-level member before its value has been read.
   */
  constructor(open: ReadonlySet<string>, onName: (name: string) => void = () => {}) {
    this.#open = open;
    this.#onName = onName;
  }

  /** Whether the frame is broken. */
  get failed(): boolean {
    return this.#state === "failed";
  }

  /**
   * Takes the next bytes.
   *
   * @param chunk The bytes; they are not kept.
   * @returns The pieces that end in it, in order.
   */
  *feed(chunk: Uint8Array): Iterable<JsonPiece> {
    for (let at = 0; at < chunk.length && this.#state !== "failed";) {
      if (this.#capture.isOpen) {
        at = this.#capture.scan(chunk, at);
        if (!this.#capture.isOpen) yield* this.#takeCapture();
        continue;
      }
      const byte = chunk[at] ?? 0;
      if (byte === 0x0a) this.#line++;
      at++;
      if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) continue;
      if (this.#state === "start" && [0xef, 0xbb, 0xbf][this.#atByteOrderMark] === byte) {
        this.#atByteOrderMark++;
        continue;
      }
      if (!this.#step(byte)) {
        // The value begins with this byte.
        if (this.#beginsValue(byte)) at--;
        else yield this.#fail(`something that does not belong ${this.#where()}`);
      }
    }
  }

  /**
   * To be called behind the last bytes.
   *
   * @returns What is wrong with how the document ends.
   */
  *end(): Iterable<JsonPiece> {
    if (this.#state === "failed" || this.#state === "ended") return;
    yield this.#fail(this.#state === "start" ? "no JSON object" : `the document is cut off ${this.#where()}`);
  }

  /** Moves on by a byte of the frame; false where it is none. */
  #step(byte: number): boolean {
    const next = this.#next(byte);
    if (next === undefined) return false;
    this.#state = next;
    return true;
  }

  #next(byte: number): State | undefined {
    switch (this.#state) {
      case "start":
        return byte === openBrace ? "key-or-end" : undefined;
      case "key-or-end":
        return byte === closeBrace ? "ended" : undefined;
      case "colon":
        return byte === colon ? "value" : undefined;
      case "value":
        if (this.#skipping || !this.#open.has(this.#name)) return undefined;
        this.#index = 0;
        this.#innerEnd = byte === openBracket ? closeBracket : closeBrace;
        if (byte === openBracket) return "inner-value-or-end";
        return byte === openBrace ? "inner-key-or-end" : undefined;
      case "after-value":
        if (byte === comma) return "key";
        return byte === closeBrace ? "ended" : undefined;
      case "inner-key-or-end":
      case "inner-value-or-end":
        return byte === this.#innerEnd ? this.#leave() : undefined;
      case "inner-colon":
        return byte === colon ? "inner-value" : undefined;
      case "inner-after":
        if (byte === comma) return this.#innerEnd === closeBrace ? "inner-key" : "inner-value";
        return byte === this.#innerEnd ? this.#leave() : undefined;
      default:
        return undefined;
    }
  }

  #leave(): State {
    this.#key = null;
    return "after-value";
  }

  /** Opens the capture of a name or a value; false where neither may stand here. */
  #beginsValue(byte: number): boolean {
    switch (this.#state) {
      case "key-or-end":
      case "key":
      case "inner-key-or-end":
      case "inner-key":
        if (byte !== quote) return false;
        this.#capture.begin(byte, this.#line, nameBytesMax, true);
        return true;
      case "value":
      case "inner-value":
      case "inner-value-or-end":
        if (byte === comma || byte === colon || byte === closeBrace || byte === closeBracket) return false;
        if (this.#state !== "value" && this.#innerEnd === closeBracket) this.#key = String(this.#index++);
        this.#capture.begin(byte, this.#line, pieceBytesMax, !this.#skipping);
        return true;
      default:
        return false;
    }
  }

  *#takeCapture(): Iterable<JsonPiece> {
    const { line } = this.#capture;
    const taken = this.#capture.take();
    this.#line = this.#capture.endLine;
    switch (this.#state) {
      case "key-or-end":
      case "key":
        if ("reason" in taken || typeof taken.value !== "string") return void (yield this.#fail("a name that is none"));
        this.#name = taken.value;
        this.#onName(this.#name);
        this.#skipping = this.#names.has(this.#name);
        this.#names.add(this.#name);
        if (this.#names.size > membersMax) return void (yield this.#fail(`more than ${membersMax} members`));
        this.#state = "colon";
        if (this.#skipping) yield { kind: "damaged", line, reason: `${quoted(this.#name)} a second time` };
        return;
      case "inner-key-or-end":
      case "inner-key":
        if ("reason" in taken || typeof taken.value !== "string") return void (yield this.#fail("a name that is none"));
        this.#key = taken.value;
        this.#state = "inner-colon";
        return;
      default: {
        const place = this.#place();
        const [name, key] = [this.#name, this.#key];
        this.#state = this.#state === "value" ? "after-value" : "inner-after";
        if (this.#skipping) return;
        if ("reason" in taken) yield { kind: "damaged", line, reason: `${place} is ${taken.reason}` };
        else yield { kind: "piece", name, key, text: taken.text, value: taken.value, line };
      }
    }
  }

  #fail(reason: string): JsonPiece {
    this.#state = "failed";
    return { kind: "damaged", line: this.#capture.isOpen ? this.#capture.endLine : this.#line, reason };
  }

  #where(): string {
    if (this.#state === "ended") return "behind the document";
    return this.#name === "" ? "at its beginning" : `in ${this.#place()}`;
  }

  #place(): string {
    return this.#key === null ? quoted(this.#name) : `${quoted(this.#name)}, element ${quoted(this.#key)}`;
  }
}

function quoted(name: string): string {
  return name.length > 60 ? `${JSON.stringify(name.slice(0, 60))}…` : JSON.stringify(name);
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Collects the bytes of one JSON value, up to a limit, across chunks. */
class ValueCapture {
  /** Where the value begins. */
  line = 1;
  /** Where it ends, or the scan is. */
  endLine = 1;
  /** Whether a value is being collected. */
  isOpen = false;
  #kind: "string" | "container" | "scalar" = "scalar";
  #depth = 0;
  #depthMax = 0;
  #inString = false;
  #escaped = false;
  #buffer = new Uint8Array(4096);
  #length = 0;
  #bytesMax = 0;
  #keep = true;
  #hasBlanks = false;

  begin(firstByte: number, line: number, bytesMax: number, keep: boolean): void {
    this.line = line;
    this.endLine = line;
    this.isOpen = true;
    this.#kind = firstByte === quote
      ? "string"
      : firstByte === openBrace || firstByte === openBracket
      ? "container"
      : "scalar";
    this.#depth = 0;
    this.#depthMax = 0;
    this.#inString = false;
    this.#escaped = false;
    this.#length = 0;
    this.#hasBlanks = false;
    this.#bytesMax = bytesMax;
    this.#keep = keep;
  }

  /** Goes on to the end of the value or of the chunk; returns where it stopped. */
  scan(chunk: Uint8Array, from: number): number {
    const end = this.#kind === "scalar" ? this.#scalarEnd(chunk, from) : this.#valueEnd(chunk, from);
    this.#append(chunk, from, end);
    return end;
  }

  take(): { text: string; value: unknown } | { reason: string } {
    const bytes = this.#buffer.subarray(0, this.#length);
    const length = this.#length;
    this.#length = 0;
    if (this.#buffer.length > 1024 * 1024) this.#buffer = new Uint8Array(4096);
    if (length > this.#bytesMax) return { reason: `over ${this.#bytesMax} bytes` };
    if (this.#depthMax > nestingDepthMax) return { reason: `nested more than ${nestingDepthMax} deep` };
    if (!this.#keep) return { reason: "left out" };
    let text: string;
    try {
      text = decoder.decode(bytes);
    } catch {
      return { reason: "not UTF-8" };
    }
    try {
      const value: unknown = JSON.parse(text);
      return { text: this.#hasBlanks ? compactJson(text) : text, value };
    } catch {
      return { reason: "not JSON" };
    }
  }

  #scalarEnd(chunk: Uint8Array, from: number): number {
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0;
      if (byte === comma || byte === closeBrace || byte === closeBracket || byte <= 0x20) {
        this.isOpen = false;
        return at;
      }
    }
    return chunk.length;
  }

  #valueEnd(chunk: Uint8Array, from: number): number {
    let [inString, escaped, depth] = [this.#inString, this.#escaped, this.#depth];
    let at = from;
    while (at < chunk.length && this.isOpen) {
      const byte = chunk[at++] ?? 0;
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === backslash) escaped = true;
        else if (byte === quote) {
          inString = false;
          if (depth === 0) this.isOpen = false;
        } else if (byte === 0x0a) this.endLine++;
        else at = plainEnd(chunk, at);
      } else if (byte === quote) inString = true;
      else if (byte === openBrace || byte === openBracket) {
        if (++depth > this.#depthMax) this.#depthMax = depth;
      } else if (byte === closeBrace || byte === closeBracket) {
        if (--depth === 0) this.isOpen = false;
      } else if (byte <= 0x20) {
        this.#hasBlanks = true;
        if (byte === 0x0a) this.endLine++;
      }
    }
    [this.#inString, this.#escaped, this.#depth] = [inString, escaped, depth];
    return at;
  }

  #append(chunk: Uint8Array, from: number, end: number): void {
    const length = this.#length + end - from;
    if (this.#keep && length <= this.#bytesMax) {
      if (length > this.#buffer.length) {
        const grown = new Uint8Array(Math.min(Math.max(length, this.#buffer.length * 2), this.#bytesMax));
        grown.set(this.#buffer.subarray(0, this.#length));
        this.#buffer = grown;
      }
      this.#buffer.set(chunk.subarray(from, end), this.#length);
    }
    this.#length = length;
  }
}

/** Where the plain part of a string ends; most of a session is that. A line feed has no place in it, but may be there. */
function plainEnd(chunk: Uint8Array, from: number): number {
  for (let at = from; at < chunk.length; at++) {
    const byte = chunk[at];
    if (byte === quote || byte === backslash || byte === 0x0a) return at;
  }
  return chunk.length;
}
