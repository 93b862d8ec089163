/**
 * What a mutation is: one step of the product that is missing, and who is to notice.
 *
 * @module
 */

import { storeDirectory, type Subject } from "../../src/torture/subject.ts";
import { holdfastSubject } from "../../src/torture/subject.ts";
import { withAgents } from "../../src/torture/subject_agents.ts";
import { withSinks } from "../../src/torture/subject_sink.ts";
import type { Hunt, Prey } from "./hunts.ts";
import { loadMutant, type OpenStore, type Replacement } from "./mutant_source.ts";
import { type LeaveOut, MutatedFileSystem } from "./mutated_filesystem.ts";

/** One step that is missing. */
export interface Mutation {
  /** What is missing, as a phrase. */
  readonly name: string;
  /** Left out by the port. */
  readonly leaveOut?: LeaveOut;
  /** Replaced in a copy of the source. */
  readonly replace?: readonly Replacement[];
  /** Who is to notice, the likeliest first. */
  readonly hunts: readonly Hunt[];
  /** Why nobody can notice: another step gives the same promise. Then all hunts must find nothing. */
  readonly redundant?: string;
  /**
   * Why it is enough that the mutant fails with an error that says nothing of a promise: a `TypeError` of its own, say,
   * which every caller would notice. Without, such an error is not taken for one who has noticed.
   */
  readonly fails?: string;
}

/** Makes the mutant of a mutation; of none, a true copy of the product. */
export async function preyOf(mutation: Pick<Mutation, "leaveOut" | "replace"> | null): Promise<Prey> {
  const { leaveOut, replace = [] } = mutation ?? {};
  const { directory, openStore: openCopy, openSink, openBucket, pullSession, quickCheck, tools } = await loadMutant(
    replace,
  );
  const open: OpenStore = leaveOut === undefined ? openCopy : async (path, options = {}) => {
    const { fileSystem } = options;
    if (fileSystem === undefined) throw new TypeError("A mutant needs a simulated file system");
    return await openCopy(path, { ...options, fileSystem: new MutatedFileSystem(fileSystem, leaveOut) });
  };
  const subject: Subject = {
    ...holdfastSubject,
    open: async ({ fileSystem, readOnly, onEvent, settings }) => {
      const events = onEvent === undefined ? {} : { onEvent };
      const store = await open(storeDirectory, { ...settings, fileSystem, readOnly, ...events });
      return withSinks(withAgents(store, tools), fileSystem, openSink);
    },
  };
  return { directory, subject, open, openSink, openBucket, pullSession, quickCheck };
}
