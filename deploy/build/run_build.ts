/**
 * What both entry files do: read the request, build, and turn what went wrong into words and an exit code.
 *
 * @module
 */

import { programVersion } from "../../src/cli/program_version.ts";
import { buildHelp, type BuildRequest } from "./build_options.ts";
import { BuildError, type BuildHost, buildProgram } from "./build_program.ts";

/** Errors of Deno's that need not have a code. */
const denoErrors = ["NotCapable", "PermissionDenied", "NotFound", "AlreadyExists", "NotADirectory", "IsADirectory"];

/**
 * Runs a build.
 *
 * @param readRequest Reads the arguments.
 * @param host The machine.
 * @returns The exit code: 0 built, 1 failed, 2 wrong usage.
 * @throws What is neither: a programmer's error.
 */
export async function runBuild(readRequest: () => BuildRequest, host: BuildHost): Promise<number> {
  try {
    const request = readRequest();
    if (request.help) host.print(buildHelp);
    else await buildProgram(request.options, programVersion, host);
    return 0;
  } catch (error) {
    if (error instanceof RangeError) {
      host.print(`build: ${error.message}\n  See: --help`);
      return 2;
    }
    if (!(error instanceof BuildError || isOperatingError(error))) throw error;
    host.print(`build: ${error.message}`);
    return 1;
  }
}

/** What the system or Deno's rights refused. Node's own codes, `ERR_…`, are a programmer's errors. */
function isOperatingError(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  if ("code" in error && typeof error.code === "string") return /^E[A-Z0-9]+$/.test(error.code);
  return denoErrors.includes(error.name);
}
