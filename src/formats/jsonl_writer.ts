/**
 * Plain JSON Lines, written: one record per line, byte for byte as it was appended.
 *
 * @module
 */
import { writeJsonLine } from "./jsonl.ts";
import { LossCount } from "./loss_count.ts";
import type { FormatWriter, SessionWriter } from "./session_format.ts";
import { countLostFacts } from "./written_message.ts";

/** The {@linkcode FormatWriter} of JSON Lines. */
export const jsonlWriter: FormatWriter = {
  name: "jsonl",
  title: "JSON Lines, a record per line",
  extension: ".jsonl",
  directory: "",
  losses: ["Summary, title, workspace and how many records are hidden: JSON Lines holds records only."],
  wantsBranch: false,
  open(facts): SessionWriter {
    const losses = new LossCount();
    countLostFacts(facts, losses, []);
    return {
      begin: () => "",
      write: (text) => ({ kind: "line", text: writeJsonLine(text) }),
      end: () => "",
      files: () => [],
      lost: () => losses.list(),
    };
  },
};
