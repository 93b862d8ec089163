// deno-lint-ignore-file camelcase -- the names are picoclaw's
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { noRealData, realInputData } from "../real_input_data.ts";
import { type PicoclawMessage, PicoclawReference } from "./picoclaw_reference.ts";

const stamp = "2026-01-02T03:04:05.000000006Z";

/** Runs `body` with a fresh store; `clock` is what it stamps. */
function withStore(body: (store: PicoclawReference) => void, clock: () => string = () => stamp): void {
  const directory = mkdtempSync(join(tmpdir(), "picoclaw-"));
  try {
    body(new PicoclawReference(join(directory, "workspace", "sessions"), { now: clock }));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A log with these bytes and, if given, a meta file with this `skip`. */
function place(store: PicoclawReference, log: string | Uint8Array, skip?: number): void {
  writeFileSync(store.logPath("k"), log);
  if (skip !== undefined) {
    const meta = { key: "k", summary: "", skip, count: 0, created_at: stamp, updated_at: stamp };
    writeFileSync(store.metaPath("k"), JSON.stringify(meta));
  }
}

function say(content: string): string {
  return `{"role":"user","content":"${content}"}`;
}

function contents(store: PicoclawReference): string[] {
  return store.getHistory("k").map((message) => message.content);
}

function user(content: string): PicoclawMessage {
  return { role: "user", content };
}

const thought: PicoclawMessage = { role: "assistant", content: " ", reasoning_content: "hm" };
const thoughtLine = `{"role":"assistant","content":"","reasoning_content":"hm"}`;

test("reader: empty lines are ignored and not counted by skip", () =>
  withStore((store) => {
    place(store, `\n\n${say("a")}\n\r\n\n${say("b")}\n\n`, 1);
    assert.deepEqual(contents(store), ["b"]);
    store.truncateHistory("k", 1);
    assert.equal(store.getSessionMeta("k")?.count, 2);
  }));

test("reader: skip and count count corrupt, blank, NUL-filled and filtered lines", () =>
  withStore((store) => {
    place(store, `${say("a")}\n{"role":"us\n   \n\0\0\0\n${thoughtLine}\n${say("b")}\n${say("c")}\n`, 5);
    assert.deepEqual(contents(store), ["b", "c"]);
    store.truncateHistory("k", 99);
    assert.equal(store.getSessionMeta("k")?.count, 7);
    assert.equal(store.getSessionMeta("k")?.skip, 5);
  }));

test("reader: the first skip lines are dropped without being decoded", () =>
  withStore((store) => {
    place(store, `rubbish\n${say("b")}\n`, 1);
    assert.deepEqual(contents(store), ["b"]);
    assert.deepEqual(store.log, []);
  }));

test("reader: a corrupt line is skipped and logged, in the middle too", () =>
  withStore((store) => {
    place(store, `${say("a")}\nrubbish\n[]\n5\n{"role":7}\n{"role":"user","content":["x"]}\n${say("b")}\n`);
    assert.deepEqual(contents(store), ["a", "b"]);
    assert.equal(store.log.length, 5);
    assert.match(store.log[0] ?? "", /^memory: skipping corrupt line 2 in k\.jsonl: /);
  }));

test("reader: a transient thought is filtered; one that says, does or carries something is not", () =>
  withStore((store) => {
    const kept = [
      `{"role":"user","content":"","reasoning_content":"hm"}`,
      `{"role":"assistant","content":"x","reasoning_content":"hm"}`,
      `{"role":"assistant","content":"","reasoning_content":" "}`,
      `{"role":"assistant","content":"","reasoning_content":"hm","tool_calls":[{"id":"c"}]}`,
      `{"role":"assistant","content":"","reasoning_content":"hm","media":["m"]}`,
      `{"role":"assistant","content":"","reasoning_content":"hm","attachments":[{"ref":"r"}]}`,
      `{"role":"assistant","content":"","reasoning_content":"hm","tool_call_id":"c"}`,
    ];
    place(store, [thoughtLine, ...kept].map((line) => line + "\n").join(""));
    assert.equal(store.getHistory("k").length, kept.length);
  }));

test("reader: a last line without a line feed is accepted if it parses", () =>
  withStore((store) => {
    place(store, `${say("a")}\n${say("b")}`);
    assert.deepEqual(contents(store), ["a", "b"]);
    place(store, `${say("a")}\n{"role":"user","con`);
    assert.deepEqual(contents(store), ["a"]);
    assert.equal(store.log.length, 1);
  }));

test("reader: one carriage return before the line feed is stripped", () =>
  withStore((store) => {
    place(store, `${say("a")}\r\n\r\n${say("b")}\r`, 1);
    assert.deepEqual(contents(store), ["b"]);
  }));

test("reader: a line with its line feed over 10 MiB fails the whole read (B7, W6)", () =>
  withStore((store) => {
    const line = (bytes: number): string => say("x".repeat(bytes - say("").length));
    place(store, `${say("a")}\n${line(10 * 1024 * 1024 - 1)}\n`);
    assert.equal(store.getHistory("k").length, 2);
    place(store, `${say("a")}\n${line(10 * 1024 * 1024)}\n`, 2);
    assert.throws(() => store.getHistory("k"), /token too long/);
    assert.throws(() => store.truncateHistory("k", 1), /token too long/);
    assert.throws(() => store.compact("k"), /token too long/);
  }));

test("reader: unknown fields are ignored, names match in any case, null sets nothing", () =>
  withStore((store) => {
    place(
      store,
      `{"ROLE":"user","Content":"a","created_at":null,"#":"0 12345678","x":{"role":"no"}}\n` +
        `{"role":"user","content":null,"tool_calls":null}\nnull\n`,
    );
    assert.deepEqual(store.getHistory("k"), [user("a"), user(""), { role: "", content: "" }]);
  }));

test("reader: blanks around the text are accepted; a byte-order mark and NULs before it are not", () =>
  withStore((store) => {
    place(store, ` \t${say("a")}   \n\ufeff${say("b")}\n\0\0${say("c")}\n`);
    assert.deepEqual(contents(store), ["a"]);
  }));

test("reader: U+2028 and U+2029 do not end a line", () =>
  withStore((store) => {
    place(store, `${say("a\u2028b\u2029c")}\n`);
    assert.deepEqual(contents(store), ["a\u2028b\u2029c"]);
  }));

test("reader: skip beyond the end gives nothing, also for new messages, until a truncation clamps it (W13)", () =>
  withStore((store) => {
    place(store, `${say("a")}\n`, 3);
    store.addMessage("k", user("b"));
    assert.deepEqual(store.getHistory("k"), []);
    store.truncateHistory("k", 5);
    assert.equal(store.getSessionMeta("k")?.skip, 2);
    store.addMessage("k", user("c"));
    assert.deepEqual(contents(store), ["c"]);
  }));

test("reader: an unknown session is empty; one whose meta file is empty or damaged fails and is not listed (W4)", () =>
  withStore((store) => {
    assert.deepEqual(store.getHistory("k"), []);
    assert.equal(store.getSummary("k"), "");
    for (const damaged of ["", "{", `{"key":"k","skip":"0"}`, `{"key":"k","skip":1.0}`, `{"created_at":"monday"}`]) {
      place(store, `${say("a")}\n`);
      writeFileSync(store.metaPath("k"), damaged);
      assert.throws(() => store.getHistory("k"), Error, `meta ${damaged}`);
      assert.deepEqual(store.listSessions(), []);
      assert.throws(() => store.addMessage("k", user("b")), Error, `meta ${damaged}`);
      assert.equal(
        readFileSync(store.logPath("k"), "utf8").split("\n").length,
        3,
        "the message was written all the same",
      );
    }
  }));

test("writer: addMessage() writes picoclaw's bytes", () =>
  withStore((store) => {
    store.addMessage("a:b/c\\d", {
      role: "assistant",
      content: '1 < 2 && \u2028 é "\n\t\u0001\ud800',
      tool_calls: [{ id: "c", type: "function", function: { name: "f", arguments: "{}" } }],
      media: [],
    });
    store.addMessage("a:b/c\\d", thought);
    assert.deepEqual(readdirSync(store.directory).sort(), ["a_b_c_d.jsonl", "a_b_c_d.meta.json"]);
    assert.equal(
      readFileSync(store.logPath("a:b/c\\d"), "utf8"),
      `{"role":"assistant","content":"1 \\u003c 2 \\u0026\\u0026 \\u2028 é \\"\\n\\t\\u0001\ufffd",` +
        `"created_at":"${stamp}","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]}\n`,
    );
    assert.equal(
      readFileSync(store.metaPath("a:b/c\\d"), "utf8"),
      `{\n  "key": "a:b/c\\\\d",\n  "summary": "",\n  "skip": 0,\n  "count": 1,\n` +
        `  "created_at": "${stamp}",\n  "updated_at": "${stamp}"\n}`,
    );
  }));

test("writer: the meta file loses fields that picoclaw does not know (A7); scope keeps its text", () =>
  withStore((store) => {
    writeFileSync(
      store.metaPath("k"),
      `{"key":"k","holdfast":{"first":3},"scope":{"n":12345678901234567890,"e":{},"l":[]},"aliases":["x"],"skip":1}`,
    );
    store.addMessage("k", user("a"));
    assert.equal(
      readFileSync(store.metaPath("k"), "utf8"),
      `{\n  "key": "k",\n  "summary": "",\n  "skip": 1,\n  "count": 1,\n  "created_at": "${stamp}",\n` +
        `  "updated_at": "${stamp}",\n  "scope": {\n    "n": 12345678901234567890,\n    "e": {},\n    "l": []\n  },\n` +
        `  "aliases": [\n    "x"\n  ]\n}`,
    );
  }));

test("writer: times lose trailing zeros and digits behind the ninth, and keep their offset", () =>
  withStore((store) => {
    const at = (created_at: string): PicoclawMessage => ({ role: "user", content: "", created_at });
    store.setHistory("k", [
      at("2026-01-01T00:00:00.100Z"),
      at("2026-01-01T00:00:00.0000000001+08:00"),
      at("2026-01-01T00:00:00+00:00"),
    ]);
    assert.deepEqual(store.getHistory("k").map((message) => message.created_at), [
      "2026-01-01T00:00:00.1Z",
      "2026-01-01T00:00:00+08:00",
      "2026-01-01T00:00:00Z",
    ]);
  }));

test("truncateHistory() counts messages that are returned, and skips raw lines", () =>
  withStore((store) => {
    place(store, `${say("a")}\n${say("b")}\n${thoughtLine}\nrubbish\n${say("c")}\n`, 0);
    store.truncateHistory("k", 2);
    assert.equal(store.getSessionMeta("k")?.skip, 1);
    store.truncateHistory("k", 1);
    assert.equal(store.getSessionMeta("k")?.skip, 4);
    store.truncateHistory("k", 5);
    assert.equal(store.getSessionMeta("k")?.skip, 4);
    store.truncateHistory("k", 0);
    assert.equal(store.getSessionMeta("k")?.skip, 5);
    store.truncateHistory("other", 5);
    assert.deepEqual(store.listSessions().sort(), ["k", "other"]);
  }));

test("compact() rewrites what is active and drops corrupt lines and unknown fields; without skip it does nothing", () =>
  withStore((store) => {
    const log = `${say("a")}\nrubbish\n{"role":"user","content":"b","#":"1 00000000"}\n`;
    place(store, log, 0);
    store.compact("k");
    assert.equal(readFileSync(store.logPath("k"), "utf8"), log);
    place(store, log, 1);
    store.compact("k");
    assert.equal(readFileSync(store.logPath("k"), "utf8"), `${say("b")}\n`);
    assert.deepEqual([store.getSessionMeta("k")?.skip, store.getSessionMeta("k")?.count], [0, 1]);
    assert.deepEqual(readdirSync(store.directory).sort(), ["k.jsonl", "k.meta.json"]);
  }));

test("compact() that crashes after the meta file brings truncated messages back (W3)", () =>
  withStore((store) => {
    for (let n = 0; n < 6; n++) store.addMessage("k", user(String(n)));
    store.truncateHistory("k", 2);
    assert.deepEqual(contents(store), ["4", "5"]);
    store.compact("k", { crashAfterMeta: true });
    assert.deepEqual(contents(store), ["0", "1", "2", "3", "4", "5"]);
    store.compact("k");
    assert.equal(contents(store).length, 6);
  }));

test("setHistory() filters, stamps and replaces; one that crashes after the meta file leaves the old log", () =>
  withStore((store) => {
    store.addMessage("k", user("old"));
    store.setHistory("k", [user("new"), thought], { crashAfterMeta: true });
    assert.deepEqual(contents(store), ["old"]);
    store.setHistory("k", [user("new"), thought]);
    assert.deepEqual(store.getHistory("k"), [{ role: "user", content: "new", created_at: stamp }]);
    assert.equal(store.getSessionMeta("k")?.count, 1);
  }));

test("addMessage() after a torn line glues, and both are lost (W1)", () =>
  withStore((store) => {
    store.addMessage("k", user("one"));
    store.appendTorn("k", user("two"), 20);
    assert.deepEqual(contents(store), ["one"]);
    store.addMessage("k", user("three"));
    assert.deepEqual(contents(store), ["one"]);
    assert.equal(store.getSessionMeta("k")?.count, 2);
  }));

test("addMessage() that crashes after the append leaves count behind; the message is there", () =>
  withStore((store) => {
    store.addMessage("k", user("one"), { crashAfterAppend: true });
    assert.deepEqual(contents(store), ["one"]);
    assert.deepEqual(store.listSessions(), []);
  }));

test("setSummary(), upsertSessionMeta() and resolveSessionKey() work on the meta file alone", () =>
  withStore((store) => {
    store.setSummary("main", "so far");
    assert.equal(store.getSummary("main"), "so far");
    store.upsertSessionMeta("main", { scope: `{"version":1}`, aliases: [" x:1 ", "x:1", "main", "", "y"] });
    assert.deepEqual(store.getSessionMeta("main"), {
      key: "main",
      summary: "so far",
      skip: 0,
      count: 0,
      created_at: stamp,
      updated_at: stamp,
      scope: `{"version":1}`,
      aliases: ["x:1", "y"],
    });
    assert.equal(store.resolveSessionKey("x:1"), "main");
    assert.equal(store.resolveSessionKey("main"), "main");
    assert.equal(store.resolveSessionKey("unknown"), undefined);
    store.addMessage("main", user("a"));
    store.deleteSession("main");
    assert.deepEqual(readdirSync(store.directory), []);
  }));

test("migrateFromJson() takes every other .json over, also over newer messages (W9)", () =>
  withStore((store) => {
    const legacy = `{"key":"a:b","messages":[${say("old")}],"summary":"s","created":"${stamp}","updated":"${stamp}"}`;
    store.addMessage("a:b", user("newer"));
    writeFileSync(join(store.directory, "a_b.json"), legacy);
    writeFileSync(join(store.directory, "bad.json"), "{");
    assert.equal(store.migrateFromJson(), 1);
    assert.deepEqual(store.getHistory("a:b").map((message) => message.content), ["old"]);
    assert.equal(store.getSummary("a:b"), "s");
    assert.ok(existsSync(join(store.directory, "a_b.json.migrated")));
    assert.equal(store.migrateFromJson(), 0);
  }));

/** Runs `body` on a copy of one of picoclaw's own directories, or skips. */
function realTest(title: string, part: string, body: (store: PicoclawReference) => void): void {
  const source = realInputData(`picoclaw/${part}`);
  test(title, source === undefined ? { skip: noRealData } : {}, () =>
    withStore((store) => {
      if (source === undefined) return;
      for (const name of readdirSync(source)) {
        writeFileSync(join(store.directory, name), readFileSync(join(source, name)));
      }
      body(store);
    }));
}

realTest("real input: picoclaw's own sessions are read, and written back byte for byte", "sessions", (store) => {
  const keys = ["agent:main:main", "agent:main:slack:direct:c42", "telegram:123456789"];
  assert.deepEqual(store.listSessions().sort(), keys);
  assert.deepEqual(keys.map((key) => store.getHistory(key).length), [6, 1, 40]);
  assert.equal(store.resolveSessionKey("slack:C42/1700000000.0001"), "agent:main:slack:direct:c42");
  assert.deepEqual(store.log, []);

  for (const key of keys) {
    const meta = readFileSync(store.metaPath(key), "utf8");
    const before = store.getSessionMeta(key);
    assert.ok(before !== undefined);
    const again = new PicoclawReference(store.directory, { now: () => before.updated_at });
    again.setSummary(key, before.summary);
    assert.equal(readFileSync(store.metaPath(key), "utf8"), meta);

    const lines = readFileSync(store.logPath(key), "utf8").split("\n").slice(before.skip);
    store.setHistory(key, store.getHistory(key));
    assert.equal(readFileSync(store.logPath(key), "utf8"), lines.join("\n"));
  }
  assert.equal(store.migrateFromJson(), 1);
  assert.deepEqual(store.getHistory("discord:42").map((message) => message.content), [
    "legacy question",
    "legacy answer",
  ]);
});

realTest("real input: picoclaw's torn line is skipped, and its empty meta file fails", "torn", (store) => {
  assert.equal(store.getHistory("agent:main:main").length, 6);
  assert.equal(store.log.length, 1);
  assert.throws(() => store.getHistory("empty_meta"));
  assert.deepEqual(store.listSessions(), ["agent:main:main"]);
});
