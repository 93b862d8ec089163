/**
 * `--blobs BYTES`, for commands that append: keeps large strings out of the log.
 *
 * @module
 */

import type { StoreOptions } from "../../mod.ts";
import { blobBytesMax } from "../store/blob_values.ts";
import { valueBytesLowest } from "../store/store_options.ts";
import { type CommandContext, type OptionDescription, UsageError } from "./command.ts";

/** The option. */
export const blobsOption: OptionDescription = {
  name: "blobs",
  value: "BYTES",
  kind: "count",
  description: "keep strings of at least so many bytes in files of their own (blobs/)",
};

/**
 * What the option says.
 *
 * @param context The command's.
 * @returns Options for the store.
 * @throws {UsageError} If the number is too small, or too large.
 */
export function blobOptions(context: CommandContext): Pick<StoreOptions, "blobs"> {
  const valueBytesMin = context.parsed.count("blobs");
  if (valueBytesMin === undefined) return {};
  if (valueBytesMin < valueBytesLowest || valueBytesMin > blobBytesMax) {
    throw new UsageError(`Option --blobs needs a number of bytes from ${valueBytesLowest} to ${blobBytesMax}`);
  }
  return { blobs: { valueBytesMin } };
}
