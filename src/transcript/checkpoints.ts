/**
 * Checkpoints of an agent's state, and jumps to any record: the nearest checkpoint, then what was recorded since.
 *
 * A checkpoint is one record of the log with all of its state, durable as any other. So it costs its own size, however
 * many there are; it survives the loss of everything but the log; compaction, truncation and forks need to know nothing
 * of it. Where the checkpoints are is derived: `checkpoint_index.ts`.
 *
 * @module
 */

import { HoldfastError } from "../errors.ts";
import type { JsonObject } from "../log/json_text.ts";
import type { AppendReceipt } from "../store/group_plan.ts";
import { CheckpointIndex } from "./checkpoint_index.ts";
import { type Checkpoint, checkpointRecord, readCheckpoint } from "./checkpoint_record.ts";

export type { Checkpoint } from "./checkpoint_record.ts";

/** A record and its number, as `Session.records` gives it. */
export interface NumberedRecord {
  /** The record's number. */
  sequence: number;
  /** The record. */
  record: JsonObject;
}

/** What checkpoints and receipts need of a session; `Session` has it. */
export interface RecordLog {
  /** Appends a record, durably. */
  append(record: JsonObject, options: { durability: "durable" }): Promise<AppendReceipt>;
  /** Reads records in order. */
  records(options: { from?: number; limit?: number; all?: boolean }): AsyncGenerator<NumberedRecord, void>;
  /** Reads records from the newest to the oldest. */
  recordsBack(options: { before?: number; limit?: number; all?: boolean }): AsyncGenerator<NumberedRecord, void>;
}

/** Where a jump has led. */
export interface Jump {
  /** The number that was jumped to. */
  sequence: number;
  /** The nearest checkpoint that is not behind it; null: there is none, and all is replayed from the start. */
  checkpoint: Checkpoint | null;
  /** The records behind the checkpoint up to the one that was jumped to, in order; checkpoints are left out. */
  records(): AsyncGenerator<NumberedRecord, void>;
}

/**
 * The checkpoints of one session. Make one per session: it remembers where they are.
 *
 * @example
 * ```ts
 * import { openStore } from "holdfast";
 * import { Checkpoints } from "holdfast/transcript";
 *
 * await using store = await openStore("/tmp/holdfast-example-checkpoints");
 * const session = await store.session("agent");
 * const checkpoints = new Checkpoints(session);
 * await session.append({ type: "step", add: 2 });
 * await checkpoints.make("manual", { total: 2 });
 * const { sequence } = await session.append({ type: "step", add: 3 });
 * const total = await checkpoints.replay(sequence, 0, {
 *   restore: (state) => (state as { total: number }).total,
 *   apply: (sum, record) => sum + Number(record["add"] ?? 0),
 * });
 * console.log(total);
 * ```
 */
export class Checkpoints {
  readonly #log: RecordLog;
  readonly #index: CheckpointIndex;
  /** How many were made so far; null: not looked up yet. */
  #count: number | null = null;
  /** The makes that are under way, one after the other: each has to know the number of those before it. */
  #making: Promise<unknown> = Promise.resolve();

  /**
   * Looks at nothing yet.
   *
   * @param log The session.
   * @param index Where checkpoints are, as far as it is known; nothing by default.
   */
  constructor(log: RecordLog, index: CheckpointIndex = new CheckpointIndex()) {
    this.#log = log;
    this.#index = index;
  }

  /**
   * Makes a checkpoint: one append, durable when it resolves.
   *
   * @param reason Why, in a word: `manual`, `periodic`, `llm_boundary`, `effect`, ….
   * @param state Anything that JSON can hold; it is encoded during the call.
   * @returns The checkpoint.
   * @throws {TypeError} If the reason is no text or the state is nothing that JSON can hold.
   * @throws As `Session.append`.
   */
  async make(reason: string, state: unknown): Promise<Checkpoint> {
    if (typeof reason !== "string" || reason === "") throw new TypeError("reason must be a text that is not empty");
    const encoded = JSON.stringify(state);
    if (encoded === undefined) throw new TypeError("state must be something that JSON can hold");
    const held: unknown = JSON.parse(encoded);
    const making = this.#making.then(async () => await this.#append(reason, held));
    this.#making = making.catch(() => undefined);
    return await making;
  }

  async #append(reason: string, state: unknown): Promise<Checkpoint> {
    const ordinal = await this.count();
    const { sequence } = await this.#log.append(checkpointRecord(ordinal, reason, state), { durability: "durable" });
    this.#index.add(sequence);
    this.#count = ordinal + 1;
    return { sequence, ordinal, reason, state };
  }

  /**
   * How many checkpoints were made in this session so far; those that compaction has removed count, unless it has
   * removed them all. Asked for the first time, it reads back from the end of the log to the newest one.
   *
   * @returns The count.
   */
  async count(): Promise<number> {
    return this.#count ??= ((await this.latest())?.ordinal ?? -1) + 1;
  }

  /**
   * The newest checkpoint.
   *
   * @returns It; null if there is none.
   */
  async latest(): Promise<Checkpoint | null> {
    for await (const { sequence } of this.#log.recordsBack({ limit: 1, all: true })) {
      return await this.nearest(sequence);
    }
    return null;
  }

  /**
   * The checkpoint that a jump to a record would start from.
   *
   * @param sequence The record's number.
   * @returns The last checkpoint that is not behind it; null if there is none.
   */
  async nearest(sequence: number): Promise<Checkpoint | null> {
    return (await this.#look(sequence)).checkpoint;
  }

  /** The nearest checkpoint, and the number of the last record that is not behind what was asked for. */
  async #look(sequence: number): Promise<{ checkpoint: Checkpoint | null; last: number | null }> {
    assertSequence(sequence);
    const { known, clearTo } = this.#index.before(sequence);
    let last = clearTo >= sequence ? sequence : null;
    let lowest = 0;
    if (last === null) {
      lowest = Infinity;
      for await (const { sequence: number, record } of this.#log.recordsBack({ before: sequence + 1, all: true })) {
        last ??= number;
        lowest = number;
        // From here on it was looked at before, and nothing is in between.
        if (number <= clearTo) break;
        const checkpoint = readCheckpoint(record, number);
        if (checkpoint === null) continue;
        this.#index.add(number, last);
        return { checkpoint, last };
      }
    }
    if (known === null) {
      // What is in front of the log's first record may be in the archive, which is read forwards only.
      if (lowest > 0) return await this.#lookFromStart(sequence);
      if (last !== null) this.#index.addClearStart(last);
      return { checkpoint: null, last };
    }
    const checkpoint = await this.#at(known);
    if (checkpoint !== null) {
      if (last !== null) this.#index.add(known, last);
      return { checkpoint, last };
    }
    // The log was rewritten since: what was derived from the old one is derived anew.
    this.#index.clear();
    return await this.#look(sequence);
  }

  async #lookFromStart(sequence: number): Promise<{ checkpoint: Checkpoint | null; last: number | null }> {
    let checkpoint: Checkpoint | null = null;
    let last: number | null = null;
    for await (const entry of this.#log.records({ all: true })) {
      if (entry.sequence > sequence) break;
      last = entry.sequence;
      checkpoint = readCheckpoint(entry.record, last) ?? checkpoint;
    }
    if (checkpoint !== null && last !== null) this.#index.add(checkpoint.sequence, last);
    return { checkpoint, last };
  }

  /**
   * All checkpoints that are in the log, in order, hidden ones too. Reads the log.
   *
   * @param options The lowest number.
   * @returns The checkpoints.
   */
  async *list(options: { from?: number } = {}): AsyncGenerator<Checkpoint, void> {
    for await (const { sequence, record } of this.#log.records({ from: options.from ?? 0, all: true })) {
      const found = readCheckpoint(record, sequence);
      if (found === null) continue;
      this.#index.add(sequence);
      yield found;
    }
  }

  /**
   * Jumps to a record: finds the nearest checkpoint, and what has to be replayed from there.
   *
   * The cost is that of the records since the checkpoint: neither the log's length nor the number of checkpoints
   * counts.
   *
   * @param sequence The record's number; hidden records are as good as others.
   * @returns The checkpoint and the records since.
   * @throws {RangeError} If it is no number of a record.
   * @throws {HoldfastError} `not-found` if there is no such record, or if what has to be replayed is not there any
   * more.
   */
  async jump(sequence: number): Promise<Jump> {
    const { checkpoint, last } = await this.#look(sequence);
    if (last !== sequence) throw noRecord(sequence, last);
    if (checkpoint === null) await this.#assertWhole(sequence);
    const log = this.#log;
    const from = checkpoint === null ? 0 : checkpoint.sequence + 1;
    return {
      sequence,
      checkpoint,
      async *records(): AsyncGenerator<NumberedRecord, void> {
        let reached = from - 1;
        if (reached === sequence) return;
        for await (const entry of log.records({ from, all: true })) {
          if (entry.sequence > sequence) break;
          reached = entry.sequence;
          if (readCheckpoint(entry.record, entry.sequence) === null) yield entry;
          if (reached === sequence) return;
        }
        // Somebody has rewritten the log since the jump.
        throw noRecord(sequence, reached);
      },
    };
  }

  /**
   * Jumps to a record and replays what led there.
   *
   * @param sequence The record's number.
   * @param initial The state in front of the first record, for a log without checkpoints.
   * @param rules How a checkpoint's state is taken up, and how a record changes a state.
   * @returns The state behind the record.
   * @throws As {@linkcode Checkpoints.jump}.
   */
  async replay<State>(
    sequence: number,
    initial: State,
    rules: {
      /** Makes a state of what a checkpoint holds. */
      restore: (state: unknown) => State;
      /** Makes the state behind a record of the one in front of it. */
      apply: (state: State, record: JsonObject, sequence: number) => State;
    },
  ): Promise<State> {
    const jump = await this.jump(sequence);
    let state = jump.checkpoint === null ? initial : rules.restore(jump.checkpoint.state);
    for await (const entry of jump.records()) state = rules.apply(state, entry.record, entry.sequence);
    return state;
  }

  async #at(sequence: number): Promise<Checkpoint | null> {
    for await (const entry of this.#log.records({ from: sequence, limit: 1, all: true })) {
      return entry.sequence === sequence ? readCheckpoint(entry.record, sequence) : null;
    }
    return null;
  }

  /** Without a checkpoint the whole log is replayed: it must begin at its beginning. */
  async #assertWhole(sequence: number): Promise<void> {
    for await (const entry of this.#log.records({ limit: 1, all: true })) {
      if (entry.sequence === 0) return;
      const message =
        `Records in front of ${entry.sequence} were removed, and no checkpoint in front of ${sequence} is ` +
        "left: make a checkpoint before history is compacted";
      throw new HoldfastError("not-found", message);
    }
  }
}

function noRecord(sequence: number, last: number | null): HoldfastError {
  const where = last === null ? "the log has none in front of it" : `the last one in front of it is ${last}`;
  return new HoldfastError("not-found", `There is no record ${sequence}: ${where}`);
}

function assertSequence(sequence: number): void {
  if (!Number.isSafeInteger(sequence) || sequence < 0) throw new RangeError(`Not a record's number: ${sequence}`);
}
