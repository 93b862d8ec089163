import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { after, test } from "node:test";
import { loadTranscriptMutant, type OpenTranscript, transcriptProbes } from "./transcript_probe.ts";

/** One step of a transcript that is missing: in which file, what stands there, and what instead. */
type TranscriptMutation = readonly [name: string, file: string, from: string, to: string];

const mutations: readonly TranscriptMutation[] = [
  [
    "a turn's records are appended one by one",
    "transcript.ts",
    "const receipts = await this.session.appendAll(records, { durability });",
    "const receipts = [];\n    for (const record of records) receipts.push(await this.session.append(record, { durability }));",
  ],
  [
    "a turn is buffered",
    "transcript.ts",
    'await this.#append([...drafts], "durable")',
    'await this.#append([...drafts], "buffered")',
  ],
  [
    "everything is durable by itself",
    "transcript_record.ts",
    'bufferedTypes.has(type) ? "buffered"',
    'bufferedTypes.has(type) ? "durable"',
  ],
  [
    "answers ride along",
    "transcript_record.ts",
    '  "inference.requested",\n  "system',
    '  "inference.requested",\n  "inference.responded",\n  "system',
  ],
  ["a repeated message is not made durable", "transcript.ts", "await this.#makeDurable();", "{}"],
  [
    "a session that is not open is not opened to make it durable",
    "transcript.ts",
    "await this.session.update({});",
    "{}",
  ],
  [
    "what is in the log is appended again",
    "transcript.ts",
    "const known = projection.find(draft.name) ?? (",
    "const known = (undefined) ?? (",
  ],
  ["what is under way is appended again", "transcript.ts", "known ?? this.#underWay.get(draft.name)", "known"],
  [
    "what comes twice in a turn is appended twice",
    "transcript.ts",
    "const own = names.indexOf(name);",
    "const own = -1;",
  ],
  [
    "a session is started twice",
    "transcript.ts",
    "isStart ? projection.startedSequence",
    "!isStart ? projection.startedSequence",
  ],
  [
    "a message does not wait for its parent",
    "append_order.ts",
    "if (step.isLinked && this.#linkedUnderWay > 0) return;",
    "",
  ],
  [
    "the log is scanned for each append",
    "transcript.ts",
    "if (record !== undefined && !duplicate && sequence === projection.next)",
    "if (record === undefined)",
  ],
  [
    "what others have appended goes unnoticed",
    "transcript.ts",
    "else if (this.#projection === projection) this.#projection = null;",
    "",
  ],
  [
    "the boundary is left out",
    "message_tree.ts",
    "if (id === limits.boundaryId) {\n        end",
    "if (node.parentId === limits.boundaryId) {\n        end",
  ],
  ["what is truncated is shown", "transcript.ts", "projection.first = sequence;", "projection.first = 0;"],
  [
    "side chains are in the main chain",
    "transcript_record.ts",
    'record["isSidechain"] === true ?',
    'record["isSidechain"] === 1 ?',
  ],
];

const scratch: string[] = [];
after(() => {
  for (const directory of scratch.splice(0)) rmSync(directory, { recursive: true, force: true });
});

/** The first promise that is seen to break; null if none is. */
async function broken(open: OpenTranscript): Promise<string | null> {
  for (const [name, probe] of transcriptProbes) {
    try {
      await probe(open);
    } catch (error) {
      if (!(error instanceof assert.AssertionError)) throw error;
      return name;
    }
  }
  return null;
}

test("transcripts, unchanged, pass whatever their mutants are put through", async () => {
  const open = await loadTranscriptMutant(scratch, null, "", "");
  for (const [name, probe] of transcriptProbes) await assert.doesNotReject(probe(open), name);
});

test("mutations, transcripts: no step can be missing without a promise being seen to break", async () => {
  const survivors: string[] = [];
  for (const [name, file, from, to] of mutations) {
    const found = await broken(await loadTranscriptMutant(scratch, file, from, to));
    console.log(`${name} -> ${found ?? "NOT CAUGHT"}`);
    if (found === null) survivors.push(name);
  }
  assert.deepEqual(survivors, []);
});
