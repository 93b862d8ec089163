/**
 * `holdfast bench`: what a durable append costs on this device, and how long its card will last.
 *
 * @module
 */

import { openStore } from "../../mod.ts";
import { HoldfastError } from "../errors.ts";
import { runtimeFileSystem } from "../fs/runtime_filesystem.ts";
import { findBlockDevice } from "../fs/runtime_block_device.ts";
import { nearestDirectory, withBenchDirectory } from "./bench_directory.ts";
import { type BenchFindings, machineReport } from "./bench_figures.ts";
import { latencyBuckets, summarizeLatencies } from "./bench_latency.ts";
import { measurePhase, type PhaseResult } from "./bench_phase.ts";
import { benchOptions, type BenchPlan, benchPlan } from "./bench_plan.ts";
import { benchRecords } from "./bench_record.ts";
import { benchReport } from "./bench_report.ts";
import { latencySvg } from "./bench_svg.ts";
import { type Command, type CommandContext, exitCodes } from "./command.ts";
import { OutputFile } from "./output_file.ts";
import { Progress } from "./progress.ts";
import { storeDirectory, throwIfInterrupted, warn, writeJson } from "./store_access.ts";
import { formatCount, painterFor } from "./terminal_text.ts";

/** The command. */
export const command: Command = {
  description: {
    name: "bench",
    summary: "measure this device: durable appends, what they cost the card, how long it lasts",
    details: [
      "Writes records into a directory of its own, in the store's directory or the one given with --on, and removes " +
      "it afterwards: one record at a time, turns of several records with one durable end, many at a time. Shows the " +
      "rate, the latencies, syncs, and, where the kernel tells, bytes and flushes of the device for each record.",
      "From what one message costs it works out how long a card lasts; the formula and its assumptions are printed. " +
      "tmpfs and overlay say nothing of a card: give a directory on it.",
    ],
    positionals: [],
    options: benchOptions,
    examples: [
      { does: "the card under the store", line: "holdfast bench" },
      { does: "another one, with a picture", line: "holdfast bench --on /mnt/card --svg latency.svg" },
      { does: "a card of 8 GB of cheap cells", line: "holdfast bench --capacity 8GB --endurance 1000" },
    ],
  },
  async run(context) {
    const plan = benchPlan(context.parsed);
    const json = context.parsed.has("json");
    const place = await benchPlace(context);
    const lookup = await findBlockDevice(place);
    const progress = new Progress(context.stderr, json);
    // Begun before the measurement: a wrong path shows at once.
    const svgPath = context.parsed.text("svg");
    const picture = svgPath === undefined ? null : await OutputFile.create(runtimeFileSystem, svgPath);
    try {
      const results = await measure(context, plan, place, lookup.device, progress).finally(() => progress.done());
      const findings: BenchFindings = { plan, place, lookup, results };
      await writeReport(context, findings, json);
      await picture?.write(pictureText(findings));
      await picture?.commit();
    } catch (error) {
      await picture?.abandon();
      throw error;
    }
    return exitCodes.done;
  },
};

/** A store that is not there yet would lie on the device of the nearest directory above it. */
async function benchPlace(context: CommandContext): Promise<string> {
  const on = context.parsed.text("on");
  if (on === undefined) return await nearestDirectory(runtimeFileSystem, storeDirectory(context));
  const path = on.replace(/(?<=.)\/+$/, "");
  return await runtimeFileSystem.realPath(path).catch(() => {
    throw new HoldfastError("not-found", `No such directory: ${path}`, { path });
  });
}

async function measure(
  context: CommandContext,
  plan: BenchPlan,
  place: string,
  device: BenchFindings["lookup"]["device"],
  progress: Progress,
): Promise<PhaseResult[]> {
  return await withBenchDirectory(runtimeFileSystem, place, async (directory) => {
    const onEvent = ({ type, message }: { type: string; message: string }): void =>
      void warn(context, `${type}: ${message}`);
    const store = await openStore(directory, { onEvent });
    try {
      const results: PhaseResult[] = [];
      for (const phase of plan.phases) {
        results.push(
          await measurePhase(phase, {
            store,
            device,
            recordText: benchRecords(plan.recordBytes),
            now: () => performance.now(),
            throwIfInterrupted: () => throwIfInterrupted(context),
            onProgress: ({ name }, records) => progress.update(() => `${name}: ${formatCount(records)} records`),
          }),
        );
      }
      return results;
    } finally {
      await store.close();
    }
  });
}

async function writeReport(context: CommandContext, findings: BenchFindings, json: boolean): Promise<void> {
  if (json) {
    for (const value of machineReport(findings)) await writeJson(context, value);
    return;
  }
  const paint = painterFor(context.stdout, context.environment);
  await context.stdout.write(benchReport(findings, context.stdout, paint));
}

function pictureText({ plan, place, lookup, results }: BenchFindings): string {
  const latenciesMs = results[0]?.latenciesMs ?? [];
  const where = [lookup.fileSystemType, lookup.device?.name].filter((word) => word !== null && word !== undefined);
  return latencySvg({
    title: `Latency of ${formatCount(latenciesMs.length)} durable appends, one at a time`,
    subtitle: `records of ${formatCount(plan.recordBytes)} bytes, ${[place, ...where].join(", ")}`,
    buckets: latencyBuckets(latenciesMs, 48),
    summary: summarizeLatencies(latenciesMs),
  });
}
