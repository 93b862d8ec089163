/**
 * What is known at a moment beside the machine, so that a run can go on from a copy of it.
 *
 * @module
 */

import type { StoreOptions } from "../store/store_options.ts";
import { SessionModel, WorldModel } from "./model.ts";
import type { OperationKind } from "./operations.ts";
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
  /** The operations that have been begun. */
  readonly used: readonly OperationKind[];
  /** Whether lines of somebody else may be torn in the logs. */
  readonly withForeign: boolean;
  /** How the store is opened, beside what every one is given. */
  readonly settings: Readonly<Partial<StoreOptions>>;
}

/** What is known before anything has happened. */
export const nothingKnown: Knowledge = {
  world: new WorldModel(sessionKeys.map(() => new SessionModel())),
  label: 0,
  touched: [],
  watched: [],
  used: [],
  withForeign: false,
  settings: {},
};
