/**
 * What a command of the program is: a description (from which help, and later man pages and completions, are made) and
 * a function that runs it against streams, so that a test needs no process.
 *
 * @module
 */

import type { ParsedArguments } from "./arguments.ts";

/** Where output goes: the process's own stream, or a string in a test. */
export interface OutputStream {
  /** Whether a person sees it: colour, tables fitted to the width, progress. */
  readonly isTerminal: boolean;
  /** Width in characters, where there is a terminal. */
  readonly columns: number;
  /** The reader has gone (`| head`): nothing that is written arrives any more. */
  readonly closed: boolean;
  /** Writes text; resolves when more can be written without piling up in memory. */
  write(text: string): Promise<void>;
}

/** The outside world of one run of the program. */
export interface ProgramContext {
  /** What stands behind the program's name. */
  readonly args: readonly string[];
  /** What is piped in, each piece valid until the next is asked for; asked for only by commands that read it. */
  readonly stdin: AsyncIterable<Uint8Array>;
  /** Whether stdin is a person's keyboard. */
  readonly stdinIsTerminal?: () => boolean;
  /** Results. */
  readonly stdout: OutputStream;
  /** Errors, warnings, progress. */
  readonly stderr: OutputStream;
  /** Environment variables; one that may not be read counts as not set. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Aborted by SIGINT or SIGTERM, with an {@linkcode Interruption} as its reason. */
  readonly signal: AbortSignal;
}

/** What {@linkcode Command.run} gets. */
export interface CommandContext extends ProgramContext {
  /** The command's own arguments, parsed. */
  readonly parsed: ParsedArguments;
}

/** One option of a command. */
export interface OptionDescription {
  /** Without the dashes. */
  readonly name: string;
  /** One letter, without the dash. */
  readonly short?: string;
  /** What the option's value is called in help; an option without one is a switch. */
  readonly value?: string;
  /** What the value must be. */
  readonly kind?: "text" | "count";
  /** The allowed values, where they are few. */
  readonly choices?: readonly string[];
  /** One line of help. */
  readonly description: string;
}

/** One positional argument of a command. */
export interface ArgumentDescription {
  /** In capitals, as help shows it. */
  readonly name: string;
  /** Whether it must be there. */
  readonly required: boolean;
  /** Whether there may be several. */
  readonly multiple?: boolean;
  /** One line of help. */
  readonly description: string;
}

/** An example in help. */
export interface ExampleDescription {
  /** What it does. */
  readonly does: string;
  /** The line to type. */
  readonly line: string;
}

/** Everything that help says of a command. */
export interface CommandDescription {
  /** What is typed. */
  readonly name: string;
  /** One line, imperative, without a full stop. */
  readonly summary: string;
  /** Paragraphs behind the usage line. */
  readonly details?: readonly string[];
  /** In order. */
  readonly positionals: readonly ArgumentDescription[];
  /** Its own options; the common ones come by themselves. */
  readonly options: readonly OptionDescription[];
  /** Lines to type. */
  readonly examples: readonly ExampleDescription[];
  /** Not shown in the list of commands. */
  readonly hidden?: boolean;
}

/** A command: what it says of itself, and what it does. */
export interface Command {
  /** For parsing and help. */
  readonly description: CommandDescription;
  /** Whether most of its runs are short: it says by itself when what it runs is worth compiling. */
  readonly isShort?: boolean;
  /**
   * Runs it.
   *
   * @param context Streams and arguments.
   * @returns The exit code, one of {@linkcode exitCodes}.
   */
  run(context: CommandContext): Promise<number>;
}

/** What the program's exit codes mean. */
export const exitCodes: { readonly done: 0; readonly failed: 1; readonly usage: 2; readonly locked: 3 } = {
  done: 0,
  failed: 1,
  usage: 2,
  locked: 3,
};

/** The command line is wrong: a message, and what to look at. */
export class UsageError extends Error {
  /** What to type to learn more. */
  readonly hint: string | null;

  /**
   * Creates an error.
   *
   * @param message What is wrong.
   * @param hint What to do instead; by default the help of the command.
   */
  constructor(message: string, hint: string | null = null) {
    super(message);
    this.name = "UsageError";
    this.hint = hint;
  }
}

/** SIGINT or SIGTERM came: the command stopped at a safe point. */
export class Interruption extends Error {
  /** 130 or 143. */
  readonly exitCode: number;

  /**
   * Creates the reason that an aborted signal carries.
   *
   * @param signalName Which signal it was.
   */
  constructor(signalName: "SIGINT" | "SIGTERM") {
    super(`Interrupted by ${signalName}`);
    this.name = "Interruption";
    this.exitCode = signalName === "SIGINT" ? 130 : 143;
  }
}
