/**
 * How fast each format is read for an import, beside `JSON.parse` alone on the same text; and how fast an import is,
 * with everything durable at its end.
 *
 *     import_speed.ts [--bytes 32MiB] [--rounds 3] [--formats NAME,NAME] [--scratch DIRECTORY] [--json]
 *
 * @module
 */

import { closeSync, openSync, readFileSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openStore } from "../mod.ts";
import { planImport } from "../src/cli/import_plan.ts";
import { importSource } from "../src/cli/import_session.ts";
import { type ImportSource, openSource } from "../src/cli/import_source.ts";
import { runtimeFileSystem } from "../src/fs/runtime_filesystem.ts";
import { parseBytes, placeLine, tableText, withScratch } from "./bench_report.ts";
import { type ImportSample, importSamples } from "./import_samples.ts";

/** Writes a sample; gives its size and how many records it holds. */
function writeSample(path: string, sample: ImportSample, bytes: number): void {
  const file = openSync(path, "w");
  let waiting: string[] = [];
  let length = 0;
  const flush = (): void => {
    const buffer = new TextEncoder().encode(waiting.join(""));
    for (let at = 0; at < buffer.length;) at += writeSync(file, buffer, at, buffer.length - at);
    waiting = [];
    length = 0;
  };
  for (const part of sample.parts(bytes)) {
    waiting.push(part);
    length += part.length;
    if (length > 1024 * 1024) flush();
  }
  flush();
  closeSync(file);
}

/** What any reader must do at the least: the text is in memory, and every value is parsed. */
function parseAlone(text: string, isDocument: boolean): void {
  if (isDocument) JSON.parse(text);
  else for (const line of text.split("\n")) if (line !== "") JSON.parse(line);
}

async function sourceOf(path: string, sample: ImportSample): Promise<ImportSource> {
  const { sessions } = await planImport(runtimeFileSystem, [{ path, isGiven: true }], undefined);
  const [planned] = sessions;
  if (planned?.format.name !== sample.format) throw new Error(`${path} is taken for ${planned?.format.name}`);
  return await openSource(runtimeFileSystem, planned);
}

async function readAll(source: ImportSource): Promise<number> {
  let records = 0;
  for await (const items of source.items()) records += items.filter(({ kind }) => kind === "record").length;
  return records;
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1000;
}

interface Row {
  format: string;
  bytes: number;
  records: number;
  parseSeconds: number;
  readSeconds: number;
  importSeconds: number;
}

async function measure(directory: string, sample: ImportSample, bytes: number, rounds: number): Promise<Row> {
  const path = join(directory, sample.name);
  writeSample(path, sample, bytes);
  const source = await sourceOf(path, sample);
  const text = readFileSync(path, "utf8");
  const records = await readAll(source);
  const row: Row = {
    format: sample.format,
    bytes: statSync(path).size,
    records,
    parseSeconds: Infinity,
    readSeconds: Infinity,
    importSeconds: Infinity,
  };
  for (let round = 0; round < rounds; round++) {
    row.parseSeconds = Math.min(
      row.parseSeconds,
      await secondsOf(async () => parseAlone(text, sample.name.endsWith(".json"))),
    );
    row.readSeconds = Math.min(
      row.readSeconds,
      await secondsOf(async () => {
        if (await readAll(source) !== records) throw new Error("Not every record was read");
      }),
    );
  }
  await using store = await openStore(join(directory, "store"));
  const { signal } = new AbortController();
  row.importSeconds = await secondsOf(async () => {
    await importSource(store, source, { key: sample.format, signal, onProgress: () => Promise.resolve() });
  });
  return row;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      bytes: { type: "string", default: "32MiB" },
      rounds: { type: "string", default: "3" },
      formats: { type: "string" },
      scratch: { type: "string" },
      json: { type: "boolean", default: false },
    },
  });
  const wanted = values.formats?.split(",");
  await withScratch(values.scratch, async (directory) => {
    const rows: Row[] = [];
    for (const sample of importSamples) {
      if (wanted !== undefined && !wanted.includes(sample.format)) continue;
      rows.push(await measure(directory, sample, parseBytes(values.bytes), Number(values.rounds)));
    }
    if (values.json) return void rows.forEach((row) => console.log(JSON.stringify(row)));
    console.log(placeLine(directory));
    console.log(`Files of ${values.bytes}; of reading the best of ${values.rounds} rounds.\n`);
    const speed = (bytes: number, seconds: number): string => (bytes / 1e6 / seconds).toFixed(0);
    const cells = rows.map(({ format, bytes, parseSeconds, readSeconds, importSeconds }) => [
      format,
      speed(bytes, parseSeconds),
      speed(bytes, readSeconds),
      (readSeconds / parseSeconds).toFixed(2),
      speed(bytes, importSeconds),
    ]);
    console.log(tableText(["format", "JSON.parse MB/s", "reader MB/s", "times", "import MB/s"], cells));
  });
}

await main();
