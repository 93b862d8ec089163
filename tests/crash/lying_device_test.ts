import assert from "node:assert/strict";
import { test } from "node:test";
import type { StoreEvent } from "../../src/store/store_event.ts";
import type { DeviceProfile } from "../../src/testing/mod.ts";
import { type DeviceFinding, deviceScenarios, DeviceTrials, lyingDevices } from "../../src/torture/device_trials.ts";
import {
  filesOf,
  holdfastSubject,
  sessionKeys,
  type Subject,
  type SubjectOptions,
  type SubjectStore,
} from "../../src/torture/subject.ts";
import { replacing } from "../replacing.ts";
import { isEverythingAsked, sequenceStride } from "./crash_budget.ts";

const stride = isEverythingAsked ? 1 : sequenceStride === 1 ? 2 : 7;

for (const { name, profile } of lyingDevices) {
  // What a dropped sync takes is in the files of both sessions.
  const isLocal = (profile.droppedSyncs ?? 0) === 0;
  const others = (isLocal ? "; who is not damaged is untouched" : "") +
    (profile.flippedBits === true ? "; a meta file has no checksum" : "");
  test(
    `I1-I3, I11${isLocal ? ", I17" : ""} on a device that lies (${name}): nothing invented, doubled or reordered; ` +
      `what is missing is reported, or is exactly a state of before${others}`,
    async () => {
      const trials = new DeviceTrials(holdfastSubject, isEverythingAsked ? 16 : 4);
      for (const [index, scenario] of deviceScenarios().entries()) {
        if (index % stride === 0) assertNothing(await trials.run(scenario, profile));
      }
      const { counts } = trials;
      const { states, intact, reported, rolledBack, altered, isolated } = counts;
      console.log(
        `${name}: ${states} distinct disks, ${intact} intact, ${reported} reported, ${rolledBack} rolled back to an ` +
          `earlier state, ${altered} with another summary; ${isolated} with ` +
          "damage in one session only",
      );
      assert.equal(intact + reported + rolledBack + altered, states);
      assert.ok(profile.flippedBits === true || altered === 0, JSON.stringify(counts));
      assert.ok(states > 20 && reported > 0, `${JSON.stringify(counts)}: the device did not lie`);
      if (isLocal) assert.ok(isolated > 0, `${JSON.stringify(counts)}: no session was damaged alone`);
      else assert.ok(rolledBack > 0, `${JSON.stringify(counts)}: no sync was dropped`);
    },
  );
}

test("I3, I11: a sync that has failed says so at the next one only: nothing invented, doubled, reordered or silent", async () => {
  const trials = new DeviceTrials(holdfastSubject, 0);
  for (const [index, scenario] of deviceScenarios().entries()) {
    if (index % stride === 0) assertNothing(await trials.runLateSyncs(scenario));
  }
  const { states, intact, reported, rolledBack } = trials.counts;
  console.log(
    `late syncs: ${states} distinct disks, ${intact} intact, ${reported} reported, ${rolledBack} rolled back`,
  );
  assert.ok(reported + rolledBack > 0, "no sync has failed late");
});

const flippedBits: DeviceProfile = { flippedBits: true };

test("the trials find a store that reports nothing, and one that reports the damage of another session (I11)", async () => {
  const silent: Subject = { ...holdfastSubject, open: (options) => openUnlike(options, () => {}) };
  const confused: Subject = {
    ...holdfastSubject,
    open: (options) =>
      openUnlike(options, (event) => {
        const key = sessionKeys.find((other) => other !== event.key);
        options.onEvent?.(key === undefined ? event : { ...event, key });
      }),
  };
  for (const subject of [silent, confused]) {
    for (const profile of [flippedBits, { shornWrites: true }, { droppedSyncs: 3 }]) {
      const found = await findingOf(subject, profile);
      assert.equal(found?.violation.invariant, "I11", `${JSON.stringify(profile)}: ${found?.violation.message}`);
    }
  }
});

test("the trials find a store that writes into another session's log, when it opens a damaged one (I17)", async () => {
  const clumsy: Subject = {
    ...holdfastSubject,
    open: async (options) => {
      const store = await holdfastSubject.open(options);
      return replacing(store, {
        session: async (key: string) => {
          const session = await store.session(key);
          const other = filesOf(1 - sessionKeys.indexOf(key)).log;
          return replacing(session, {
            setSummary: async (summary: string) => {
              await session.setSummary(summary);
              const file = await options.fileSystem.open(other, { access: "write" });
              await file.write(new TextEncoder().encode("\n"), (await file.stat()).size);
              await file.close();
            },
          });
        },
      });
    },
  };
  const found = await findingOf(clumsy, flippedBits);
  assert.equal(found?.violation.invariant, "I17", found?.violation.message);
});

function assertNothing(finding: DeviceFinding | null): void {
  if (finding === null) return;
  assert.fail(`${finding.violation.invariant}: ${finding.violation.message}\n${finding.story}`);
}

/** In none of the first scenarios is a summary set. */
async function findingOf(subject: Subject, profile: DeviceProfile): Promise<DeviceFinding | null> {
  const trials = new DeviceTrials(subject, 4);
  for (const scenario of deviceScenarios().slice(0, 3)) {
    const finding = await trials.run(scenario, profile);
    if (finding !== null) return finding;
  }
  return null;
}

/** A store that tells its events in its own way, and finds nothing when it is asked to verify. */
async function openUnlike(options: SubjectOptions, onEvent: (event: StoreEvent) => void): Promise<SubjectStore> {
  const store = await holdfastSubject.open({ ...options, onEvent });
  return replacing(store, {
    session: async (key: string) =>
      replacing(await store.session(key), {
        verify: async () => ({ damaged: [], tornTail: null, meta: "ok" }),
      }),
  });
}
