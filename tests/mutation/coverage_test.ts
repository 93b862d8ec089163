import assert from "node:assert/strict";
import { test } from "node:test";
import { Explorer } from "../../src/torture/explorer.ts";
import { runFaultLoop } from "../../src/torture/fault_loop.ts";
import { faultPlans } from "../../src/torture/fault_plans.ts";
import type { Operation } from "../../src/torture/operations.ts";
import type { Scenario } from "../../src/torture/scenario.ts";
import { withStoppedClock } from "../../src/torture/stopped_clock.ts";
import { holdfastSubject, type Subject } from "../../src/torture/subject.ts";
import { sequenceStride } from "../crash/crash_budget.ts";

type Letter = Omit<Operation, "session">;

/** One of each way to fail; all of them are gone through elsewhere. */
const faultNames: readonly string[] = [
  "a write takes 7 bytes, then ENOSPC",
  "the disk is full from then on",
  "a sync fails, pages kept",
];

const history: readonly Letter[] = [
  { kind: "append" },
  { kind: "append", sizes: ["sector"] },
  { kind: "append-batch", sizes: ["small", "small"] },
  { kind: "truncate", keep: 3 },
];

/** Each operation that changes something, on a session that has a history, but for the one that needs none. */
const operations: readonly Letter[] = [
  { kind: "append", sizes: ["sector"] },
  { kind: "append", sizes: ["sector"], buffered: true },
  { kind: "append-batch", sizes: ["sector", "small"] },
  { kind: "append-group", sizes: ["small", "sector", "small"] },
  { kind: "truncate", keep: 1, summary: true },
  { kind: "replace", sizes: ["small"], summary: true },
  { kind: "compact" },
  { kind: "set-summary" },
  { kind: "set-title" },
  { kind: "delete" },
  { kind: "recreate" },
  { kind: "migrate" },
  { kind: "foreign-append" },
];

/** Which branch of recovery, as the store tells of it, must have been taken after which operation met which fault. */
const branches: readonly string[] = [
  "append (buffered) x a sync fails, pages kept -> session-failed",
  "append (buffered) x kill -> lock-taken-over",
  "append (buffered) x power cut -> torn-tail",
  "append x a sync fails, pages kept -> session-failed",
  "append x kill -> lock-taken-over",
  "append x power cut -> torn-tail",
  "append-batch x a sync fails, pages kept -> session-failed",
  "append-batch x kill -> lock-taken-over",
  "append-batch x power cut -> torn-tail",
  "append-group x a sync fails, pages kept -> session-failed",
  "append-group x kill -> lock-taken-over",
  "append-group x power cut -> torn-tail",
  "compact x a sync fails, pages kept -> session-failed",
  "compact x kill -> lock-taken-over",
  "compact x the disk is full from then on -> session-failed",
  "delete x a sync fails, pages kept -> session-failed",
  "delete x kill -> delete-finished",
  "delete x kill -> lock-taken-over",
  "delete x power cut -> delete-finished",
  "delete x the disk is full from then on -> session-failed",
  "foreign-append x kill -> foreign-appended",
  "foreign-append x kill -> lock-taken-over",
  "foreign-append x kill -> torn-tail",
  "foreign-append x power cut -> foreign-appended",
  "foreign-append x power cut -> torn-tail",
  "migrate x kill -> lock-taken-over",
  "migrate x kill -> migrated",
  "migrate x kill -> replace-finished",
  "migrate x power cut -> migrated",
  "migrate x power cut -> replace-finished",
  "recreate x a sync fails, pages kept -> session-failed",
  "recreate x kill -> delete-finished",
  "recreate x kill -> lock-taken-over",
  "recreate x power cut -> delete-finished",
  "recreate x power cut -> torn-tail",
  "recreate x the disk is full from then on -> session-failed",
  "replace x a sync fails, pages kept -> replace-finished",
  "replace x a sync fails, pages kept -> replace-pending",
  "replace x a sync fails, pages kept -> session-failed",
  "replace x a write takes 7 bytes, then ENOSPC -> replace-finished",
  "replace x a write takes 7 bytes, then ENOSPC -> replace-pending",
  "replace x kill -> lock-taken-over",
  "replace x kill -> replace-discarded",
  "replace x kill -> replace-finished",
  "replace x power cut -> replace-discarded",
  "replace x power cut -> replace-finished",
  "replace x the disk is full from then on -> replace-discarded",
  "replace x the disk is full from then on -> replace-finished",
  "replace x the disk is full from then on -> replace-pending",
  "replace x the disk is full from then on -> session-failed",
  "set-summary x a sync fails, pages kept -> session-failed",
  "set-summary x kill -> lock-taken-over",
  "set-summary x the disk is full from then on -> session-failed",
  "set-title x a sync fails, pages kept -> session-failed",
  "set-title x kill -> lock-taken-over",
  "set-title x the disk is full from then on -> session-failed",
  "truncate x a sync fails, pages kept -> session-failed",
  "truncate x kill -> lock-taken-over",
  "truncate x the disk is full from then on -> session-failed",
];

class Coverage {
  readonly #counts = new Map<string, number>();

  add(name: string, count = 1): void {
    if (count > 0) this.#counts.set(name, (this.#counts.get(name) ?? 0) + count);
  }

  count(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  get lines(): string[] {
    return [...this.#counts].map(([name, count]) => `${name}: ${count}`).sort();
  }
}

/** The product; each of its events is counted under what is being done to it. */
function watched(coverage: Coverage, prefix: string): Subject {
  return {
    ...holdfastSubject,
    open: async (options) =>
      await holdfastSubject.open({
        ...options,
        onEvent: (event) => {
          coverage.add(`${prefix} -> ${event.type}`);
          options.onEvent?.(event);
        },
      }),
  };
}

function scenarioOf(letter: Letter, model: Scenario["model"]): Scenario {
  const on = (operation: Letter): Operation => ({ ...operation, session: 0 });
  const prepare = letter.kind === "migrate" ? [] : history.map(on);
  return { model, sectorBytes: 512, seed: 1, prepare, operations: [on(letter)] };
}

function nameOf({ kind, buffered }: Letter): string {
  return buffered === true ? `${kind} (buffered)` : kind;
}

async function explore(coverage: Coverage, letter: Letter): Promise<void> {
  for (const model of ["weak", "ordered"] as const) {
    for (const [fault, cutsPerStep] of [["kill", 0], ["power cut", 24]] as const) {
      const prefix = `${nameOf(letter)} x ${fault}`;
      const subject = watched(coverage, prefix);
      const explorer = new Explorer({ subject, depth: 0, cutsPerStep, cutsPerNestedStep: 0 });
      const finding = await withStoppedClock(() => explorer.explore(scenarioOf(letter, model)));
      assert.equal(finding, null, `${prefix}: ${finding?.violation.message}`);
      coverage.add(prefix, fault === "kill" ? explorer.kills.size : explorer.states.size);
    }
  }
}

test("coverage: each operation meets each fault, and each branch of recovery is taken", async () => {
  const coverage = new Coverage();
  const chosen = operations.filter((_, index) => index % sequenceStride === 0);
  const faults = ["kill", "power cut"];
  for (const letter of chosen) await explore(coverage, letter);
  const names = chosen.flatMap((letter) => faults.map((fault) => `${nameOf(letter)} x ${fault}`));
  for (const { name, plan } of faultPlans.filter(({ name }) => faultNames.includes(name))) {
    // Somebody else's calls do not fail, and a migration belongs to the open.
    for (const letter of chosen.filter(({ kind }) => kind !== "migrate" && kind !== "foreign-append")) {
      const prefix = `${nameOf(letter)} x ${name}`;
      const { runs, failure } = await runFaultLoop(watched(coverage, prefix), scenarioOf(letter, "weak"), plan);
      assert.equal(failure, null, `${prefix}: ${failure?.message}`);
      coverage.add(prefix, runs);
      names.push(prefix);
    }
  }
  for (const line of coverage.lines) console.log(line);
  const wanted = [...names, ...branches.filter((branch) => names.some((name) => branch.startsWith(`${name} -> `)))];
  assert.deepEqual(wanted.filter((name) => coverage.count(name) === 0), []);
});
