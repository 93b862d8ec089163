/**
 * Every step that the suite takes out of the product, by what it belongs to.
 *
 * @module
 */

import { agentMutations } from "./agent_mutations.ts";
import { backgroundMutations } from "./background_mutations.ts";
import { blobMutations } from "./blob_mutations.ts";
import { blobOrderMutations } from "./blob_order_mutations.ts";
import { archiveMutations, forkMutations } from "./fork_mutations.ts";
import { housekeepingMutations } from "./housekeeping_mutations.ts";
import { leftoverMutations } from "./leftover_mutations.ts";
import { lineLengthMutations, writeLengthMutations } from "./log_length_mutations.ts";
import { appendMutations, limitMutations, lineMutations, recoveryMutations } from "./log_mutations.ts";
import { madeOrderMutations } from "./made_order_mutations.ts";
import { nameOrderMutations } from "./name_order_mutations.ts";
import { openingMutations } from "./opening_mutations.ts";
import { recoveryLengthMutations } from "./recovery_length_mutations.ts";
import { sinkLengthMutations } from "./sink_length_mutations.ts";
import { sinkMutations } from "./sink_mutations.ts";
import { storeKeepingLengthMutations } from "./store_keeping_length_mutations.ts";
import { storeLengthMutations } from "./store_length_mutations.ts";
import { nameMutations, orderMutations } from "./store_mutations.ts";
import { storeReadingLengthMutations } from "./store_reading_length_mutations.ts";
import { syncMutations } from "./sync_mutations.ts";
import { trashOrderMutations } from "./trash_order_mutations.ts";
import { trashSyncMutations } from "./trash_sync_mutations.ts";
import type { Mutation } from "./mutation.ts";

/** The groups. */
export const mutationTable: ReadonlyMap<string, readonly Mutation[]> = new Map([
  ["appending", appendMutations],
  ["limits", limitMutations],
  ["lines", lineMutations],
  ["recovery", recoveryMutations],
  ["lengths of lines", lineLengthMutations],
  ["lengths of what is written", writeLengthMutations],
  ["lengths that recovery compares", recoveryLengthMutations],
  ["lengths that the store compares", storeLengthMutations],
  ["lengths of what the store keeps", storeKeepingLengthMutations],
  ["lengths of what the store reads", storeReadingLengthMutations],
  ["lengths that the sink compares", sinkLengthMutations],
  ["names and files", nameMutations],
  ["meta file and log", orderMutations],
  ["which name changes first", nameOrderMutations],
  ["which name changes first in what is made of others", madeOrderMutations],
  ["what is taken away", leftoverMutations],
  ["the order of the trash", trashOrderMutations],
  ["large values", blobMutations],
  ["the order of large values", blobOrderMutations],
  ["what agents build on", agentMutations],
  ["forks", forkMutations],
  ["the archive", archiveMutations],
  ["checkpoints and background saves", backgroundMutations],
  ["directories, old files, foreign bytes", openingMutations],
  ["housekeeping", housekeepingMutations],
  ["the sink", sinkMutations],
  ["single syncs", syncMutations],
  ["single syncs of the trash", trashSyncMutations],
]);
