/**
 * What a sink says of itself: counters, events, and how far it is with each session. Never credentials, never records.
 *
 * @module
 */

/** What a sink has done since it was opened. */
export interface SinkCounters {
  /** Requests that were sent to the bucket, and answered or not. */
  requests: number;
  /** Bytes of objects that were sent, those of requests that failed included. */
  bytesSent: number;
  /** Objects of records that were made. */
  objects: number;
  /** Records in them. */
  records: number;
  /** Large values that were sent. */
  blobs: number;
  /** Objects that were found in the bucket already, compared, and taken as ours. */
  adopted: number;
  /** Syncs of the sink's own, of logs that other processes write. */
  syncs: number;
  /** Rounds that failed and are tried again. */
  failures: number;
}

/** What a sink tells; never silent about what it does by itself. */
export interface SinkEvent {
  /**
   * What happened: `bucket-unreachable` (tried again later), `session-failed` (one session could not be sent, tried
   * again later), `session-renamed` (it got a new id because the bucket has another history under the old one),
   * `blob-missing` (a large value is not there to be sent), `cursor-unwritten` (tried again later).
   */
  type: "bucket-unreachable" | "session-failed" | "session-renamed" | "blob-missing" | "cursor-unwritten";
  /** The session concerned, where it is one. */
  key?: string;
  /** What happened, for a person. */
  message: string;
}

/** How far the sink is with one session. */
export interface SinkSessionStatus {
  /** The session's key. */
  key: string;
  /** Its id, by which the bucket is laid out; null: the sink has not taken it yet. */
  id: string | null;
  /** The epoch that this device writes in; 0: it has not claimed the session yet. */
  epoch: number;
  /** All records below this number are in the bucket. */
  uploaded: number;
  /** The number that the next record of the session gets. */
  next: number;
}

/**
 * Counters at zero.
 *
 * @returns Them.
 */
export function createSinkCounters(): SinkCounters {
  return { requests: 0, bytesSent: 0, objects: 0, records: 0, blobs: 0, adopted: 0, syncs: 0, failures: 0 };
}
