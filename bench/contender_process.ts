/**
 * The process that a contender runs in: obeys one line of JSON at a time, answers with one. Started by
 * `contender_client.ts`.
 *
 * @module
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";
import { makeRecord } from "./bench_record.ts";
import type { BenchRecord, Contender, ContenderOptions, ContenderStore } from "./contenders/contender.ts";
import { loadContender } from "./contenders/registry.ts";
import type { Answers, AppendSpec, Command, Latencies, ReadKind } from "./contender_client.ts";
import { markPath } from "./system_calls.ts";

let contender: Contender | null = null;
let options: ContenderOptions | null = null;
let store: ContenderStore | null = null;
/** Bytes of the records, and how many each client appended to each session. */
let recordBytes = 0;
const appended = new Map<string, Map<number, number>>();

function openStore(): ContenderStore {
  if (store === null) throw new Error("The store is not open");
  return store;
}

async function append(spec: AppendSpec): Promise<Answers["append"]> {
  const latencies: number[] = [];
  recordBytes = spec.recordBytes;
  let turnsLeft = Math.ceil(spec.records / spec.turnRecords);
  let turns = 0;
  if (spec.marked) existsSync(markPath("begin"));
  const begun = performance.now();
  const deadline = begun + spec.secondsMax * 1000;
  await Promise.all(Array.from({ length: spec.clients }, async (_, client) => {
    for (let index = 0; turnsLeft > 0 && performance.now() < deadline; index++) {
      turnsLeft--;
      turns++;
      const session = `s${(client + index) % spec.sessions}`;
      const counts = appended.get(session) ?? new Map<number, number>();
      appended.set(session, counts);
      const from = counts.get(client) ?? 0;
      counts.set(client, from + spec.turnRecords);
      const records: BenchRecord[] = [];
      for (let at = 0; at < spec.turnRecords; at++) {
        records.push(makeRecord({ client, index: from + at, bytes: recordBytes }));
      }
      const started = performance.now();
      const [only] = records;
      if (records.length === 1 && only !== undefined) await openStore().append(session, only);
      else await openStore().appendTurn(session, records);
      latencies.push(performance.now() - started);
    }
  }));
  const seconds = (performance.now() - begun) / 1000;
  if (spec.marked) existsSync(markPath("end"));
  return { seconds, records: turns * spec.turnRecords, latencies: summarize(latencies) };
}

function summarize(latencies: number[]): Latencies {
  latencies.sort((left, right) => left - right);
  const at = (part: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * part))] ?? 0;
  return { p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1) };
}

/** Every record that was acknowledged must come back equal, and those of one client in its order. */
async function verify(): Promise<Answers["verify"]> {
  let records = 0;
  for (const [session, counts] of appended) {
    const next = new Map<number, number>();
    await openStore().readEach(session, (record) => {
      const client = Number(record["client"]);
      const index = next.get(client) ?? 0;
      next.set(client, index + 1);
      records++;
      const expected = JSON.stringify(makeRecord({ client, index, bytes: recordBytes }));
      if (JSON.stringify(record) !== expected) {
        throw new Error(`${session}: record ${index} of client ${client} differs`);
      }
    });
    for (const [client, count] of counts) {
      if (next.get(client) !== count) {
        throw new Error(`${session}: ${next.get(client) ?? 0} of ${count} records of client ${client} came back`);
      }
    }
  }
  return { records };
}

function* generate(records: number, bytes: number): Iterable<BenchRecord> {
  for (let index = 0; index < records; index++) yield makeRecord({ client: 0, index, bytes });
}

/** Reads in one way; the number of records, and one of them, prove that it was done. */
async function readOnce(kind: ReadKind, session: string, count: number): Promise<number> {
  if (kind === "list") return (await openStore().list()).length;
  if (kind === "tail") return (await openStore().tail(session, count)).length;
  let records = 0;
  let characters = 0;
  const kept: BenchRecord[] = [];
  await openStore().readEach(session, (record) => {
    records++;
    characters += String(record["content"]).length;
    if (kind === "history") kept.push(record);
  });
  if (characters === 0) throw new Error("The records are empty");
  return records;
}

async function read(kind: ReadKind, session: string, count: number, times: number): Promise<Answers["read"]> {
  const bytesBefore = openStore().counters?.()["bytesRead"] ?? 0;
  const residentBefore = kind === "full" ? resetPeak() : 0;
  const durations: number[] = [];
  for (let round = 0; round < times; round++) {
    const begun = performance.now();
    const records = await readOnce(kind, session, count);
    durations.push(performance.now() - begun);
    if (records !== count) throw new Error(`${kind} of ${session} gave ${records} instead of ${count}`);
  }
  const growthBytes = kind === "full" ? residentBytes("VmHWM") - residentBefore : 0;
  const bytesRead = ((openStore().counters?.()["bytesRead"] ?? 0) - bytesBefore) / times;
  return { milliseconds: durations, growthBytes, bytesRead };
}

/** Makes the peak start again from what is resident now. */
function resetPeak(): number {
  writeFileSync("/proc/self/clear_refs", "5");
  return residentBytes("VmRSS");
}

function residentBytes(field: "VmHWM" | "VmRSS"): number {
  const match = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(readFileSync("/proc/self/status", "utf8"));
  return Number(match?.[1] ?? 0) * 1024;
}

/** Opens the store and appends one durable record: what a program does that was started for one message. */
async function openAndAppend(session: string, bytes: number): Promise<Answers["openAndAppend"]> {
  if (contender === null || options === null) throw new Error("No contender was chosen");
  const begun = performance.now();
  store = await contender.open(options);
  await store.append(session, makeRecord({ client: 0, index: 0, bytes }));
  const milliseconds = performance.now() - begun;
  return { milliseconds, bytesRead: store.counters?.()["bytesRead"] ?? 0 };
}

async function obey(command: Command): Promise<unknown> {
  switch (command.op) {
    case "choose":
      contender = await loadContender(command.contender);
      options = { directory: command.directory, modulePath: command.modulePath };
      return {
        title: contender.title,
        note: contender.note,
        recordsMax: contender.recordsMax ?? Number.MAX_SAFE_INTEGER,
      };
    case "open":
      if (contender === null || options === null) throw new Error("No contender was chosen");
      store = await contender.open(options);
      return {};
    case "append":
      return await append(command);
    case "verify":
      return await verify();
    case "fill":
      await openStore().fill(command.session, generate(command.records, command.recordBytes));
      return {};
    case "fillSerially":
      for (const record of generate(command.records, command.recordBytes)) {
        await openStore().append(command.session, record);
      }
      return {};
    case "read":
      return await read(command.kind, command.session, command.count, command.times);
    case "openAndAppend":
      return await openAndAppend(command.session, command.recordBytes);
    case "counters":
      return openStore().counters?.() ?? {};
    case "close":
      await openStore().close();
      store = null;
      return {};
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const command: Command = JSON.parse(line);
  let answer: unknown;
  try {
    answer = { result: await obey(command) };
  } catch (error) {
    answer = { error: `${String(error)}\n${error instanceof Error ? error.stack : ""}` };
  }
  await new Promise<void>((resolve) => process.stdout.write(`${JSON.stringify(answer)}\n`, () => resolve()));
}
// Some of the packages keep a thread or a timer.
process.exit(0);
