/**
 * The formats that can be written.
 *
 * @module
 */
import { codetetherWriter } from "./codetether_writer.ts";
import { gencodeWriter } from "./gencode_writer.ts";
import { htmlWriter } from "./html_writer.ts";
import { jsonlWriter } from "./jsonl_writer.ts";
import { markdownWriter } from "./markdown_writer.ts";
import { omegaWriter } from "./omega_writer.ts";
import { picoclawWriter } from "./picoclaw_writer.ts";
import type { FormatWriter } from "./session_format.ts";

/** All of them, the default first. */
export const formatWriters: readonly FormatWriter[] = [
  jsonlWriter,
  picoclawWriter,
  gencodeWriter,
  omegaWriter,
  codetetherWriter,
  markdownWriter,
  htmlWriter,
];
