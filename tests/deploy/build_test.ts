import assert from "node:assert/strict";
import { test } from "node:test";
import { adviceFor, compileCommand, permissionOptions } from "../../deploy/build/build_commands.ts";
import { type BuildOptions, readBuildRequest } from "../../deploy/build/build_options.ts";
import { type BuildHost, buildProgram, type CommandEnd } from "../../deploy/build/build_program.ts";
import { buildTargets, findTargets, targetOfMachine } from "../../deploy/build/build_targets.ts";
import { checksumOf, readChecksumList, writeChecksumList } from "../../deploy/build/checksum_list.ts";
import { runBuild } from "../../deploy/build/run_build.ts";
import { writeSoftwareBill } from "../../deploy/build/software_bill.ts";
import { programVersion } from "../../src/cli/program_version.ts";

function optionsOf(...args: string[]): BuildOptions {
  const request = readBuildRequest(args);
  if (request.help) throw new Error("asked for help");
  return request.options;
}

/** A machine whose compilers write a file each, or fail. */
class PretendHost implements BuildHost {
  readonly platform = "linux";
  readonly architecture = "x64";
  readonly files = new Map<string, string>();
  readonly commands: string[] = [];
  readonly printed: string[] = [];
  failure: CommandEnd | null = null;
  versionText = `holdfast ${programVersion}`;
  denort: string | null = null;

  async run(program: string, args: readonly string[]): Promise<CommandEnd> {
    this.commands.push([program, ...args].join(" "));
    if (program === "git") return { exitCode: 0, output: `${"ab".repeat(20)}\n` };
    if (program.startsWith("./")) return { exitCode: 0, output: `${this.versionText}\n` };
    if (args[0] === "--version") return { exitCode: 0, output: `${program} 9.8.7 (stable)\n` };
    if (this.failure !== null) return this.failure;
    const output = args.find((arg) => arg.startsWith("--output="))?.slice(9) ?? args[args.indexOf("--outfile") + 1] ??
      "";
    this.files.set(output, `program ${output}`);
    return { exitCode: 0, output: "" };
  }

  async ensureDirectory(): Promise<void> {}
  async *readBytes(path: string): AsyncIterable<Uint8Array> {
    for (const part of this.files.get(path) ?? "") yield new TextEncoder().encode(part);
  }
  readText = async (path: string): Promise<string | null> => this.files.get(path) ?? null;
  writeText = async (path: string, text: string): Promise<void> => void this.files.set(path, text);
  sizeBytesOf = async (path: string): Promise<number | null> => this.files.get(path)?.length ?? null;
  print = (line: string): void => void this.printed.push(line);
  variable = (name: string): string | null => name === "DENORT_BIN" ? this.denort : null;
}

test("readBuildRequest() gives the defaults, and refuses what makes no sense by name", () => {
  const { runtime, targets, outputDirectory, engine, offline } = optionsOf();
  assert.deepEqual({ runtime, outputDirectory, engine, offline }, {
    runtime: "deno",
    outputDirectory: "binaries",
    engine: "v8",
    offline: false,
  });
  assert.deepEqual(targets.map(({ name }) => name), ["linux-x64", "linux-arm64"]);
  const refused: [string[], RegExp][] = [
    [["--runtime", "node"], /--runtime node: it is one of deno, bun/],
    [["--target", "amiga"], /Unknown target amiga; there are: linux-x64/],
    [["--target", "linux-arm64-musl"], /deno does not build for linux-arm64-musl/],
    [["--runtime", "bun", "--engine", "quickjs"], /--engine is Deno's/],
    [["--runtime", "bun", "--store", "/var/lib/holdfast"], /Bun has no permissions/],
    [["--store", "here"], /give the path on the board, from the root/],
    [["--bogus"], /bogus/],
  ];
  for (const [args, message] of refused) assert.throws(() => readBuildRequest(args), { name: "RangeError", message });
});

test("findTargets() knows all that each runtime builds for", () => {
  assert.equal(findTargets(["all"], "bun").length, buildTargets.length);
  assert.deepEqual(findTargets(["all"], "deno").map(({ name }) => name).includes("linux-x64-musl"), false);
  assert.equal(targetOfMachine("darwin", "arm64"), "macos-arm64");
  assert.equal(targetOfMachine("linux", "x64"), "linux-x64");
});

test("permissionOptions() bakes in reading, writing and the program's variables, and nothing else", () => {
  const names = (options: BuildOptions): string[] =>
    permissionOptions(options).map((option) => option.split("=")[0] ?? "");
  assert.deepEqual(names(optionsOf()), ["--allow-read", "--allow-write", "--allow-env", "--no-prompt"]);
  const narrow = permissionOptions(optionsOf("--store", "/var/lib/holdfast", "--allow-net", "s3.example:443"));
  assert.ok(narrow.includes("--allow-read=/var/lib/holdfast"));
  assert.ok(narrow.includes("--allow-write=/var/lib/holdfast"));
  assert.ok(narrow.includes("--allow-net=s3.example:443"));
});

test("compileCommand() names target, engine and output, and downloads nothing when it must not", () => {
  const options = optionsOf("--engine", "quickjs", "--offline", "--target", "linux-arm64");
  const [target] = options.targets;
  assert.ok(target !== undefined);
  const { program, args, environment } = compileCommand(options, target, "out/x");
  assert.equal(program, "deno");
  for (
    const arg of [
      "compile",
      "--target=aarch64-unknown-linux-gnu",
      "--engine=quickjs",
      "--cached-only",
      "--output=out/x",
    ]
  ) {
    assert.ok(args.includes(arg), arg);
  }
  assert.equal(environment.DENO_NO_PACKAGE_JSON, "1", "else all of node_modules is packed");
  assert.deepEqual(args.filter((arg) => arg.startsWith("--allow-run") || arg === "-A"), []);
});

test("buildProgram() builds, sums up, lists, and runs what this machine can run", async () => {
  const host = new PretendHost();
  host.files.set("binaries/SHA256SUMS", `${"0".repeat(64)}  holdfast-0.0.1-linux-x64\n`);
  const built = await buildProgram(optionsOf("--runtime", "bun", "--target", "all"), programVersion, host);
  assert.equal(built.length, buildTargets.length);
  assert.deepEqual(built.filter(({ versionText }) => versionText !== null).map(({ target }) => target), ["linux-x64"]);
  const listed = readChecksumList(host.files.get("binaries/SHA256SUMS") ?? "");
  assert.equal(listed.length, built.length + 1, "lines of other builds stay");
  for (const { name, sha256 } of built) {
    assert.ok(listed.some((one) => one.name === name && one.sha256 === sha256));
    const bill: unknown = JSON.parse(host.files.get(`binaries/${name}.cdx.json`) ?? "");
    assert.ok(JSON.stringify(bill).includes(sha256) && JSON.stringify(bill).includes("9.8.7"));
  }
});

test("buildProgram() says what to do when the base binary cannot be downloaded", async () => {
  const host = new PretendHost();
  host.failure = {
    exitCode: 1,
    output: "Download denort\nerror: error sending request\n\n  Stack backtrace:\n   0: x",
  };
  assert.equal(await runBuild(() => readBuildRequest([]), host), 1);
  const printed = host.printed.join("\n");
  assert.match(printed, /DENORT_BIN/);
  assert.match(printed, /--runtime bun/);
  assert.doesNotMatch(printed, /backtrace/);
});

test("buildProgram() does not take Deno itself for a base binary", async () => {
  const host = new PretendHost();
  host.denort = "/usr/bin/deno";
  host.versionText = "deno 9.8.7";
  await assert.rejects(
    buildProgram(optionsOf("--target", "linux-x64"), programVersion, host),
    /is no denort \(DENORT_BIN=\/usr\/bin\/deno\)/,
  );
});

test("runBuild() shows the help, and exits with 2 for wrong usage", async () => {
  const host = new PretendHost();
  assert.equal(await runBuild(() => readBuildRequest(["--help"]), host), 0);
  assert.match(host.printed.join("\n"), /--runtime deno\|bun/);
  assert.equal(await runBuild(() => readBuildRequest(["--bogus"]), host), 2);
  assert.deepEqual(host.commands, []);
});

test("adviceFor() tells a missing package apart from a missing network", () => {
  const { targets: [target], ...rest } = optionsOf();
  assert.ok(target !== undefined);
  const deno = compileCommand({ ...rest, targets: [target] }, target, "x");
  assert.match(adviceFor(deno, "Could not find a matching package for 'npm:@types/node'", null) ?? "", /npm ci/);
  assert.match(adviceFor(deno, "No such file or directory (os error 2)", "/no") ?? "", /DENORT_BIN leads to \/no/);
  assert.equal(adviceFor(deno, "error: Module not found", null), null);
  const bun = compileCommand(optionsOf("--runtime", "bun", "--target", "linux-x64"), target, "x");
  assert.match(adviceFor(bun, "failed to download bun", null) ?? "", /Bun's cache/);
});

test("checksum lists are read and written as sha256sum does", async () => {
  const bytes = async function* (): AsyncIterable<Uint8Array> {
    yield new TextEncoder().encode("a");
    yield new TextEncoder().encode("bc");
  };
  const sha256 = await checksumOf(bytes());
  assert.equal(sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  const list = [{ name: "b", sha256 }, { name: "a c", sha256 }];
  assert.equal(writeChecksumList(list), `${sha256}  a c\n${sha256}  b\n`);
  assert.deepEqual(readChecksumList(`${writeChecksumList(list)}junk\n${sha256} *d\n`).map(({ name }) => name), [
    "a c",
    "b",
    "d",
  ]);
});

test("writeSoftwareBill() is the same for the same file", () => {
  const facts = {
    fileName: "holdfast",
    sha256: "00",
    version: "1.2.3",
    runtime: "deno",
    runtimeVersion: "4.5.6",
    engine: "v8",
    target: "linux-x64",
    commit: null,
  } as const;
  assert.equal(writeSoftwareBill(facts), writeSoftwareBill({ ...facts }));
  const bill: unknown = JSON.parse(writeSoftwareBill(facts));
  assert.ok(typeof bill === "object" && bill !== null && "bomFormat" in bill && bill.bomFormat === "CycloneDX");
});
