import assert from "node:assert/strict";
import { test } from "node:test";
import type { RetentionOptions, RetentionStep, SessionStore } from "../../mod.ts";
import { planRetention, type RankedCandidate } from "../../src/store/retention_plan.ts";
import { hasCode, realTest, simulatedTest, type StoreBench } from "./store_fixture.ts";

const day = 86_400_000;
const now = Date.UTC(2026, 10, 20);

async function retain(store: SessionStore, options: RetentionOptions = {}): Promise<RetentionStep[]> {
  const steps: RetentionStep[] = [];
  for await (const step of store.retain({ nowMs: now, ...options })) steps.push(step);
  return steps;
}

const brief = (steps: readonly RetentionStep[]): string[] =>
  steps.map(({ action, reason, key, skipped }) =>
    [action, reason, key, skipped].filter((word) => word !== null).join(" ")
  );

/** Makes a session that was last written to at a time. */
async function sessionAt(bench: StoreBench, key: string, modifiedMs: number, bytes = 10): Promise<void> {
  const store = await bench.open();
  await (await store.session(key)).append({ text: "x".repeat(bytes) });
  await store.close();
  await setTime(bench, `${key}.jsonl`, modifiedMs);
}

async function setTime(bench: StoreBench, name: string, modifiedMs: number): Promise<void> {
  const file = await bench.base.open(bench.path(name), { access: "write" });
  await file.setModified?.(modifiedMs);
  await file.close();
}

function candidate(name: string, rank: number, bytes: number, ageMs: number | null = null): RankedCandidate {
  return { name, rank, bytes, ageMs, modifiedMs: rank };
}

test("planRetention() takes the oldest first, for age, then number, then bytes, and never the newest for bytes", () => {
  const all = [
    candidate("a", 1, 10, 50),
    candidate("b", 2, 20, 40),
    candidate("c", 3, 30, 30),
    candidate("d", 4, 40, 0),
  ];
  const plan = (limits: Parameters<typeof planRetention>[1]): string =>
    planRetention(all, limits).map(({ candidate: { name }, reason }) => `${name}:${reason}`).join(" ");
  assert.equal(plan({}), "");
  assert.equal(plan({ ageMsMax: 39 }), "a:age b:age");
  assert.equal(plan({ sessionsMax: 3 }), "a:count");
  assert.equal(plan({ sessionsMax: 0 }), "a:count b:count c:count d:count");
  assert.equal(plan({ bytesMax: 70 }), "a:bytes b:bytes");
  assert.equal(plan({ bytesMax: 0 }), "a:bytes b:bytes c:bytes");
  assert.equal(plan({ ageMsMax: 45, sessionsMax: 2, bytesMax: 40 }), "a:age b:count c:bytes");
  const unknown = [candidate("new", Infinity, 1), candidate("newer", Infinity, 1), candidate("old", 5, 1)];
  assert.deepEqual(planRetention(unknown, { sessionsMax: 2, ageMsMax: 0 }).map((one) => one.candidate.name), ["old"]);
});

simulatedTest("retain(): without a limit no session goes", async (bench) => {
  await sessionAt(bench, "old", now - 4000 * day);
  assert.deepEqual(await retain(await bench.open()), []);
});

realTest(
  "retain(): by age, number and bytes, to the trash first; a dry run writes nothing",
  async (bench) => {
    for (let n = 0; n < 6; n++) await sessionAt(bench, `s${n}`, now - (60 - n * 10) * day, 1000);
    const store = await bench.open();
    const written = (): number => store.counters.writes + store.counters.renames + store.counters.syncs;
    const before = written();
    const limits = { ageMsMax: 45 * day, sessionsMax: 3, bytesMax: 2500 };
    const wouldGo = await retain(store, { ...limits, dryRun: true });
    assert.equal(written(), before);
    const expected = ["trash age s0", "trash age s1", "trash count s2", "trash bytes s3"];
    assert.deepEqual(brief(wouldGo), expected);
    assert.deepEqual(brief(await retain(store, limits)), expected);
    assert.deepEqual((await store.list()).map(({ key }) => key).sort(), ["s4", "s5"]);
    assert.deepEqual((await store.trash()).map(({ key }) => key).sort(), ["s0", "s1", "s2", "s3"]);
    assert.deepEqual(await retain(store, limits), []);
    await store.restore("s1");
    assert.equal(await store.has("s1"), true);
  },
);

realTest("retain(): the trash is emptied by age and by bytes, with everything that is in it", async (bench) => {
  for (const key of ["a", "b", "c"]) await sessionAt(bench, key, now, 1000);
  const store = await bench.open();
  for (const key of ["a", "b", "c"]) await store.moveToTrash(key);
  await setTime(bench, "trash/1-a/a.meta.json", now - 31 * day);
  await setTime(bench, "trash/1-b/b.meta.json", now - 29 * day);
  await setTime(bench, "trash/1-c/c.meta.json", now - 1 * day);
  assert.deepEqual(brief(await retain(store)), ["empty age a"]);
  assert.deepEqual(brief(await retain(store, { trashBytesMax: 1500 })), ["empty bytes b"]);
  assert.deepEqual(brief(await retain(store, { trashAgeMsMax: Infinity })), []);
  assert.deepEqual(brief(await retain(store, { trashAgeMsMax: 0 })), ["empty age c"]);
  assert.deepEqual(await bench.names("/trash"), []);
});

realTest("retain(): what is being written, here or elsewhere, is passed over and told of", async (bench) => {
  for (const key of ["here", "there", "idle"]) await sessionAt(bench, key, now - 100 * day);
  const [store, other] = [await bench.open(), await bench.open()];
  await (await store.session("here")).update({ title: "t" });
  await (await other.session("there")).update({ title: "t" });
  const steps = await retain(store, { ageMsMax: 50 * day });
  assert.deepEqual(brief(steps).sort(), ["trash age here locked", "trash age idle", "trash age there locked"]);
  assert.deepEqual((await store.list()).map(({ key }) => key).sort(), ["here", "there"]);
});

realTest("retain(): a session that was written to since it was looked at stays", async (bench) => {
  for (const key of ["a", "b"]) await sessionAt(bench, key, now - 100 * day);
  const [store, other] = [await bench.open(), await bench.open()];
  const steps: RetentionStep[] = [];
  for await (const step of store.retain({ nowMs: now, ageMsMax: 50 * day })) {
    steps.push(step);
    if (step.key !== "a") continue;
    await (await other.session("b")).append({ n: 1 });
    await other.close();
  }
  assert.deepEqual(brief(steps), ["trash age a", "trash age b changed"]);
  assert.equal(await store.has("b"), true);
});

realTest("I19: on a board whose clock starts in 1970 nothing is old before the clock is set", async (bench) => {
  await sessionAt(bench, "dated", now - 100 * day);
  await sessionAt(bench, "boot", 5 * 60_000);
  await sessionAt(bench, "ahead", now + 3000 * day);
  const store = await bench.open();
  const limits = { ageMsMax: 50 * day };
  assert.deepEqual(await retain(store, { ...limits, nowMs: 10 * 60_000 }), []);
  // Set: only what has a time is old; the others are as old as the moment at which they were first seen.
  assert.deepEqual(brief(await retain(store, limits)), ["trash age dated"]);
  assert.deepEqual(brief(await retain(store, { ...limits, nowMs: now + 49 * day, trashAgeMsMax: Infinity })), []);
  assert.deepEqual(brief(await retain(store, { ...limits, nowMs: 10 * 60_000 })), []);
  assert.deepEqual(brief(await retain(store, { ...limits, nowMs: now + 51 * day, trashAgeMsMax: Infinity })).sort(), [
    "trash age ahead",
    "trash age boot",
  ]);
});

realTest("I19: of too many, those go that have a time; a session of 1970 counts as new", async (bench) => {
  for (const [key, time] of [["dated", now - day], ["boot", 60_000], ["newer", now]] as const) {
    await sessionAt(bench, key, time);
  }
  const store = await bench.open();
  assert.deepEqual(brief(await retain(store, { sessionsMax: 2, nowMs: 90_000 })), ["trash count dated"]);
});

realTest("retain(): where no clock is ever set, the number holds, by the order of the files", async (bench) => {
  for (const [key, time] of [["one", 60_000], ["two", 120_000], ["three", 180_000]] as const) {
    await sessionAt(bench, key, time);
  }
  const store = await bench.open();
  assert.deepEqual(brief(await retain(store, { sessionsMax: 1, nowMs: 200_000 })), [
    "trash count one",
    "trash count two",
  ]);
  assert.equal((await bench.names()).includes(".retention"), false);
});

simulatedTest(
  "W12: retain() takes away what crashes have left, under the session's lock, and nothing else (I16)",
  async (bench) => {
    await sessionAt(bench, "k", now);
    for (const name of ["k.log.tmp", "k.meta.tmp", "gone.log.tmp", ".tmp-123-456", "notes.tmp", "x.json"]) {
      await bench.write(name, "left");
    }
    const other = await bench.open();
    await (await other.session("k")).hold();
    await bench.write("k.log.tmp", "left");
    const store = await bench.open();
    const names = (steps: readonly RetentionStep[]): string[] =>
      steps.map(({ path, skipped }) => `${path.split("/").at(-1)} ${skipped ?? "done"}`).sort();
    assert.deepEqual(names(await retain(store, { dryRun: true })), ["gone.log.tmp done", "k.log.tmp done"]);
    assert.deepEqual(names(await retain(store)), ["gone.log.tmp done", "k.log.tmp locked"]);
    await other.close();
    assert.deepEqual(names(await retain(store)), ["k.log.tmp done"]);
    assert.deepEqual((await bench.names()).filter((name) => /tmp/.test(name)), [".tmp-123-456", "notes.tmp"]);
  },
);

realTest(
  "retain(): the quarantine of the whole store is kept within its bytes, the oldest first",
  async (bench) => {
    for (const key of ["a", "b"]) {
      await sessionAt(bench, key, now);
      await bench.base.makeDirectory(bench.path(`${key}.quarantine`), 0o700);
    }
    await bench.write("a.quarantine/torn-0-00000001", "x".repeat(100));
    await bench.write("b.quarantine/torn-0-00000002", "x".repeat(100));
    await bench.write("b.quarantine/notes", "not ours");
    await setTime(bench, "a.quarantine/torn-0-00000001", now - 2 * day);
    await setTime(bench, "b.quarantine/torn-0-00000002", now - 3 * day);
    const store = await bench.open();
    assert.deepEqual(await retain(store, { quarantineBytesMax: 200 }), []);
    assert.deepEqual(brief(await retain(store, { quarantineBytesMax: 150 })), ["quarantine bytes b"]);
    assert.deepEqual(brief(await retain(store, { quarantineBytesMax: 0 })), ["quarantine bytes a"]);
    assert.deepEqual(await bench.names("/b.quarantine"), ["notes"]);
  },
);

simulatedTest("retain(): a deletion that a crash has cut short is finished", async (bench) => {
  await sessionAt(bench, "k", now);
  const meta = await bench.meta("k");
  await bench.write("k.meta.json", JSON.stringify({ ...meta, holdfast: { ...meta.holdfast, deleted: true } }));
  const store = await bench.open();
  assert.deepEqual(brief(await retain(store)), ["sweep leftover k"]);
  assert.deepEqual(await bench.names(), []);
});

realTest("retain(): options are checked, and a store that is only read may look", async (bench) => {
  await sessionAt(bench, "old", now - 100 * day);
  const store = await bench.open({ readOnly: true });
  await assert.rejects(retain(store, { ageMsMax: -1 }), RangeError);
  await assert.rejects(retain(store, { sessionsMax: 1 }), hasCode("read-only"));
  assert.deepEqual(brief(await retain(store, { ageMsMax: day, dryRun: true })), ["trash age old"]);
});
