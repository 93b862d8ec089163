/**
 * A promise that a failing call has broken: what it is, in words, and how to see it again.
 *
 * @module
 */

import { operationWords } from "./operations.ts";
import { decodeReproduction, type Scenario } from "./scenario.ts";
import { invariantText } from "./story.ts";

/** A broken promise, and how to get there. */
export interface FaultFinding {
  /** How calls failed: the name of the plan. */
  readonly plan: string;
  /** Which call was the first to fail, from 1, of those that can fail so. */
  readonly failAt: number;
  /** That call, and for which path. */
  readonly call: string;
  /** What was run: model, sectors, seed, what was there before, and the operations. */
  readonly scenario: Scenario;
  /** All operations in words, in order; those that were there before say so. */
  readonly operations: readonly string[];
  /** How the run ended, and what survived; null: it had not ended yet. */
  readonly ending: string | null;
  /** What was done behind the end, in words, the last step being the one in which it showed. */
  readonly aftermath: readonly string[];
  /** What is broken: the number of an invariant, or `error`. */
  readonly invariant: string;
  /** What was found. */
  readonly message: string;
}

/** What is needed to run one failure again. */
export type FaultReproduction = Pick<FaultFinding, "plan" | "failAt" | "scenario">;

/**
 * The operations of a scenario in words.
 *
 * @param scenario The scenario.
 * @returns One text each.
 */
export function scenarioWords({ prepare, operations }: Scenario): string[] {
  return [...prepare.map((operation) => `${operationWords(operation)} (before)`), ...operations.map(operationWords)];
}

/**
 * Tells a finding: the plan, the operations, the call that failed, what survived, what is broken, and how to see it
 * again.
 *
 * @param finding The finding.
 * @returns Several lines.
 */
export function tellFault(finding: FaultFinding): string {
  const { plan, failAt, call, scenario, operations, ending, aftermath, invariant, message } = finding;
  return [
    `${invariant} is broken: ${invariantText(invariant)}`,
    `on a ${scenario.model} file system with sectors of ${scenario.sectorBytes} bytes, seed ${scenario.seed}`,
    ...operations.map((words, index) => `  ${index + 1}. ${words}`),
    `meanwhile: ${plan}, at call ${failAt}: ${call}`,
    ending === null ? "it showed while calls failed, or right behind" : `then: ${ending}`,
    ...aftermath.map((step) => `afterwards: ${step}`),
    message,
    `again: holdfast torture --reproduce '${encodeFault(finding)}'`,
  ].join("\n");
}

/**
 * Writes what is needed to run a failure again as one argument of a command line.
 *
 * @param reproduction The failure.
 * @returns JSON without a single quote.
 */
export function encodeFault({ plan, failAt, scenario }: FaultReproduction): string {
  return JSON.stringify({ plan, failAt, scenario, path: [] }).replaceAll("'", "\\u0027");
}

/**
 * Reads what {@linkcode encodeFault} has written.
 *
 * @param text The argument.
 * @returns The failure; null if it is one of a power cut.
 * @throws {TypeError} or {SyntaxError} If it is none.
 */
export function decodeFault(text: string): FaultReproduction | null {
  const { scenario } = decodeReproduction(text);
  const value: unknown = JSON.parse(text);
  if (typeof value !== "object" || value === null || !("plan" in value) || !("failAt" in value)) return null;
  const { plan, failAt } = value;
  if (typeof plan !== "string" || typeof failAt !== "number") throw new TypeError("Not a failure of a call");
  return { plan, failAt, scenario };
}
