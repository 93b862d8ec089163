/**
 * `holdfast demo [TRANSCRIPT]`: writes a conversation while the writer is killed again and again, and shows that
 * nothing that was acknowledged is lost.
 *
 * @module
 */

import { HoldfastError, openStore, type VerifyReport } from "../../mod.ts";
import { toHoldfastError } from "../errors.ts";
import { readJsonLine } from "../formats/jsonl.ts";
import { runtimeFileSystem } from "../fs/runtime_filesystem.ts";
import { type Command, type CommandContext, exitCodes } from "./command.ts";
import { type DemoTotals, isFaulty, runDemo } from "./demo_run.ts";
import { demoTranscript } from "./demo_transcript.ts";
import { fileChunks, inputLines } from "./input_lines.ts";
import { Progress } from "./progress.ts";
import { writeJson } from "./store_access.ts";
import { countOf, formatBytes, formatCount, painterFor, variable } from "./terminal_text.ts";
import { renderPairs } from "./text_table.ts";

const key = "demo";
const killCountDefault = 24;
const recordsMin = 1_200;
const recordsMax = 4_000;
const lengthMax = 16 * 1024 * 1024;

/** The command. */
export const command: Command = {
  description: {
    name: "demo",
    summary: "kill a writer in mid-write again and again, and count what is lost",
    details: [
      "Writes a conversation through a second process, kills that with SIGKILL at random moments, opens the store after " +
      "each kill and compares every record with what was written and acknowledged; then a new writer goes on. Without a " +
      "TRANSCRIPT (JSON Lines) it makes up one. Exit code 1 if a record is lost, doubled or out of order.",
      "A kill shows what the death of a process does. What a power cut does is shown by simulation, where it can be done " +
      "at every single step.",
    ],
    positionals: [{ name: "TRANSCRIPT", required: false, description: "a conversation, as JSON Lines" }],
    options: [
      { name: "kills", value: "N", kind: "count", description: `how often (${killCountDefault})` },
      { name: "seed", value: "S", kind: "count", description: "repeats the choices of a run, though not its timing" },
    ],
    examples: [{ does: "with your own conversation", line: "holdfast demo ~/sessions/chat.jsonl" }],
  },
  async run(context) {
    const startedMs = performance.now();
    const seed = context.parsed.count("seed") ?? Math.floor(Math.random() * 1e9);
    const transcript = await readTranscript(context.parsed.positionals[0], seed);
    const directory = await demoDirectory(context);
    const json = context.parsed.has("json");
    const killCount = context.parsed.count("kills") ?? killCountDefault;
    if (!json) await context.stdout.write(introduction(transcript, killCount, seed));
    const progress = new Progress(context.stderr, json);
    const totals = await runDemo({
      scriptPath: scriptPath(),
      directory,
      key,
      texts: transcript.texts,
      killCount,
      seed,
      signal: context.signal,
      onProgress: ({ acknowledged, records, kills }) =>
        progress.update(() =>
          `${formatCount(acknowledged)} of ${formatCount(records)} records acknowledged, ${
            countOf(kills, "kill")
          }, nothing lost`
        ),
    }).finally(() => progress.done());
    const check = await verify(directory);
    const seconds = (performance.now() - startedMs) / 1000;
    const faulty = isFaulty(totals) || check?.ok !== true;
    if (json) await writeJson(context, machineReport(totals, check, seed, seconds, directory));
    else await context.stdout.write(readableReport(context, totals, check, seconds, directory));
    return faulty ? exitCodes.failed : exitCodes.done;
  },
};

interface Transcript {
  texts: readonly string[];
  /** In a few words, where it is from. */
  origin: string;
}

async function readTranscript(path: string | undefined, seed: number): Promise<Transcript> {
  if (path === undefined) return { texts: demoTranscript(recordsMin, seed), origin: "a made-up conversation" };
  const texts: string[] = [];
  let length = 0;
  let left = 0;
  try {
    for await (const line of inputLines(fileChunks(runtimeFileSystem, path))) {
      const read = line.bytes === null ? null : readJsonLine(line.bytes, line.number);
      if (read?.kind !== "record") left++;
      else if (texts.length < recordsMax && length < lengthMax) length += texts.push(read.text) && read.text.length;
      else break;
    }
  } catch (error) {
    throw toHoldfastError(error, "reading the transcript", path);
  }
  if (texts.length === 0) throw new HoldfastError("not-found", "No line of the transcript is a JSON object", { path });
  const origin = left === 0
    ? path
    : `${path}, without ${countOf(left, "line")} that ${left === 1 ? "is" : "are"} no record`;
  // A short conversation would be over before it could be killed often enough.
  const rounds = Math.max(1, Math.min(Math.ceil(recordsMin / texts.length), Math.ceil(lengthMax / (length + 1))));
  const repeated = Array.from({ length: rounds }, () => texts).flat();
  return { texts: repeated, origin: rounds === 1 ? origin : `${origin}, ${rounds} times over` };
}

/** With `--dir` that, so that the result can be kept; else a new one among the temporary files. */
async function demoDirectory(context: CommandContext): Promise<string> {
  const given = context.parsed.text("dir");
  if (given === undefined) {
    const base = (variable(context.environment, "TMPDIR") ?? "/tmp").replace(/\/+$/, "");
    const random = Math.floor(Math.random() * 0x1_0000_0000).toString(16).padStart(8, "0");
    return `${base}/holdfast-demo-${random}`;
  }
  const store = await openStore(given);
  try {
    if (!await store.has(key)) return given;
  } finally {
    await store.close();
  }
  throw new HoldfastError(
    "io",
    `There is a session "${key}" already; remove it with: holdfast rm ${key} --dir ${given}`,
  );
}

/** The program beside this file: `main.ts` in a checkout, `main.js` as built. */
function scriptPath(): string {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  return decodeURIComponent(new URL(`./main.${extension}`, import.meta.url).pathname);
}

/** What the store itself says; null where everything is lost, the session too. */
async function verify(directory: string): Promise<VerifyReport | null> {
  const store = await openStore(directory, { readOnly: true });
  try {
    return await store.has(key) ? await (await store.session(key)).verify() : null;
  } finally {
    await store.close();
  }
}

function introduction({ texts, origin }: Transcript, kills: number, seed: number): string {
  const length = texts.reduce((sum, text) => sum + text.length, 0);
  return `Writing ${countOf(texts.length, "record")} (${
    formatBytes(length)
  }; ${origin}) durably through a second process,\n` +
    `which is killed with SIGKILL ${kills} times in the middle of its work (seed ${seed}).\n\n`;
}

function readableReport(
  context: CommandContext,
  totals: DemoTotals,
  check: VerifyReport | null,
  seconds: number,
  directory: string,
): string {
  const paint = painterFor(context.stdout, context.environment);
  const { verdict } = totals;
  const none = (count: number): string =>
    count === 0 ? paint("0", "green") : paint(`${count}  <-- FAILED`, "red", "bold");
  const table = renderPairs([
    ["acknowledged", formatCount(totals.acknowledged)],
    ["recovered", formatCount(verdict?.recovered ?? 0)],
    ["lost", none(verdict?.lost ?? 0)],
    ["duplicated", none(verdict?.duplicated ?? 0)],
    ["out of order", none((verdict?.outOfOrder ?? 0) + totals.acknowledgedOutOfTurn)],
    ["never written", none(verdict?.invented ?? 0)],
    ["damaged lines", none(check?.damaged.length ?? 0)],
    ["kills", formatCount(totals.kills)],
    ["torn tails repaired", formatCount(totals.tornTails)],
    ["time", `${seconds.toFixed(1)} s`],
    ["bytes written", formatBytes(totals.bytesWritten)],
    ["syncs", formatCount(totals.syncs)],
  ], paint);
  if (isFaulty(totals) || check?.ok !== true) {
    const fault = verdict?.firstFault ?? check?.damaged[0]?.reason ?? check?.metaReason ?? "acknowledged out of turn";
    return `${table}\n${paint("FAILED", "red", "bold")}: ${fault}\nThe store is kept for inspection: ${directory}\n`;
  }
  const program = scriptPath().endsWith(".ts") ? "npm run -s holdfast --" : "holdfast";
  return `${table}\n${
    paint("Every acknowledged record is there, once, in order.", "green", "bold")
  }\n\nLook at the result:\n` +
    ["show demo --tail 6", "check", "ls", "stats"].map((line) => `  ${program} ${line} --dir ${directory}\n`).join("");
}

function machineReport(
  totals: DemoTotals,
  check: VerifyReport | null,
  seed: number,
  seconds: number,
  directory: string,
): Record<string, unknown> {
  const { verdict, acknowledged, acknowledgedOutOfTurn, kills, tornTails, bytesWritten, syncs } = totals;
  return {
    acknowledged,
    recovered: verdict?.recovered ?? 0,
    lost: verdict?.lost ?? 0,
    duplicated: verdict?.duplicated ?? 0,
    outOfOrder: (verdict?.outOfOrder ?? 0) + acknowledgedOutOfTurn,
    invented: verdict?.invented ?? 0,
    damaged: check?.damaged.length ?? 0,
    kills,
    tornTails,
    seconds: Number(seconds.toFixed(3)),
    bytesWritten,
    syncs,
    seed,
    directory,
    fault: verdict?.firstFault ?? null,
  };
}
