/**
 * History off the device: sends the sessions of a store to any S3-compatible bucket, and brings them back. Never on the
 * path of an append. The client is the package `s3mini`, which is only loaded by `openBucket`.
 *
 * The layout of the bucket is described in `LAYOUT.md`.
 *
 * @module
 */

export { type ObjectStore } from "./object_store.ts";
export { openSink, type SinkOptions } from "./open_sink.ts";
export { Sink, type SinkFlushOptions } from "./sink.ts";
export { type SinkCounters, type SinkEvent, type SinkSessionStatus } from "./sink_report.ts";
export { type BucketSettings, HiddenText, readBucketSettings, type SinkEnvironment } from "./bucket_settings.ts";
export { type BucketOptions, openBucket } from "./open_bucket.ts";
export { type BucketSession, listBucketSessions, readBucketSession } from "./bucket_sessions.ts";
export { type ArchivedFacts, type Manifest } from "./manifest.ts";
export { type PullOptions, type PullProgress, type PullResult, pullSession } from "./pull_session.ts";
export { readSinkStatus } from "./sink_sessions.ts";
