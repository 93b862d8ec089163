/** An import while others use the store, and one that is cut off after any record. */
import assert from "node:assert/strict";
import { appendFile, cp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openStore } from "../../mod.ts";
import { planImport } from "../../src/cli/import_plan.ts";
import { importSource } from "../../src/cli/import_session.ts";
import { type ImportSource, openSource, type SourceItem } from "../../src/cli/import_source.ts";
import { runtimeFileSystem } from "../../src/fs/runtime_filesystem.ts";
import { startProgram } from "./child_program.ts";
import { names, testdata } from "../formats/fixtures.ts";
import { jsonLines, run, withDirectory } from "./in_process.ts";

test("import while an agent appends to the same store: both have everything, and check finds nothing", async () => {
  await withDirectory(async (directory) => {
    const agent = await openStore(directory);
    const session = await agent.session("agent:main");
    let running = true;
    const appending = (async () => {
      let count = 0;
      do await session.append({ n: count++ }); while (running);
      return count;
    })();
    const imported = await run(["import", testdata, "--dir", directory]);
    running = false;
    const count = await appending;
    await agent.close();
    assert.equal(imported.code, 0, imported.stderr);
    assert.match(imported.stdout, /16 files and 10 beside them: 107 added/);
    const { stdout } = await run(["export", "agent:main", "--dir", directory]);
    assert.deepEqual(jsonLines(stdout), Array.from({ length: count }, (_, n) => ({ n })));
    assert.equal((await run(["check", "--dir", directory])).code, 0);
  });
});

test("import of a session that an agent holds open: it is refused as locked and named, the others are imported", async () => {
  await withDirectory(async (base) => {
    const files = join(base, "files");
    await cp(join(testdata, "pi"), files, { recursive: true });
    const directory = join(base, "store");
    await run(["import", join(files, "v1.jsonl"), "--dir", directory]);
    const agent = await openStore(directory);
    await (await agent.session("pi-one")).append({ role: "user", content: "from the agent" });
    // There is nothing to add, so nothing needs the lock.
    assert.equal((await run(["import", join(files, "v1.jsonl"), "--dir", directory])).code, 0);
    const other = await agent.session("pi-two");
    await other.append({ type: "mine" });
    const all = await run(["import", files, "--dir", directory]);
    assert.equal(all.code, 1);
    assert.match(all.stderr, /v2\.jsonl: .*differs from record 0/);
    assert.match(all.stdout, /v3\.jsonl \(pi\) → pi-three: 8 added/);
    await (await agent.session("held")).append({ type: "message" });
    await writeFile(join(files, "held.jsonl"), '{"type":"message"}\n{"n":1}\n');
    const single = await run(["import", join(files, "held.jsonl"), "--dir", directory]);
    assert.equal(single.code, 3, single.stderr);
    const several = await run(["import", files, "--dir", directory]);
    assert.equal(several.code, 1);
    assert.match(several.stderr, /held\.jsonl: .*process/);
    await agent.close();
    assert.match((await run(["import", join(files, "held.jsonl"), "--dir", directory])).stdout, /1 added, 1 there/);
  });
});

async function sourceOf(path: string): Promise<ImportSource> {
  const { sessions } = await planImport(runtimeFileSystem, [{ path, isGiven: true }], undefined);
  assert.ok(sessions[0] !== undefined);
  return await openSource(runtimeFileSystem, sessions[0]);
}

/** The same source, cut off behind a number of items. */
function cutOff(source: ImportSource, stopAt: number): ImportSource {
  async function* items(): AsyncIterableIterator<SourceItem[]> {
    let count = 0;
    for await (const some of source.items()) {
      for (const item of some) {
        if (count++ === stopAt) throw new Error("pulled out");
        yield [item];
      }
    }
  }
  return {
    path: source.path,
    format: source.format,
    key: source.key,
    hasSides: source.hasSides,
    warnings: [],
    notes: [],
    size: source.size,
    bytesRead: 0,
    get facts() {
      return source.facts;
    },
    items,
  };
}

test("import that is cut off after any record or side record goes on there, to the same session", async () => {
  for (
    const path of [
      `codetether/sessions/${names.codetether}.json`,
      "omega/sessions/demo.jsonl",
      `gencode/-home-me-app/transcripts/${names.gencode}.jsonl`,
      "picoclaw/sessions/telegram_77.jsonl",
    ]
  ) {
    await withDirectory(async (base) => {
      const source = await sourceOf(join(testdata, path));
      const { signal } = new AbortController();
      const options = (key: string) => ({ key, signal, onProgress: () => Promise.resolve() });
      const store = await openStore(base);
      const { added } = await importSource(store, source, options("whole"));
      for (let stopAt = 0; stopAt < added; stopAt++) {
        const key = `cut ${stopAt}`;
        await assert.rejects(importSource(store, cutOff(source, stopAt), options(key)), /pulled out/);
        const again = await importSource(store, source, options(key));
        assert.deepEqual([again.added, again.skipped], [added - stopAt, stopAt], path);
      }
      await store.close();
      const whole = await run(["export", "whole", "--dir", base]);
      const [expected] = jsonLines((await run(["ls", "--json", "--dir", base])).stdout).map((info) => Object(info))
        .filter(({ key }) => key === "whole");
      for (const info of jsonLines((await run(["ls", "--json", "--dir", base])).stdout)) {
        const { key, active, summary, title, workspace } = Object(info);
        assert.equal((await run(["export", key, "--dir", base])).stdout, whole.stdout);
        assert.deepEqual([active, summary, title, workspace], [
          expected.active,
          expected.summary,
          expected.title,
          expected.workspace,
        ]);
      }
    });
  }
});

test("import under SIGKILL, again and again, comes to its end, with every record once", async () => {
  await withDirectory(async (base) => {
    const file = join(base, "k.json");
    const messages = Array.from({ length: 3000 }, (_, n) => JSON.stringify({ role: "user", n, text: "é".repeat(200) }));
    await writeFile(file, `{"id":"k","agent":"a","messages":[${messages.join(",")}],"usage":{}}`);
    await appendFile(join(base, "k.journal.jsonl"), '{"phase":"staged","txn":0,"at":"t"}\n');
    const directory = join(base, "store");
    for (let kill = 0; kill < 3; kill++) {
      const program = startProgram(["import", file, "--dir", directory]);
      // The first time before the log is there, then with more and more of it.
      const seen = new Promise<void>((resolve) => {
        const look = async (): Promise<void> => {
          const info = Object(jsonLines((await run(["ls", "--json", "--dir", directory])).stdout)[0] ?? {});
          if (program.child.exitCode !== null || (info.records ?? 0) > kill * 500) return resolve();
          await look();
        };
        void look();
      });
      await seen;
      program.child.kill("SIGKILL");
      await program.ended;
    }
    assert.equal((await run(["import", file, "--dir", directory])).code, 0);
    const exported = (await run(["export", "k", "--dir", directory])).stdout.trimEnd().split("\n");
    assert.deepEqual(exported.filter((text) => !text.includes("holdfast.sidecar")), messages);
    assert.equal(exported.length, messages.length + 4);
    assert.equal((await run(["check", "--dir", directory])).code, 0);
  });
});
