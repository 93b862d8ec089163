/**
 * What `holdfast bench` tells a person.
 *
 * @module
 */

import { type BenchFindings, isTurn, lifeAssumptions, phaseFigures } from "./bench_figures.ts";
import { formatMs, histogramText } from "./bench_histogram.ts";
import { latencyBuckets } from "./bench_latency.ts";
import { formatCapacity, formatYears, lifeExpectancy, lifeFormula } from "./bench_life.ts";
import { deviceBytesPerRecord, type PhaseResult } from "./bench_phase.ts";
import type { OutputStream } from "./command.ts";
import { formatBytes, formatCount, type Painter, wrapText } from "./terminal_text.ts";
import { type ColumnDescription, renderPairs, renderTable } from "./text_table.ts";

const plainColumns = 80;
const bucketsMax = 16;

/**
 * Tells what was found out, in four parts: the place, one record at a time, records per turn, the card's life.
 *
 * @param findings All that was found out.
 * @param stream Where it goes; in a pipe there are no block characters.
 * @param paint Dresses headings and bars.
 * @returns The text.
 */
export function benchReport(findings: BenchFindings, stream: OutputStream, paint: Painter): string {
  const columns = stream.isTerminal ? stream.columns : plainColumns;
  // For people in a pipe too: machines ask for --json.
  const aligned: OutputStream = { ...readerOf(stream), isTerminal: true, columns };
  return [
    placeText(findings, columns),
    heading("Durable appends, one at a time", paint),
    serialText(findings, { blocks: stream.isTerminal, columns, paint }),
    heading("Records per turn, with one durable end, and many appends at a time", paint),
    turnsText(findings, aligned, paint),
    heading(`How long the card lasts at ${formatCount(findings.plan.messagesPerDay)} messages a day`, paint),
    lifeText(findings, aligned, paint),
  ].join("");
}

function readerOf(stream: OutputStream): Pick<OutputStream, "closed" | "write"> {
  return { closed: stream.closed, write: (text) => stream.write(text) };
}

function heading(text: string, paint: Painter): string {
  return `\n${paint(text, "bold")}\n`;
}

function placeText({ plan, place, lookup }: BenchFindings, columns: number): string {
  const { device, reason, fileSystemType } = lookup;
  const where = device === null ? fileSystemType : `${fileSystemType ?? "a file system"} on ${device.name}`;
  const lines = [`${place}${where === null ? "" : ` (${where})`}, records of ${formatCount(plan.recordBytes)} bytes.`];
  if (device === null) {
    lines.push(`What reaches the device cannot be told: ${reason}. Syncs are counted, bytes of the device estimated.`);
  } else if (device.hasWriteCache === false) {
    lines.push("This device says that it has no write cache: the kernel sends it no flush, only the writes.");
  }
  return lines.flatMap((line) => wrapText(line, columns)).join("\n") + "\n";
}

function serialText(
  { plan, results }: BenchFindings,
  style: { blocks: boolean; columns: number; paint: Painter },
): string {
  const [serial] = results;
  if (serial === undefined) return "";
  const { recordsPerSecond, latencyMs } = phaseFigures(serial, plan.recordBytes);
  const { p50, p99, p999, max } = latencyMs;
  return renderPairs([
    ["rate", `${perSecond(recordsPerSecond)} per second (${formatCount(serial.records)} in ${seconds(serial)} s)`],
    [
      "latency",
      `p50 ${formatMs(p50)} ms, p99 ${formatMs(p99)} ms, p99.9 ${formatMs(p999)} ms, max ${formatMs(max)} ms`,
    ],
  ], style.paint) + "\n" + histogramText(latencyBuckets(serial.latenciesMs, bucketsMax), style);
}

const turnColumns: readonly ColumnDescription[] = [
  { heading: "RECORDS" },
  { heading: "PER SECOND", align: "right" },
  { heading: "SYNCS EACH", align: "right" },
  { heading: "FLUSHES EACH", align: "right" },
  { heading: "DEVICE BYTES EACH", align: "right" },
  { heading: "AMPLIFIED", align: "right" },
];

function turnsText({ plan, lookup, results }: BenchFindings, stream: OutputStream, paint: Painter): string {
  const rows = results.map((result) => {
    const figures = phaseFigures(result, plan.recordBytes);
    const { deviceFlushesPerRecord: flushes, deviceBytesPerRecord: bytes, writeAmplification: factor } = figures;
    return [
      result.plan.name,
      perSecond(figures.recordsPerSecond),
      figures.syncsPerRecord.toFixed(2),
      flushes === null ? "-" : flushes.toFixed(2),
      bytes === null ? "-" : formatCount(Math.round(bytes)),
      factor === null ? "-" : `${factor.toFixed(1)} x`,
    ];
  });
  const notes = ["EACH is per record. A write that several records share costs each of them less."];
  if (lookup.device !== null) {
    notes.push(
      "The kernel counts all that reached the device meanwhile: what other programs wrote then is in it; what the " +
        "file system writes later is not.",
    );
  }
  return renderTable(turnColumns, rows, stream, paint) + noteText(notes, stream, paint);
}

const lifeColumns: readonly ColumnDescription[] = [
  { heading: "MESSAGES" },
  { heading: "DEVICE BYTES EACH", align: "right" },
  { heading: "A DAY", align: "right" },
  { heading: "LASTS", align: "right" },
];

function lifeText(findings: BenchFindings, stream: OutputStream, paint: Painter): string {
  const assumptions = lifeAssumptions(findings);
  const turns = findings.results.filter(isTurn);
  const rows = turns.map((result) => {
    const { bytes, counted } = deviceBytesPerRecord(result);
    const { deviceBytesPerDay, years } = lifeExpectancy(assumptions, bytes);
    const each = `${counted ? "" : "about "}${formatCount(Math.round(bytes))}`;
    return [result.plan.name, each, formatBytes(Math.round(deviceBytesPerDay)), formatYears(years)];
  });
  const own = findings.plan.capacityBytes === null && findings.lookup.device?.capacityBytes;
  const { capacityBytes, enduranceCycles, controllerFactor } = assumptions;
  return renderTable(lifeColumns, rows, stream, paint) + noteText([lifeFormula], stream, paint) +
    renderPairs([
      ["  capacity", `${formatCapacity(capacityBytes)}${own ? ", as the device says" : ""} (--capacity)`],
      ["  endurance", `${formatCount(enduranceCycles)} times per cell (--endurance)`],
      ["  controller", `writes ${controllerFactor} bytes for each that it is given (--controller-factor)`],
      ["  messages a day", `${formatCount(assumptions.messagesPerDay)} (--messages-per-day)`],
    ], paint) +
    noteText(estimateNotes(turns), stream, paint);
}

function estimateNotes(turns: readonly PhaseResult[]): string[] {
  const notes = [
    "These four are assumptions: a card's maker says its endurance, rarely what its controller adds. Wear is taken " +
    "as levelled over the whole card, and nothing else as writing to it.",
  ];
  if (turns.some((result) => !deviceBytesPerRecord(result).counted)) {
    notes.push(
      "Device bytes are estimated as the bytes written and one page of 4,096 for each sync; what the file system " +
        "adds is not in them.",
    );
  }
  return notes;
}

function noteText(notes: readonly string[], { columns }: OutputStream, paint: Painter): string {
  return notes.flatMap((note) => wrapText(note, columns)).map((line) => paint(line, "dim") + "\n").join("");
}

function perSecond(rate: number): string {
  return rate >= 100 ? formatCount(Math.round(rate)) : rate.toFixed(1);
}

function seconds({ milliseconds }: PhaseResult): string {
  return (milliseconds / 1000).toFixed(1);
}
