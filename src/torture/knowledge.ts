/**
 * What is known at a moment beside the machine, so that a run can go on from a copy of it.
 *
 * @module
 */

import { mixHashes } from "../testing/image_hash.ts";
import type { StoreOptions } from "../store/store_options.ts";
import { hashText, SessionModel, WorldModel } from "./model.ts";
import type { OperationKind } from "./operations.ts";
import { laboratoryBlobs } from "./record_texts.ts";
import { sessionKeys } from "./subject.ts";
import type { FactName } from "./watched_facts.ts";

/** What is known at a moment; never changed. */
export interface Knowledge {
  /** What may be there. */
  readonly world: WorldModel;
  /** The label of the latest record, summary, …. */
  readonly label: number;
  /** The sessions that anybody has ever tried to write to. */
  readonly touched: readonly number[];
  /** The facts that anybody has ever set. */
  readonly watched: readonly FactName[];
  /** The operations that have been begun, of those that want something to be checked. */
  readonly checked: readonly OperationKind[];
  /** Whether lines of somebody else may be torn in the logs. */
  readonly withForeign: boolean;
  /** Whether somebody else keeps files in the store's directory. */
  readonly foreignFiles: boolean;
  /** How the store is opened, beside what every one is given. */
  readonly settings: Readonly<Partial<StoreOptions>>;
}

/**
 * A number for all that decides how a run goes on, beside the machine.
 *
 * @param known What is known. Functions among its settings do not count.
 * @returns An integer below 2^53.
 */
export function knowledgeHash({ world, touched, watched, checked, withForeign, settings }: Knowledge): number {
  return mixHashes(world.fingerprint, hashText(JSON.stringify([touched, watched, checked, withForeign, settings])));
}

/** What is known before anything has happened. */
export const nothingKnown: Knowledge = {
  world: new WorldModel(sessionKeys.map(() => new SessionModel())),
  label: 0,
  touched: [],
  watched: [],
  checked: [],
  withForeign: false,
  foreignFiles: false,
  settings: { blobs: laboratoryBlobs },
};
