/**
 * picoclaw and Holdfast use one directory in turn, in any order: the two views agree after every step, and both with a
 * model that knows neither file format.
 *
 * @module
 */
import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "../properties.ts";
import { processTimeoutMs } from "../process/spawn_helper.ts";
import { assertPlainJsonLines, message, type SharedDirectory, sharedKey, withShared } from "./shared_directory.ts";

/** What both can do. */
type SharedStep =
  | { do: "append" | "replace"; count: number }
  | { do: "truncate"; keep: number }
  | { do: "compact" | "summary" | "aliases" };
type OurStep = { by: "us" } & (SharedStep | { do: "batch"; count: number } | { do: "title" | "reopen" });
type TheirStep = { by: "picoclaw" } & (SharedStep | { do: "crash" | "append while we have it open" });
type Step = OurStep | TheirStep;

/** What a session holds, as a user of either would say it. */
interface Model {
  history: string[];
  summary: string;
  /** Undefined: picoclaw wrote the meta file while we had it open, and it is back if we write it again. */
  title: string | null | undefined;
  aliases: string[];
  /** Numbers of ours that were acknowledged since picoclaw last rewrote the log. */
  numbers: Set<number>;
  said: number;
}

const count = fc.integer({ min: 1, max: 4 });
const keep = fc.integer({ min: 0, max: 6 });

const sharedStep: fc.Arbitrary<SharedStep> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("append" as const), count }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("replace" as const), count: fc.integer({ min: 0, max: 3 }) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("truncate" as const), keep }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom("compact" as const, "summary" as const, "aliases" as const) }),
  },
);
const ourStep = fc.oneof(
  { weight: 12, arbitrary: sharedStep },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("batch" as const), count }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom("title" as const, "reopen" as const) }) },
);
const theirStep = fc.oneof(
  { weight: 12, arbitrary: sharedStep },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom("crash" as const, "append while we have it open" as const) }),
  },
);
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  ourStep.map((step) => ({ by: "us" as const, ...step })),
  theirStep.map((step) => ({ by: "picoclaw" as const, ...step })),
);

async function takeOurStep(shared: SharedDirectory, model: Model, step: OurStep): Promise<void> {
  const session = await shared.ours();
  switch (step.do) {
    case "append":
      for (let index = 0; index < step.count; index++) acknowledge(model, await session.append(nextMessage(model)));
      break;
    case "batch": {
      const batch = Array.from({ length: step.count }, () => nextMessage(model));
      for (const receipt of await session.appendAll(batch)) acknowledge(model, receipt);
      break;
    }
    case "truncate":
      await session.truncate(step.keep);
      model.history = step.keep === 0 ? [] : model.history.slice(-step.keep);
      break;
    case "replace":
      model.history = [];
      await session.replace(Array.from({ length: step.count }, () => nextMessage(model)));
      break;
    case "compact":
      await session.compact();
      break;
    case "summary":
      model.summary = `ours ${model.said++}`;
      await session.setSummary(model.summary);
      break;
    case "aliases":
      model.aliases = [`ours-${model.said++}`];
      await session.update({ aliases: model.aliases });
      break;
    case "title":
      model.title = `title ${model.said++}`;
      await session.update({ title: model.title });
      break;
    case "reopen":
      await shared.close();
  }
}

function nextMessage(model: Model): ReturnType<typeof message> {
  const content = `${model.said++}${"é".repeat(model.said % 7)}`;
  model.history.push(content);
  return message(content);
}

function acknowledge(model: Model, receipt: { sequence: number }): void {
  assert.ok(!model.numbers.has(receipt.sequence), `number ${receipt.sequence} was used twice (1.3)`);
  model.numbers.add(receipt.sequence);
}

async function takeTheirStep(shared: SharedDirectory, model: Model, step: TheirStep): Promise<void> {
  const { theirs } = shared;
  // It knows no lock; all but appends it may do only while we have the session closed.
  if (step.do !== "append while we have it open") await shared.close();
  let writesMeta = true;
  switch (step.do) {
    case "append":
      for (let index = 0; index < step.count; index++) theirs.addMessage(sharedKey, nextMessage(model));
      break;
    case "append while we have it open":
      theirs.addMessage(sharedKey, nextMessage(model));
      model.title = undefined;
      return;
    case "crash":
      theirs.addMessage(sharedKey, nextMessage(model), { crashAfterAppend: true });
      writesMeta = false;
      break;
    case "truncate":
      theirs.truncateHistory(sharedKey, step.keep);
      model.history = step.keep === 0 ? [] : model.history.slice(-step.keep);
      break;
    case "replace":
      model.history = [];
      model.numbers.clear();
      theirs.setHistory(sharedKey, Array.from({ length: step.count }, () => nextMessage(model)));
      break;
    case "compact":
      writesMeta = (theirs.getSessionMeta(sharedKey)?.skip ?? 0) > 0;
      if (writesMeta) model.numbers.clear();
      theirs.compact(sharedKey);
      break;
    case "summary":
      model.summary = `theirs ${model.said++}`;
      theirs.setSummary(sharedKey, model.summary);
      break;
    case "aliases":
      model.aliases = [`theirs-${model.said++}`];
      theirs.upsertSessionMeta(sharedKey, { aliases: model.aliases });
  }
  // It drops `holdfast` from every meta file that it writes (A7).
  if (writesMeta) model.title = null;
}

async function assertAgree(shared: SharedDirectory, model: Model, after: string): Promise<void> {
  const { theirs } = shared;
  const session = await shared.ours();
  const history = await session.history();
  assert.deepEqual(history.map(({ content }) => content), model.history, `ours ${after}`);
  assert.deepEqual(theirs.getHistory(sharedKey).map(({ content }) => content), model.history, `theirs ${after}`);
  assert.equal(session.summary, model.summary, `our summary ${after}`);
  assert.equal(theirs.getSummary(sharedKey), model.summary, `their summary ${after}`);
  assert.deepEqual(theirs.getSessionMeta(sharedKey)?.aliases ?? [], model.aliases, `aliases ${after}`);
  const [info] = await (await shared.store()).list();
  if (info !== undefined) {
    assert.deepEqual([info.active, info.summary], [model.history.length, model.summary], `list ${after}`);
    if (model.title !== undefined) assert.equal(info.title, model.title, `title ${after}`);
  }
  const numbers: number[] = [];
  for await (const { sequence } of session.records({ all: true })) numbers.push(sequence);
  assert.deepEqual(numbers, [...new Set(numbers)].sort((one, other) => one - other), `numbers ${after}`);
  assertPlainJsonLines(shared.logText(), `I21 ${after}`);
  assert.deepEqual(theirs.log, []);
}

test(
  "A7, I21: picoclaw and Holdfast in turn on one directory agree after every step (random)",
  { timeout: processTimeoutMs },
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { minLength: 1, maxLength: 14 }), async (steps) => {
        await withShared(async (shared) => {
          const model: Model = { history: [], summary: "", title: null, aliases: [], numbers: new Set(), said: 0 };
          for (const [index, step] of steps.entries()) {
            if (step.by === "us") await takeOurStep(shared, model, step);
            else await takeTheirStep(shared, model, step);
            await assertAgree(shared, model, `after step ${index}: ${JSON.stringify(step)}`);
          }
        });
      }),
      { numRuns: 60, includeErrorInReport: true },
    );
  },
);
