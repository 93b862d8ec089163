import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openStore } from "../../mod.ts";
import { Interruption } from "../../src/cli/command.ts";
import { programVersion } from "../../src/cli/program_version.ts";
import { jsonLines, run, type RunOptions, type RunResult, TextStream, withDirectory } from "./in_process.ts";

/** A store's directory, and the program on it. */
async function withStore(
  body: (on: (args: readonly string[], options?: RunOptions) => Promise<RunResult>, directory: string) => Promise<void>,
): Promise<void> {
  await withDirectory(async (base) => {
    const directory = join(base, "sessions");
    await body((args, options) => run([...args, "--dir", directory], options), directory);
  });
}

const three =
  '{"role":"user","content":"one"}\n{"role":"assistant","content":"two"}\n{"role":"user","content":"three"}\n';

test("holdfast without a command says how to use it on stderr and exits with 2", async () => {
  const { code, stdout, stderr } = await run([]);
  assert.deepEqual([code, stdout], [2, ""]);
  assert.match(stderr, /usage: holdfast <command>/);
});

test("holdfast --version and --help print on stdout and exit with 0", async () => {
  assert.deepEqual(await run(["--version"]), { code: 0, stdout: `holdfast ${programVersion}\n`, stderr: "" });
  for (const args of [["--help"], ["-h"], ["help"]]) assert.equal((await run(args)).code, 0);
});

test("an unknown command or option is named with a hint, exit code 2", async () => {
  assert.deepEqual(await run(["shwo"]), {
    code: 2,
    stdout: "",
    stderr: "holdfast: Unknown command shwo\n  Did you mean holdfast show?\n",
  });
  for (
    const args of [["ls", "--limt"], ["--json", "ls"], ["truncate", "k"], ["compact"], ["compact", "k", "--all"], [
      "rm",
    ]]
  ) {
    const { code, stdout, stderr } = await run([...args]);
    assert.deepEqual([code, stdout], [2, ""], args.join(" "));
    assert.match(stderr, /^holdfast: .+\n {2}.+\n$/);
  }
});

test("the directory is --dir, else HOLDFAST_DIR, else XDG_DATA_HOME/holdfast, else ~/.local/share/holdfast", async () => {
  await withDirectory(async (base) => {
    const keysIn = async (directory: string): Promise<string[]> => {
      const store = await openStore(directory, { readOnly: true });
      const keys = (await store.list()).map(({ key }) => key);
      await store.close();
      return keys;
    };
    const environment = { HOLDFAST_DIR: join(base, "own"), XDG_DATA_HOME: join(base, "xdg"), HOME: join(base, "home") };
    await run(["append", "a", "--dir", join(base, "given")], { stdin: three, environment });
    await run(["append", "b"], { stdin: three, environment });
    await run(["append", "c"], { stdin: three, environment: { ...environment, HOLDFAST_DIR: "" } });
    await run(["append", "d"], { stdin: three, environment: { HOME: environment.HOME, XDG_DATA_HOME: "relative" } });
    assert.deepEqual(await keysIn(join(base, "given")), ["a"]);
    assert.deepEqual(await keysIn(join(base, "own")), ["b"]);
    assert.deepEqual(await keysIn(join(base, "xdg/holdfast")), ["c"]);
    assert.deepEqual(await keysIn(join(base, "home/.local/share/holdfast")), ["d"]);
    assert.equal((await run(["ls"])).code, 2);
  });
});

test("append prints the number of each durable record, names lines that are no object, and exits with 1 for them", async () => {
  await withStore(async (on) => {
    assert.deepEqual(await on(["append", "k"], { stdin: three }), { code: 0, stdout: "0\n1\n2\n", stderr: "" });
    const mixed = '\n{"n":1}\nnope\n\n[1]\n"x"\n{"n":2}';
    const { code, stdout, stderr } = await on(["append", "k", "--json"], { stdin: mixed });
    assert.equal(code, 1);
    assert.deepEqual(jsonLines(stdout), [{ sequence: 3, duplicate: false }, { sequence: 4, duplicate: false }]);
    assert.deepEqual(stderr.match(/line \d+/g), ["line 3", "line 5", "line 6"]);
    assert.match(stderr, /3 lines not appended/);
  });
});

test("append --batch is all or nothing", async () => {
  await withStore(async (on) => {
    const refused = await on(["append", "k", "--batch"], { stdin: '{"n":1}\nnope\n' });
    assert.deepEqual([refused.code, refused.stdout], [1, ""]);
    assert.match(refused.stderr, /line 2: not JSON/);
    assert.deepEqual(await on(["append", "k", "--batch"], { stdin: three }), {
      code: 0,
      stdout: "0\n1\n2\n",
      stderr: "",
    });
    assert.deepEqual(await on(["append", "k", "--batch"], { stdin: "" }), { code: 0, stdout: "", stderr: "" });
    assert.equal(jsonLines((await on(["show", "k", "--json"])).stdout).length, 3);
  });
});

test("append keeps the text byte for byte: numbers beyond 2^53, order, doubled names, escapes", async () => {
  await withStore(async (on) => {
    const texts = [
      '{"n":12345678901234567890,"f":1.0e+2}',
      '{"b":1,"a":2,"b":3}',
      '{"s":"\\u003c\\/ ü"}',
      '{ "x" : [ 1 ] }',
      "{}",
      '{"#":"1"}',
    ];
    await on(["append", "k"], { stdin: texts.join("\n") + "\n" });
    const { stdout } = await on(["show", "k", "--json"]);
    assert.equal(stdout, texts.map((text, sequence) => `{"sequence":${sequence},"record":${text}}\n`).join(""));
    assert.equal((await on(["export", "k"])).stdout, texts.map((text) => text + "\n").join(""));
  });
});

test("append prints a receipt before more input comes", async () => {
  await withStore(async (on) => {
    const stdout = new TextStream();
    async function* stdin(): AsyncIterableIterator<Uint8Array> {
      for (const line of three.trim().split("\n")) {
        yield new TextEncoder().encode(line + "\n");
        while (!stdout.text.endsWith("\n")) await new Promise((resolve) => setImmediate(resolve));
        yield new TextEncoder().encode("\n");
        stdout.text += "seen ";
      }
    }
    await on(["append", "k"], { stdin: stdin(), stdout });
    assert.equal(stdout.text, "0\nseen 1\nseen 2\nseen ");
  });
});

test("append that is interrupted keeps what it printed, gives the lock back, and exits with 130 or 143", async () => {
  for (const [name, expected] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
    await withStore(async (on) => {
      const controller = new AbortController();
      const stdout = new TextStream();
      async function* stdin(): AsyncIterableIterator<Uint8Array> {
        yield new TextEncoder().encode(three + '{"half":');
        while (stdout.text !== "0\n1\n2\n") await new Promise((resolve) => setImmediate(resolve));
        controller.abort(new Interruption(name));
        await new Promise(() => {});
      }
      assert.equal((await on(["append", "k"], { stdin: stdin(), stdout, signal: controller.signal })).code, expected);
      assert.deepEqual(await on(["append", "k"], { stdin: '{"n":1}' }), { code: 0, stdout: "3\n", stderr: "" });
    });
  }
});

test("show is readable, with --tail and --all; what is truncated is counted", async () => {
  await withStore(async (on) => {
    await on(["append", "k"], { stdin: three });
    assert.equal((await on(["show", "k"])).stdout, "#0  user\n    one\n#1  assistant\n    two\n#2  user\n    three\n");
    assert.equal((await on(["show", "k", "--tail", "1"])).stdout, "#2  user\n    three\n");
    assert.equal((await on(["show", "k", "--tail", "0"])).stdout, "");
    await on(["truncate", "k", "--keep", "1", "--summary", "They said one and two."]);
    assert.equal(
      (await on(["show", "k"])).stdout,
      "Summary of what came before:\n    They said one and two.\n2 earlier records hidden; --all shows them\n\n#2  user\n    three\n",
    );
    assert.deepEqual(jsonLines((await on(["show", "k", "--json", "--all", "--tail", "2"])).stdout), [
      { sequence: 1, record: { role: "assistant", content: "two" } },
      { sequence: 2, record: { role: "user", content: "three" } },
    ]);
    assert.equal(jsonLines((await on(["show", "k", "--json", "--all"])).stdout).length, 3);
  });
});

test("show --follow goes on with what another store appends, and ends on SIGINT with 0", async () => {
  await withStore(async (on, directory) => {
    await on(["append", "k"], { stdin: three });
    const controller = new AbortController();
    const stdout = new TextStream();
    const following = on(["show", "k", "--json", "--tail", "1", "--follow"], { stdout, signal: controller.signal });
    while (!stdout.text.includes("three")) await new Promise((resolve) => setImmediate(resolve));
    const store = await openStore(directory);
    await (await store.session("k")).append({ n: 4 });
    while (!stdout.text.endsWith('{"sequence":3,"record":{"n":4}}\n')) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    controller.abort(new Interruption("SIGINT"));
    assert.equal((await following).code, 0);
    await store.close();
  });
});

test("show stops when nobody reads any more", async () => {
  await withStore(async (on) => {
    await on(["append", "k"], { stdin: three.repeat(100) });
    const stdout = new TextStream({ closeAfter: 50 });
    assert.equal((await on(["show", "k", "--json"], { stdout })).code, 0);
    assert.ok(stdout.text.length < 200);
  });
});

test("ls lists newest first, in the promised shape; in a pipe separated by tabs", async () => {
  await withStore(async (on, directory) => {
    await on(["append", "old"], { stdin: three });
    await on(["append", "new:1"], { stdin: '{"n":1}' });
    const store = await openStore(directory);
    await (await store.session("old")).update({ title: "T\u001b", workspace: "/w" });
    await store.close();
    const entries = jsonLines((await on(["ls", "--json"])).stdout);
    const names = ["key", "records", "active", "bytes", "summary", "title", "workspace", "createdAt", "updatedAt"];
    for (const entry of entries) assert.deepEqual(Object.keys(Object(entry)), names);
    assert.deepEqual(jsonLines((await on(["ls", "--json", "--workspace", "/w"])).stdout).length, 1);
    assert.deepEqual(jsonLines((await on(["ls", "--json", "--limit", "1"])).stdout).length, 1);
    const { stdout } = await on(["ls"]);
    assert.deepEqual(stdout.split("\n").slice(0, -1).map((line) => line.split("\t").length), [8, 8]);
    assert.match(stdout, /^new:1\t1\t1\t/m);
    const people =
      (await on(["ls"], { stdout: new TextStream({ isTerminal: true }), environment: { NO_COLOR: "1" } })).stdout;
    assert.match(people, /^KEY +ACTIVE +RECORDS +SIZE +LAST WRITE +ABOUT\n/);
    assert.match(people, /\[\/w\] T\\x1b/);
  });
});

test("ls, check and stats of a directory that is not there find nothing and make nothing", async () => {
  await withStore(async (on, directory) => {
    for (const name of ["ls", "stats", "check"]) {
      const { code, stderr } = await on([name]);
      assert.deepEqual([code, stderr], [0, ""], name);
    }
    const { access } = await import("node:fs/promises");
    await assert.rejects(access(directory));
  });
});

test("truncate, compact and rm do what they say", async () => {
  await withStore(async (on) => {
    await on(["append", "k"], { stdin: three });
    assert.deepEqual(await on(["truncate", "k", "--keep", "2"]), {
      code: 0,
      stdout: "2 active records of 3\n",
      stderr: "",
    });
    const [truncated] = jsonLines((await on(["truncate", "k", "--keep", "1", "--summary", "s", "--json"])).stdout);
    assert.deepEqual(truncated, { key: "k", records: 3, active: 1, summary: "s" });
    const [compacted] = jsonLines((await on(["compact", "k", "--json"])).stdout);
    const { bytesBefore, bytesAfter, ...rest } = Object(compacted);
    assert.deepEqual(rest, { key: "k", removed: 2 });
    assert.ok(bytesAfter < bytesBefore);
    assert.match((await on(["compact", "--all"])).stdout, /^k: 0 records removed, /);
    assert.deepEqual(jsonLines((await on(["show", "k", "--json", "--all"])).stdout), [
      { sequence: 2, record: { role: "user", content: "three" } },
    ]);
    assert.deepEqual(await on(["rm", "k"]), { code: 0, stdout: "k: removed\n", stderr: "" });
    const again = await on(["rm", "k", "--json"]);
    assert.deepEqual([again.code, again.stdout], [1, '{"key":"k","deleted":false}\n']);
  });
});

test("a session that there is not is named, exit code 1", async () => {
  await withStore(async (on) => {
    await on(["append", "k"], { stdin: three });
    for (
      const args of [["show"], ["truncate", "--keep", "1"], ["compact"], ["check"], ["repair"], ["export"], ["stats"]]
    ) {
      const { code, stdout, stderr } = await on([...args, "nope"]);
      assert.equal(code, 1, args[0]);
      assert.doesNotMatch(stdout, /ok/);
      assert.match(stderr, /no session "nope"/);
    }
  });
});

test("check exits with 1 for a damaged line and names it; a foreign line is none; repair sets it aside", async () => {
  await withStore(async (on, directory) => {
    await on(["append", "k"], { stdin: three });
    const [sound] = jsonLines((await on(["check", "--json"])).stdout);
    assert.deepEqual(sound, { key: "k", ok: true, records: 3, verified: 3, foreign: 0, damaged: [], tornTail: null });
    assert.match((await on(["check"])).stdout, /^ok {2}k: 3 records\n1 session, 3 records checked: no damage\n$/);
    const { readFile } = await import("node:fs/promises");
    const log = join(directory, "k.jsonl");
    const bytes = await readFile(log);
    await writeFile(log, bytes.toString("latin1").replace("two", "twO"), "latin1");
    const { code, stdout } = await on(["check", "k", "--json"]);
    const report = Object(jsonLines(stdout)[0]);
    assert.deepEqual([code, report.ok, report.damaged.length, report.damaged[0].offset > 0], [1, false, 1, true]);
    const people = await on(["check"]);
    assert.equal(people.code, 1);
    assert.match(
      people.stdout,
      /^DAMAGED {2}k: 2 records\n {6}damaged: offset \d+, \d+ bytes: .+\n1 session, .*1 session damaged/,
    );
    assert.equal((await on(["repair", "k"])).code, 0);
    assert.equal((await on(["check"])).code, 0);
    assert.deepEqual(jsonLines((await on(["show", "k", "--json"])).stdout).map((line) => Object(line).sequence), [
      0,
      2,
    ]);
  });
});

test("stats has the promised shape", async () => {
  await withStore(async (on) => {
    await on(["append", "k"], { stdin: three });
    await on(["append", "l"], { stdin: three });
    await on(["truncate", "k", "--keep", "1"]);
    const all = jsonLines((await on(["stats", "--json"])).stdout).map((line) => Object(line));
    for (const stats of all) {
      assert.deepEqual(Object.keys(stats), [
        "key",
        "records",
        "dead",
        "bytes",
        "fillBytes",
        "quarantineBytes",
        "archiveBytes",
      ]);
    }
    assert.deepEqual(all.find(({ key }) => key === "k").dead, 2);
    const stdout = new TextStream({ isTerminal: true });
    assert.match((await on(["stats"], { stdout, environment: { NO_COLOR: "1" } })).stdout, /^2 sessions +6 +2 /m);
  });
});

test("a session that another store writes is locked, exit code 3; compact --all skips it; reading goes on", async () => {
  await withStore(async (on, directory) => {
    await on(["append", "k"], { stdin: three });
    await on(["append", "l"], { stdin: three });
    const store = await openStore(directory);
    await (await store.session("k")).append({ n: 1 });
    for (const args of [["append", "k"], ["truncate", "k", "--keep", "1"], ["compact", "k"], ["rm", "k"]]) {
      const { code, stderr } = await on(args, { stdin: '{"n":2}' });
      assert.equal(code, 3, args.join(" "));
      assert.match(stderr, /^holdfast: /);
    }
    const all = await on(["compact", "--all", "--json"]);
    assert.equal(all.code, 0);
    assert.ok(jsonLines(all.stdout).some((line) => Object(line).key === "k" && Object(line).skipped === "locked"));
    assert.match(all.stderr, /1 session skipped, written by another process/);
    for (const args of [["show", "k"], ["check"], ["export", "k"], ["stats"], ["ls"]]) {
      assert.equal((await on(args)).code, 0);
    }
    await store.close();
    assert.equal((await on(["append", "k"], { stdin: '{"n":2}' })).code, 0);
  });
});

test("a directory that is a file, and one that may not be made, are clear errors", async () => {
  await withDirectory(async (base) => {
    const file = join(base, "file");
    await writeFile(file, "x");
    for (const args of [["append", "k"], ["ls"], ["check"]]) {
      const { code, stderr } = await run([...args, "--dir", file], { stdin: three });
      assert.equal(code, 1, args.join(" "));
      assert.match(stderr, /^holdfast: .*file/);
    }
  });
});
