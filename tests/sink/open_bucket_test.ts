import assert from "node:assert/strict";
import { test } from "node:test";
import { openStore } from "../../mod.ts";
import { type BucketOptions, type BucketSettings, HiddenText, openBucket, openSink } from "../../src/sink/mod.ts";
import { SimulatedFileSystem } from "../../src/testing/mod.ts";
import { slowness } from "../process/spawn_helper.ts";
import { readBucket } from "./memory_objects.ts";
import { accessKeyId, type HttpFault, S3Server, secretAccessKey } from "./s3_server.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array | null) => bytes === null ? null : new TextDecoder().decode(bytes);

async function withServer(body: (server: S3Server) => Promise<void>): Promise<void> {
  const server = await S3Server.start();
  try {
    await body(server);
  } finally {
    await server.close();
  }
}

async function listed(
  objects: { list(prefix: string): AsyncGenerator<string, void> },
  prefix: string,
): Promise<string[]> {
  const names: string[] = [];
  for await (const name of objects.list(prefix)) names.push(name);
  return names;
}

test("openBucket() makes objects once, reads them whole and lists them page by page, behind a prefix", async () => {
  await withServer(async (server) => {
    const objects = await openBucket(server.settings({ prefix: "fleet 1/ü/" }));
    assert.equal(await objects.create("a", bytesOf("one")), "created");
    assert.equal(await objects.create("a", bytesOf("two")), "exists");
    assert.equal(textOf(await objects.read("a")), "one");
    await objects.replace("a", bytesOf("three"));
    assert.equal(textOf(await objects.read("a")), "three");
    assert.equal(await objects.read("b"), null);
    for (let n = 0; n < 7; n++) await objects.create(`x/${n}`, bytesOf("-"));
    assert.deepEqual(await listed(objects, "x/"), [0, 1, 2, 3, 4, 5, 6].map((n) => `x/${n}`));
    assert.ok(server.held.has("fleet 1/ü/a"));
    objects.abort?.();
    await assert.rejects(objects.read("a"), { code: "io" });
  });
});

test("openBucket() says what went wrong in every way that a request can, and never who asked", async () => {
  await withServer(async (server) => {
    const objects = await openBucket(server.settings(), { requestTimeoutMs: 300 * slowness });
    await objects.create("a", bytesOf("one and two"));
    const messages: string[] = [];
    for (const fault of ["drop", "lost", "500", "503", "hang", "half"] satisfies HttpFault[]) {
      server.fault = () => fault;
      const requests = [
        () => objects.read("a"),
        () => objects.create(`new ${fault}`, bytesOf("x")),
        () => objects.replace("a", bytesOf("x")),
      ];
      for (const request of requests) {
        await request().then(() => assert.fail(`${fault} went through`), (error) => {
          assert.equal(error.code, "io", fault);
          messages.push(`${error.message} ${error.stack} ${JSON.stringify(error)}`);
          assert.equal(error.cause, undefined);
        });
      }
    }
    server.fault = () => "none";
    const wrong: Partial<BucketSettings> = { accessKeyId: new HiddenText("AKIDWRONG"), bucket: "boards" };
    await assert.rejects((await openBucket(server.settings(wrong))).read("a"), /403, InvalidAccessKeyId/);
    for (const message of messages) {
      for (const secret of [accessKeyId, secretAccessKey, "Signature", "Credential"]) {
        assert.ok(!message.includes(secret));
      }
    }
  });
});

test("openBucket() gives up on an answer that stops in the middle", async () => {
  await withServer(async (server) => {
    const objects = await openBucket(server.settings(), { requestTimeoutMs: 300 * slowness });
    await objects.create("a", bytesOf("one and two"));
    server.fault = () => "stall";
    await assert.rejects(objects.read("a"), { code: "io", message: /no answer in time/ });
  });
});

test("Sink over HTTP keeps the bucket a prefix of the history under every fault, and in the end all of it", async () => {
  await withServer(async (server) => {
    const fileSystem = new SimulatedFileSystem();
    const store = await openStore("/sessions", { fileSystem, blobs: { valueBytesMin: 1024 } });
    const chat = await store.session("a");
    const faults: HttpFault[] = ["drop", "lost", "500", "503", "half", "none", "hang", "none", "none", "lost", "none"];
    let turn = 0;
    server.fault = () => faults[turn++ % faults.length] ?? "none";
    const options: BucketOptions = { requestTimeoutMs: 50 * slowness };
    const objects = await openBucket(server.settings(), options);
    const sink = await openSink(store, { objects, fileSystem, intervalMs: 0, objectBytesMax: 300 });
    let failures = 0;
    for (let n = 0; n < 30; n++) {
      await chat.append({ n, text: "y".repeat(n % 7 === 0 ? 1100 : 10) });
      await sink.flush().catch(() => failures++);
      const [history] = readBucket(server.held).values();
      assert.deepEqual(history?.lines.map(({ sequence }) => sequence) ?? [], [...(history?.lines ?? []).keys()]);
    }
    assert.ok(failures > 5);
    server.fault = () => "none";
    await sink.flush();
    const [history] = readBucket(server.held).values();
    assert.equal(history?.lines.length, 30);
    await sink.close();
    await store.close();
  });
});

test("openBucket() with a key of the user's sends nothing that can be read without it", async () => {
  await withServer(async (server) => {
    const encryptionKey = new HiddenText("0123456789abcdef".repeat(4));
    const objects = await openBucket(server.settings({ encryptionKey }));
    const places = [server.settings(), server.settings({ prefix: "b/" }), server.settings({ encryptionKey })];
    const said = await Promise.all(places.map(async (settings) => (await openBucket(settings)).place ?? ""));
    assert.equal(new Set(said).size, 3, "what was sent to one was not sent to another");
    for (const secret of [accessKeyId, secretAccessKey, encryptionKey.reveal()]) {
      assert.ok(!said.join().includes(secret));
    }
    const hash = "ab".repeat(32);
    await objects.create("sessions/x/records/1.jsonl", bytesOf("a secret"));
    await objects.create("sessions/x/records/2.jsonl", bytesOf("a secret"));
    await objects.create(`sessions/x/blobs/${hash}`, bytesOf("a secret"));
    assert.equal(textOf(await objects.read("sessions/x/records/1.jsonl")), "a secret");
    assert.equal(textOf(await objects.read(`sessions/x/blobs/${hash}`)), "a secret");
    const stored = [...server.held].map(([name, bytes]) =>
      name + Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")
    );
    for (const text of stored) assert.ok(!text.includes("secret") && !text.includes(hash));
    const [one, two] = server.held.values();
    assert.notDeepEqual(one, two);
    // One in the place of the other, a flipped bit, another key, none.
    server.held.set("sessions/x/records/2.jsonl", one ?? new Uint8Array());
    await assert.rejects(objects.read("sessions/x/records/2.jsonl"), { code: "corrupt" });
    const flipped = two?.slice() ?? new Uint8Array();
    flipped[40] = (flipped[40] ?? 0) ^ 1;
    server.held.set("sessions/x/records/2.jsonl", flipped);
    await assert.rejects(objects.read("sessions/x/records/2.jsonl"), { code: "corrupt" });
    const other = await openBucket(server.settings({ encryptionKey: new HiddenText("f".repeat(64)) }));
    await assert.rejects(other.read("sessions/x/records/1.jsonl"), /another key/);
    server.held.set("plain", bytesOf("plain"));
    await assert.rejects(objects.read("plain"), /not encrypted/);
  });
});
