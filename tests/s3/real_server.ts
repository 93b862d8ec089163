/** The sink against a real server; run by `run_s3.ts`, which says where it is. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { openStore, type SessionStore } from "../../mod.ts";
import {
  type BucketSettings,
  HiddenText,
  listBucketSessions,
  type ObjectStore,
  openBucket,
  openSink,
  pullSession,
  readBucketSettings,
} from "../../src/sink/mod.ts";
import { prefixedCommand } from "../process/spawn_helper.ts";
import { type BucketHistory, readBucket } from "../sink/memory_objects.ts";
import { FaultProxy, type ProxyFault } from "./fault_proxy.ts";

const program = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

async function settings(more: Partial<BucketSettings> = {}): Promise<BucketSettings> {
  return { ...await readBucketSettings(process.env), prefix: `${randomUUID()}/`, ...more };
}

async function withBoards(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "holdfast-s3-"));
  try {
    await body(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** The whole bucket, read by the rules of the layout: strictly. */
async function readAll(objects: ObjectStore): Promise<BucketHistory[]> {
  const held = new Map<string, Uint8Array>();
  for await (const name of objects.list("sessions/")) held.set(name, await objects.read(name) ?? new Uint8Array());
  return [...readBucket(held).values()];
}

async function everything(store: SessionStore, key: string): Promise<unknown> {
  const chat = await store.session(key);
  const records: unknown[] = [];
  for await (const entry of chat.records({ all: true })) records.push(entry);
  return { records, facts: await chat.facts(), damaged: (await chat.verify()).damaged, summary: chat.summary };
}

test("a real server makes an object once, whoever asks, and lists more than a page", async () => {
  const objects = await openBucket(await settings());
  const outcomes = await Promise.all(
    Array.from({ length: 8 }, async (_, n) => await objects.create("a", new TextEncoder().encode(String(n)))),
  );
  assert.equal(outcomes.filter((outcome) => outcome === "created").length, 1);
  assert.equal(await objects.read("missing"), null);
  const names = Array.from({ length: 1003 }, (_, n) => `many/${String(n).padStart(5, "0")}`);
  for (let start = 0; start < names.length; start += 50) {
    await Promise.all(names.slice(start, start + 50).map((name) => objects.create(name, new Uint8Array([1]))));
  }
  const listed: string[] = [];
  for await (const name of objects.list("many/")) listed.push(name);
  assert.deepEqual(listed, names);
  const wrong = await openBucket(await settings({ secretAccessKey: new HiddenText("wrong") }));
  await assert.rejects(wrong.read("a"), /403/);
});

for (const encryptionKey of [null, new HiddenText("5a".repeat(32))]) {
  const how = encryptionKey === null ? "plain" : "encrypted";
  test(`a real server behind a bad network: always a prefix, each record once, in the end all, and back (${how})`, async () => {
    await withBoards(async (directory) => {
      const direct = await settings({ encryptionKey });
      const proxy = await FaultProxy.start(direct.endpoint);
      const store = await openStore(join(directory, "old"), { blobs: { valueBytesMin: 1024 } });
      const chat = await store.session("telegram:123");
      const objects = await openBucket({ ...direct, endpoint: proxy.endpoint }, { requestTimeoutMs: 500 });
      const straight = await openBucket(direct);
      const sink = await openSink(store, { objects, intervalMs: 0, objectBytesMax: 400 });
      const faults: ProxyFault[] = [
        "none",
        "drop",
        "lost",
        "none",
        "500",
        "half",
        "none",
        "503",
        "none",
        "lost",
        "none",
      ];
      let turn = 0;
      proxy.fault = () => (turn++ % 97 === 96 ? "hang" : faults[turn % faults.length] ?? "none");
      let failures = 0;
      for (let n = 0; n < 24; n++) {
        await chat.append({ n, text: "z".repeat(n % 8 === 0 ? 1500 : 20) });
        if (n === 12) await chat.truncate(5, { summary: "half" });
        await sink.flush().catch(() => failures++);
        const [history] = await readAll(straight);
        const sequences = history?.lines.map(({ sequence }) => sequence) ?? [];
        assert.deepEqual(sequences, [...sequences.keys()], "a prefix, each record once");
      }
      assert.ok(failures > 0);
      proxy.fault = () => "none";
      await sink.flush();
      const [history] = await readAll(straight);
      assert.equal(history?.lines.length, 24);
      await sink.close();
      const anew = await openStore(join(directory, "new"));
      for (let pulls = 0;; pulls++) {
        proxy.fault = () => (pulls < 8 && turn++ % 4 === 3 ? "half" : "none");
        try {
          const back = await openBucket({ ...direct, endpoint: proxy.endpoint }, { requestTimeoutMs: 500 });
          for await (const session of listBucketSessions(back)) await pullSession(anew, back, session);
          break;
        } catch (error) {
          assert.ok(pulls < 20, String(error));
        }
      }
      assert.deepEqual(await everything(anew, "telegram:123"), await everything(store, "telegram:123"));
      for (const open of [store, anew]) await open.close();
      await proxy.close();
    });
  });
}

test("a real server and a program that is killed in mid-upload again and again", async () => {
  await withBoards(async (directory) => {
    const direct = await settings();
    const proxy = await FaultProxy.start(direct.endpoint);
    const board = join(directory, "board");
    const store = await openStore(board);
    for (const key of ["a", "b", "c"]) {
      const chat = await store.session(key);
      for (let n = 0; n < 4; n++) await chat.append({ key, n, text: "q".repeat(400_000) });
    }
    await store.close();
    const straight = await openBucket(direct);
    const environment = { ...process.env, HOLDFAST_S3_ENDPOINT: proxy.endpoint, HOLDFAST_S3_PREFIX: direct.prefix };
    const push = (killAt: number): Promise<number | null> =>
      new Promise((resolve, reject) => {
        const args = "Deno" in globalThis
          ? ["run", "-A", "--no-check", program]
          : "Bun" in globalThis
          ? ["run", program]
          : ["--import", "tsx", program];
        const [command, ...rest] = prefixedCommand(process.execPath, [...args, "push", "--dir", board]);
        const child = spawn(command, rest, { env: environment, stdio: "ignore" });
        let seen = 0;
        proxy.fault = () => {
          seen++;
          if (seen === killAt) child.kill("SIGKILL");
          return seen === killAt && killAt % 2 === 0 ? "lost" : "none";
        };
        child.on("error", reject);
        child.on("exit", (code) => resolve(code));
      });
    let kills = 0;
    for (let killAt = 1; killAt <= 9; killAt += 2) {
      if (await push(killAt) === null) kills++;
      for (const { lines } of await readAll(straight)) {
        assert.deepEqual(lines.map(({ sequence }) => sequence), [...lines.keys()]);
      }
      if (await push(killAt + 1) === null) kills++;
    }
    assert.ok(kills > 3, `${kills} kills`);
    assert.equal(await push(Infinity), 0);
    const histories = await readAll(straight);
    assert.deepEqual(histories.map(({ manifest, lines }) => `${manifest.key} ${lines.length}`).sort(), [
      "a 4",
      "b 4",
      "c 4",
    ]);
    await proxy.close();
  });
});
