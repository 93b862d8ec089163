/**
 * `holdfast torture`: the power-loss laboratory, from outside the test runner.
 *
 * @module
 */

import { type Command, type CommandContext, exitCodes, UsageError } from "./command.ts";
import { Progress } from "./progress.ts";
import { throwIfInterrupted, writeJson } from "./store_access.ts";
import { countOf, formatCount } from "./terminal_text.ts";

const secondsDefault = 60;
const jobsDefault = 2;

/** The command. */
export const command: Command = {
  description: {
    name: "torture",
    summary: "cut the power at every step of every call, in memory, and check what is left",
    details: [
      "Runs operations on a simulated machine, lets the program die or cuts the power at every step and inside every " +
      "step, lets the store recover, and holds what is there against what was acknowledged; then goes on, cuts the " +
      "power again, and looks again. All sequences of one and two operations come first, then long random ones, and " +
      "between them sequences of three that the seed draws.",
      "A state is what was acknowledged together with what is on the disk after the cut; each is checked once. Exit " +
      "code 1 if a promise is broken; the story says how, and ends with a line that shows it again.",
    ],
    positionals: [],
    options: [
      {
        name: "runs",
        value: "N",
        kind: "count",
        description: "long random runs (without end), and no drawn sequences",
      },
      {
        name: "seconds",
        value: "S",
        kind: "count",
        description: `how long at the most; 0: no limit (${secondsDefault})`,
      },
      { name: "seed", value: "S", kind: "count", description: "the first random seed" },
      {
        name: "model",
        value: "MODEL",
        choices: ["ordered", "weak"],
        description: "ext4, or the least of POSIX (both)",
      },
      {
        name: "exhaustive",
        value: "N",
        kind: "count",
        description: "all sequences of just N operations, nothing else; 0: long runs only",
      },
      { name: "from", value: "I", kind: "count", description: "with --exhaustive: go on from the I-th sequence" },
      {
        name: "faults",
        description: "let the n-th call fail instead, n = 1, 2, 3 … until none does; then let devices lie",
      },
      { name: "jobs", value: "N", kind: "count", description: `processes (${jobsDefault})` },
      { name: "reproduce", value: "JSON", description: "run one failure again" },
    ],
    examples: [{ does: "every sequence of three operations", line: "holdfast torture --exhaustive 3 --seconds 0" }],
  },
  async run(context) {
    const again = context.parsed.text("reproduce");
    if (again !== undefined) return await runAgain(context, again);
    return context.parsed.has("faults") ? await runFaults(context) : await runCampaign(context);
  },
};

async function runAgain(context: CommandContext, text: string): Promise<number> {
  const { reproduceFault } = await import("../torture/fault_loop.ts");
  const { reproduce } = await import("../torture/laboratory.ts");
  const runIt = async (): Promise<string | null> => {
    const fault = await reproduceFault(text);
    return fault === null ? await reproduce(text) : fault.story;
  };
  const story = await runIt().catch((error: unknown) => {
    if (error instanceof TypeError || error instanceof SyntaxError) throw new UsageError(error.message);
    throw error;
  });
  await context.stdout.write(`${story ?? "nothing is broken any more"}\n`);
  return story === null ? exitCodes.done : exitCodes.failed;
}

async function runFaults(context: CommandContext): Promise<number> {
  const { tellFault } = await import("../torture/fault_finding.ts");
  const { runFaultLoop } = await import("../torture/fault_loop.ts");
  const { faultPlans, faultScenarios } = await import("../torture/fault_plans.ts");
  const { holdfastSubject } = await import("../torture/subject.ts");
  const json = context.parsed.has("json");
  const progress = new Progress(context.stderr, json);
  let broken = 0;
  const tell = async (fault: string, runs: number, failures: readonly string[]): Promise<void> => {
    broken += failures.length;
    if (json) return await writeJson(context, { fault, runs, failures });
    await context.stdout.write(`${failures.length === 0 ? "ok" : "BROKEN"}  ${fault}: ${countOf(runs, "run")}\n`);
    for (const failure of failures) await context.stdout.write(`${failure.replaceAll(/^/gm, "      ")}\n`);
  };
  for (const { name, plan } of faultPlans) {
    let runs = 0;
    const failures: string[] = [];
    for (const scenario of faultScenarios()) {
      throwIfInterrupted(context);
      const result = await runFaultLoop(holdfastSubject, scenario, plan);
      runs += result.runs;
      if (result.failure !== null) failures.push(tellFault(result.failure));
      await progress.update(() => `${name}: ${formatCount(runs)} runs`);
    }
    await tell(name, runs, failures);
  }
  const { deviceScenarios, DeviceTrials, lyingDevices } = await import("../torture/device_trials.ts");
  for (const device of [...lyingDevices, null]) {
    const trials = new DeviceTrials(holdfastSubject, 16);
    const name = device === null ? "a sync fails, and says so at the next one" : `a device that lies: ${device.name}`;
    const failures: string[] = [];
    for (const scenario of deviceScenarios()) {
      throwIfInterrupted(context);
      const finding = await (device === null ? trials.runLateSyncs(scenario) : trials.run(scenario, device.profile));
      if (finding !== null) {
        failures.push(`${finding.violation.invariant}: ${finding.violation.message}\n${finding.story}`);
      }
      await progress.update(() => `${name}: ${formatCount(trials.counts.states)} distinct disks`);
    }
    await tell(name, trials.counts.states, failures);
  }
  await progress.done();
  return broken > 0 ? exitCodes.failed : exitCodes.done;
}

async function runCampaign(context: CommandContext): Promise<number> {
  const { parsed } = context;
  const { runTorture } = await import("../torture/laboratory.ts");
  const model = parsed.text("model");
  const exhaustive = parsed.count("exhaustive");
  const seconds = parsed.count("seconds") ?? secondsDefault;
  const seed = parsed.count("seed") ?? Math.floor(Math.random() * 1e9);
  const jobs = Math.max(1, parsed.count("jobs") ?? jobsDefault);
  const json = parsed.has("json");
  const progress = new Progress(context.stderr, json);
  const goesThrough = exhaustive !== undefined && exhaustive > 0;
  const runs = parsed.count("runs") ?? (goesThrough ? 0 : Infinity);
  if (!goesThrough && parsed.count("from") !== undefined) throw new UsageError("--from needs --exhaustive");
  const stories: string[] = [];
  const totals = await runTorture({
    plan: {
      exhaustive: exhaustive ?? 2,
      ...(goesThrough ? { from: parsed.count("from") ?? 0 } : {}),
      runs,
      seed,
      models: model === "ordered" || model === "weak" ? [model] : ["weak", "ordered"],
      explorer: { depth: 1, cutsPerStep: 96, cutsPerNestedStep: 4 },
    },
    jobs,
    scriptPath: scriptPath(),
    seconds: seconds === 0 ? Infinity : seconds,
    signal: context.signal,
    onFinding: (story) => stories.push(story),
    onProgress: ({ states, seconds: elapsed, sequences, sequencesInAll, broken }) =>
      void progress.update(() =>
        `${formatCount(states)} states, ${formatCount(Math.round(states / Math.max(elapsed, 0.001)))}/s, ` +
        `${formatCount(sequences)} of ${formatCount(sequencesInAll)} short sequences, ${broken.length} broken`
      ),
  });
  await progress.done();
  if (json) {
    await writeJson(context, { ...totals, seed, stories });
  } else {
    for (const story of stories) await context.stdout.write(`${story}\n\n`);
    await context.stdout.write(summaryOf(totals, seed, goesThrough));
  }
  throwIfInterrupted(context);
  return totals.broken.length > 0 ? exitCodes.failed : exitCodes.done;
}

interface Totals {
  states: number;
  kills: number;
  recoveries: number;
  cuts: number;
  steps: number;
  scenarios: number;
  operations: number;
  seconds: number;
  sequences: number;
  sequencesInAll: number;
  broken: readonly { invariant: string; text: string; count: number }[];
}

function summaryOf(totals: Totals, seed: number, goesOn: boolean): string {
  const rate = Math.round(totals.states / Math.max(totals.seconds, 0.001));
  const lines = [
    `${formatCount(totals.states)} distinct states after a power cut, ${formatCount(rate)} a second ` +
    `(${formatCount(totals.cuts)} cuts tried, at ${countOf(totals.steps, "step")})`,
    `${formatCount(totals.kills)} distinct states after the death of the program`,
    `${formatCount(totals.recoveries)} recoveries; what differs only in what none of them looked at was not run again`,
    `${countOf(totals.scenarios, "scenario")}, ${countOf(totals.operations, "operation")}, seed ${seed}`,
    `${formatCount(totals.sequences)} of ${formatCount(totals.sequencesInAll)} short sequences done`,
  ];
  for (const { invariant, text, count } of totals.broken) {
    lines.push(`BROKEN  ${invariant}  ${text}; broken in ${countOf(count, "scenario")}`);
  }
  if (goesOn && totals.sequences < totals.sequencesInAll) lines.push(`go on with --from ${totals.sequences}`);
  if (totals.broken.length === 0) lines.push("no promise is broken");
  return lines.join("\n") + "\n";
}

function scriptPath(): string {
  const path = decodeURIComponent(new URL(import.meta.url).pathname);
  return path.slice(0, path.lastIndexOf("/")) + `/main${path.slice(path.lastIndexOf("."))}`;
}
