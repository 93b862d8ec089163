/**
 * A laboratory for programs that must not lose what they promised to keep: a file system in memory that loses power,
 * calls that fail, syncs that lie.
 *
 * Write your store against {@linkcode FileSystem}, the port, and give it a {@linkcode SimulatedFileSystem}. Let it
 * work, ask {@linkcode crashStates} which power cuts are worth trying, `crash()` into each, open your store on what is
 * left, and check that everything it had acknowledged is there. What survives is decided by a plain list of integers,
 * so a property-testing library can shrink it together with the operations.
 *
 * - `ordered` is ext4 with ordered data and barriers: names and sizes survive as a prefix of their sequence; `weak` is
 *   the least that POSIX lets anybody promise: only a sync of a file, or of a directory, orders anything. A store that
 *   holds in both, with sectors of 512 and of 4,096 bytes, holds.
 * - {@linkcode SimulatedFileSystem.onStep} is called between the smallest steps of every call: take a `clone()` there
 *   and crash it, also during recovery.
 * - {@linkcode FaultyFileSystem} makes the n-th call of any port fail; {@linkcode DeviceProfile} makes the device lie.
 *
 * @example A toy store that forgets to sync before it renames
 * ```ts
 * import { crashStates, type FileSystem, SimulatedFileSystem } from "holdfast/testing";
 * import assert from "node:assert/strict";
 *
 * async function save(fileSystem: FileSystem, text: string, sync: boolean): Promise<void> {
 *   const file = await fileSystem.open("/note.new", { access: "write", create: "exclusive" });
 *   await file.write(new TextEncoder().encode(text), 0);
 *   if (sync) await file.syncData();
 *   await file.close();
 *   await fileSystem.rename("/note.new", "/note");
 *   await fileSystem.syncDirectory("/");
 * }
 *
 * async function load(fileSystem: FileSystem): Promise<string> {
 *   const file = await fileSystem.open("/note", { access: "read" });
 *   const bytes = new Uint8Array((await file.stat()).size);
 *   await file.read(bytes, 0);
 *   await file.close();
 *   return new TextDecoder().decode(bytes);
 * }
 *
 * async function findBugs(sync: boolean): Promise<string[]> {
 *   const fileSystem = new SimulatedFileSystem({ model: "weak" });
 *   await save(fileSystem, "old", true);
 *   await save(fileSystem, "new", sync);
 *   const stories: string[] = [];
 *   for (const { choices } of crashStates(fileSystem)) {
 *     const found = await load(fileSystem.clone().crash(choices));
 *     if (found !== "new") stories.push(fileSystem.describe(choices));
 *   }
 *   return stories;
 * }
 *
 * assert.deepEqual(await findBugs(true), []);
 * assert.match((await findBugs(false))[0] ?? "", /write \/note.new 0..3: lost/);
 * ```
 *
 * @module
 */

export type {
  DirectoryEntry,
  FileHandle,
  FileKind,
  FileLock,
  FileStat,
  FileSystem,
  LockAttempt,
  OpenOptions,
} from "../fs/filesystem.ts";
export type { Choices } from "./crash_choices.ts";
export { type CrashState, crashStates, type CrashStatesOptions } from "./crash_states.ts";
export type { PendingDescription, PendingKind } from "./crash_story.ts";
export type { Fault, FaultPlan, PortCall, PortMethod } from "./fault_injector.ts";
export { FaultyFileSystem } from "./faulty_filesystem.ts";
export type { DeviceProfile } from "./lying_device.ts";
export type { CrashModel, SectorBytes } from "./pending_operations.ts";
export { SimulatedFileSystem } from "./simulated_filesystem.ts";
export type { ContentWatch, SimulatedCounters, SimulatedFileSystemOptions, StepHook } from "./simulated_machine.ts";
export type { SyncFaultMode } from "./writeback.ts";
