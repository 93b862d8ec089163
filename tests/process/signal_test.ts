/** The program is stopped in the middle of its work: what is left is a store that `check` calls whole. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openStore } from "../../mod.ts";
import { judgeRecovery } from "../../src/cli/demo_checker.ts";
import { seededRandom } from "../../src/cli/seeded_random.ts";
import { type ChildProgram, startProgram } from "../cli/child_program.ts";
import { jsonLines, run, withDirectory } from "../cli/in_process.ts";

const texts = Array.from({ length: 4000 }, (_, n) => JSON.stringify({ n, text: "ü".repeat(n % 700) }));
const textsPerKillMax = 450;
const signals = [["SIGINT", 130], ["SIGTERM", 143]] as const;

/** What came back is a beginning of what was written, and holds what was acknowledged; `check` finds nothing. */
async function assertWhole(directory: string, key: string, acknowledged: number): Promise<number> {
  const { code, stdout } = await run(["check", "--dir", directory]);
  assert.equal(code, 0, stdout);
  return await recoveredOf(directory, key, acknowledged);
}

/** How much came back, which is what assertWhole() says of it. */
async function recoveredOf(directory: string, key: string, acknowledged: number): Promise<number> {
  const store = await openStore(directory, { readOnly: true });
  try {
    const session = await store.session(key);
    const verdict = await judgeRecovery(texts, acknowledged, session.texts({ all: true }));
    assert.equal(verdict.firstFault, null);
    return verdict.recovered;
  } finally {
    await store.close();
  }
}

function acknowledgedBy(program: ChildProgram, from: number): number {
  const numbers = program.stdout().split("\n").slice(0, -1).map(Number);
  numbers.forEach((sequence, index) => assert.equal(sequence, from + index, "acknowledged in order, none twice"));
  return from + numbers.length;
}

for (const [signalName, exitCode] of signals) {
  test(`append that gets ${signalName} in its work acknowledges what is there, exits with ${exitCode}, and loses nothing`, async () => {
    await withDirectory(async (directory) => {
      const program = startProgram(["append", "k", "--dir", directory]);
      program.write(texts.join("\n"));
      await program.printed(/\n/);
      program.child.kill(signalName);
      const { code, stderr } = await program.ended;
      assert.deepEqual([code, stderr], [exitCode, ""]);
      const acknowledged = acknowledgedBy(program, 0);
      // It stopped at a safe point: nothing was under way any more.
      assert.equal(await assertWhole(directory, "k", acknowledged), acknowledged);
      assert.equal((await run(["append", "k", "--dir", directory], { stdin: texts[acknowledged] ?? "{}" })).code, 0);
    });
  });

  test(`append that waits for input ends on ${signalName}`, async () => {
    await withDirectory(async (directory) => {
      const program = startProgram(["append", "k", "--dir", directory]);
      program.write(`${texts[0]}\n{"half`);
      await program.printed(/0\n/);
      program.child.kill(signalName);
      assert.equal((await program.ended).code, exitCode);
      assert.equal(await assertWhole(directory, "k", 1), 1);
    });
  });

  test(`import that gets ${signalName} keeps a beginning, and the next import goes on`, async () => {
    await withDirectory(async (base) => {
      const [directory, file] = [join(base, "store"), join(base, "k.jsonl")];
      await writeFile(file, texts.join("\n"));
      // The first file is over at once and says so; the second is the one that is interrupted.
      const first = join(base, "first.jsonl");
      await writeFile(first, '{"n":1}');
      const program = startProgram(["import", first, file, "--dir", directory]);
      await program.printed(/first/);
      program.child.kill(signalName);
      const { code } = await program.ended;
      assert.ok(code === exitCode || code === 0);
      await assertWhole(directory, "k", 0);
      assert.equal((await run(["import", file, "--dir", directory])).code, 0);
      assert.equal(await assertWhole(directory, "k", texts.length), texts.length);
    });
  });

  test(`compact that gets ${signalName} leaves the old log or the new one`, async () => {
    await withDirectory(async (directory) => {
      for (const key of ["a", "b", "c", "d"]) {
        await run(["append", key, "--dir", directory], { stdin: texts.slice(0, 500).join("\n") });
        await run(["truncate", key, "--keep", "100", "--dir", directory]);
      }
      const program = startProgram(["compact", "--all", "--dir", directory]);
      await program.printed(/removed/);
      program.child.kill(signalName);
      const { code } = await program.ended;
      assert.ok(code === exitCode || code === 0);
      const { code: checked, stdout } = await run(["check", "--dir", directory]);
      assert.equal(checked, 0, stdout);
      for (const key of ["a", "b", "c", "d"]) {
        const shown = jsonLines((await run(["show", key, "--json", "--dir", directory])).stdout);
        assert.deepEqual(
          shown.map((line) => Object(line).record),
          texts.slice(400, 500).map((text): unknown => JSON.parse(text)),
        );
      }
    });
  });
}

test("append under SIGKILL, again and again: what was acknowledged is there, once, in order (I1, I2)", async () => {
  await withDirectory(async (directory) => {
    const random = seededRandom(42);
    let recovered = 0;
    for (let kill = 0; kill < 8; kill++) {
      const program = startProgram(["append", "k", "--dir", directory]);
      // No kill may come so late that the next one is left with nothing to write.
      program.write(texts.slice(recovered, recovered + textsPerKillMax).join("\n") + "\n");
      const last = recovered + random.below(60);
      await program.printed(new RegExp(`^${last}$`, "m"));
      program.child.kill("SIGKILL");
      await program.ended;
      // SIGKILL may cut a write at a page's end. A torn tail is what check calls that, and no other fault is there.
      const { stdout } = await run(["check", "--json", "--dir", directory]);
      const { damaged, meta = "ok", missing = null } = Object(jsonLines(stdout)[0]);
      assert.deepEqual({ damaged, meta, missing }, { damaged: [], meta: "ok", missing: null }, stdout);
      recovered = await recoveredOf(directory, "k", acknowledgedBy(program, recovered));
    }
    // The next writer sets it aside by itself.
    assert.equal((await run(["append", "k", "--dir", directory], { stdin: texts[recovered] ?? "{}" })).code, 0);
    assert.equal(await assertWhole(directory, "k", recovered + 1), recovered + 1);
  });
});

test("a second signal does not wait for a safe point", async () => {
  await withDirectory(async (base) => {
    // A directory's writer that can go nowhere: stdin stays open, and what reads it is stopped twice.
    const program = startProgram(["append", "k", "--dir", join(base, "store")]);
    program.write('{"n":1}\n');
    await program.printed(/0\n/);
    program.child.kill("SIGTERM");
    program.child.kill("SIGTERM");
    assert.equal((await program.ended).code, 143);
  });
});
