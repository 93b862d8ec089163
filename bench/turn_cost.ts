/**
 * What a turn of a transcript costs: writes, bytes and syncs, counted through the port. The turn is the one that an
 * agent writes most often: a question, a request to the model, its response, the answer, and a change of the state.
 *
 *     turn_cost.ts [--turns 200] [--scratch DIRECTORY] [--json]
 *
 * @module
 */

import { parseArgs } from "node:util";
import { openStore, type SessionStore } from "../mod.ts";
import { openTranscript, setTitle, type Transcript, type TranscriptWriter } from "../src/transcript/mod.ts";
import { placeLine, tableText, withScratch } from "./bench_report.ts";

/** What is counted, for each turn. */
const shown = ["records", "writes", "bytesWritten", "syncs", "directorySyncs", "renames"] as const;

/** What one way costs; a figure for each that is shown. */
interface TurnCost {
  way: string;
  figures: number[];
}

/** The five records of a turn, in the order in which they happen. */
function turnSteps(index: number): (<Result>(writer: TranscriptWriter<Result>) => Result)[] {
  const usage = { inputTokens: 1200 + index, outputTokens: 64 };
  return [
    (writer) => writer.appendMessage({ role: "user", content: `How warm is it on the balcony now? (${index})` }),
    (writer) => writer.requestInference({ turn: index, messageIds: [`q${index}`] }),
    (writer) => writer.respondInference({ turn: index, stopReason: "end_turn", latencyMs: 812, usage }),
    (writer) =>
      writer.appendMessage({ role: "assistant", content: "It is 20.5 degrees, and the wind comes from the west." }),
    (writer) => writer.patchState(setTitle(`The balcony, ${index}`)),
  ];
}

async function inOneTurn(transcript: Transcript, index: number): Promise<void> {
  const turn = transcript.turn();
  for (const step of turnSteps(index)) step(turn);
  await turn.commit();
}

/** Each record awaited, and as durable as its type asks for. */
async function byType(transcript: Transcript, index: number): Promise<void> {
  for (const step of turnSteps(index)) await step(transcript);
}

/** Counts what some turns cost; what comes before them costs nothing here. */
async function measure(
  store: SessionStore,
  way: string,
  turns: number,
  run: (transcript: Transcript, index: number) => Promise<void>,
): Promise<TurnCost> {
  const transcript = openTranscript(await store.session(way));
  await transcript.start({ provider: "none", model: "none" });
  const before = { ...store.counters };
  for (let index = 0; index < turns; index++) await run(transcript, index);
  const perTurn = (name: (typeof shown)[number]): number => (store.counters[name] - before[name]) / turns;
  return { way, figures: shown.map(perTurn) };
}

async function measureAll(store: SessionStore, turns: number): Promise<TurnCost[]> {
  const together = await measure(store, "turn.commit(): five records together", turns, inOneTurn);
  const single = await measure(store, "awaited singly, durable by type", turns, byType);
  // The same records once more, without a transcript.
  const records = (await (await store.session(together.way)).history()).slice(1);
  const each = await measure(store, "awaited singly, each durable", turns, async ({ session }, index) => {
    for (const record of records.slice(index * 5, index * 5 + 5)) await session.append(record);
  });
  return [together, single, each];
}

function figure(value: number): string {
  return Math.abs(value - Math.round(value)) < 0.05 ? value.toFixed(0) : value.toFixed(1);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      turns: { type: "string", default: "200" },
      scratch: { type: "string" },
      json: { type: "boolean", default: false },
    },
  });
  const turns = Number(values.turns);
  if (!Number.isSafeInteger(turns) || turns < 1) throw new RangeError("--turns must be a whole number from 1");
  await withScratch(values.scratch, async (directory) => {
    await using store = await openStore(`${directory}/sessions`);
    const costs = await measureAll(store, turns);
    if (values.json) {
      for (const { way, figures } of costs) {
        console.log(JSON.stringify({ way, ...Object.fromEntries(shown.map((name, at) => [name, figures[at]])) }));
      }
      return;
    }
    console.log(placeLine(directory));
    console.log(`Per turn of five records, averaged over ${turns}.\n`);
    const headings = ["way", "records", "writes", "bytes", "syncs", "directory syncs", "renames"];
    console.log(tableText(headings, costs.map(({ way, figures }) => [way, ...figures.map(figure)])));
  });
}

await main();
