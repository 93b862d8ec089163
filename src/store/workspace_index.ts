/**
 * The index of workspaces: a small file of the store that says which session of a workspace was written to last, so
 * that an agent that starts finds its conversation without looking at all of them.
 *
 * It is a cache. It is replaced only when an answer changes: when a session is first written to after it was opened,
 * and is not the one that the index names already. Steady appends leave it alone: who asks looks at the few logs that
 * it names, and sees which was written to since. Every answer is checked against the session's meta file. Where the
 * index is missing, damaged or does not know, the sessions are looked at; what is read is never repaired by reading.
 *
 * Processes take turns under a lock of their own, held for one replacement. Where the index cannot be written, it is
 * removed: no answer is better than a wrong one.
 *
 * @module
 */

import { systemErrorCode } from "../errors.ts";
import type { FileLock } from "../fs/filesystem.ts";
import { readWhole, replaceFile, statIfThere, unlinkIfThere } from "../log/atomic_file.ts";
import { findLatest } from "./latest_session.ts";
import { readMeta } from "./session_location.ts";
import { type SessionFiles, sessionFiles } from "./session_name.ts";
import type { DirectoryContext } from "./store_context.ts";
import {
  encodeRanking,
  entriesMax,
  type LogStamp,
  parseRanking,
  rankedMax,
  type RankedSession,
  rankNow,
  type WorkspaceRanking,
  workspacesMax,
} from "./workspace_ranking.ts";

/** The index; hidden, since no session of ours has a hidden name, and not `.json`, which picoclaw would take over. */
export const workspaceIndexName = ".workspaces";

/** A session that is open for writing, as the index needs to know it. */
export interface IndexedSession {
  /** The session's key. */
  readonly key: string;
  /** Its paths. */
  readonly files: SessionFiles;
}

/** More is not ours. */
const indexBytesMax = 16 * 1024 * 1024;
/** How often, a second each, another process that replaces the index is waited for. */
const waitsMax = 5;
const waitMs = 1000;
const lockSuffix = ".lock";

/** The index of one store. */
export class WorkspaceIndex {
  readonly #context: DirectoryContext;
  readonly #path: string;
  /** Open sessions that the index knows of, each with its workspace. */
  readonly #told = new WeakMap<IndexedSession, string>();
  /** By workspace: the key that this process wrote to last. */
  readonly #lastHere = new Map<string, string>();
  #turn: Promise<void> = Promise.resolve();
  /** Waiting again for each append would be worse than an index that is behind. */
  #patient = true;

  /**
   * Creates it; nothing is read.
   *
   * @param context What the store shares.
   */
  constructor(context: DirectoryContext) {
    this.#context = context;
    this.#path = `${context.directory}/${workspaceIndexName}`;
  }

  /**
   * Takes note that a session is about to be written to. Never fails: a cache keeps nobody from appending.
   *
   * @param session The open session.
   * @param workspace Its workspace; null if it has none.
   * @returns What to wait for before the write is acknowledged; null if there is nothing, as for every steady append.
   */
  touch(session: IndexedSession, workspace: string | null): Promise<void> | null {
    if (workspace === null) return null;
    if (this.#lastHere.get(workspace) !== session.key) this.#noteLast(workspace, session.key);
    if (this.#told.get(session) === workspace) return null;
    const told = this.#turn.then(async () => await this.#tell(session, workspace));
    this.#turn = told;
    return told;
  }

  /**
   * The session of a workspace that was written to last.
   *
   * @param workspace The workspace.
   * @returns Its key; null if the workspace has no session.
   */
  async latest(workspace: string): Promise<string | null> {
    const ranking = await this.#read();
    for (const session of await this.#rank(ranking?.get(workspace) ?? [], workspace)) {
      if (!session.held && await this.#belongs(session, workspace)) return session.key;
    }
    return await findLatest(this.#context, workspace);
  }

  /**
   * Forgets a session that is deleted: nothing that is written down names it any more. Never fails.
   *
   * @param session The session; its meta file says that it is gone.
   * @param workspace Its workspace; null if it had none.
   */
  async forget({ key }: IndexedSession, workspace: string | null): Promise<void> {
    if (workspace === null) return;
    if (this.#lastHere.get(workspace) === key) this.#lastHere.delete(workspace);
    this.#turn = this.#turn.then(async () =>
      await this.#remove(key, workspace).catch(async (error: unknown) => {
        await this.#discard(error);
      })
    );
    await this.#turn;
  }

  async #remove(key: string, workspace: string): Promise<void> {
    const named = (ranking: WorkspaceRanking | null): boolean => {
      return ranking?.get(workspace)?.some((session) => session.key === key) === true;
    };
    if (!named(await this.#read())) return;
    const lock = await this.#lock();
    // Who has it replaces it by what is there: a session that is gone is passed over.
    if (lock === null) return;
    try {
      const ranking = await this.#read();
      if (ranking === null || !named(ranking)) return;
      const others = (ranking.get(workspace) ?? []).filter((session) => session.key !== key);
      if (others.length > 0) ranking.set(workspace, others);
      else ranking.delete(workspace);
      await replaceFile(this.#context.fileSystem, this.#path, `${this.#path}.tmp`, encodeRanking(ranking));
      this.#context.counters.indexWrites++;
    } finally {
      await lock.release();
    }
  }

  #noteLast(workspace: string, key: string): void {
    this.#lastHere.delete(workspace);
    this.#lastHere.set(workspace, key);
    for (const oldest of this.#lastHere.keys()) {
      if (this.#lastHere.size <= workspacesMax) return;
      this.#lastHere.delete(oldest);
    }
  }

  async #tell(session: IndexedSession, workspace: string): Promise<void> {
    if (this.#told.get(session) === workspace) return;
    try {
      if (await this.#isFront(session, workspace) || await this.#replaceLocked(session, workspace)) {
        this.#told.set(session, workspace);
      }
    } catch (error) {
      if (await this.#discard(error)) this.#told.set(session, workspace);
    }
  }

  /** Whether the answer stays as it is: nobody else was written to since the index named this session. */
  async #isFront(session: IndexedSession, workspace: string): Promise<boolean> {
    const sessions = (await this.#read())?.get(workspace) ?? [];
    if (sessions[0]?.key !== session.key || sessions[0].held) return false;
    const others = sessions.slice(1);
    const stamps = await this.#stamps(others);
    return others.every(({ size, modifiedMs }, index) =>
      stamps[index]?.modifiedMs === modifiedMs && stamps[index].size <= size
    );
  }

  async #replaceLocked(session: IndexedSession, workspace: string): Promise<boolean> {
    const lock = await this.#lock();
    if (lock === null) return false;
    try {
      const ranking = await this.#read() ?? new Map<string, RankedSession[]>();
      const known = ranking.get(workspace) ?? await this.#heldSessions(workspace);
      const others = (await this.#rank(known, workspace)).filter(({ key }) => key !== session.key);
      const kept = await this.#withinBounds(others);
      const wasThere = ranking.delete(workspace);
      // One that is open and not in the list could be written to, and nobody would see it: the sessions are looked at.
      if (kept === null && !wasThere) return true;
      if (kept !== null) {
        const { name } = session.files;
        const [stamp] = await this.#stamps([{ name }]);
        const front = { key: session.key, name, size: 0, modifiedMs: 0, ...stamp, held: false };
        ranking.set(workspace, [front, ...kept]);
      }
      for (const oldest of ranking.keys()) {
        if (ranking.size <= workspacesMax) break;
        ranking.delete(oldest);
      }
      await replaceFile(this.#context.fileSystem, this.#path, `${this.#path}.tmp`, encodeRanking(ranking));
      this.#context.counters.indexWrites++;
      return true;
    } finally {
      await lock.release();
    }
  }

  async #lock(): Promise<FileLock | null> {
    const { fileSystem } = this.#context;
    const path = this.#path + lockSuffix;
    for (let waits = 0;; waits++) {
      const attempt = await fileSystem.lock(path, fileSystem.processName ?? "");
      if (attempt.acquired) {
        this.#patient = true;
        return attempt.lock;
      }
      if (!this.#patient || waits === waitsMax) break;
      await fileSystem.waitForChange(path, AbortSignal.timeout(waitMs));
    }
    if (this.#patient) this.#report("Index of workspaces is being replaced by a process that does not go on");
    this.#patient = false;
    return null;
  }

  /** What cannot be brought up to date must not be believed. */
  async #discard(cause: unknown): Promise<boolean> {
    const { fileSystem, directory } = this.#context;
    const reason = cause instanceof Error ? cause.message : String(cause);
    try {
      if (await unlinkIfThere(fileSystem, this.#path)) await fileSystem.syncDirectory(directory);
      this.#report(`Index of workspaces could not be written, and was removed: ${reason}`);
      return true;
    } catch {
      return false;
    }
  }

  async #read(): Promise<WorkspaceRanking | null> {
    try {
      const bytes = await readWhole(this.#context.fileSystem, this.#path, indexBytesMax);
      if (bytes === null) return null;
      const ranking = parseRanking(bytes);
      if (ranking === null) this.#report("Index of workspaces is damaged; the sessions are looked at instead");
      return ranking;
    } catch (error) {
      if (systemErrorCode(error) === undefined) throw error;
      this.#report(
        `Index of workspaces cannot be read (${systemErrorCode(error)}); the sessions are looked at instead`,
      );
      return null;
    }
  }

  async #rank(sessions: readonly RankedSession[], workspace: string): Promise<RankedSession[]> {
    return rankNow(sessions, await this.#stamps(sessions), this.#lastHere.get(workspace));
  }

  async #stamps(sessions: readonly { name: string }[]): Promise<LogStamp[]> {
    const { fileSystem, directory } = this.#context;
    return await Promise.all(sessions.map(async ({ name }) => {
      const stat = await statIfThere(fileSystem, sessionFiles(directory, name).log);
      return { size: stat?.size ?? 0, modifiedMs: Math.floor(stat?.modifiedMs ?? 0) };
    }));
  }

  async #belongs({ key, name }: RankedSession, workspace: string): Promise<boolean> {
    const { fileSystem, directory } = this.#context;
    const meta = await readMeta(fileSystem, sessionFiles(directory, name).meta);
    return meta.state === "ok" && meta.meta.key === key && !meta.meta.deleted && meta.meta.workspace === workspace;
  }

  /** Where the index has lost a workspace, those of its sessions that somebody may be writing are put down again. */
  async #heldSessions(workspace: string): Promise<RankedSession[]> {
    const { fileSystem, directory } = this.#context;
    const held: RankedSession[] = [];
    for (const { name: fileName } of await fileSystem.readDirectory(directory)) {
      // One more than there is room for says enough.
      if (held.length > entriesMax) break;
      if (!fileName.endsWith(lockSuffix)) continue;
      const name = fileName.slice(0, -lockSuffix.length);
      const files = sessionFiles(directory, name);
      const meta = await readMeta(fileSystem, files.meta).catch(() => null);
      if (meta?.state !== "ok" || meta.meta.workspace !== workspace || meta.meta.deleted) continue;
      const [stamp] = await this.#stamps([{ name }]);
      held.push({ key: meta.meta.key, name, size: 0, modifiedMs: 0, ...stamp, held: true });
    }
    return held;
  }

  /** Whom nobody has open cannot be written to without coming through here again. Null: more are open than have room. */
  async #withinBounds(sessions: readonly RankedSession[]): Promise<RankedSession[] | null> {
    const { fileSystem, directory } = this.#context;
    const ranked = sessions.filter(({ held }) => !held);
    const kept = ranked.slice(0, rankedMax - 1);
    for (const session of [...ranked.slice(rankedMax - 1), ...sessions.filter(({ held }) => held)]) {
      const isLocked = await statIfThere(fileSystem, sessionFiles(directory, session.name).lock) !== null;
      if (!isLocked) continue;
      if (kept.length === entriesMax - 1) return null;
      kept.push({ ...session, held: true });
    }
    return kept;
  }

  #report(message: string): void {
    this.#context.report({ type: "index-discarded", path: this.#path, message });
  }
}
