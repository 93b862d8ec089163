import assert from "node:assert/strict";
import { resolve } from "node:path";
import { test } from "node:test";
import {
  adviceFor,
  type BuildCommand,
  compileCommand,
  packsClient,
  permissionOptions,
} from "../../deploy/build/build_commands.ts";
import { type BuildOptions, readBuildRequest } from "../../deploy/build/build_options.ts";
import { BuildError, buildProgram } from "../../deploy/build/build_program.ts";
import {
  type BuildTarget,
  buildTargets,
  findTargets,
  hasMusl,
  targetOfMachine,
} from "../../deploy/build/build_targets.ts";
import { checksumOf, readChecksumList, writeChecksumList } from "../../deploy/build/checksum_list.ts";
import { fileKindOf } from "../../deploy/build/elf_header.ts";
import { runBuild } from "../../deploy/build/run_build.ts";
import { readPackedPackage, type SoftwareBillFacts, writeSoftwareBill } from "../../deploy/build/software_bill.ts";
import { programVersion } from "../../src/cli/program_version.ts";
import { bucketVariables, readBucketSettings } from "../../src/sink/bucket_settings.ts";
import { bytesOf, clientSettings, elfFor, output, PretendHost } from "./pretend_build_host.ts";

function optionsOf(...args: string[]): BuildOptions {
  const request = readBuildRequest(args);
  if (request.help) throw new Error("asked for help");
  return request.options;
}

function targetFor(options: BuildOptions): BuildTarget {
  const [target] = options.targets;
  assert.ok(target !== undefined);
  return target;
}

test("readBuildRequest() gives the defaults, and refuses what makes no sense by name", () => {
  const { runtime, targets, outputDirectory, engine, offline } = optionsOf();
  assert.deepEqual({ runtime, outputDirectory, engine, offline }, {
    runtime: "deno",
    outputDirectory: output,
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
    [["--store", "/a,b"], /--store \/a,b: there must be no comma/],
    [["--allow-net="], /--allow-net: name a host/],
    [["--allow-net", "a,"], /--allow-net: name a host/],
    [["--out="], /--out: name a directory/],
    [["--bogus"], /bogus/],
  ];
  for (const [args, message] of refused) assert.throws(() => readBuildRequest(args), { name: "RangeError", message });
});

test("readBuildRequest() takes --out from where the user is, whatever is in its name", () => {
  assert.equal(optionsOf("--out", "a#b?c%41 d").outputDirectory, resolve("a#b?c%41 d"));
  assert.equal(optionsOf("--out", "/tmp/there/").outputDirectory, "/tmp/there");
});

test("findTargets() knows all that each runtime builds for", () => {
  assert.equal(findTargets(["all"], "bun").length, buildTargets.length);
  assert.deepEqual(findTargets(["all"], "deno").map(({ name }) => name).includes("linux-x64-musl"), false);
  assert.deepEqual(
    buildTargets.filter(({ machine }) => machine === undefined).map(({ name }) => name),
    ["macos-arm64", "macos-x64", "windows-x64"],
  );
});

test("targetOfMachine() tells musl from glibc", () => {
  assert.equal(targetOfMachine({ platform: "darwin", architecture: "arm64", isMusl: false }), "macos-arm64");
  assert.equal(targetOfMachine({ platform: "linux", architecture: "x64", isMusl: false }), "linux-x64");
  assert.equal(targetOfMachine({ platform: "linux", architecture: "x64", isMusl: true }), "linux-x64-musl");
  const [musl, glibc, alpine] = ["/lib/ld-musl-x86_64.so.1", "/lib64/ld-linux-x86-64.so.2", "/etc/alpine-release"];
  const having = (...paths: string[]): boolean => hasMusl((path) => paths.includes(path));
  assert.equal(having(), false);
  assert.equal(having(glibc), false);
  assert.equal(having(musl), true);
  assert.equal(having(musl, glibc), false, "Debian with the package musl");
  assert.equal(having(musl, glibc, alpine), true, "Alpine with the package gcompat");
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

test("a program that may reach a host has all that push and pull take", async () => {
  const asked = new Set<string>();
  const listening = new Proxy<Record<string, string>>({}, {
    get: (_, name) => {
      asked.add(String(name));
      return ["HOLDFAST_S3_BUCKET", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].find((one) => one === name);
    },
  });
  await readBucketSettings(listening);
  assert.deepEqual([...asked].sort(), [...bucketVariables].sort());

  const variablesOf = (options: BuildOptions): string[] =>
    permissionOptions(options).find((option) => option.startsWith("--allow-env="))?.slice(12).split(",") ?? [];
  const importMapsOf = (options: BuildOptions): string[] =>
    compileCommand(options, targetFor(options), "x").args.filter((arg) => arg.startsWith("--import-map="));
  const [alone, connected] = [optionsOf(), optionsOf("--allow-net", "s3.example")];
  assert.ok(bucketVariables.every((name) => variablesOf(connected).includes(name)));
  assert.deepEqual(variablesOf(alone).filter((name) => bucketVariables.includes(name)), []);
  assert.deepEqual(importMapsOf(connected), ["--import-map=deploy/build/program_imports.json"]);
  assert.deepEqual(importMapsOf(alone), []);
  assert.deepEqual([alone, connected, optionsOf("--runtime", "bun")].map(packsClient), [false, true, true]);
});

test("buildProgram() says npm ci when the client for buckets is not there, and needs it only to pack it", async () => {
  const host = new PretendHost();
  host.files.delete(clientSettings);
  for (const args of [["--allow-net", "s3.example"], ["--runtime", "bun"]]) {
    await assert.rejects(buildProgram(optionsOf(...args), programVersion, host), /s3mini.* run npm ci/);
  }
  assert.deepEqual(host.commands, []);
  await buildProgram(optionsOf(), programVersion, host);
});

test("compileCommand() names target, engine and output, and downloads nothing when it must not", () => {
  const options = optionsOf("--engine", "quickjs", "--offline", "--target", "linux-arm64");
  const { program, args, environment } = compileCommand(options, targetFor(options), "out/x");
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

test("compileCommand() leads what must not download to where nobody listens, and nothing else", () => {
  for (const runtime of ["deno", "bun"]) {
    const environmentOf = (...args: string[]): Readonly<Record<string, string>> => {
      const options = optionsOf("--runtime", runtime, ...args);
      return compileCommand(options, targetFor(options), "x").environment;
    };
    const offline = environmentOf("--offline");
    const names = ["HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy", "BUN_CONFIG_REGISTRY"];
    for (const name of names) assert.equal(offline[name], "http://127.0.0.1:9", name);
    assert.deepEqual([offline.NO_PROXY, offline.no_proxy], ["", ""]);
    assert.deepEqual(Object.keys(environmentOf()).filter((name) => /proxy|registry/i.test(name)), []);
  }
});

test("buildProgram() builds, sums up, lists, and runs what this machine can run", async () => {
  const host = new PretendHost();
  host.files.set(`${output}/SHA256SUMS`, `${"0".repeat(64)}  holdfast-0.0.1-linux-x64\n`);
  host.files.set(`${output}/.partial/left over`, "");
  const built = await buildProgram(optionsOf("--runtime", "bun", "--target", "all"), programVersion, host);
  assert.equal(built.length, buildTargets.length);
  assert.deepEqual(built.filter(({ versionText }) => versionText !== null).map(({ target }) => target), ["linux-x64"]);
  const listed = readChecksumList(host.files.get(`${output}/SHA256SUMS`) ?? "");
  assert.equal(listed.length, built.length + 1, "lines of other builds stay");
  for (const { name, sha256 } of built) {
    assert.equal(await checksumOf(host.readBytes(`${output}/${name}`)), sha256);
    assert.ok(listed.some((one) => one.name === name && one.sha256 === sha256));
    const bill = host.files.get(`${output}/${name}.cdx.json`) ?? "";
    assert.ok(bill.includes(sha256) && bill.includes("9.8.7") && bill.includes("pkg:npm/s3mini@7.6.5"));
  }
  assert.deepEqual(host.namesIn(`${output}/.partial`), []);
});

test("buildProgram() runs the file with musl on a machine with musl", async () => {
  const host = new PretendHost();
  host.isMusl = true;
  const built = await buildProgram(optionsOf("--runtime", "bun", "--target", "all"), programVersion, host);
  assert.deepEqual(
    built.filter(({ versionText }) => versionText !== null).map(({ target }) => target),
    ["linux-x64-musl"],
  );
});

test("buildProgram() leaves a file that failed its check where nobody takes it, and says where", async () => {
  const host = new PretendHost();
  const name = `holdfast-${programVersion}-linux-x64-bun`;
  host.files.set(`${output}/${name}`, "from before");
  host.versionText = "Segmentation fault";
  const building = buildProgram(optionsOf("--runtime", "bun", "--target", "linux-x64"), programVersion, host);
  await assert.rejects(building, (error) => error instanceof BuildError && error.message.includes(`/.partial/${name}`));
  assert.equal(host.files.get(`${output}/${name}`), "from before");
  assert.deepEqual(host.namesIn(output).sort(), [`.partial/${name}`, name].sort());
});

test("buildProgram() writes its lists beside their place first", async () => {
  const host = new PretendHost();
  const written: string[] = [];
  const { writeText } = host;
  host.writeText = (path, text) => {
    written.push(path);
    return writeText(path, text);
  };
  await buildProgram(optionsOf("--target", "linux-arm64"), programVersion, host);
  assert.equal(written.length, 2);
  assert.ok(written.every((path) => path.startsWith(`${output}/.partial/`)), written.join());
});

test("buildProgram() looks at the machine that a file is for", async () => {
  const host = new PretendHost();
  host.denort = "/opt/denort";
  host.denortMachine = 0x3e;
  await assert.rejects(
    buildProgram(optionsOf("--target", "linux-arm64"), programVersion, host),
    /linux-arm64 is an ELF file for x86-64, not an ELF file for aarch64; its base binary is DENORT_BIN=\/opt\/denort/,
  );
  assert.deepEqual(host.namesIn(output), [`.partial/holdfast-${programVersion}-linux-arm64`]);
});

test("fileKindOf() knows an ELF file and its machine, in whatever pieces it comes", async () => {
  assert.equal(await fileKindOf(bytesOf(elfFor(0xb7))), "an ELF file for aarch64");
  assert.equal(await fileKindOf(bytesOf(elfFor(0x28))), "an ELF file for machine 0x28");
  assert.equal(await fileKindOf(bytesOf(elfFor(0x3e).slice(0, 19))), "no ELF file");
  assert.equal(await fileKindOf(bytesOf("#!/bin/sh\necho holdfast")), "no ELF file");
  const whole = async function* (): AsyncIterable<Uint8Array> {
    yield Uint8Array.from(elfFor(0x3e), (part) => part.charCodeAt(0));
    throw new Error("read on");
  };
  assert.equal(await fileKindOf(whole()), "an ELF file for x86-64");
});

test("buildProgram() refuses one base binary for several machines before it builds any", async () => {
  const host = new PretendHost();
  host.denort = "/opt/denort";
  assert.equal(await runBuild(() => readBuildRequest([]), host), 2);
  assert.match(
    host.printed.join("\n"),
    /DENORT_BIN is a base binary for one machine.*linux-x64, linux-arm64: name one with --target/,
  );
  assert.deepEqual(host.commands, []);
  assert.equal(await runBuild(() => readBuildRequest(["--runtime=bun"]), host), 0, "Bun does not ask for it");
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

test("runBuild() says what the system refused, and throws what is a programmer's error", async () => {
  const refused = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
  const notCapable = Object.assign(new Error('Requires write access to "/x"'), { name: "NotCapable" });
  for (const error of [refused, notCapable]) {
    const host = new PretendHost();
    host.writeFailure = error;
    assert.equal(await runBuild(() => readBuildRequest([]), host), 1);
    assert.equal(host.printed.at(-1), `build: ${error.message}`);
  }
  for (const error of [new TypeError("x"), Object.assign(new TypeError("x"), { code: "ERR_INVALID_ARG_TYPE" })]) {
    const host = new PretendHost();
    host.writeFailure = error;
    await assert.rejects(runBuild(() => readBuildRequest([]), host), error);
  }
});

test("runBuild() shows the help, and exits with 2 for wrong usage", async () => {
  const host = new PretendHost();
  assert.equal(await runBuild(() => readBuildRequest(["--help"]), host), 0);
  assert.match(host.printed.join("\n"), /--runtime deno\|bun/);
  assert.equal(await runBuild(() => readBuildRequest(["--bogus"]), host), 2);
  assert.deepEqual(host.commands, []);
});

test("adviceFor() tells a missing package apart from a missing network", () => {
  const commandFor = (...args: string[]): BuildCommand => {
    const options = optionsOf(...args);
    return compileCommand(options, targetFor(options), "x");
  };
  const deno = commandFor();
  assert.match(adviceFor(deno, "Could not find a matching package for 'npm:@types/node'", null) ?? "", /npm ci/);
  assert.match(adviceFor(deno, "No such file or directory (os error 2)", "/no") ?? "", /DENORT_BIN leads to \/no/);
  assert.equal(adviceFor(deno, "error: Module not found", null), null);
  const bun = commandFor("--runtime", "bun", "--target", "linux-x64");
  assert.match(adviceFor(bun, "failed to download bun", null) ?? "", /Bun's cache/);
  const refused = "error sending request for url (https://dl.deno.land/release/v2.9.6/denort-x.zip): os error 111";
  assert.match(adviceFor(deno, refused, null) ?? "", /could not be downloaded/);
  assert.match(adviceFor(commandFor("--offline"), refused, null) ?? "", /not in DENO_DIR, and --offline downloads/);
  const bunOffline = commandFor("--offline", "--runtime", "bun");
  const said = "Failed to download 'bun-linux-x64-v1.4.5': ConnectionRefused";
  assert.match(adviceFor(bunOffline, said, null) ?? "", /not in Bun's cache, and --offline downloads nothing/);
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

const billFacts: SoftwareBillFacts = {
  fileName: "holdfast",
  sha256: "0f".repeat(32),
  version: "1.2.3",
  runtime: "deno",
  runtimeVersion: "4.5.6",
  engine: "v8",
  target: "linux-x64",
  packages: [{ name: "s3mini", version: "7.6.5", licence: "MIT" }],
  commit: null,
};

interface BillComponent {
  "bom-ref": string;
  type: string;
  name: string;
  version: string;
  hashes?: { alg: string; content: string }[];
  licenses?: unknown;
}

interface Bill {
  bomFormat: string;
  specVersion: string;
  version: number;
  metadata: { component: BillComponent };
  components: BillComponent[];
  dependencies: { ref: string; dependsOn: string[] }[];
}

test("writeSoftwareBill() is the same for the same file", () => {
  assert.equal(writeSoftwareBill(billFacts), writeSoftwareBill({ ...billFacts }));
});

test("writeSoftwareBill() has all that CycloneDX 1.5 requires, and names what is packed", () => {
  const bill: Bill = JSON.parse(writeSoftwareBill(billFacts));
  assert.deepEqual([bill.bomFormat, bill.specVersion, bill.version], ["CycloneDX", "1.5", 1]);
  const components = [bill.metadata.component, ...bill.components];
  for (const { type, name, hashes = [] } of components) {
    assert.ok(["application", "platform", "library"].includes(type), type);
    assert.notEqual(name, "");
    for (const { alg, content } of hashes) assert.match(`${alg} ${content}`, /^SHA-256 [0-9a-f]{64}$/);
  }
  const references = components.map((component) => component["bom-ref"]);
  assert.equal(new Set(references).size, references.length);
  assert.deepEqual(bill.dependencies.map(({ ref }) => ref), references);
  for (const to of bill.dependencies.flatMap(({ dependsOn }) => dependsOn)) assert.ok(references.includes(to), to);
  const packed = bill.components.find(({ name }) => name === "s3mini");
  assert.deepEqual([packed?.version, packed?.licenses], ["7.6.5", [{ license: { id: "MIT" } }]]);
  assert.ok(bill.dependencies.some(({ dependsOn }) => dependsOn.includes("pkg:npm/s3mini@7.6.5")));
  assert.doesNotMatch(writeSoftwareBill({ ...billFacts, packages: [] }), /s3mini/);
});

test("readPackedPackage() takes version and licence from a package's own file", () => {
  const packed = readPackedPackage('{"name":"a","version":"1","license":"MIT","type":"module"}');
  assert.deepEqual(packed, { name: "a", version: "1", licence: "MIT" });
  assert.deepEqual(readPackedPackage('{"name":"a","version":"1"}'), { name: "a", version: "1", licence: null });
  assert.equal(readPackedPackage('{"name":"a"}'), null);
  assert.equal(readPackedPackage("[]"), null);
});
