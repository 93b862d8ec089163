/**
 * The records of a turn, collected, and committed together.
 *
 * @module
 */

import type { DraftSources, RecordDraft } from "./record_draft.ts";
import { TranscriptWriter } from "./transcript_writer.ts";

/** What became of a record. */
export interface TranscriptReceipt {
  /** The record's id. */
  id: string;
  /** The number of the record in the log. */
  sequence: number;
  /** Whether it was in the log already, by its id; then nothing was appended. */
  duplicate: boolean;
}

/**
 * The records of a turn. Each method takes a record as it is at that moment and returns its id; nothing is written
 * before {@linkcode TranscriptTurn.commit}. Made by `Transcript.turn`.
 */
export class TranscriptTurn extends TranscriptWriter<string> {
  readonly #commit: (drafts: readonly RecordDraft[]) => Promise<TranscriptReceipt[]>;
  #drafts: RecordDraft[] = [];
  #committed: Promise<TranscriptReceipt[]> | null = null;

  /**
   * For `Transcript.turn`.
   *
   * @param sources Where ids and times come from.
   * @param commit Appends drafts together.
   */
  constructor(sources: DraftSources, commit: (drafts: readonly RecordDraft[]) => Promise<TranscriptReceipt[]>) {
    super(sources);
    this.#commit = commit;
  }

  /** How many records it has. */
  get size(): number {
    return this.#drafts.length;
  }

  /**
   * Appends all records of the turn with one write and one sync: after a power cut all of them are there, or none.
   *
   * Records that are in the log already, by their ids, are not appended again. When it rejects, nothing of the turn is
   * in the log (with `failed` that is not known), and it can be called again. When it has resolved the turn is over: to
   * call it again returns the same, to add to it is an error.
   *
   * @returns One receipt per record.
   * @throws As `Session.appendAll`.
   */
  commit(): Promise<TranscriptReceipt[]> {
    this.#committed ??= this.#commit(this.#drafts).catch((error: unknown) => {
      this.#committed = null;
      throw error;
    });
    return this.#committed;
  }

  /** Adds a record. */
  protected override submit(draft: () => RecordDraft): string {
    if (this.#committed !== null) throw new TypeError("turn is committed: begin another for what follows");
    const made = draft();
    this.#drafts.push(made);
    return made.id;
  }
}
