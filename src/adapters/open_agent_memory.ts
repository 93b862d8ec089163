/**
 * The memory of an agent loop, with the calls of picoclaw's `SessionStore`: what an agent says and hears goes in, and
 * no call of the loop ever throws because a card is full. Errors go to a handler and are counted; `save` and `close`
 * report them.
 *
 * @example
 * ```ts
 * import { openAgentMemory } from "holdfast/agent-memory";
 *
 * const memory = await openAgentMemory("/tmp/holdfast-example", { onError: ({ error }) => console.error(error.message)
 * }); await memory.addMessage("telegram:123", "user", "Is it warm outside?");
 * console.log(await memory.getHistory("telegram:123"));
 * await memory.close();
 * ```
 *
 * @module
 */

import { HoldfastError, toHoldfastError } from "../errors.ts";
import { runtimeFileSystem } from "../fs/runtime_filesystem.ts";
import { openStore } from "../store/open_store.ts";
import type { SessionStore } from "../store/session_store.ts";
import type { StoreOptions } from "../store/store_options.ts";
import { AgentMemory } from "./agent_memory.ts";
import type { AgentMemoryOptions, AgentMemoryProblem } from "./agent_memory_options.ts";
import { StoredMemory } from "./stored_memory.ts";
import { UnsavedMemory } from "./unsaved_memory.ts";

export { AgentMemory } from "./agent_memory.ts";
export type {
  AgentMemoryCounters,
  AgentMemoryOptions,
  AgentMemoryOutcome,
  AgentMemoryProblem,
  SummarizeOptions,
} from "./agent_memory_options.ts";
export type { MemorySnapshot, MemoryTruncation } from "./memory_backend.ts";

const probeName = ".holdfast-probe";

/**
 * Opens an agent's memory. If the directory cannot be used, or taking over old sessions fails, it works without a disk,
 * for all sessions alike, and says so: the handler is told, `degraded` says why, `save` and `close` report it. Nothing
 * on the disk is changed then; the next start tries again.
 *
 * @param directory The directory of sessions; picoclaw's, perhaps.
 * @param options How it behaves.
 * @returns The memory.
 * @throws {TypeError} or {RangeError} If an option is wrong.
 */
export async function openAgentMemory(directory: string, options: AgentMemoryOptions = {}): Promise<AgentMemory> {
  const { onError, compaction = true, ...storeOptions } = options;
  const tell = onError ?? logProblem;
  let store: SessionStore | null = null;
  try {
    store = await openStore(directory, storeOptions);
    await probe(store, storeOptions);
    return new AgentMemory(new StoredMemory(store, compaction), store, null, tell);
  } catch (error) {
    await store?.close().catch(() => undefined);
    if (!(error instanceof HoldfastError)) throw error;
    return new AgentMemory(new UnsavedMemory(), null, error, tell);
  }
}

/** A directory that can be read but not written is found now, not with the first message. */
async function probe(store: SessionStore, { fileSystem = runtimeFileSystem }: StoreOptions): Promise<void> {
  const path = `${store.directory}/${probeName}`;
  try {
    await (await fileSystem.open(path, { access: "write", create: "if-missing" })).close();
    await fileSystem.unlink(path);
  } catch (error) {
    const typed = toHoldfastError(error, "making a file", path);
    // Somebody else's probe.
    if (typed.cause instanceof Error && "code" in typed.cause && typed.cause.code === "ENOENT") return;
    throw typed;
  }
}

function logProblem({ operation, key, error }: AgentMemoryProblem): void {
  console.error(`holdfast: ${operation}${key === null ? "" : ` ${JSON.stringify(key)}`}: ${error.message}`);
}
