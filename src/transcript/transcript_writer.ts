/**
 * What can be written to a transcript, whether at once or as part of a turn.
 *
 * @module
 */

import { isJsonObject, type JsonObject } from "../log/json_text.ts";
import {
  draftAnyRecord,
  draftMessage,
  draftRecord,
  type DraftSources,
  type MessageOptions,
  type RecordDraft,
  type RecordOptions,
  type StartOptions,
} from "./record_draft.ts";
import type { PatchOperation } from "./state_patch.ts";

/** The id of the record that starts a session: there is one. */
export const startId = "start";

/** The records of a transcript, each as a method. What a call returns is its kind of writer's to say. */
export abstract class TranscriptWriter<Result> {
  readonly #sources: DraftSources;

  /**
   * For the two kinds of writers.
   *
   * @param sources Where ids and times come from.
   */
  constructor(sources: DraftSources) {
    this.#sources = sources;
  }

  /**
   * Takes a record.
   *
   * @param draft Makes it; throws where an argument is wrong.
   */
  protected abstract submit(draft: () => RecordDraft): Result;

  /**
   * Starts the session: `session.started`. A session that is started is not started again.
   *
   * @param session What is constant in it: provider, model and the like.
   * @param options Whose it is, and further members such as `cwd`.
   * @returns As every record.
   */
  start(session: JsonObject = {}, options: StartOptions = {}): Result {
    return this.submit(() => {
      const { isSidechain, agentId } = options;
      assertObject("session", session);
      const payload = {
        ...(isSidechain === true ? { isSidechain } : {}),
        ...(agentId === undefined ? {} : { agentId }),
        session,
      };
      return draftRecord(this.#sources, "session.started", payload, { ...options, id: startId });
    });
  }

  /**
   * Appends a message: `message.appended`. One whose id is in the log is not appended again.
   *
   * @param message What was said, with a `role`: the shapes of OpenAI and Anthropic, or any other.
   * @param options Its id, its parent, its chain.
   * @returns As every record.
   */
  appendMessage(message: JsonObject, options: MessageOptions = {}): Result {
    return this.submit(() => draftMessage(this.#sources, message, options));
  }

  /**
   * Changes the state: `state.patched`.
   *
   * @param operations What to set and remove; `setTitle` and its like make them, and `{ path, value }` is any other.
   * @param options Id and further members.
   * @returns As every record.
   */
  patchState(operations: PatchOperation | readonly PatchOperation[], options: RecordOptions = {}): Result {
    return this.submit(() => {
      const ops = isList(operations) ? operations : [operations];
      for (const operation of ops) {
        if (!isJsonObject(operation) || typeof operation.path !== "string") {
          throw new TypeError("operation must have a path");
        }
      }
      return draftRecord(this.#sources, "state.patched", { state: { ops } }, options);
    });
  }

  /**
   * Says that messages before another no longer count: `session.compacted`. They stay in the log.
   *
   * @param boundaryId The oldest message that counts, most often a summary of what was before it.
   * @param options Id and further members.
   * @returns As every record.
   */
  compactTo(boundaryId: string, options: RecordOptions & { agentId?: string } = {}): Result {
    return this.submit(() => {
      if (typeof boundaryId !== "string" || boundaryId === "") throw new TypeError("boundaryId must be a message's id");
      const { agentId } = options;
      const place = agentId === undefined ? {} : { isSidechain: true, agentId };
      return draftRecord(this.#sources, "session.compacted", { ...place, session: { boundaryId } }, options);
    });
  }

  /**
   * Says that the session is a fork: `session.forked`. `forkTranscript` does so.
   *
   * @param parentId The key of the session that it was forked from.
   * @param options Its last record that is in the fork; id and further members.
   * @returns As every record.
   */
  markForked(parentId: string, options: RecordOptions & { parentSequence?: number } = {}): Result {
    return this.submit(() => {
      if (typeof parentId !== "string") throw new TypeError("parentId must be a key");
      const { parentSequence } = options;
      const session = { parentId, ...(parentSequence === undefined ? {} : { parentSequence }) };
      return draftRecord(this.#sources, "session.forked", { session }, options);
    });
  }

  /**
   * Says that a model was asked: `inference.requested`.
   *
   * @param inference What is to be known of it.
   * @param options Id and further members.
   * @returns As every record.
   */
  requestInference(inference: JsonObject = {}, options: RecordOptions = {}): Result {
    return this.#withPayload("inference.requested", "inference", inference, options);
  }

  /**
   * Says that a model answered: `inference.responded`.
   *
   * @param inference Why it stopped, how long it took, what it used.
   * @param options Id and further members.
   * @returns As every record.
   */
  respondInference(inference: JsonObject = {}, options: RecordOptions = {}): Result {
    return this.#withPayload("inference.responded", "inference", inference, options);
  }

  /**
   * Adds a section to the system prompt, or puts it in place of the one of that name: `system.section.added`.
   *
   * @param section The section, with a `name`.
   * @param options Id and further members.
   * @returns As every record.
   */
  addSystemSection(section: JsonObject & { name: string }, options: RecordOptions = {}): Result {
    return this.#withPayload("system.section.added", "system", section, options);
  }

  /**
   * Removes a section from the system prompt: `system.section.removed`.
   *
   * @param name The section's name.
   * @param options Id and further members.
   * @returns As every record.
   */
  removeSystemSection(name: string, options: RecordOptions = {}): Result {
    return this.#withPayload("system.section.removed", "system", { name }, options);
  }

  /**
   * Adds tools: `tools.added`.
   *
   * @param tools The tools, each with a `name`.
   * @param options Id and further members.
   * @returns As every record.
   */
  addTools(tools: readonly (JsonObject & { name: string })[], options: RecordOptions = {}): Result {
    return this.submit(() => draftRecord(this.#sources, "tools.added", { tools }, options));
  }

  /**
   * Removes tools: `tools.removed`.
   *
   * @param names The tools' names.
   * @param options Id and further members.
   * @returns As every record.
   */
  removeTools(names: readonly string[], options: RecordOptions = {}): Result {
    const tools = names.map((name) => ({ name }));
    return this.submit(() => draftRecord(this.#sources, "tools.removed", { tools }, options));
  }

  /**
   * Appends a record of any type as it is; it gets an id if it has none.
   *
   * @param record A record with a `type`.
   * @returns As every record.
   */
  appendRecord(record: JsonObject): Result {
    return this.submit(() => draftAnyRecord(this.#sources, record));
  }

  #withPayload(
    type: "inference.requested" | "inference.responded" | "system.section.added" | "system.section.removed",
    member: "inference" | "system",
    payload: JsonObject,
    options: RecordOptions,
  ): Result {
    return this.submit(() => {
      assertObject(member, payload);
      if (member === "system" && typeof payload["name"] !== "string") throw new TypeError("section must have a name");
      return draftRecord(this.#sources, type, { [member]: payload }, options);
    });
  }
}

function isList(operations: PatchOperation | readonly PatchOperation[]): operations is readonly PatchOperation[] {
  return Array.isArray(operations);
}

function assertObject(name: string, value: unknown): void {
  if (!isJsonObject(value)) throw new TypeError(`${name} must be an object`);
}
