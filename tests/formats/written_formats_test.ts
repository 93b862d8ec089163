import assert from "node:assert/strict";
import { test } from "node:test";
import { fileIdOf, isFileId } from "../../src/formats/file_id.ts";
import { LossCount } from "../../src/formats/loss_count.ts";
import { picoclawStem } from "../../src/formats/picoclaw_writer.ts";
import { formatWriters } from "../../src/formats/written_formats.ts";
import { facts, talk, writeSession } from "./write_session.ts";

test("formatWriters: each says what it is and what it cannot hold, and its losses are counted", () => {
  assert.deepEqual(formatWriters.map(({ name }) => name), [
    "jsonl",
    "picoclaw",
    "gencode",
    "omega",
    "codetether",
    "markdown",
    "html",
  ]);
  for (const { title, losses } of formatWriters) {
    assert.notEqual(title, "");
    assert.ok(losses.length > 0 && losses.every((loss) => loss.endsWith(".")));
  }
  const count = new LossCount();
  for (const what of ["a picture", "a thought", "a picture"]) count.add(what);
  assert.deepEqual(count.list(), ["a picture (2 times)", "a thought"]);
  assert.deepEqual(writeSession("jsonl", { key: "k" }, talk).lost, []);
  assert.deepEqual(writeSession("picoclaw", { ...facts, summary: "s" }, talk).lost, [
    "the title",
    "the workspace",
    "a record that is no message",
    "the signature of a thought",
    "that a tool failed",
  ]);
  assert.deepEqual(writeSession("codetether", { ...facts, summary: "s" }, talk).lost, [
    "the summary",
    "a record that is no message",
    "that a tool failed",
  ]);
});

test("fileIdOf(): what every program takes for a name, and no two keys share one", () => {
  const keys = [
    "s1",
    "telegram:1",
    "telegram_1",
    "telegram-1",
    "../../etc/passwd",
    "",
    "..",
    "ä",
    "ö",
    "x".repeat(500),
  ];
  const ids = keys.map(fileIdOf);
  assert.equal(new Set(ids).size, keys.length);
  assert.ok(ids.every(isFileId), ids.join(" "));
  assert.equal(ids[0], "s1");
  assert.equal(picoclawStem("telegram:1"), "telegram_1");
  assert.equal(picoclawStem("../x"), fileIdOf("../x"));
});
