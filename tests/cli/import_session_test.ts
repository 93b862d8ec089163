import assert from "node:assert/strict";
import { test } from "node:test";
import { openStore, type SessionStore } from "../../mod.ts";
import { importSource } from "../../src/cli/import_session.ts";
import type { ImportSource, SourceItem } from "../../src/cli/import_source.ts";
import { jsonl } from "../../src/formats/jsonl.ts";
import type { SessionFacts } from "../../src/formats/session_format.ts";
import { withDirectory } from "./in_process.ts";

const texts = Array.from({ length: 3000 }, (_, n) => `{"n":${n}}`);

function sourceOf(facts: SessionFacts, stopAt = Infinity): ImportSource {
  async function* items(): AsyncIterableIterator<SourceItem[]> {
    for (const [index, text] of texts.entries()) {
      if (index === stopAt) throw new Error("pulled out");
      yield [{ kind: "record", text, line: index + 1, rawIndex: index }];
    }
  }
  return {
    path: "file.jsonl",
    format: jsonl,
    facts,
    key: "k",
    hasSides: false,
    warnings: [],
    notes: [],
    size: 0,
    bytesRead: 0,
    items,
  };
}

async function importInto(store: SessionStore, source: ImportSource): Promise<[number, number]> {
  const { signal } = new AbortController();
  const { added, skipped } = await importSource(store, source, {
    key: "k",
    signal,
    onProgress: () => Promise.resolve(),
  });
  return [added, skipped];
}

test("importSource that breaks off keeps what it had, and goes on there; summary and skip come last, once", async () => {
  await withDirectory(async (directory) => {
    const store = await openStore(directory);
    const facts = { key: "k", summary: "s", skip: 2990, aliases: ["alias"] };
    let before = 0;
    for (const stopAt of [0, 1, 1500, 2999]) {
      await assert.rejects(importInto(store, sourceOf(facts, stopAt)), /pulled out/);
      before = stopAt;
      if (stopAt === 0) continue;
      const { records, active, summary } = await (await store.session("k")).info();
      assert.deepEqual({ records, active, summary }, { records: stopAt, active: stopAt, summary: "" });
    }
    assert.deepEqual(await importInto(store, sourceOf(facts)), [texts.length - before, before]);
    const session = await store.session("k");
    assert.deepEqual([(await session.info()).active, session.summary], [10, "s"]);
    assert.equal(await store.resolve("alias"), "k");
    // What the user changes afterwards is not undone by another import.
    await session.setSummary("mine");
    await session.truncate(5);
    assert.deepEqual(await importInto(store, sourceOf(facts)), [0, texts.length]);
    assert.deepEqual([(await session.info()).active, session.summary], [5, "mine"]);
    await store.close();
  });
});

test("importSource needs few syncs: records share them", async () => {
  await withDirectory(async (directory) => {
    const store = await openStore(directory);
    await importInto(store, sourceOf({}));
    assert.ok(store.counters.syncs < 100, `${store.counters.syncs} syncs`);
    await store.close();
  });
});
