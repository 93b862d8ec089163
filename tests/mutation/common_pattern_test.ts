import assert from "node:assert/strict";
import { test } from "node:test";
import { openStore } from "../../mod.ts";
import { crashStates, SimulatedFileSystem } from "../../src/testing/mod.ts";
import { sequenceStride } from "../crash/crash_budget.ts";
import { CommonPatternStore } from "./common_pattern_store.ts";

/** What both stores can do. */
interface SmallStore {
  append(content: string): Promise<void>;
  history(): Promise<string[]>;
  truncate(keep: number): Promise<void>;
  compact(): Promise<void>;
}

type OpenSmallStore = (machine: SimulatedFileSystem) => Promise<SmallStore>;

const openCommonPattern: OpenSmallStore = async (machine) => {
  const store = new CommonPatternStore(machine);
  await store.create();
  return store;
};

const openHoldfast: OpenSmallStore = async (machine) => {
  const session = await (await openStore("/sessions", { fileSystem: machine })).session("chat");
  return {
    append: async (content) => {
      await session.append({ role: "user", content });
    },
    history: async () => (await session.history()).map((record) => String(record["content"])),
    truncate: (keep) => session.truncate(keep),
    compact: async () => {
      await session.compact();
    },
  };
};

/** What can be done; each has an effect on what is visible. */
const operations = {
  append: {
    words: "append a record",
    perform: (store: SmallStore, label: string) => store.append(label),
    apply: (visible: readonly string[], label: string) => [...visible, label],
  },
  "truncate": {
    words: "truncate to one record",
    perform: (store: SmallStore) => store.truncate(1),
    apply: (visible: readonly string[]) => visible.slice(-1),
  },
  "compact": {
    words: "compact",
    perform: (store: SmallStore) => store.compact(),
    apply: (visible: readonly string[]) => visible,
  },
} as const;
type Name = keyof typeof operations;
const names: readonly Name[] = ["append", "truncate", "compact"];

/** What a user may see at a moment: what is acknowledged, or that with the call that is under way. */
interface Moment {
  machine: SimulatedFileSystem;
  step: string;
  acknowledged: readonly string[];
  gone: readonly string[];
}

test("the common pattern is found to have W1, W3 and W4; the smallest failing case of each", async () => {
  const found = await weaknesses(openCommonPattern, 4);
  for (const story of found.values()) console.log(story);
  assert.deepEqual([...found.keys()].sort(), ["W1", "W3", "W4"]);
});

test("Holdfast, put through the same, has none of them", async () => {
  assert.deepEqual([...(await weaknesses(openHoldfast, sequenceStride === 1 ? 4 : 2)).values()], []);
});

/** The first case of each weakness; shorter sequences come first, so it is the smallest. */
async function weaknesses(open: OpenSmallStore, lengthMax: number): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (let length = 1; length <= lengthMax && found.size < 3; length++) {
    for (const sequence of sequencesOf(length)) {
      for (const moment of await momentsOf(open, sequence)) await cutAt(open, moment, sequence, found);
    }
  }
  return found;
}

/** On a session that has no record yet, only an append does anything. */
function sequencesOf(length: number): Name[][] {
  if (length === 1) return [["append"]];
  return sequencesOf(length - 1).flatMap((before) => names.map((name): Name[] => [...before, name]));
}

/** The moments of the last operation; those of the others belong to shorter sequences. */
async function momentsOf(open: OpenSmallStore, sequence: readonly Name[]): Promise<Moment[]> {
  const machine = new SimulatedFileSystem({ model: "weak" });
  const store = await open(machine);
  const moments: Moment[] = [];
  let visible: readonly string[] = [];
  for (const [index, name] of sequence.entries()) {
    const label = `record ${index + 1}`;
    const next = operations[name].apply(visible, label);
    const gone = sequence.map((_, place) => `record ${place + 1}`)
      .filter((text) => !visible.includes(text) && !next.includes(text));
    const before = visible;
    const note = (step: string, isDone: boolean): void => {
      const acknowledged = (isDone ? next : before).filter((text) => next.includes(text));
      moments.push({ machine: machine.clone(), step, acknowledged, gone });
    };
    const isLast = index === sequence.length - 1;
    if (isLast) machine.onStep = (_, step) => note(step, false);
    await operations[name].perform(store, label);
    machine.onStep = undefined;
    visible = next;
    if (isLast) note("when the last call has resolved", true);
  }
  return moments;
}

/** Cuts the power at a moment in every way worth trying, and notes the first case of each weakness. */
async function cutAt(
  open: OpenSmallStore,
  moment: Moment,
  sequence: readonly Name[],
  found: Map<string, string>,
): Promise<void> {
  for (const { choices } of crashStates(moment.machine, { limit: 24 })) {
    const weakness = await weaknessOf(open, moment.machine.clone().crash(choices), moment);
    if (weakness === null || found.has(weakness.name)) continue;
    const lines = [
      `${weakness.name}: ${weakness.words}`,
      ...sequence.map((name, index) => `  ${index + 1}. ${operations[name].words}`),
      `  power cut ${moment.step}; what was pending:`,
      ...moment.machine.clone().describe(choices).split("\n").map((line) => `    ${line}`),
      `  ${weakness.seen}`,
    ];
    found.set(weakness.name, lines.join("\n"));
  }
}

async function weaknessOf(
  open: OpenSmallStore,
  machine: SimulatedFileSystem,
  { acknowledged, gone }: Moment,
): Promise<{ name: string; words: string; seen: string } | null> {
  const store = await open(machine);
  let history: string[];
  try {
    history = await store.history();
  } catch (error) {
    if (acknowledged.length === 0) return null;
    return {
      name: "W4",
      words: "an empty or damaged meta file makes a readable log unreadable",
      seen: `history() fails: ${String(error)}; acknowledged: ${acknowledged.join(", ")}`,
    };
  }
  const lost = acknowledged.filter((text) => !history.includes(text));
  if (lost.length > 0) return { name: "I1", words: "an acknowledged record is lost", seen: lost.join(", ") };
  const back = gone.filter((text) => history.includes(text));
  if (back.length > 0) {
    return {
      name: "W3",
      words: "what was truncated comes back",
      seen: `history() shows ${history.join(", ")}; ${back.join(", ")} had been truncated, which was acknowledged`,
    };
  }
  await store.append("the next one");
  const later = await store.history();
  if (later.includes("the next one")) return null;
  return {
    name: "W1",
    words: "a record is glued to a torn line, and lost, though it was acknowledged",
    seen: `append("the next one") resolves; then history() shows ${later.join(", ") || "nothing"}`,
  };
}
