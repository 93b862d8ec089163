import assert from "node:assert/strict";
import { test } from "node:test";
import { openStore, type Session } from "../../mod.ts";
import { Comparison, SideRecords } from "../../src/cli/import_comparison.ts";
import { sideRecordText } from "../../src/formats/side_record.ts";
import { withDirectory } from "./in_process.ts";

const side = (name: string, value: string): string => sideRecordText({ format: "omega", part: "index", name }, value);
const item = (text: string, original?: string) =>
  ({ kind: "record", text, line: 1, rawIndex: 0, ...(original === undefined ? {} : { original }) }) as const;

async function withSession(texts: string[], body: (session: Session) => Promise<void>): Promise<void> {
  await withDirectory(async (directory) => {
    await using store = await openStore(directory);
    const session = await store.session("k");
    for (const text of texts) await session.appendText(text);
    await body(session);
  });
}

test("SideRecords knows the newest of each name", async () => {
  await withSession([side("a", "1"), side("b", "1"), "{}", side("a", "2")], async (session) => {
    const sides = new SideRecords();
    await sides.load(session);
    assert.equal(sides.check(side("a", "2")), "there");
    assert.equal(sides.check(side("a", "1")), "new");
    assert.equal(sides.check(side("a", "1")), "there");
    assert.equal(sides.check(side("c", "1")), "new");
  });
});

test("Comparison passes over side records where the format has them, and else compares them like others", async () => {
  const texts = ['{"n":0}', side("a", "1"), '{"n":1}'];
  await withSession(texts, async (session) => {
    const passing = new Comparison(session, "file", true);
    for (const text of ['{"n":0}', '{"n":1}']) assert.equal(await passing.isThere(item(text)), true);
    assert.equal(await passing.isThere(item('{"n":2}')), false);
    await passing.close();
    const plain = new Comparison(session, "file", false);
    for (const text of texts) assert.equal(await plain.isThere(item(text)), true);
    await plain.close();
    const other = new Comparison(session, "file", true);
    await assert.rejects(other.isThere(item('{"n":7}')), { code: "io" });
    await other.close();
  });
});

test("Comparison takes a record with or without its large value for the same", async () => {
  await withSession(['{"v":"preview"}', '{"v":"whole"}'], async (session) => {
    const comparison = new Comparison(session, "file", false);
    for (const _ of [0, 1]) assert.equal(await comparison.isThere(item('{"v":"whole"}', '{"v":"preview"}')), true);
    await comparison.close();
  });
});
