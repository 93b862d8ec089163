/**
 * The buckets that sinks are measured against: one in memory, the small server of the tests in a process of its own,
 * and a real one.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { createServer } from "node:net";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { HiddenText, type ObjectStore, openBucket, readBucketSettings } from "../src/sink/mod.ts";
import { installServer, startRealServer } from "../tests/s3/rgw_server.ts";

/** A bucket that answers, or does not. */
export interface MeasuredBucket {
  /** The bucket. */
  objects: ObjectStore;
  /** What it is, in words. */
  words: string;
  /** Ends what stands behind it. */
  end: () => void;
}

/** What the server does: answers, takes requests and never answers, or is not there. */
export type ServerState = "up" | "hanging" | "gone";

async function bucketAt(endpoint: string, accessKeyId: string, secretAccessKey: string): Promise<ObjectStore> {
  const settings = {
    endpoint,
    bucket: "boards",
    region: "default",
    prefix: "",
    accessKeyId: new HiddenText(accessKeyId),
    secretAccessKey: new HiddenText(secretAccessKey),
    encryptionKey: null,
  };
  return await openBucket(settings, { requestTimeoutMs: 30_000 });
}

/** The small server of the tests, in a process of its own, on loopback. */
export async function smallServer(state: ServerState): Promise<MeasuredBucket> {
  const key = "AKIDTESTTESTTEST";
  if (state === "gone") {
    const objects = await bucketAt(`http://127.0.0.1:${await closedPort()}`, key, "secret");
    return { objects, words: "a port where nobody listens", end: () => undefined };
  }
  const script = fileURLToPath(new URL("./sink_server.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", script, state], { stdio: ["pipe", "pipe", "inherit"] });
  const endpoint = await new Promise<string>((resolve, reject) => {
    child.once("error", reject);
    createInterface({ input: child.stdout }).once("line", resolve);
  });
  const objects = await bucketAt(endpoint, key, "secret");
  return { objects, words: "the small server of the tests, a process of its own", end: () => child.stdin?.end() };
}

async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 9;
}

/** Ceph's object gateway, as `npm run test:s3` starts it. */
export async function realServer(): Promise<MeasuredBucket> {
  const reason = installServer();
  if (reason !== null) throw new Error(`NOT RUN: the real S3 server could not be installed: ${reason}`);
  const { endpoint, accessKeyId, secretAccessKey, words, stop } = await startRealServer();
  return { objects: await bucketAt(endpoint, accessKeyId, secretAccessKey), words, end: stop };
}

/** The bucket that `HOLDFAST_S3_…` names. */
export async function ownServer(): Promise<MeasuredBucket> {
  const settings = await readBucketSettings(process.env);
  const words = `bucket ${settings.bucket} at ${settings.endpoint}`;
  return { objects: await openBucket(settings), words, end: () => undefined };
}

/** One that costs nothing but what the sinks do. */
export function memoryBucket(): MeasuredBucket {
  const held = new Map<string, Uint8Array>();
  const objects: ObjectStore = {
    create: (name, bytes) => Promise.resolve(held.has(name) ? "exists" : (held.set(name, bytes), "created")),
    replace: (name, bytes) => Promise.resolve(void held.set(name, bytes)),
    read: (name) => Promise.resolve(held.get(name) ?? null),
    list: async function* (prefix) {
      yield* [...held.keys()].filter((name) => name.startsWith(prefix)).sort();
    },
  };
  return { objects, words: "a map in this process", end: () => undefined };
}

/** How often each kind of request was made. */
export interface RequestCounts {
  /** PUT. */
  puts: number;
  /** GET. */
  gets: number;
}

/** The bucket for one sink: it is given up when the sink is closed, and the next one can use it all the same. */
export function lasting(objects: ObjectStore, counts: RequestCounts = { puts: 0, gets: 0 }): ObjectStore {
  const aborter = new AbortController();
  const gone = new Promise<never>((_, reject) => {
    aborter.signal.addEventListener("abort", () => reject(new Error("given up")));
  });
  gone.catch(() => undefined);
  const put = async <T>(request: Promise<T>): Promise<T> => {
    counts.puts++;
    return await Promise.race([request, gone]);
  };
  return {
    create: async (name, bytes) => await put(objects.create(name, bytes)),
    replace: async (name, bytes) => await put(objects.replace(name, bytes)),
    read: async (name) => {
      counts.gets++;
      return await Promise.race([objects.read(name), gone]);
    },
    list: (prefix) => objects.list(prefix),
    abort: () => aborter.abort(),
  };
}
