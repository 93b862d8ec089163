/**
 * Opens the bucket that a command works on.
 *
 * @module
 */

import { HoldfastError } from "../errors.ts";
import { type ObjectStore, openBucket, readBucketSettings } from "../sink/mod.ts";
import { type CommandContext, UsageError } from "./command.ts";

/** What `push`, `pull` and `sink` say of where the bucket is. */
export const bucketHelp: readonly string[] = [
  "The bucket is any that speaks S3. Set HOLDFAST_S3_BUCKET, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and if it is " +
  "not Amazon's HOLDFAST_S3_ENDPOINT (https://; http:// only if you write it) and HOLDFAST_S3_REGION; " +
  "HOLDFAST_S3_PREFIX is put in front of all names. Or put these lines into a file of mode 600 and name it in " +
  "HOLDFAST_S3_FILE.",
  "With HOLDFAST_S3_ENCRYPTION_KEY (64 hexadecimal digits: openssl rand -hex 32) everything is encrypted before it " +
  "leaves the device. Who loses the key loses what is in the bucket.",
];

/**
 * Opens the bucket for one command and gives its requests up afterwards, whatever happens.
 *
 * @param context The command's.
 * @param use What the command does.
 * @returns What `use` returned.
 * @throws {UsageError} If the settings are not complete, or wrong; without a word of what they hold.
 */
export async function withBucket<T>(context: CommandContext, use: (objects: ObjectStore) => Promise<T>): Promise<T> {
  let objects: ObjectStore;
  try {
    objects = await openBucket(await readBucketSettings(context.environment));
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    throw new UsageError(error.message, "What has to be set is said by: holdfast push --help");
  }
  try {
    return await use(objects);
  } finally {
    objects.abort?.();
  }
}
