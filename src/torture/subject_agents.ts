/**
 * What an agent that holds its own state does with a store under test: checkpoints, and saves in the background.
 *
 * @module
 */

import type { SessionStore } from "../store/session_store.ts";
import { BackgroundSaver } from "../transcript/background_saver.ts";
import { Checkpoints } from "../transcript/checkpoints.ts";

/** Saves in the background under test; the calls of `BackgroundSaver` that the laboratory uses. */
export interface SubjectSaver {
  /** Takes an event. */
  record(event: Record<string, unknown>): void;
  /** Makes all changes durable. */
  forceSave(): Promise<void>;
  /** The same, blocking. */
  flushSync(): void;
  /** Ends it. */
  end(): void;
}

/** What agents need of a store under test. */
export interface SubjectAgents {
  /** Makes a checkpoint. */
  checkpoint(key: string, state: unknown): Promise<{ sequence: number }>;
  /** The newest checkpoint. */
  latest(key: string): Promise<{ sequence: number; ordinal: number; state: unknown } | null>;
  /** Begins to save a session in the background. */
  saver(key: string): Promise<SubjectSaver>;
}

/** What stands behind {@linkcode SubjectAgents}: the product's own, or a mutant's. */
export interface AgentTools {
  /** Makes checkpoints. */
  readonly Checkpoints: typeof Checkpoints;
  /** Saves in the background. */
  readonly BackgroundSaver: Pick<typeof BackgroundSaver, "open">;
}

/** The product's own. */
export const agentTools: AgentTools = { Checkpoints, BackgroundSaver };

/**
 * Gives a store what agents need.
 *
 * @param store The store.
 * @param tools What stands behind it.
 * @returns The same store, with agents.
 */
export function withAgents<Store extends Pick<SessionStore, "session">>(
  store: Store,
  tools: AgentTools = agentTools,
): Store & { agents: SubjectAgents } {
  const agents: SubjectAgents = {
    checkpoint: async (key, state) => await new tools.Checkpoints(await store.session(key)).make("manual", state),
    latest: async (key) => await new tools.Checkpoints(await store.session(key)).latest(),
    saver: async (key) =>
      await tools.BackgroundSaver.open({
        open: async () => await store.session(key),
        stateRecord: () => ({ record: "{}", state: "", isForced: false }),
        recordBytesMax: 10_485_695,
      }),
  };
  return Object.assign(store, { agents });
}
