/**
 * The reader of formats whose lines are records as they are: each line stays, and may add to the facts.
 *
 * @module
 */
import type { JsonObject } from "../log/json_text.ts";
import { objectOf } from "./fact_values.ts";
import type { PartReader, SessionFacts, SourcePiece, TakenPiece } from "./session_format.ts";

/** Reads lines; every object is a record. */
export class LineReader implements PartReader {
  /** What is known of the session so far. */
  readonly facts: SessionFacts = {};
  readonly #learn: (facts: SessionFacts, value: JsonObject) => void;
  readonly #notes: () => readonly string[];

  /**
   * Begins a file.
   *
   * @param learn Takes facts from a line.
   * @param notes What is to be said of the file once it has been read.
   */
  constructor(learn: (facts: SessionFacts, value: JsonObject) => void = () => {}, notes: () => string[] = () => []) {
    this.#learn = learn;
    this.#notes = notes;
  }

  /** What is to be said of the file. */
  notes(): readonly string[] {
    return this.#notes();
  }

  /** Takes a line as it is. */
  take({ text, value }: SourcePiece): TakenPiece {
    this.#learn(this.facts, objectOf(value));
    return { kind: "record", text };
  }
}

/**
 * The reader of a sidecar of lines: each becomes a side record, named by its number.
 *
 * @returns The reader of one file.
 */
export function sideLines(): PartReader {
  let count = 0;
  return {
    facts: {},
    take: ({ text }) => ({ kind: "side", name: String(++count), text }),
  };
}

/**
 * The reader of a sidecar that is one document: each member becomes a side record, named by the member, and each
 * element of an opened one, named `member/element`.
 *
 * @param open The members to open.
 * @returns The reader of one file.
 */
export function sideMembers(open: readonly string[] = []): PartReader {
  return {
    facts: {},
    open: new Set(open),
    take: ({ name, key, text }) => ({ kind: "side", name: key === null ? name : `${name}/${key}`, text }),
  };
}
