import assert from "node:assert/strict";
import { test } from "node:test";
import { Interruption } from "../../src/cli/command.ts";
import { jsonLines, TextStream, threeRecords, withProgram } from "./in_process.ts";

test("append prints the number of each durable record, names lines that are no object, and exits with 1 for them", async () => {
  await withProgram(async (on) => {
    assert.deepEqual(await on(["append", "k"], { stdin: threeRecords }), { code: 0, stdout: "0\n1\n2\n", stderr: "" });
    const mixed = '\n{"n":1}\nnope\n\n[1]\n"x"\n{"n":2}';
    const { code, stdout, stderr } = await on(["append", "k", "--json"], { stdin: mixed });
    assert.equal(code, 1);
    assert.deepEqual(jsonLines(stdout), [{ sequence: 3, duplicate: false }, { sequence: 4, duplicate: false }]);
    assert.deepEqual(stderr.match(/line \d+/g), ["line 3", "line 5", "line 6"]);
    assert.match(stderr, /3 lines not appended/);
  });
});

test("append --batch is all or nothing", async () => {
  await withProgram(async (on) => {
    const refused = await on(["append", "k", "--batch"], { stdin: '{"n":1}\nnope\n' });
    assert.deepEqual([refused.code, refused.stdout], [1, ""]);
    assert.match(refused.stderr, /line 2: not JSON/);
    assert.deepEqual(await on(["append", "k", "--batch"], { stdin: threeRecords }), {
      code: 0,
      stdout: "0\n1\n2\n",
      stderr: "",
    });
    assert.deepEqual(await on(["append", "k", "--batch"], { stdin: "" }), { code: 0, stdout: "", stderr: "" });
    assert.equal(jsonLines((await on(["show", "k", "--json"])).stdout).length, 3);
  });
});

test("append keeps the text byte for byte: numbers beyond 2^53, order, doubled names, escapes", async () => {
  await withProgram(async (on) => {
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
  await withProgram(async (on) => {
    const stdout = new TextStream();
    async function* stdin(): AsyncIterableIterator<Uint8Array> {
      for (const line of threeRecords.trim().split("\n")) {
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
    await withProgram(async (on) => {
      const controller = new AbortController();
      const stdout = new TextStream();
      async function* stdin(): AsyncIterableIterator<Uint8Array> {
        yield new TextEncoder().encode(threeRecords + '{"half":');
        while (stdout.text !== "0\n1\n2\n") await new Promise((resolve) => setImmediate(resolve));
        controller.abort(new Interruption(name));
        await new Promise(() => {});
      }
      assert.equal((await on(["append", "k"], { stdin: stdin(), stdout, signal: controller.signal })).code, expected);
      assert.deepEqual(await on(["append", "k"], { stdin: '{"n":1}' }), { code: 0, stdout: "3\n", stderr: "" });
    });
  }
});
