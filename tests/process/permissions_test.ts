/**
 * What Holdfast needs of a runtime's permissions: to read and write its directory, and nothing else; Node and Bun also
 * to start `flock`. And what it says where one is missing.
 *
 * @module
 */
import { test } from "node:test";
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { toHoldfastError } from "../../src/errors.ts";
import {
  childRuntimes,
  missingRuntimes,
  processTimeoutMs,
  programOnPath,
  runtimeProgram,
  spawnPrefix,
  spawnRuntime,
} from "./spawn_helper.ts";

const portWalk = fileURLToPath(new URL("fixtures/port_walk.ts", import.meta.url));
const storeWalk = fileURLToPath(new URL("fixtures/store_walk.ts", import.meta.url));
const permittedWalk = fileURLToPath(new URL("fixtures/permitted_walk.ts", import.meta.url));
/** What each does its work in, from the directory that there are rights to. */
const walks: readonly [subject: string, fixture: string, below: string][] = [
  ["runtimeFileSystem", portWalk, ""],
  ["openStore() and all of the store", storeWalk, ""],
  ["openStore() and all of a store that it makes", storeWalk, "below/sessions"],
];
const program = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

for (const [subject, fixture, below] of walks) {
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
      const args = [join(directory, below)];
      const child = spawnRuntime(runtime, fixture, { args, denoPermissions, workingDirectory: directory });
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

/** Runs the program on a store with rights of its own for each command. */
interface Restricted {
  run(rights: readonly string[], args: readonly string[], input?: string): { status: number | null; output: string };
}

function restricted(before: readonly string[], store: string): Restricted {
  // The rights stand directly behind the runtime's own first word.
  const [file, ...rest] = [...spawnPrefix(), ...before];
  const rightsAt = spawnPrefix().length + before.length - 2;
  assert.ok(file !== undefined);
  return {
    run(rights, args, input = "") {
      const words = [...rest.slice(0, rightsAt), ...rights, ...rest.slice(rightsAt), ...args];
      words.push("--dir", store);
      const { status, stdout, stderr } = spawnSync(file, words, {
        encoding: "utf8",
        input,
        // Nobody has rights to it.
        cwd: dirname(store),
        env: environment,
      });
      return { status, output: stdout + stderr };
    },
  };
}

/** Commands that write, and some that read, with these rights. */
function assertWorks({ run }: Restricted, rights: readonly string[]): void {
  const commands: [string[], string?][] = [
    [["append", "k"], '{"n":1}\n{"n":2}\n{"n":3}\n'],
    [["show", "k", "--tail", "1"]],
    [["truncate", "k", "--keep", "1"]],
    [["compact", "k"]],
    [["append", "k"], '{"n":4}\n'],
    [["ls"]],
    [["check"]],
    [["rm", "k"]],
    [["append", "k"], '{"n":5}\n'],
  ];
  for (const [args, input] of commands) {
    const { status, output } = run(rights, args, input);
    assert.equal(status, 0, `${args.join(" ")}: ${output}`);
  }
}

/** What a suite on an emulated machine loads into its own processes is none of those that have few rights. */
const environment = { ...process.env, NODE_OPTIONS: "" };

/** A test with a directory that nobody has rights to, and a store's own in it, which is empty. */
function storeTest(title: string, skip: string | false, body: (base: string, store: string) => void): void {
  test(title, { timeout: processTimeoutMs, skip }, () => {
    const base = realpathSync(mkdtempSync(`${tmpdir()}/holdfast-permissions-`));
    try {
      const store = join(base, "store");
      mkdirSync(store);
      body(base, store);
    } finally {
      rmSync(base, { recursive: true, force: true });
    }
  });
}

const denoReason = missingRuntimes(["deno"]) ?? false;
if (denoReason !== false) console.log(`skipped: the program on Deno with few rights: ${denoReason}`);

storeTest(
  "I15: the program on Deno works with two rights to the store's own directory, and names one that is missing",
  denoReason,
  (base, store) => {
    const holdfast = restricted([runtimeProgram("deno") ?? "deno", "run", program], store);
    const [read, write, always] = [`--allow-read=${store}`, `--allow-write=${store}`, ["--no-prompt", "--no-check"]];
    assertWorks(holdfast, [...always, read, write]);
    const append = (...rights: string[]): string =>
      holdfast.run([...always, ...rights], ["append", "k"], "{}\n").output;
    assert.match(append(write), /Requires read access to ".*".*--allow-read/);
    assert.match(append(read), /locking the session: .*Requires write access to ".*".*--allow-write/);

    rmSync(store, { recursive: true });
    const { status, output } = holdfast.run([...always, read, write], ["append", "k"], "{}\n");
    assert.equal(status, 1, output);
    assertSaysMissing(output, base, /Requires read access to ".*", run again with the --allow-read flag/);
    assert.equal(existsSync(store), false);
    // Its name is made durable through a descriptor of the parent, which is what that right is for.
    assert.equal(append(`--allow-read=${base}`, write), "0\n");
  },
);

/** A store's directory that is not there is named, and so is the right that making it would need. */
function assertSaysMissing(output: string, base: string, option: RegExp): void {
  assert.ok(output.includes(`No such directory: ${base}/store; it could not be made, so make it first`), output);
  assert.ok(output.includes(`while looking for its parent: ${base}`), output);
  assert.match(output, option);
  assert.doesNotMatch(output, /append and import make it/);
}

const nodeReason = missingRuntimes(["node", "bun"]) ?? false;
if (nodeReason !== false) console.log(`skipped: the program under Node's permission model: ${nodeReason}`);

/** Node with its permission model on, and a program as one file, so that rights are about the store, not the loader. */
function permittedNode(base: string, source: string): { node: string; model: string; bundle: string } {
  const bundle = join(base, "bundle.mjs");
  const bun = runtimeProgram("bun") ?? "bun";
  execFileSync(bun, ["build", "--target=node", "--format=esm", source, "--outfile", bundle], { stdio: "pipe" });
  const node = runtimeProgram("node") ?? "node";
  const major = Number(execFileSync(node, ["--version"], { encoding: "utf8" }).slice(1).split(".")[0]);
  return { node, model: major >= 23 ? "--permission" : "--experimental-permission", bundle };
}

storeTest(
  "I15: the program under Node's permission model works with rights to the store's own directory, lock included",
  nodeReason,
  (base, store) => {
    const { node, model, bundle } = permittedNode(base, program);
    const holdfast = restricted([node, "--no-warnings", bundle], store);
    const [code, read, write] = [
      `--allow-fs-read=${bundle}`,
      `--allow-fs-read=${store}/`,
      `--allow-fs-write=${store}/`,
    ];
    const lock = "--allow-child-process";
    assertWorks(holdfast, [model, code, read, write, lock]);
    const append = (...rights: string[]): string =>
      holdfast.run([model, code, ...rights], ["append", "k"], "{}\n").output;
    assert.match(append(read, write), /locking the session: .*--allow-child-process option, which the lock needs/);
    assert.match(append(read, lock), /--allow-fs-write option/);
    assert.match(append(write, lock), /--allow-fs-read option/);

    rmSync(store, { recursive: true });
    assertSaysMissing(append(read, write, lock), base, /run again with the --allow-fs-read option/);
    assert.equal(existsSync(store), false);
  },
);

storeTest(
  "I13: where Node's permission model refuses every sync, a program syncs; if that fails nothing is acknowledged",
  nodeReason,
  (base, store) => {
    const { node, model, bundle } = permittedNode(base, program);
    // As Node 24.22 and 26.9 do; the one that runs this may be older.
    const refusing = join(base, "refusing.mjs");
    writeFileSync(
      refusing,
      `import { open } from "node:fs/promises";
      const handle = await open(${JSON.stringify(bundle)});
      const refuse = async () => {
        throw Object.assign(new Error("fsync API is disabled when Permission Model is enabled."), { code: "ERR_ACCESS_DENIED" });
      };
      Object.assign(Object.getPrototypeOf(handle), { sync: refuse, datasync: refuse });
      await handle.close();\n`,
    );
    const programs = join(base, "programs");
    mkdirSync(programs);
    for (const name of ["flock", "readlink", "sh"]) symlinkSync(programOnPath(name) ?? name, join(programs, name));
    const [file, ...before] = [...spawnPrefix(), node, "--no-warnings", model, `--import=${refusing}`];
    assert.ok(file !== undefined);
    const rights = ["--allow-fs-read", "--allow-fs-write"].map((right) => `${right}=${store}/`);
    const code = [bundle, refusing].map((path) => `--allow-fs-read=${path}`);
    const synced = join(base, "synced");
    const append = (key: string, sync: string | null, count = 2) => {
      rmSync(join(programs, "sync"), { force: true });
      rmSync(synced, { force: true });
      if (sync !== null) writeFileSync(join(programs, "sync"), `#!/bin/sh\n${sync}\n`, { mode: 0o755 });
      const words = [...before, ...rights, ...code, "--allow-child-process", bundle, "append", key, "--dir", store];
      const input = Array.from({ length: count }, (_, n) => `{"n":${n}}\n`).join("");
      const env = { ...environment, PATH: programs };
      const { stdout, stderr, status } = spawnSync(file, words, { encoding: "utf8", input, cwd: base, env });
      const paths = existsSync(synced) ? readFileSync(synced, "utf8").trimEnd().split("\n") : [];
      return { stdout, stderr, status, paths };
    };
    const real = `readlink -f "$1" >> ${synced} && exec ${programOnPath("sync")} "$1"`;
    const made = append("k", real);
    assert.deepEqual([made.stdout, made.status], ["0\n1\n", 0], made.stderr);
    assert.ok(made.paths.includes(store), made.paths.join());
    assert.ok(made.paths.includes(join(store, "k.jsonl")), made.paths.join());
    // Into a log that is filled ahead each append syncs by its own write: more of them start no more programs.
    const [some, many] = [append("k", real, 20), append("k", real, 100)];
    assert.deepEqual([some.status, many.status, many.paths], [0, 0, some.paths]);
    for (const [sync, reason] of [["exit 1", /EIO/], [null, /no 'sync' program/]] as const) {
      const { stdout, stderr, status } = append(`with ${sync}`, sync);
      assert.deepEqual([stdout, status], ["", 1]);
      assert.match(stderr, reason);
    }
  },
);

storeTest(
  "the program on Deno: what HOLDFAST_DIR and push add to the two rights, and what it says without",
  denoReason,
  (base, store) => {
    const [file, ...before] = [...spawnPrefix(), runtimeProgram("deno") ?? "deno", "run", "--no-prompt", "--no-check"];
    assert.ok(file !== undefined);
    const env = {
      ...process.env,
      HOLDFAST_DIR: store,
      HOLDFAST_S3_BUCKET: "bucket",
      // Nobody listens there; without the right nobody is asked.
      HOLDFAST_S3_ENDPOINT: "http://127.0.0.1:47999",
      HOLDFAST_S3_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: "id",
      AWS_SECRET_ACCESS_KEY: "secret",
    };
    const holdfast = (rights: readonly string[], args: readonly string[]): string => {
      const words = [...before, `--allow-read=${store}`, `--allow-write=${store}`, ...rights, program, ...args];
      const { stdout, stderr } = spawnSync(file, words, { encoding: "utf8", input: "{}\n", cwd: base, env });
      return stdout + stderr;
    };
    assert.match(holdfast([], ["append", "k"]), /There is no directory for the store/);
    assert.equal(holdfast(["--allow-env=HOLDFAST_DIR"], ["append", "k"]), "0\n");
    const push = (...rights: string[]): string => holdfast(rights, ["push", "--dir", store]);
    assert.match(push(), /does not let the program read the variable HOLDFAST_S3_FILE: .*--allow-env/);
    assert.match(push("--allow-env"), /Requires net access to "127\.0\.0\.1:47999", .*--allow-net/);
    assert.doesNotMatch(push("--allow-env", "--allow-net=127.0.0.1:47999"), /Requires/);
  },
);

storeTest(
  "I15: the library works under Node's permission model with rights to the store's own directory, lock included",
  nodeReason,
  (base, store) => {
    const { node, model, bundle } = permittedNode(base, permittedWalk);
    const rights = [`--allow-fs-read=${bundle}`, `--allow-fs-read=${store}/`, `--allow-fs-write=${store}/`];
    const walk = (...more: string[]): string => {
      const { stdout, stderr } = spawnSync(node, ["--no-warnings", model, ...rights, ...more, bundle, store], {
        encoding: "utf8",
        cwd: base,
        env: environment,
      });
      return stdout + stderr;
    };
    assert.equal(walk("--allow-child-process"), "done\n");
    // What is there already is opened with no more than a new one.
    assert.equal(walk("--allow-child-process"), "done\n");
    assert.match(walk(), /locking the session: .*--allow-child-process option, which the lock needs/);

    rmSync(store, { recursive: true });
    const missing = walk("--allow-child-process");
    assertSaysMissing(missing, base, /run again with the --allow-fs-read option/);
    assert.match(missing, /^io: /);
  },
);

test("toHoldfastError(): a right that Node's permission model refuses is named by its option", () => {
  const options = {
    FileSystemRead: "--allow-fs-read",
    FileSystemWrite: "--allow-fs-write",
    ChildProcess: "--allow-child-process",
    Net: "--allow-net",
  };
  for (const [permission, option] of Object.entries(options)) {
    const denied = Object.assign(new Error("Access to this API has been restricted"), {
      code: "ERR_ACCESS_DENIED",
      permission,
    });
    const { code, message } = toHoldfastError(denied, "opening the store", "/tmp/store");
    assert.equal(code, "read-only");
    assert.ok(message.includes(`: /tmp/store, run again with the ${option} option`), message);
  }
  const unknown = Object.assign(new Error("Access to this API has been restricted"), { code: "ERR_ACCESS_DENIED" });
  assert.match(toHoldfastError(unknown, "opening the store", "/tmp/store").message, /permission model refuses it/);
});
