/**
 * What Holdfast needs of a runtime's permissions: to read and write its directory, and nothing else; Node and Bun also
 * to start `flock`. And what it says where one is missing.
 *
 * @module
 */
import { test } from "node:test";
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import {
  childRuntimes,
  missingRuntimes,
  processTimeoutMs,
  runtimeProgram,
  spawnPrefix,
  spawnRuntime,
} from "./spawn_helper.ts";

const fixtures = {
  "runtimeFileSystem": fileURLToPath(new URL("fixtures/port_walk.ts", import.meta.url)),
  "openStore() and all of the store": fileURLToPath(new URL("fixtures/store_walk.ts", import.meta.url)),
};
const program = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

for (const [subject, fixture] of Object.entries(fixtures)) {
  for (const runtime of childRuntimes) {
    const rights = runtime === "deno"
      ? "no more rights than to read and write one directory"
      : "a foreign working directory";
    const title = `${subject} on ${runtime}: works with ${rights}`;
    const reason = missingRuntimes([runtime]);
    if (reason !== undefined) console.log(`skipped: ${title}: ${reason}`);
    test(title, { timeout: processTimeoutMs, skip: reason ?? false }, async () => {
      const directory = await realpath(await mkdtemp(`${tmpdir()}/holdfast-permissions-`));
      const denoPermissions = [`--allow-read=${directory}`, `--allow-write=${directory}`];
      const child = spawnRuntime(runtime, fixture, { args: [directory], denoPermissions, workingDirectory: directory });
      try {
        assert.equal(await child.readLine(), "done");
        assert.deepEqual(await child.ended, { code: 0, signal: null });
        assert.equal(child.errorText(), "");
      } finally {
        await child.kill();
        await rm(directory, { recursive: true, force: true });
      }
    });
  }
}

/** Runs the program in an empty directory with rights of its own for each command. */
interface Restricted {
  directory: string;
  run(rights: readonly string[], args: readonly string[], input?: string): { status: number | null; output: string };
}

function restricted(before: readonly string[], directory: string): Restricted {
  // The rights stand directly behind the runtime's own first word.
  const [file, ...rest] = [...spawnPrefix(), ...before];
  const rightsAt = spawnPrefix().length + before.length - 2;
  assert.ok(file !== undefined);
  return {
    directory,
    run(rights, args, input = "") {
      const words = [...rest.slice(0, rightsAt), ...rights, ...rest.slice(rightsAt), ...args];
      words.push("--dir", join(directory, "sessions"));
      const { status, stdout, stderr } = spawnSync(file, words, {
        encoding: "utf8",
        input,
        cwd: directory,
        env: environment,
      });
      return { status, output: stdout + stderr };
    },
  };
}

/** Every command that writes, and one that reads, with these rights. */
function assertWorks({ run }: Restricted, rights: readonly string[]): void {
  const commands: [string[], string?][] = [
    [["append", "k"], '{"n":1}\n{"n":2}\n{"n":3}\n'],
    [["show", "k", "--tail", "1"]],
    [["truncate", "k", "--keep", "1"]],
    [["compact", "k"]],
    [["append", "k"], '{"n":4}\n'],
    [["check"]],
    [["rm", "k"]],
  ];
  for (const [args, input] of commands) {
    const { status, output } = run(rights, args, input);
    assert.equal(status, 0, `${args.join(" ")}: ${output}`);
  }
}

/** What a suite on an emulated machine loads into its own processes is none of those that have few rights. */
const environment = { ...process.env, NODE_OPTIONS: "" };

const denoReason = missingRuntimes(["deno"]) ?? false;
if (denoReason !== false) console.log(`skipped: the program on Deno with few rights: ${denoReason}`);

test("I15: the program on Deno works with two rights, lock included, and names the right that is missing", {
  timeout: processTimeoutMs,
  skip: denoReason,
}, () => {
  const directory = realpathSync(mkdtempSync(`${tmpdir()}/holdfast-permissions-`));
  try {
    const holdfast = restricted([runtimeProgram("deno") ?? "deno", "run", program], directory);
    const [read, write, always] = [`--allow-read=${directory}`, `--allow-write=${directory}`, "--no-prompt"];
    assertWorks(holdfast, [always, "--no-check", read, write]);
    const append = (...rights: string[]): string =>
      holdfast.run([always, "--no-check", ...rights], ["append", "k"], "{}\n").output;
    assert.match(append(write), /Requires read access to ".*".*--allow-read/);
    assert.match(append(read), /locking the session: .*Requires write access to ".*".*--allow-write/);
    const { status, output } = holdfast.run([always, "--no-check", read, write], ["ls"]);
    assert.equal(status, 0, output);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

const nodeReason = missingRuntimes(["node", "bun"]) ?? false;
if (nodeReason !== false) console.log(`skipped: the program under Node's permission model: ${nodeReason}`);

test("I15: the program works under Node's permission model, lock included, and says what is denied", {
  timeout: processTimeoutMs,
  skip: nodeReason,
}, () => {
  const directory = realpathSync(mkdtempSync(`${tmpdir()}/holdfast-permissions-`));
  try {
    // One file, so that the rights are about the store and not about the loader.
    const bundle = join(directory, "holdfast.mjs");
    const bun = runtimeProgram("bun") ?? "bun";
    execFileSync(bun, ["build", "--target=node", "--format=esm", program, "--outfile", bundle], { stdio: "pipe" });
    const node = runtimeProgram("node") ?? "node";
    const major = Number(execFileSync(node, ["--version"], { encoding: "utf8" }).slice(1).split(".")[0]);
    const model = major >= 23 ? "--permission" : "--experimental-permission";
    const sessions = join(directory, "sessions");
    mkdirSync(sessions);
    const holdfast = restricted([node, "--no-warnings", bundle], directory);
    const [read, write] = [`--allow-fs-read=${directory}/`, `--allow-fs-write=${sessions}/`];
    assertWorks(holdfast, [model, read, write, "--allow-child-process"]);
    const append = (...rights: string[]): string => holdfast.run([model, ...rights], ["append", "k"], "{}\n").output;
    assert.match(append(read, write), /locking the session: .*--allow-child-process option, which the lock needs/);
    assert.match(append(read, "--allow-child-process"), /--allow-fs-write option/);
    assert.match(append(`--allow-fs-read=${bundle}`, write), /--allow-fs-read option/);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test("the program on Deno: what HOLDFAST_DIR and push add to the two rights, and what it says without", {
  timeout: processTimeoutMs,
  skip: denoReason,
}, () => {
  const directory = realpathSync(mkdtempSync(`${tmpdir()}/holdfast-permissions-`));
  const sessions = join(directory, "sessions");
  try {
    const [file, ...before] = [...spawnPrefix(), runtimeProgram("deno") ?? "deno", "run", "--no-prompt", "--no-check"];
    assert.ok(file !== undefined);
    const env = {
      ...process.env,
      HOLDFAST_DIR: sessions,
      HOLDFAST_S3_BUCKET: "bucket",
      // Nobody listens there; without the right nobody is asked.
      HOLDFAST_S3_ENDPOINT: "http://127.0.0.1:47999",
      HOLDFAST_S3_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: "id",
      AWS_SECRET_ACCESS_KEY: "secret",
    };
    const holdfast = (rights: readonly string[], args: readonly string[]): string => {
      const words = [...before, `--allow-read=${directory}`, `--allow-write=${directory}`, ...rights, program, ...args];
      const { stdout, stderr } = spawnSync(file, words, { encoding: "utf8", input: "{}\n", cwd: directory, env });
      return stdout + stderr;
    };
    assert.match(holdfast([], ["append", "k"]), /There is no directory for the store/);
    assert.equal(holdfast(["--allow-env=HOLDFAST_DIR"], ["append", "k"]), "0\n");
    const push = (...rights: string[]): string => holdfast(rights, ["push", "--dir", sessions]);
    assert.match(push(), /Requires env access to "HOLDFAST_S3_FILE", .*--allow-env/);
    assert.match(push("--allow-env"), /Requires net access to "127\.0\.0\.1:47999", .*--allow-net/);
    assert.doesNotMatch(push("--allow-env", "--allow-net=127.0.0.1:47999"), /Requires/);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test("I15: the library works under Node's permission model, lock included", {
  timeout: processTimeoutMs,
  skip: nodeReason,
}, () => {
  const directory = realpathSync(mkdtempSync(`${tmpdir()}/holdfast-permissions-`));
  try {
    const sessions = join(directory, "sessions");
    mkdirSync(sessions);
    const bundle = join(directory, "walk.mjs");
    const fixture = fileURLToPath(new URL("fixtures/permitted_walk.ts", import.meta.url));
    const bun = runtimeProgram("bun") ?? "bun";
    execFileSync(bun, ["build", "--target=node", "--format=esm", fixture, "--outfile", bundle], { stdio: "pipe" });
    const node = runtimeProgram("node") ?? "node";
    const major = Number(execFileSync(node, ["--version"], { encoding: "utf8" }).slice(1).split(".")[0]);
    const model = major >= 23 ? "--permission" : "--experimental-permission";
    const rights = [`--allow-fs-read=${directory}/`, `--allow-fs-write=${sessions}/`];
    const walk = (...more: string[]): string => {
      const { stdout, stderr } = spawnSync(node, ["--no-warnings", model, ...rights, ...more, bundle, sessions], {
        encoding: "utf8",
        cwd: directory,
        env: environment,
      });
      return stdout + stderr;
    };
    assert.equal(walk("--allow-child-process"), "done\n");
    assert.match(walk(), /locking the session: .*--allow-child-process option, which the lock needs/);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
