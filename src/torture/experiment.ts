/**
 * One run of a store on a simulated machine: makes calls, and writes down what the user is told.
 *
 * @module
 */

import { systemErrorCode } from "../errors.ts";
import type { FileSystem } from "../fs/filesystem.ts";
import type { SimulatedFileSystem } from "../testing/simulated_filesystem.ts";
import { Follower } from "./follower.ts";
import { checkForeignFiles, foreignPaths } from "./foreign_files.ts";
import { type Knowledge, nothingKnown } from "./knowledge.ts";
import { type Effect, emptyState, nextSequence, SessionModel, type SessionState, type WorldModel } from "./model.ts";
import { observe, observeDirectory, type ObservedSession } from "./observation.ts";
import { type Operation, type OperationKind, operationTable } from "./operations.ts";
import { explain, explainExisting, numberedBy } from "./oracle.ts";
import { type RecordSize, recordText } from "./record_texts.ts";
import {
  filesOf,
  sessionKeys,
  storeDirectory,
  type Subject,
  type SubjectSession,
  type SubjectStore,
} from "./subject.ts";
import type { SubjectSink } from "./subject_sink.ts";
import { Violation } from "./violation.ts";
import type { FactName } from "./watched_facts.ts";

/** What an effect does, before it has a number. */
export type NewEffect = Omit<Effect, "id">;

/** Codes of errors that say: nothing of it has happened. */
const refusals: ReadonlySet<string> = new Set(["locked", "disk-full", "too-large", "read-only", "closed", "io"]);

/** One run. */
export class Experiment {
  /** The store's program. */
  readonly subject: Subject;
  /** The machine, as the program that runs now sees it. */
  fileSystem: SimulatedFileSystem;
  /** What may be there. */
  world: WorldModel;
  /** Whether refused and failed calls are part of the game. */
  readonly expectsErrors: boolean;
  /** Whether lines of somebody else may be torn in the logs. */
  withForeign: boolean;
  /** Whether somebody else keeps files in the store's directory. */
  readonly foreignFiles: boolean;
  /** How the store is opened, from the next time on. */
  settings: Knowledge["settings"];
  /** The sessions that anybody has ever tried to write to. */
  touched: readonly number[];
  /** Who reads along. */
  readonly followers: Follower[] = [];
  /** Errors that calls have rejected with, by code. */
  readonly rejections: Map<string, number> = new Map();
  /** What sends the open store's sessions away; it ends with the store. */
  sink: SubjectSink | null = null;
  #store: SubjectStore | null = null;
  #label: number;
  #watched: readonly FactName[];
  #checked: readonly OperationKind[];
  #effects = 0;
  /** Sessions with a call of unknown outcome. */
  readonly #inDoubt = new Set<number>();
  readonly #events = new Map<string, string>();
  readonly #wrap: (fileSystem: SimulatedFileSystem) => FileSystem;

  /**
   * Begins; nothing is opened yet.
   *
   * @param subject The store's program.
   * @param fileSystem The machine.
   * @param known What has happened before.
   * @param options Whether errors are expected; what the store is given in place of the machine.
   */
  constructor(
    subject: Subject,
    fileSystem: SimulatedFileSystem,
    known: Knowledge = nothingKnown,
    options: { expectsErrors?: boolean; wrap?: (fileSystem: SimulatedFileSystem) => FileSystem } = {},
  ) {
    this.subject = subject;
    this.fileSystem = fileSystem;
    this.world = known.world;
    this.touched = known.touched;
    this.withForeign = known.withForeign;
    this.foreignFiles = known.foreignFiles;
    this.settings = known.settings;
    this.#label = known.label;
    this.#watched = known.watched;
    this.#checked = known.checked;
    this.expectsErrors = options.expectsErrors ?? false;
    this.#wrap = options.wrap ?? ((inner) => inner);
  }

  /** All that is known now. */
  get knowledge(): Knowledge {
    const { world, touched, withForeign, foreignFiles, settings } = this;
    return {
      world,
      touched,
      withForeign,
      foreignFiles,
      settings,
      label: this.#label,
      watched: this.#watched,
      checked: this.#checked,
    };
  }

  /** Looks at a fact, from now on. */
  watch(fact: FactName): void {
    if (!this.#watched.includes(fact)) this.#watched = [...this.#watched, fact];
  }

  /** Performs an operation; false if the store cannot. */
  async perform(operation: Operation): Promise<boolean> {
    const { kind } = operation;
    const { needs, perform, check } = operationTable[kind];
    if (needs !== undefined && !this.subject.abilities.has(needs)) return false;
    if (check !== undefined && !this.#checked.includes(kind)) this.#checked = [...this.#checked, kind];
    await perform(this, operation);
    return true;
  }

  /** Checks what the operations that were performed want to be checked after a recovery. */
  async checkOperations(): Promise<void> {
    for (const kind of this.#checked) await operationTable[kind].check?.(this);
  }

  /** What the store has told of itself so far: the last message of each type of event. */
  get events(): ReadonlyMap<string, string> {
    return this.#events;
  }

  /** The open store. */
  async store(): Promise<SubjectStore> {
    return this.#store ??= await this.subject.open({
      fileSystem: this.#wrap(this.fileSystem),
      readOnly: false,
      onEvent: (event) => this.#events.set(event.type, event.message),
      settings: this.settings,
    });
  }

  /** Opens the store once more, as another program on the same machine. */
  async openAnother(readOnly: boolean): Promise<SubjectStore> {
    const { settings } = this;
    return await this.subject.open({ fileSystem: this.fileSystem.anotherProcess(), readOnly, settings });
  }

  /** A session of the open store. */
  async session(session: number): Promise<SubjectSession> {
    return await (await this.store()).session(sessionKeys[session] ?? "");
  }

  /** Whether the open store holds a session for writing. */
  async holds(session: number): Promise<boolean> {
    return this.#store !== null && (await this.session(session)).status === "open";
  }

  /** Texts for new records, in the order in which they will stand in the log. */
  async texts(session: number, sizes: readonly RecordSize[]): Promise<string[]> {
    if (this.#inDoubt.has(session)) await this.#settleDoubts(session);
    const stat = await this.fileSystem.stat(filesOf(session).log).catch(() => null);
    let offset = stat?.size ?? 0;
    return sizes.map((size) => {
      const text = recordText(++this.#label, size, offset);
      offset += text.length + 30;
      return text;
    });
  }

  /** A label for a summary or a title. */
  label(): number {
    return ++this.#label;
  }

  /** A session that was deleted: what comes after it is another one, once there is a bucket that tells them apart. */
  newLife(): SessionState {
    return this.world.bucket.isUsed ? { ...emptyState, life: this.label() } : emptyState;
  }

  /** What may be there of a session. */
  model(session: number): SessionModel {
    return this.world.sessions[session] ?? new SessionModel();
  }

  /**
   * Makes a call that changes a session, and writes down what came of it.
   *
   * @param session Which session.
   * @param effects What it does, step by step.
   * @param durable Whether all of it, and all before it, is durable when it resolves; else the kernel has it.
   * @param call The call.
   * @returns What the call returned; undefined if it was refused.
   */
  async change<T>(
    session: number,
    effects: readonly NewEffect[],
    durable: boolean,
    call: () => Promise<T>,
  ): Promise<T | undefined> {
    if (this.#inDoubt.has(session)) await this.#settleDoubts(session);
    const ids = effects.map(() => ++this.#effects);
    const last = ids.at(-1) ?? this.#effects;
    this.#update(
      session,
      (model) => model.issue(...effects.map((effect, index) => ({ ...effect, id: ids[index] ?? 0 }))),
    );
    try {
      const result = await call();
      // What an open for writing has decided meanwhile is looked up first.
      if (this.#inDoubt.has(session)) {
        if (effects.length > 0) await this.#settleDoubts(session);
        return result;
      }
      this.#update(session, (model) => durable ? model.acknowledge(last) : model.handOver(last));
      return result;
    } catch (error) {
      if (error instanceof Violation) throw error;
      const code = systemErrorCode(error) ?? "none";
      this.rejections.set(code, (this.rejections.get(code) ?? 0) + 1);
      if (!this.expectsErrors) throw new Violation("error", `A call failed without a reason: ${describeError(error)}`);
      if (!refusals.has(code) && code !== "failed") {
        throw new Violation("error", `A call rejected with what nobody can act on: ${describeError(error)}`);
      }
      if (!refusals.has(code)) this.#inDoubt.add(session);
      else for (const id of ids) this.#update(session, (model) => model.withdraw(id));
      return undefined;
    }
  }

  /** All that was issued for a session up to now is durable when a call resolves. */
  async settle(session: number, call: () => Promise<void>): Promise<void> {
    await this.change(session, [], true, call);
  }

  /** After a call of unknown outcome the session is opened again; what it shows then is the outcome (I6). */
  async #settleDoubts(session: number): Promise<void> {
    try {
      const store = await this.store();
      const key = sessionKeys[session] ?? "";
      const isOpen = await store.has(key);
      if (isOpen) await (await store.session(key)).update({});
      const shown = (await this.#observe(store, [session], true)).get(session);
      if (shown === undefined) return;
      const model = this.model(session);
      const index = (isOpen ? explainExisting : explain)(shown, model, 0);
      this.#inDoubt.delete(session);
      this.#update(session, (before) => isOpen ? before.collapse(index, shown.log) : before.cut(index, shown.log));
    } catch (error) {
      if (error instanceof Violation) throw error;
    }
  }

  /** Checks the number that a record has got. */
  expectSequence(session: number, state: SessionState, index: number, sequence: number | undefined): void {
    if (this.#inDoubt.has(session) || !this.subject.abilities.has("numbers")) return;
    const expected = nextSequence(state) + index;
    if (sequence !== undefined && sequence !== expected) {
      throw new Violation("I3", `A record has got the number ${sequence}, not ${expected}`);
    }
  }

  /** Ends the store as its user would. */
  async close(): Promise<void> {
    const [store, sink] = [this.#store, this.sink];
    this.#store = null;
    this.sink = null;
    if (store === null) return;
    try {
      await sink?.close();
      await store.close();
      for (let session = 0; session < sessionKeys.length; session++) await this.settle(session, async () => {});
    } catch (error) {
      if (!this.expectsErrors) throw new Violation("error", `The store could not be closed: ${describeError(error)}`);
    }
  }

  /** The program goes on with another machine, or as another program; nothing is open. */
  moveTo(fileSystem: SimulatedFileSystem): void {
    this.#store = null;
    this.sink = null;
    this.fileSystem = fileSystem;
  }

  /**
   * Opens the store for writing, lets every session recover, looks at what is there, and takes it for the truth.
   *
   * @param died What ended the last program: with `power`, only what was durable must be there; with `kill`, also what
   *   the kernel had.
   */
  async recover(died: "power" | "kill" | "nothing"): Promise<void> {
    let store: SubjectStore;
    const opened = new Set<number>();
    try {
      store = await this.store();
      for (const session of this.touched) {
        const key = sessionKeys[session] ?? "";
        if (!await store.has(key)) continue;
        opened.add(session);
        await (await store.session(key)).update({});
      }
    } catch (error) {
      throw new Violation("I10", `Recovery failed: ${describeError(error)}`);
    }
    const observed = await this.#observe(store, this.touched, true);
    for (const [session, shown] of observed) {
      const model = this.model(session);
      const atLeast = Math.max(model.completedAtLeast(), died === "power" ? 0 : model.keptAtLeast());
      const explaining = opened.has(session) ? explainExisting : explain;
      const index = explaining(shown, model, atLeast);
      const isFinal = died === "power" || opened.has(session);
      this.#update(session, (before) => isFinal ? before.collapse(index, shown.log) : before.cut(index, shown.log));
    }
  }

  /** Reads everything without the lock, from another program; nothing may be written by that. */
  async readOnly(): Promise<void> {
    const { counters } = this.fileSystem;
    const before = counters.writes + counters.namespaceOperations + counters.truncations;
    const reader = await this.openAnother(true)
      .catch((error: unknown) => {
        if (systemErrorCode(error) === "not-found") return null;
        throw new Violation("reading", `A reader could not open the store: ${describeError(error)}`);
      });
    if (reader === null) return;
    try {
      const observed = await this.#observe(reader, this.touched, false);
      for (const [session, shown] of observed) explain(shown, this.model(session), 0);
    } catch (error) {
      if (error instanceof Violation) throw error;
      throw new Violation("reading", `A reader failed: ${describeError(error)}`);
    } finally {
      await reader.close();
    }
    const after = counters.writes + counters.namespaceOperations + counters.truncations;
    if (after !== before) throw new Violation("reading", "A reader has written something");
  }

  /** Checks what is in the directory beside the sessions: nothing is left over (I18), and what is others' stays (I16). */
  async checkDirectory(): Promise<readonly string[]> {
    if (this.foreignFiles) await checkForeignFiles(this.fileSystem);
    const isForeign = (path: string): boolean => this.foreignFiles && foreignPaths.has(path);
    const { temporaries, quarantined, others } = await observeDirectory(this.fileSystem, this.touched, isForeign);
    if (others.length > 0) throw new Violation("I3", `Nobody has asked for ${others.join(", ")}`);
    if (temporaries.length === 0) return quarantined;
    // What a name without a session has left goes when that session is first written.
    const store = await this.store();
    const opened: string[] = [];
    for (const [session, key] of sessionKeys.entries()) if (await store.has(key)) opened.push(filesOf(session).name);
    if (temporaries.some((path) => opened.some((name) => path.startsWith(`${storeDirectory}/${name}.`)))) {
      throw new Violation("I18", `Left over after recovery: ${temporaries.join(", ")}`);
    }
    return quarantined;
  }

  /** Ends everybody who reads along, and checks what they have seen. */
  async endFollowers(): Promise<void> {
    for (const follower of this.followers.splice(0)) await follower.end();
  }

  async #observe(
    store: SubjectStore,
    sessions: readonly number[],
    withHidden: boolean,
  ): Promise<ReadonlyMap<number, ObservedSession>> {
    const observed = await observe(store, sessions, this.#watched, withHidden);
    if (this.subject.abilities.has("numbers")) return observed;
    return new Map([...observed].map(([session, shown]) => [session, numberedBy(shown, this.model(session))]));
  }

  #update(session: number, change: (model: SessionModel) => SessionModel): void {
    if (!this.touched.includes(session)) this.touched = [...this.touched, session];
    this.world = this.world.with(session, change);
  }
}

/**
 * Says what an error is.
 *
 * @param error Anything that was thrown.
 * @returns Its name, code and message.
 */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = systemErrorCode(error);
  const cause = error.cause === undefined ? "" : `; because of ${describeError(error.cause)}`;
  return `${error.name}${code === undefined ? "" : ` ${code}`}: ${error.message}${cause}`;
}
