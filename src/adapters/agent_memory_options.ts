/**
 * What an agent's memory is told, and what it tells.
 *
 * @module
 */

import type { StoreOptions } from "../store/store_options.ts";

/** Something that went wrong and was not thrown. */
export interface AgentMemoryProblem {
  /** The method that was called; `open` where the memory works without a disk from then on. */
  operation: string;
  /** The session's key as it was given; null where it is about all. */
  key: string | null;
  /** What happened. */
  error: Error;
}

/** Options of `openAgentMemory`: those of the store, and these. */
export interface AgentMemoryOptions extends Omit<StoreOptions, "readOnly"> {
  /**
   * Told of everything that goes wrong; what it throws is ignored.
   *
   * @default {console.error}
   */
  onError?: (problem: AgentMemoryProblem) => void;
  /**
   * Whether `save` takes hidden records out of a log when they are more than the active ones.
   *
   * @default {true}
   */
  compaction?: boolean;
}

/** What `AgentMemory.save` and `AgentMemory.close` report. */
export interface AgentMemoryOutcome {
  /** What went wrong; null: everything is durable. */
  error: Error | null;
}

/** What an `AgentMemory` has counted. */
export interface AgentMemoryCounters {
  /** Messages that were taken. */
  messages: number;
  /** Transient thoughts that were left out, as picoclaw does. */
  thoughts: number;
  /** Calls that failed. */
  errors: number;
}

/** How a summary is made. */
export interface SummarizeOptions {
  /** How many of the newest messages stay beside the summary. */
  keepLast: number;
}
