/**
 * Stores of every format that was ever written open for ever: `testdata/README.md` says what is in them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { openStore, type SessionStore } from "../../mod.ts";
import { isJsonObject } from "../../src/log/json_text.ts";

/** What a reader gets of one session. */
interface GoldenSession {
  key: string;
  firstActive: number | null;
  summary: string;
  title: string | null;
  workspace: string | null;
  next: number;
  verified: number;
  foreign: number;
  unverified: number;
  damaged: [offset: number, length: number][];
  tornTail: [offset: number, length: number] | null;
  meta: "ok" | "missing";
  records: [sequence: number, text: string][];
}

const testdata = fileURLToPath(new URL("./testdata", import.meta.url));

function isGoldenSession(value: unknown): value is GoldenSession {
  return isJsonObject(value) && typeof value["key"] === "string" && Array.isArray(value["records"]);
}

function goldenSessions(version: string): GoldenSession[] {
  const parsed: unknown = JSON.parse(readFileSync(`${testdata}/${version}_expected.json`, "utf8"));
  assert.ok(Array.isArray(parsed) && parsed.every(isGoldenSession));
  return parsed;
}

/** Every file of a store, with its bytes. */
function contents(directory: string): Map<string, string> {
  const names = readdirSync(directory, { recursive: true, encoding: "utf8" }).sort();
  const files = names.filter((name) => statSync(join(directory, name)).isFile());
  return new Map(files.map((name) => [name, readFileSync(join(directory, name), "latin1")]));
}

async function withCopy(version: string, use: (directory: string) => Promise<void>): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), "holdfast-golden-"));
  try {
    cpSync(`${testdata}/${version}`, `${scratch}/store`, { recursive: true });
    await use(`${scratch}/store`);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function readSession(store: SessionStore, { key, next }: GoldenSession): Promise<GoldenSession> {
  const session = await store.session(key);
  const records: GoldenSession["records"] = [];
  for await (const { sequence, text } of session.texts({ all: true })) records.push([sequence, text]);
  const { firstSequence } = await session.tail(1000);
  const { title, workspace } = await session.info();
  const { verified, foreign, unverified, damaged, tornTail, meta } = await session.verify();
  assert.ok(meta !== "damaged");
  return {
    key,
    firstActive: firstSequence,
    summary: session.summary,
    title,
    workspace,
    next,
    verified,
    foreign,
    unverified,
    damaged: damaged.map(({ offset, length }) => [offset, length]),
    tornTail: tornTail === null ? null : [tornTail.offset, tornTail.length],
    meta,
    records,
  };
}

for (const version of ["v1"]) {
  test(`${version}: every session of the store reads as ever, and reading changes no byte`, async () => {
    await withCopy(version, async (directory) => {
      const before = contents(directory);
      {
        await using store = await openStore(directory, { readOnly: true });
        const golden = goldenSessions(version);
        for (const expected of golden) assert.deepEqual(await readSession(store, expected), expected);
        const keys = (await store.list()).map(({ key }) => key).sort();
        assert.deepEqual(keys, golden.map(({ key }) => key).sort());
        assert.equal(await store.has("deleted"), false);
      }
      assert.deepEqual(contents(directory), before);
    });
  });

  test(`${version}: every session of the store goes on where it ended`, async () => {
    await withCopy(version, async (directory) => {
      await using store = await openStore(directory);
      for (const expected of goldenSessions(version)) {
        const session = await store.session(expected.key);
        const { sequence } = await session.append({ next: true });
        assert.equal(sequence, expected.next, expected.key);
        const records: GoldenSession["records"] = [];
        for await (const { sequence, text } of session.texts({ all: true })) records.push([sequence, text]);
        assert.deepEqual(records, [...expected.records, [expected.next, '{"next":true}']]);
        assert.equal(session.summary, expected.summary);
        const report = await session.verify();
        assert.equal(report.tornTail, null);
        assert.equal(report.meta, "ok");
      }
    });
  });

  test(`${version}: repair makes every session whole and takes no record away`, async () => {
    await withCopy(version, async (directory) => {
      await using store = await openStore(directory);
      for (const { key, records, firstActive } of goldenSessions(version)) {
        const session = await store.session(key);
        const { after } = await session.repair();
        assert.equal(after.ok, true, key);
        const kept: GoldenSession["records"] = [];
        for await (const { sequence, text } of session.texts()) kept.push([sequence, text]);
        assert.deepEqual(kept, records.filter(([sequence]) => sequence >= (firstActive ?? 0)));
      }
    });
  });
}
