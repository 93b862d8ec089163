/**
 * What is run, and where in it something breaks: plain data, so that a failure can be told, shrunk and run again.
 *
 * @module
 */

import type { CrashModel, SectorBytes } from "../testing/pending_operations.ts";
import { isOperationKind, type Operation } from "./operations.ts";

/** A run without its ends. */
export interface Scenario {
  /** What survives a power cut. */
  readonly model: CrashModel;
  /** What survives whole. */
  readonly sectorBytes: SectorBytes;
  /** For garbage and the order of names. */
  readonly seed: number;
  /** What was there before; no power is cut in it. */
  readonly prepare: readonly Operation[];
  /** What the power is cut in. */
  readonly operations: readonly Operation[];
  /** Whether picoclaw appends a message to each session between an outermost power cut and the recovery. */
  readonly picoclawBeforeRecovery?: boolean;
  /** Whether somebody else keeps files in the store's directory. */
  readonly foreignFiles?: boolean;
}

/** One end: at a step the program dies, or the power is cut. */
export interface Ending {
  /** The step, counted from where the power may go. */
  readonly step: number;
  /** What survives; null: only the program dies, the machine goes on. */
  readonly choices: readonly number[] | null;
}

/** A failure to run again. */
export interface Reproduction {
  /** What was run. */
  readonly scenario: Scenario;
  /** Where it ended; further ends are in the recoveries. */
  readonly path: readonly Ending[];
}

/**
 * Writes a failure as one argument of a command line.
 *
 * @param reproduction The failure.
 * @returns JSON without a single quote.
 */
export function encodeReproduction(reproduction: Reproduction): string {
  return JSON.stringify(reproduction).replaceAll("'", "\\u0027");
}

/**
 * Reads what {@linkcode encodeReproduction} has written.
 *
 * @param text The argument.
 * @returns The failure.
 * @throws {TypeError} If it is none.
 */
export function decodeReproduction(text: string): Reproduction {
  const value: unknown = JSON.parse(text);
  if (!isObject(value) || !isObject(value["scenario"]) || !Array.isArray(value["path"])) {
    throw new TypeError("Not a reproduction");
  }
  const { model, sectorBytes, seed, prepare, operations, picoclawBeforeRecovery, foreignFiles } = value["scenario"];
  if (model !== "ordered" && model !== "weak") throw new TypeError("Not a model");
  if (sectorBytes !== 512 && sectorBytes !== 4096) throw new TypeError("Not a sector size");
  if (typeof seed !== "number") throw new TypeError("Not a seed");
  const lists = { prepare: readOperations(prepare), operations: readOperations(operations) };
  const visit = picoclawBeforeRecovery === true ? { picoclawBeforeRecovery } : {};
  const others = foreignFiles === true ? { foreignFiles } : {};
  return { scenario: { model, sectorBytes, seed, ...lists, ...visit, ...others }, path: value["path"].map(readEnding) };
}

function readOperations(value: unknown): Operation[] {
  if (!Array.isArray(value)) throw new TypeError("Not a list of operations");
  return value.map((operation: unknown) => {
    if (!isObject(operation)) throw new TypeError("Not an operation");
    const { kind, session } = operation;
    if (typeof kind !== "string" || !isOperationKind(kind) || typeof session !== "number") {
      throw new TypeError(`Not an operation: ${String(kind)}`);
    }
    return { ...operation, kind, session };
  });
}

function readEnding(value: unknown): Ending {
  if (!isObject(value) || typeof value["step"] !== "number") throw new TypeError("Not an ending");
  const { step, choices } = value;
  return { step, choices: Array.isArray(choices) ? choices.map(Number) : null };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
