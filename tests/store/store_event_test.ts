/**
 * Nothing that is repaired, skipped or given up is silent: each event, by what causes it.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { StoreEvent, StoreEventType } from "../../mod.ts";
import { SimulatedFileSystem } from "../../src/testing/mod.ts";
import { appendMessages, hasCode, message, messages, sequences, StoreBench } from "./store_fixture.ts";

/** A session `chat` with three records, closed. */
async function closedSession(bench: StoreBench): Promise<void> {
  const chat = await bench.openSession();
  await appendMessages(chat, 0, 3);
  await bench.closeAll();
}

async function damageRecord(bench: StoreBench): Promise<void> {
  await bench.write("chat.jsonl", (await bench.text("chat.jsonl")).replace("message 1", "massage 1"));
}

const legacy = (content: string) =>
  JSON.stringify({
    key: "chat",
    messages: [{ role: "user", content }],
    summary: "s",
    created: "2026-01-02T03:04:05Z",
    updated: "2026-01-02T03:04:05Z",
  });

/** What must be done for each event to be told; each ends with the event, and nothing else after it. */
const causes: Record<StoreEventType, (bench: StoreBench) => Promise<void>> = {
  "torn-tail": async (bench) => {
    await closedSession(bench);
    await bench.appendTo("chat.jsonl", '{"torn":');
    await (await bench.openSession()).append(message(3));
  },
  "damaged-line": async (bench) => {
    await closedSession(bench);
    await damageRecord(bench);
    assert.deepEqual(await (await bench.openSession()).history(), [message(0), message(2)]);
  },
  "damaged-blob": async (bench) => {
    const session = await bench.openSession("chat", { blobs: { valueBytesMin: 1024 } });
    await session.append({ role: "tool", content: "x".repeat(1024) });
    const [name = ""] = (await bench.names("/blobs")).filter((entry) => entry.length === 64);
    await bench.base.unlink(bench.path(`blobs/${name}`));
    assert.equal((await session.history()).length, 1);
  },
  "quarantined": async (bench) => {
    await closedSession(bench);
    await damageRecord(bench);
    await (await bench.openSession()).compact();
  },
  "quarantine-full": async (bench) => {
    await closedSession(bench);
    await bench.appendTo("chat.jsonl", '{"torn":');
    bench.port.failNext((call) => call.method === "makeDirectory", "ENOSPC");
    assert.equal((await (await bench.openSession()).append(message(3))).sequence, 3);
  },
  "meta-rebuilt": async (bench) => {
    await closedSession(bench);
    await bench.base.unlink(bench.path("chat.meta.json"));
    await (await bench.openSession()).append(message(3));
  },
  "first-beyond-end": async (bench) => {
    await closedSession(bench);
    const meta = await bench.text("chat.meta.json");
    await bench.write("chat.meta.json", meta.replace('"first": 0', '"first": 9'));
    assert.equal((await (await bench.openSession()).append(message(9))).sequence, 9);
  },
  "replace-discarded": async (bench) => {
    await closedSession(bench);
    const store = await bench.open();
    bench.port.failNext((call) => call.method === "rename" && call.path.endsWith(".log.tmp"), "EIO");
    await assert.rejects((await store.session("chat")).replace(messages(5, 6)), hasCode("failed"));
    await (await store.session("chat")).append(message(3));
  },
  "replace-finished": async (bench) => {
    await causes["replace-pending"](bench);
    await bench.closeAll();
    await (await bench.openSession()).append(message(6));
  },
  "compaction-postponed": async (bench) => {
    const chat = await bench.openSession("chat", { selfCompaction: { deadLinesMin: 2 } });
    await appendMessages(chat, 0, 4);
    bench.port.failNext((call) => call.method === "write" && call.path.endsWith(".log.tmp"), "ENOSPC");
    await chat.truncate(1);
    assert.deepEqual(await chat.history(), [message(3)]);
    assert.deepEqual(await sequences(chat, { all: true }), [0, 1, 2, 3]);
  },
  "replace-pending": async (bench) => {
    await closedSession(bench);
    const chat = await bench.openSession();
    let metas = 0;
    bench.port.onCall = (call) => {
      if (call.method !== "write" || !call.path.endsWith(".meta.tmp") || ++metas !== 2) return;
      throw Object.assign(new Error("full"), { code: "ENOSPC" });
    };
    await chat.replace(messages(5, 6));
  },
  "delete-finished": async (bench) => {
    await closedSession(bench);
    const store = await bench.open();
    bench.port.failNext((call) => call.method === "unlink" && call.path.endsWith(".jsonl"), "EIO");
    await assert.rejects(store.delete("chat"), hasCode("failed"));
    await (await store.session("chat")).append(message(0));
  },
  "foreign-appended": async (bench) => {
    const chat = await bench.openSession();
    await chat.append(message(0));
    await bench.appendTo("chat.jsonl", '{"role":"user","content":"theirs"}\n');
    assert.equal((await chat.append(message(2))).sequence, 2);
  },
  "lock-taken-over": async (bench) => {
    await closedSession(bench);
    await bench.write("chat.lock", "process 4711 (gone)");
    await (await bench.openSession()).append(message(3));
  },
  "session-failed": async (bench) => {
    const chat = await bench.openSession();
    await chat.append(message(0));
    bench.port.failNext((call) => call.method === "syncData", "EIO");
    await assert.rejects(chat.append(message(1)), hasCode("failed"));
  },
  "session-unreadable": async (bench) => {
    await closedSession(bench);
    await bench.base.unlink(bench.path("chat.meta.json"));
    await bench.link("chat.meta.json", "/elsewhere");
    await (await bench.open()).list();
  },
  "index-discarded": async (bench) => {
    await closedSession(bench);
    await bench.write(".workspaces", "damaged");
    await (await bench.open()).latest({ workspace: "/work" });
  },
  "migrated": async (bench) => {
    await bench.open();
    await bench.write("old.json", legacy("from before"));
    assert.equal((await (await bench.openSession()).history()).length, 1);
  },
  "migration-skipped": async (bench) => {
    await closedSession(bench);
    await bench.write("old.json", legacy("from before"));
    assert.equal((await (await bench.openSession()).history()).length, 3);
  },
};

for (const [type, cause] of Object.entries(causes)) {
  test(`StoreEvent ${type} is told, with a message, a path and the session's key`, async () => {
    const bench = new StoreBench(new SimulatedFileSystem(), "/sessions");
    try {
      await cause(bench);
      const event: StoreEvent | undefined = bench.events.find((told) => told.type === type);
      assert.ok(event !== undefined, `told: ${bench.eventTypes().join(", ") || "nothing"}`);
      assert.ok(event.message.length > 10);
      assert.ok(event.path.startsWith("/sessions/"), event.path);
      if (type !== "session-unreadable" && type !== "index-discarded") assert.equal(event.key, "chat");
    } finally {
      bench.port.letGo();
      await bench.closeAll();
    }
  });
}
