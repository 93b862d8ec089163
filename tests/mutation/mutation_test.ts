import assert from "node:assert/strict";
import { after, test } from "node:test";
import { isEverythingAsked, sequenceStride } from "../crash/crash_budget.ts";
import { type Caught, type Hunt, isPlainError } from "./hunts.ts";
import { loadMutant, mutatedSources, removeScratch } from "./mutant_source.ts";
import { mutationTable as groups } from "./mutation_table.ts";
import { type Mutation, preyOf } from "./mutation.ts";

/**
 * The whole table takes longer than a run of the suite may: on Node a fixed part of it, and elsewhere, where only the
 * runtime differs, enough to see that mutants are mutants there, too. At night all of it.
 */
const stride = isEverythingAsked ? 1 : sequenceStride === 1 ? 16 : 48;

const chosenRows = new Set([...groups.values()].flat().filter((_, index) => index % stride === 0));

after(removeScratch);

test("a string that does not stand in the source exactly once is refused: the table is kept true", async () => {
  await assert.rejects(loadMutant([{ file: "log/log_writer.ts", from: "no such string" }]), RangeError);
  await assert.rejects(loadMutant([{ file: "log/log_writer.ts", from: "await " }]), RangeError);
});

test("every row of the table, also of those that wait for the night, changes what stands in the source today", () => {
  for (const { name, replace = [] } of [...groups.values()].flat()) {
    assert.doesNotThrow(() => mutatedSources(replace), name);
  }
});

test("an error that says nothing of a promise is told from what does", () => {
  const plain = [
    { invariant: "error", message: "TypeError: this.#log is undefined\n    at append" },
    { invariant: "I10", message: "Recovery failed: HoldfastError failed: Session failed; because of RangeError: -1" },
    { invariant: "error", message: "nothing was set aside" },
  ];
  const told = [
    { invariant: "I1", message: "shows    []" },
    { invariant: "error", message: "HoldfastError: Blob of record 0 at /content cannot be read: it is missing" },
  ];
  for (const caught of plain) assert.ok(isPlainError(caught), caught.message);
  for (const caught of told) assert.ok(!isPlainError(caught), caught.message);
});

test("the product, unchanged, passes whatever its mutants are put through", async () => {
  const hunts = new Set<Hunt>(
    [...chosenRows].flatMap(huntsOf).filter(({ isOfSuite }) => isOfSuite !== true || isEverythingAsked),
  );
  const prey = await preyOf(null);
  for (const hunt of hunts) {
    const caught = await hunt.run(prey);
    assert.equal(caught, null, `${hunt.name}: ${caught?.invariant} ${caught?.message}`);
  }
});

for (const [group, mutations] of groups) {
  if (chosen(mutations).length === 0) continue;
  test(`mutations, ${group}: no step of the product can be missing without a promise being seen to break`, async () => {
    const survivors: string[] = [];
    for (const mutation of chosen(mutations)) {
      const { hunt, caught } = await huntDown(mutation);
      const row = rowOf(mutation, hunt, caught);
      console.log(row);
      if ((caught === null) !== (mutation.redundant !== undefined)) survivors.push(row);
      else if (caught !== null && isPlainError(caught) !== (mutation.fails !== undefined)) survivors.push(row);
    }
    assert.deepEqual(survivors, []);
  });
}

function chosen(mutations: readonly Mutation[]): readonly Mutation[] {
  return mutations.filter((mutation) => chosenRows.has(mutation));
}

function huntsOf({ hunts }: Mutation): readonly Hunt[] {
  return hunts;
}

/** The first who sees a promise break; nobody does: the first at whom the mutant fails with an error. */
async function huntDown(mutation: Mutation): Promise<{ hunt: Hunt | null; caught: Caught | null }> {
  const prey = await preyOf(mutation);
  let failed: { hunt: Hunt; caught: Caught } | null = null;
  for (const hunt of mutation.hunts) {
    const caught = await hunt.run(prey);
    if (caught === null) continue;
    if (mutation.fails !== undefined || !isPlainError(caught)) return { hunt, caught };
    failed ??= { hunt, caught };
  }
  return failed ?? { hunt: null, caught: null };
}

function rowOf({ name, redundant }: Mutation, hunt: Hunt | null, caught: Caught | null): string {
  if (hunt !== null && caught !== null) {
    const lines = caught.message.split("\n", 1).join().slice(0, 100);
    const plain = isPlainError(caught) ? ", a plain error" : "";
    return `${name} -> ${caught.invariant}${plain} (${hunt.name}): ${lines}`;
  }
  return redundant === undefined ? `${name} -> NOT CAUGHT` : `${name} -> redundant: ${redundant}`;
}
