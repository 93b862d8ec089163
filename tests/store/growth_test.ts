/**
 * What must not grow with the log, counted in bytes read: the same session's end behind 1 MB and behind 64 MB.
 */
import assert from "node:assert/strict";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openStore, type SessionStore } from "../../mod.ts";

const directories: string[] = [];
after(async () => {
  for (const directory of directories) await rm(directory, { recursive: true, force: true });
});

async function scratch(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "holdfast-growth-"));
  directories.push(directory);
  return directory;
}

const large = JSON.stringify({ role: "tool", content: "x".repeat(250_000) });
const small = (index: number): string => JSON.stringify({ role: "user", content: `${index} `.padEnd(900, "y") });

/** A session of some size, closed, and what a writer leaves that was killed, with groups at its end. */
async function grown(largeRecords: number): Promise<{ closed: string; killed: string }> {
  const closed = await scratch();
  const killed = await scratch();
  {
    await using store = await openStore(closed);
    const chat = await store.session("chat");
    for (let index = 0; index < largeRecords; index += 2) await chat.appendTextAll([large, large]);
    for (let index = 0; index < 300; index++) await chat.appendText(small(index), { durability: "buffered" });
  }
  await using store = await openStore(closed);
  const chat = await store.session("chat");
  // Groups of about 500 KB, as a busy queue makes them: the last record without `~` is far from the end.
  for (let group = 0; group < 2; group++) {
    await Promise.all(Array.from({ length: 550 }, async (_, index) => await chat.appendText(small(index))));
  }
  await cp(closed, killed, { recursive: true });
  return { closed, killed };
}

/** Bytes that something reads. */
async function bytesRead(directory: string, work: (store: SessionStore) => Promise<unknown>): Promise<number> {
  const copy = await scratch();
  await cp(directory, copy, { recursive: true });
  await using store = await openStore(copy);
  await work(store);
  return store.counters.bytesRead;
}

const works: Record<string, { max: number; work: (store: SessionStore) => Promise<unknown> }> = {
  "tail(50)": { max: 1_000_000, work: async (store) => await (await store.session("chat")).tail(50) },
  "open and first append": {
    max: 1_000_000,
    work: async (store) => await (await store.session("chat")).appendText("{}"),
  },
  "truncate(20)": { max: 2_000_000, work: async (store) => await (await store.session("chat")).truncate(20) },
  "latest()": { max: 1_000_000, work: async (store) => await store.latest() },
  "list()": { max: 1_000_000, work: async (store) => await store.list() },
  "append, 100 more": {
    max: 2_000_000,
    work: async (store) => {
      const chat = await store.session("chat");
      for (let index = 0; index < 100; index++) await chat.appendText(small(index));
    },
  },
};

test("what tail, open, append, truncate, latest and list read does not grow with the log", async () => {
  const [one, other] = [await grown(4), await grown(256)];
  for (const state of ["closed", "killed"] as const) {
    for (const [name, { max, work }] of Object.entries(works)) {
      const [few, many] = [await bytesRead(one[state], work), await bytesRead(other[state], work)];
      assert.ok(many <= max, `${name}, ${state}: ${many} bytes read of 64 MB`);
      assert.ok(many <= few + 4096, `${name}, ${state}: ${few} bytes read of 2 MB, ${many} of 64 MB`);
    }
  }
});
