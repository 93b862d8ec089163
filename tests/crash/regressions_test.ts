/**
 * Every bug that the laboratory has found in Holdfast, by the line that reproduced it.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { runFaultLoop } from "../../src/torture/fault_loop.ts";
import { reproduce } from "../../src/torture/laboratory.ts";
import type { Scenario } from "../../src/torture/scenario.ts";
import { holdfastSubject } from "../../src/torture/subject.ts";
import { Explorer } from "../../src/torture/explorer.ts";
import { withStoppedClock } from "../../src/torture/stopped_clock.ts";

/** What broke a promise once; the step numbers may move, so all steps of the scenario are cut again as well. */
const found: { title: string; scenario: Scenario; path: { step: number; choices: number[] | null }[] }[] = [
  {
    title:
      "I21: a NUL that a cut sector left behind the last record became its line end, and joined the next record to it",
    scenario: {
      model: "weak",
      sectorBytes: 512,
      seed: 1,
      prepare: [],
      operations: [
        { session: 0, kind: "append-batch", sizes: ["sector", "small"], buffered: true },
        { session: 0, kind: "append-group", sizes: ["small", "sector", "small"] },
      ],
    },
    path: [{ step: 42, choices: [-1, -1, -1, -1, -1, 3] }],
  },
  {
    title: "I11: old bytes with a JSON text at their end passed for a line glued to a fragment, and stayed as damage",
    scenario: {
      model: "weak",
      sectorBytes: 512,
      seed: 1,
      prepare: [],
      operations: [{ session: 0, kind: "migrate" }, { session: 0, kind: "append", sizes: ["sector"] }],
    },
    path: [{ step: 128, choices: [0, 0, 2, 0] }],
  },
  {
    title:
      "I11: what a killed program had set aside was found, but its name was not made durable before its bytes went",
    scenario: {
      model: "weak",
      sectorBytes: 512,
      seed: 1,
      prepare: [],
      operations: [{ kind: "append", session: 0 }],
    },
    path: [{ step: 40, choices: [-1, -1, 1, 0] }, { step: 50, choices: null }],
  },
  {
    title:
      "I21, I11: a blocking flush between the two writes of a fill left NUL for good in front of what it wrote (seed 396380208)",
    scenario: {
      model: "weak",
      sectorBytes: 4096,
      seed: 396380208,
      prepare: [],
      operations: [
        { session: 1, kind: "append", sizes: ["small"], buffered: false },
        { session: 1, kind: "background-flush", sizes: ["small", "small"], variant: "8" },
      ],
    },
    path: [{ step: 59, choices: null }],
  },
  {
    title:
      "S1: a session that was deleted while another process looked for it in the bucket was made anew (random seed 12)",
    scenario: {
      model: "ordered",
      sectorBytes: 512,
      seed: 166494786,
      prepare: [],
      operations: [
        { session: 0, kind: "append", sizes: ["small"], buffered: true },
        { session: 0, kind: "send", variant: "refused" },
        { session: 0, kind: "kill" },
        { session: 0, kind: "send-beside", variant: "delete 1 other", keep: 0 },
      ],
    },
    path: [],
  },
  {
    title:
      "I3: the laboratory took a checkpoint that begins anew, as a store that compacts by itself had removed all before it, for invented (random seed 1023734474)",
    scenario: {
      model: "ordered",
      sectorBytes: 512,
      seed: 1023734474,
      prepare: [],
      operations: [
        { sizes: ["small"], kind: "checkpoint", session: 1 },
        { keep: 5, summary: false, kind: "truncate", session: 0 },
        { sizes: ["small", "small", "small"], kind: "background-save", session: 1 },
        { variant: "lost", kind: "send", session: 1 },
        { sizes: ["small"], buffered: true, kind: "append", session: 1 },
        { buffered: false, kind: "append-blob", session: 1 },
        { sizes: ["small"], buffered: true, kind: "append", session: 1 },
        { keep: 5, summary: false, kind: "self-compact", session: 1 },
        { sizes: ["small"], kind: "checkpoint", session: 1 },
      ],
    },
    path: [{ step: 463, choices: null }],
  },
  {
    title:
      "the laboratory forked at a record that a store which compacts by itself had removed (random seed 607026437)",
    scenario: {
      model: "ordered",
      sectorBytes: 512,
      seed: 607026437,
      prepare: [],
      operations: [
        { sizes: ["small", "small", "small", "small"], kind: "append-group", session: 0 },
        { variant: "early", kind: "fork", session: 0 },
        { kind: "trash", session: 0 },
        { keep: 0, summary: false, kind: "self-compact", session: 1 },
        { variant: "early", kind: "fork", session: 1 },
      ],
    },
    path: [],
  },
  {
    title:
      "I4: the laboratory took records for lost that a store had removed by itself, behind others that are archived (random seed 167872444)",
    scenario: {
      model: "weak",
      sectorBytes: 512,
      seed: 167872444,
      prepare: [],
      operations: [
        { keep: 3, summary: false, kind: "self-compact", session: 0 },
        { buffered: true, kind: "append-blob", session: 0 },
        { buffered: true, kind: "append-blob", session: 0 },
        { keep: 1, summary: false, kind: "truncate", session: 0 },
        { sizes: ["small"], buffered: false, kind: "append", session: 0 },
        { kind: "archive", session: 0 },
        { sizes: ["small"], buffered: true, kind: "append", session: 0 },
        { sizes: ["small", "small", "small", "small"], buffered: false, kind: "append-batch", session: 0 },
        { keep: 5, summary: false, kind: "self-compact", session: 0 },
      ],
    },
    path: [],
  },
  {
    title:
      "I4: the laboratory took a record for lost that a store had removed by itself before an archive was made (random seed 167872444, once more)",
    scenario: {
      model: "weak",
      sectorBytes: 512,
      seed: 167872444,
      prepare: [],
      operations: [
        { sizes: ["small", "sector"], kind: "append-group", session: 0 },
        { keep: 0, summary: false, kind: "self-compact", session: 0 },
        { kind: "archive", session: 0 },
        { keep: 0, summary: false, kind: "self-compact", session: 0 },
      ],
    },
    path: [],
  },
  {
    title:
      "I11: the laboratory took the quarantine of a deleted session, which goes with it, for lost (random seed 7014)",
    scenario: {
      model: "weak",
      sectorBytes: 512,
      seed: 973604687,
      prepare: [],
      operations: [
        { session: 0, kind: "append-batch", sizes: ["crafted", "small"], buffered: true },
        { session: 0, kind: "power-cut", choices: [0, 0, 75, 28, 0, 0, 133, -1, -1, -1, 0, 0] },
        { session: 0, kind: "delete" },
      ],
    },
    path: [{ step: 51, choices: [-1, -1, -1, -1] }],
  },
  {
    title: "I11, I7: the same where the key is written again, and the program killed in between (random seed 7041)",
    scenario: {
      model: "weak",
      sectorBytes: 4096,
      seed: 845091359,
      prepare: [],
      operations: [
        { session: 0, kind: "append", sizes: ["small"], buffered: false },
        { session: 1, kind: "background-save", sizes: ["small", "page"] },
        { session: 0, kind: "power-cut", choices: [] },
        { session: 0, kind: "append", sizes: ["small"], buffered: true },
        { session: 1, kind: "power-cut", choices: [0, 0, -1, 0, 2, 20, -1, 0, 209, -1, 0, -1] },
        { session: 0, kind: "recreate", sizes: ["small"] },
      ],
    },
    path: [{ step: 103, choices: null }],
  },
  {
    title: "I3: of a save of one size the laboratory told its followers one record of two (fast-check seed 20260101)",
    scenario: {
      model: "weak",
      sectorBytes: 512,
      seed: 0,
      prepare: [],
      operations: [
        { session: 0, kind: "background-flush", sizes: ["small"] },
        { session: 0, kind: "follow" },
        { session: 0, kind: "append" },
      ],
    },
    path: [],
  },
];

for (const { title, scenario, path } of found) {
  test(title, async () => {
    assert.equal(await reproduce(JSON.stringify({ scenario, path })), null);
    const options = {
      subject: holdfastSubject,
      depth: path.length - 1,
      cutsPerStep: 64,
      cutsPerNestedStep: 2,
      onlyLast: true,
    };
    const finding = await withStoppedClock(async () => await new Explorer(options).explore(scenario));
    assert.equal(finding?.violation.message, undefined);
  });
}

/** A call that rejects with a code other than `failed` says that nothing of it has happened. */
const deletion: Scenario = {
  model: "weak",
  sectorBytes: 512,
  seed: 1,
  prepare: [
    { kind: "append", session: 0 },
    { kind: "append", session: 0, sizes: ["sector"] },
  ],
  operations: [{ kind: "recreate", session: 0 }],
};

test("I14: a deletion whose unlink failed said that nothing had happened, though it was committed", async () => {
  const { failure } = await runFaultLoop(holdfastSubject, deletion, {
    fault: { kind: "error", code: "ENOSPC" },
    filter: ({ method }) => method === "unlink",
  });
  assert.equal(failure, null);
});

test("I14: a deletion on a full disk that removed the log, and then failed, said that nothing had happened", async () => {
  const { failure } = await runFaultLoop(holdfastSubject, deletion, {
    fault: { kind: "error", code: "ENOSPC" },
    persistent: true,
    filter: ({ method }) => method === "write",
  });
  assert.equal(failure, null);
});

/** Before it writes, the store looks whether the session is as it should be already. */
const unchanged: Scenario = {
  model: "weak",
  sectorBytes: 512,
  seed: 1,
  prepare: [
    { kind: "append", session: 0 },
    { kind: "truncate", session: 0, keep: 3, summary: true },
  ],
  operations: [
    { kind: "replace", session: 0, sizes: ["small"], summary: true },
    { kind: "set-summary", session: 0 },
    { kind: "set-title", session: 0 },
  ],
};

test("I13: a replace that could not read what is there rejected with the system's own error", async () => {
  const { failure } = await runFaultLoop(holdfastSubject, unchanged, {
    fault: { kind: "error", code: "EIO", done: true },
    filter: ({ method }) => method === "open" || method === "read" || method === "stat" || method === "fileStat",
  });
  assert.equal(failure, null);
});
