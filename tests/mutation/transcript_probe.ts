/**
 * What a transcript promises, as probes that a mutant of it can be put through; the store beneath is the product's own.
 *
 * @module
 */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { openStore, type SessionStore } from "../../mod.ts";
import { crashStates, SimulatedFileSystem } from "../../src/testing/mod.ts";
import type { openTranscript } from "../../src/transcript/mod.ts";
import { systemError, WatchedFileSystem } from "../store/watched_filesystem.ts";

/** What opens a transcript. */
export type OpenTranscript = typeof openTranscript;

const room = fileURLToPath(new URL("../../src/transcript/", import.meta.url));
const sourceUrl = new URL("../../src/", import.meta.url).href;

/**
 * Loads a copy of the transcripts' room with one string replaced; all other rooms are the product's.
 *
 * @param scratch Directories that somebody else removes.
 * @param file The file, from `src/transcript/`; null: a true copy.
 * @param from What stands there, exactly once.
 * @param to What stands there instead.
 * @returns Its `openTranscript`.
 */
export async function loadTranscriptMutant(
  scratch: string[],
  file: string | null,
  from: string,
  to: string,
): Promise<OpenTranscript> {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-mutant-"));
  scratch.push(directory);
  mkdirSync(join(directory, "transcript"));
  writeFileSync(join(directory, "package.json"), '{"type":"module"}');
  for (const name of readdirSync(room).filter((each) => each.endsWith(".ts"))) {
    const text = readFileSync(join(room, name), "utf8");
    if (name === file) assert.equal(text.split(from).length - 1, 1, `stands once in src/transcript/${file}: ${from}`);
    const changed = name === file ? text.replace(from, () => to) : text;
    writeFileSync(join(directory, "transcript", name), changed.replaceAll('"../', `"${sourceUrl}`));
  }
  const module: unknown = await import(pathToFileURL(join(directory, "transcript/mod.ts")).href);
  assert.ok(hasOpenTranscript(module));
  return module.openTranscript;
}

/** The same source has the same type, but for what was replaced inside of functions. */
function hasOpenTranscript(module: unknown): module is { openTranscript: OpenTranscript } {
  return typeof module === "object" && module !== null && "openTranscript" in module &&
    typeof module.openTranscript === "function";
}

const user = (content: string) => ({ role: "user", content });

async function machine(): Promise<{ fileSystem: SimulatedFileSystem; store: SessionStore }> {
  const fileSystem = new SimulatedFileSystem({ model: "weak" });
  await fileSystem.makeDirectory("/s", 0o700);
  await fileSystem.syncDirectory("/");
  return { fileSystem, store: await openStore("/s", { fileSystem }) };
}

/** What can be found wrong, by name. */
export const transcriptProbes: ReadonlyMap<string, (open: OpenTranscript) => Promise<void>> = new Map([
  ["a turn costs one sync, and single records what their type says", syncs],
  ["what is said again after a kill is durable", saidAgain],
  ["what is said again is not appended again", saidTwice],
  ["a message follows one that is there", linked],
  ["the chain ends at its boundary", bounded],
  ["what others append is found", foreign],
  ["a turn is there as a whole or not at all, and there once it is committed", wholeTurns],
]);

async function wholeTurns(open: OpenTranscript): Promise<void> {
  const { fileSystem, store } = await machine();
  const transcript = open(await store.session("chat"));
  await transcript.start();
  const turn = transcript.turn();
  for (const id of ["a", "b", "c"]) turn.appendMessage(user(id), { id });
  const images: SimulatedFileSystem[] = [];
  fileSystem.onStep = () => void images.push(fileSystem.clone());
  await turn.commit();
  fileSystem.onStep = undefined;
  const after = fileSystem.clone();
  for (const image of [...images, after]) {
    for (const { choices } of crashStates(image, { limit: 12 })) {
      await using again = await openStore("/s", { fileSystem: image.clone().crash(choices) });
      const { length } = await (await again.session("chat")).history();
      assert.ok(length === 4 || (length === 1 && image !== after), `${length} records: ${image.describe(choices)}`);
    }
  }
  await store.close();
}

async function syncs(open: OpenTranscript): Promise<void> {
  const { store } = await machine();
  const transcript = open(await store.session("chat"));
  for (let warm = 0; warm < 3; warm++) await transcript.appendRecord({ type: "warm" });
  const cost = async (run: () => Promise<unknown>): Promise<number> => {
    const before = store.counters.syncs;
    await run();
    return store.counters.syncs - before;
  };
  const turn = transcript.turn();
  for (const id of ["a", "b"]) turn.appendMessage(user(id));
  turn.patchState({ path: "x", value: 1 });
  assert.equal(await cost(() => turn.commit()), 1);
  assert.equal(await cost(() => transcript.appendMessage(user("c"))), 1);
  assert.equal(await cost(() => transcript.respondInference()), 1);
  assert.equal(await cost(() => transcript.requestInference()), 0);
  assert.equal(await cost(() => transcript.patchState({ path: "x", value: 2 })), 0);
  const before = store.counters.bytesRead;
  await transcript.appendMessage(user("d"));
  assert.equal(store.counters.bytesRead - before, 0);
  await store.close();
}

async function saidAgain(open: OpenTranscript): Promise<void> {
  const { fileSystem, store } = await machine();
  const session = await store.session("chat");
  await session.append({ type: "session.started", id: "start" });
  await session.append({ type: "message.appended", id: "a", message: user("a") }, { durability: "buffered" });
  const next = fileSystem.kill();
  const again = await openStore("/s", { fileSystem: next });
  await open(await again.session("chat")).appendMessage(user("a"), { id: "a" });
  for (const { choices } of crashStates(next, { limit: 24 })) {
    await using after = await openStore("/s", { fileSystem: next.clone().crash(choices) });
    assert.equal((await (await after.session("chat")).history()).length, 2, next.describe(choices));
  }
  await again.close();
}

async function saidTwice(open: OpenTranscript): Promise<void> {
  const { store } = await machine();
  const session = await store.session("chat");
  await session.append({ type: "transcript.started", id: "S:start", system: {} });
  const transcript = open(session);
  await Promise.all([
    transcript.appendMessage(user("a"), { id: "a" }),
    transcript.appendMessage(user("a"), { id: "a" }),
  ]);
  await Promise.all([transcript.patchState([], { id: "p" }), transcript.patchState([], { id: "p" })]);
  const turn = transcript.turn();
  for (const id of ["a", "b", "b"]) turn.appendMessage(user(id), { id });
  turn.start();
  await turn.commit();
  const ids = (await session.history()).map((record) => record["id"]);
  assert.deepEqual(ids, ["S:start", "a", "p", "b"]);
  await store.close();
}

async function linked(open: OpenTranscript): Promise<void> {
  const fileSystem = new SimulatedFileSystem();
  await fileSystem.makeDirectory("/s", 0o700);
  const port = new WatchedFileSystem(fileSystem);
  await using store = await openStore("/s", { fileSystem: port });
  const transcript = open(await store.session("chat"));
  await transcript.appendMessage(user("a"), { id: "a" });
  port.onCall = ({ method }) => {
    if (method === "write") throw systemError("ENOSPC");
  };
  await Promise.allSettled([
    transcript.appendMessage(user("b"), { id: "b" }).finally(() => port.onCall = null),
    transcript.appendMessage(user("c"), { id: "c" }),
  ]);
  const { messages, end } = await transcript.messages();
  assert.deepEqual([messages.map(({ id }) => id), end], [["a", "c"], "start"]);
}

async function bounded(open: OpenTranscript): Promise<void> {
  const { store } = await machine();
  const transcript = open(await store.session("chat"));
  for (const id of ["a", "b", "c"]) await transcript.appendMessage(user(id), { id });
  await transcript.appendMessage(user("s"), { id: "s", agentId: "search" });
  await transcript.compactTo("b");
  await transcript.session.truncate(4);
  transcript.refresh();
  const { messages, end } = await transcript.messages();
  assert.deepEqual([messages.map(({ id }) => id), end], [["b", "c"], "boundary"]);
  await transcript.session.truncate(3);
  transcript.refresh();
  assert.deepEqual((await transcript.messages()).end, "hidden");
  await store.close();
}

async function foreign(open: OpenTranscript): Promise<void> {
  const { store } = await machine();
  const transcript = open(await store.session("chat"));
  await transcript.appendMessage(user("a"), { id: "a" });
  await transcript.session.append({ type: "message.appended", id: "b", parentId: "a", message: user("b") });
  await transcript.appendMessage(user("c"), { id: "c", parentId: "b" });
  assert.equal((await transcript.messages()).messages.length, 3);
  await store.close();
}
