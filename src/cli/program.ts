/**
 * The program without its process: finds the command, parses, runs, and turns what went wrong into a message and an
 * exit code.
 *
 * @module
 */

import { HoldfastError, toHoldfastError } from "../errors.ts";
import { compileAsUsual } from "../fs/runtime_compiler.ts";
import { nearestHint, parseArguments } from "./arguments.ts";
import { type Command, exitCodes, Interruption, type ProgramContext, UsageError } from "./command.ts";
import { commandTable } from "./command_table.ts";
import { commandHelp, programHelp } from "./help_text.ts";
import { programVersion } from "./program_version.ts";
import { painterFor, visibleLine } from "./terminal_text.ts";

/**
 * Runs the program.
 *
 * @param context Arguments and streams.
 * @returns The exit code.
 */
export async function runProgram(context: ProgramContext): Promise<number> {
  const [name, ...args] = context.args;
  let command: Command | null = null;
  try {
    if (name === undefined) {
      await context.stderr.write(await fullHelp());
      return exitCodes.usage;
    }
    if (name === "--version" || name === "-V") {
      await context.stdout.write(`holdfast ${programVersion}\n`);
      return exitCodes.done;
    }
    if (name === "--help" || name === "-h" || name === "help") return await showHelp(context, args[0]);
    command = await findCommand(name);
    const parsed = parseArguments(command.description, args);
    if (parsed.has("help")) {
      await context.stdout.write(commandHelp(command.description));
      return exitCodes.done;
    }
    if (command.isShort !== true) compileAsUsual();
    return await command.run({ ...context, parsed });
  } catch (error) {
    return await reportError(context, command, error);
  }
}

async function fullHelp(): Promise<string> {
  const commands = await Promise.all([...commandTable.values()].map((load) => load()));
  return programHelp(commands.map(({ description }) => description));
}

async function showHelp(context: ProgramContext, name: string | undefined): Promise<number> {
  const text = name === undefined ? await fullHelp() : commandHelp((await findCommand(name)).description);
  await context.stdout.write(text);
  return exitCodes.done;
}

/** Commands that other commands start as their second process. */
const startedByOthers = new Set(["demo-writer", "torture-worker"]);

async function findCommand(name: string): Promise<Command> {
  const load = commandTable.get(name);
  if (load !== undefined) return await load();
  if (name.startsWith("-")) {
    throw new UsageError(`Unknown option ${name}`, "Options stand behind the command: holdfast <command> [options]");
  }
  const shown = [...commandTable.keys()].filter((known) => !startedByOthers.has(known));
  throw new UsageError(
    `Unknown command ${name}`,
    nearestHint(name, shown, "holdfast ") ?? `Commands: ${shown.join(", ")}`,
  );
}

async function reportError(context: ProgramContext, command: Command | null, error: unknown): Promise<number> {
  if (error instanceof Interruption) return error.exitCode;
  const paint = painterFor(context.stderr, context.environment);
  const lines = [`${paint("holdfast:", "red")} ${visibleLine(errorMessage(error))}`];
  const hint = errorHint(command, error);
  if (hint !== null) lines.push(`  ${paint(visibleLine(hint), "dim")}`);
  await context.stderr.write(lines.join("\n") + "\n");
  if (error instanceof UsageError) return exitCodes.usage;
  return error instanceof HoldfastError && error.code === "locked" ? exitCodes.locked : exitCodes.failed;
}

/**
 * What happened and where, in one line: `what (file, offset)`.
 *
 * @param error Anything that was thrown.
 * @returns The message.
 */
export function errorMessage(error: unknown): string {
  if (error instanceof HoldfastError) {
    const where: string[] = [];
    if (error.path !== undefined && !error.message.includes(error.path)) where.push(error.path);
    if (error.offset !== undefined && !error.message.includes(`offset ${error.offset}`)) {
      where.push(`offset ${error.offset}`);
    }
    return where.length === 0 ? error.message : `${error.message} (${where.join(", ")})`;
  }
  if (error instanceof UsageError || error instanceof RangeError || error instanceof TypeError) return error.message;
  return errorMessage(toHoldfastError(error, "running the command", "holdfast"));
}

const hints: Readonly<Record<HoldfastError["code"], string | null>> = {
  locked: "Wait until the other process is done, or stop it; reading needs no lock",
  "disk-full": "Free space, then run the command again",
  "too-large": "A line of the log is at most 10 MiB",
  corrupt: "See what is damaged with: holdfast check; set it aside with: holdfast repair KEY",
  failed: "Run the command again: what is in the log is looked at afresh",
  "read-only": "The directory or file may not be written by this user",
  "not-found": "See what there is with: holdfast ls; another directory is given with --dir",
  exists: "Remove it with: holdfast rm KEY; or take another key",
  closed: null,
  io: null,
};

function errorHint(command: Command | null, error: unknown): string | null {
  if (error instanceof HoldfastError) {
    // What is wrong in a bucket has no path, and nothing here is to be repaired.
    if (error.code === "corrupt" && error.path === undefined) return null;
    // A session is looked for in a directory; what has a path is that directory itself.
    const isDirectory = error.code === "not-found" && error.path !== undefined;
    return isDirectory ? "Give the store's directory with --dir; append and import make it" : hints[error.code];
  }
  if (!(error instanceof UsageError)) return null;
  if (error.hint !== null) return error.hint;
  return command === null ? "See: holdfast --help" : `See: holdfast ${command.description.name} --help`;
}
