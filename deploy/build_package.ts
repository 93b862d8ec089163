/**
 * Builds the Debian package: `npm run deb -- --help`.
 *
 * @module
 */

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { commandTable } from "../src/cli/command_table.ts";
import { programVersion } from "../src/cli/program_version.ts";
import {
  checksumFile,
  controlFile,
  copyrightFile,
  debianChangelog,
  lintianOverrides,
  type PackageArchitecture,
  packageArchitectures,
} from "./package/debian_control.ts";
import { manPage } from "./package/man_page.ts";
import { bashCompletions, zshCompletions } from "./package/shell_completions.ts";

const help = `Builds holdfast_VERSION_ARCH.deb: the program as one file, the agent, units, man page, completions.

  npm run deb -- [options]

  --arch ARCH        amd64, arm64 (default: both)
  --out DIR          where the packages go (default binaries)
  --program FILE     take this program instead of building one; with one --arch only
  --version V        the package's version (default ${programVersion})
  --maintainer WHO   "Name <address>" (default $DEBFULLNAME <$DEBEMAIL>)
  --compress HOW     xz, gzip, none (default xz; gzip is quicker and larger)
  --help

It takes dpkg-deb, which every Debian has, and Bun from npm ci. Root is not needed.
`;

const projectDirectory = fileURLToPath(new URL("..", import.meta.url));

/** What was asked for. */
interface PackageRequest {
  readonly architectures: readonly PackageArchitecture[];
  readonly outputDirectory: string;
  readonly program: string | null;
  readonly version: string;
  readonly maintainer: string;
  readonly compression: string;
  /** When it was made, as its files say; the same for the same commit. */
  readonly date: Date;
}

function readRequest(): PackageRequest | null {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    options: {
      arch: text,
      out: text,
      program: text,
      version: text,
      maintainer: text,
      compress: text,
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help === true) return null;
  const architectures = packageArchitectures.filter(({ debian }) =>
    values.arch === undefined || values.arch === debian
  );
  if (architectures.length === 0) throw new RangeError(`--arch ${values.arch}: there are amd64 and arm64`);
  if (values.program !== undefined && architectures.length > 1) throw new RangeError("--program takes one --arch");
  if (values.program !== undefined && !existsSync(values.program)) throw new RangeError(`No file ${values.program}`);
  const compression = values.compress ?? "xz";
  if (!["xz", "gzip", "none"].includes(compression)) throw new RangeError(`--compress ${compression}: xz, gzip, none`);
  const { DEBFULLNAME: name = "Holdfast contributors", DEBEMAIL: address = "maintainers@holdfast.invalid" } =
    process.env;
  return {
    architectures,
    compression,
    date: dateOfSources(),
    outputDirectory: resolve(values.out ?? join(projectDirectory, "binaries")),
    program: values.program === undefined ? null : resolve(values.program),
    version: values.version ?? programVersion,
    maintainer: values.maintainer ?? `${name} <${address}>`,
  };
}

/** `$SOURCE_DATE_EPOCH`, else the last commit's time; outside a checkout, now. */
function dateOfSources(): Date {
  const given = Number(process.env.SOURCE_DATE_EPOCH ?? NaN);
  if (Number.isSafeInteger(given)) return new Date(given * 1000);
  try {
    const log = execFileSync("git", ["log", "-1", "--format=%ct"], { cwd: projectDirectory, encoding: "utf8" });
    return new Date(Number(log) * 1000);
  } catch {
    return new Date();
  }
}

function inProject(program: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}): void {
  execFileSync(program, args, {
    cwd: projectDirectory,
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...environment },
  });
}

/** What is the same on every machine: the agent and the pages. */
async function writeCommonFiles(scratch: string): Promise<void> {
  const entry = "deploy/agent/main_portable.ts";
  const bundle = ["build", "--target=bun", "--minify-syntax", "--minify-whitespace", entry, "--outfile"];
  inProject(join(projectDirectory, "node_modules/.bin/bun"), [...bundle, join(scratch, "agent.js")]);
  const loads = [...commandTable.values()].map(async (load) => (await load()).description);
  const descriptions = await Promise.all(loads);
  writeFileSync(join(scratch, "holdfast.1"), manPage(descriptions, programVersion));
  writeFileSync(join(scratch, "holdfast.bash"), bashCompletions(descriptions));
  writeFileSync(join(scratch, "_holdfast"), zshCompletions(descriptions));
}

function buildProgram(scratch: string, target: string): string {
  const script = join(projectDirectory, "deploy/build_portable.ts");
  inProject(process.execPath, ["--import", "tsx", script, "--runtime", "bun", "--target", target, "--out", scratch]);
  return join(scratch, `holdfast-${programVersion}-${target}-bun`);
}

/** Lays the files out as they will lie on the board; `install.sh` knows where. */
function layOut(scratch: string, root: string, program: string, request: PackageRequest): void {
  inProject("sh", [
    join(projectDirectory, "deploy/install.sh"),
    ...["--program", program, "--agent", join(scratch, "agent.js"), "--man", join(scratch, "holdfast.1")],
    ...["--completions", scratch],
  ], { DESTDIR: root, UNIT_DIR: "/usr/lib/systemd/system" });
  // The package's own scripts make the user.
  rmSync(join(root, "usr/lib/sysusers.d"), { recursive: true });
  const page = join(root, "usr/share/man/man1/holdfast.1");
  writeFileSync(`${page}.gz`, gzipSync(readFileSync(page), { level: 9 }));
  rmSync(page);
  const documents = join(root, "usr/share/doc/holdfast");
  mkdirSync(documents, { recursive: true });
  const text = (path: string): string => readFileSync(join(projectDirectory, path), "utf8");
  writeFileSync(join(documents, "changelog.gz"), gzipSync(debianChangelog(request, request.date), { level: 9 }));
  writeFileSync(join(documents, "CHANGELOG.md.gz"), gzipSync(text("CHANGELOG.md"), { level: 9 }));
  mkdirSync(join(root, "usr/share/lintian/overrides"), { recursive: true });
  writeFileSync(join(root, "usr/share/lintian/overrides/holdfast"), lintianOverrides);
  writeFileSync(join(documents, "copyright"), copyrightFile(text("LICENSE")));
  writeFileSync(join(documents, "README.md.gz"), gzipSync(text("deploy/README.md"), { level: 9 }));
}

function filesBelow(root: string): string[] {
  const entries = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return entries.map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name))).sort();
}

function writeControl(root: string, request: PackageRequest, architecture: string): void {
  const files = filesBelow(root);
  const bytes = files.reduce((sum, path) => sum + Math.ceil(statSync(join(root, path)).size / 1024) * 1024, 0);
  const control = join(root, "DEBIAN");
  mkdirSync(control);
  const { version, maintainer } = request;
  const installedKibibytes = bytes / 1024;
  writeFileSync(join(control, "control"), controlFile({ version, architecture, installedKibibytes, maintainer }));
  writeFileSync(join(control, "conffiles"), "/etc/default/holdfast\n");
  const sums = files.filter((path) => !path.startsWith("etc/")).map((path) => {
    return { path, md5: createHash("md5").update(readFileSync(join(root, path))).digest("hex") };
  });
  writeFileSync(join(control, "md5sums"), checksumFile(sums));
  for (const script of ["postinst", "prerm", "postrm"]) {
    cpSync(join(projectDirectory, "deploy/package/debian", script), join(control, script));
    chmodSync(join(control, script), 0o755);
  }
}

async function buildPackages(request: PackageRequest): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), "holdfast-deb-"));
  process.umask(0o022);
  try {
    await writeCommonFiles(scratch);
    mkdirSync(request.outputDirectory, { recursive: true });
    for (const { debian, target } of request.architectures) {
      const root = join(scratch, debian);
      const name = `holdfast_${request.version}_${debian}.deb`;
      console.log(`${name}: building`);
      layOut(scratch, root, request.program ?? buildProgram(scratch, target), request);
      writeControl(root, request, debian);
      const file = join(request.outputDirectory, name);
      // The runtime is most of it; more effort than this saves a few per cent and takes minutes.
      const effort = request.compression === "none" ? [] : ["-z3"];
      inProject("dpkg-deb", ["--root-owner-group", `-Z${request.compression}`, ...effort, "--build", root, file], {
        SOURCE_DATE_EPOCH: String(Math.floor(request.date.getTime() / 1000)),
      });
      console.log(`${name}: ${(statSync(file).size / 1e6).toFixed(1)} MB`);
      rmSync(root, { recursive: true });
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

try {
  const request = readRequest();
  if (request === null) console.log(help);
  else await buildPackages(request);
} catch (error) {
  if (!(error instanceof RangeError || (error instanceof TypeError && "code" in error))) throw error;
  console.error(`deb: ${error.message}\n  See: --help`);
  process.exitCode = 2;
}
