/**
 * One of the five agents of a day: works in its own style until it is killed. It says what it is about to write
 * (`ask ID`), what was acknowledged (`ack ID`), what was refused (`no ID CODE`), and whatever else befalls it (`note …`).
 *
 * Arguments: the directory, the style, the number of this life, and a file; while there is one of that name no space is
 * left for writes, where the disk itself cannot be filled.
 *
 * @module
 */
import { existsSync, writeSync } from "node:fs";
import process from "node:process";
import { type FileHandle, type FileSystem, HoldfastError, openStore, type SessionStore } from "../../mod.ts";
import { type AgentMemory, openAgentMemory } from "../../src/adapters/open_agent_memory.ts";
import { runtimeFileSystem } from "../../src/fs/runtime_filesystem.ts";
import { BackgroundPool, Checkpoints, openTranscript, Receipts } from "../../src/transcript/mod.ts";
import { replacing } from "../replacing.ts";
import { type DayStyle, storeOptionsOf, textOf } from "./day_styles.ts";

const [directory = "", style = "", life = "0", fullFile = ""] = process.argv.slice(2);
let count = 0;

function say(line: string): void {
  writeSync(1, `${line}\n`);
}

function nextId(): string {
  const id = `${style}-${life}-${count++}`;
  say(`ask ${id}`);
  return id;
}

function codeOf(error: unknown): string {
  return error instanceof HoldfastError ? error.code : String(error);
}

/** Writes something that has an id, and says what came of it. */
async function write(append: (id: string) => Promise<unknown>): Promise<void> {
  const id = nextId();
  try {
    await append(id);
    say(`ack ${id}`);
  } catch (error) {
    say(`no ${id} ${codeOf(error)}`);
    // Of an outcome that is unknown the session has to be opened again; else there is space in a moment, perhaps.
    if (codeOf(error) === "failed") throw error;
    await pause(20);
  }
}

/** What may fail without anything being lost: space for it comes later. */
async function tryTo(step: () => Promise<unknown>): Promise<void> {
  try {
    await step();
  } catch (error) {
    if (codeOf(error) === "failed") throw error;
    say(`note ${codeOf(error)}`);
  }
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

/** The real file system, but for writes while somebody has put the file there. */
function fullWhile(path: string): FileSystem {
  const full = (): void => {
    if (existsSync(path)) throw Object.assign(new Error("no space left (a file says so)"), { code: "ENOSPC" });
  };
  const wrapped = (handle: FileHandle): FileHandle =>
    replacing(handle, {
      write: async (bytes, offset) => {
        full();
        return await handle.write(bytes, offset);
      },
      writeSync: (bytes, offset) => {
        full();
        return handle.writeSync(bytes, offset);
      },
    });
  return replacing(runtimeFileSystem, {
    open: async (...args) => wrapped(await runtimeFileSystem.open(...args)),
  });
}

const fileSystem = fullFile === "" ? runtimeFileSystem : fullWhile(fullFile);
const options = { ...storeOptionsOf, fileSystem };

/** Picoclaw's loop: messages, a summary now and then, `save` after each turn. */
async function picoclaw(): Promise<void> {
  const problems: unknown[] = [];
  const memory = await openAgentMemory(directory, { ...options, onError: ({ error }) => void problems.push(error) });
  // Without a disk it would go on in memory, and say so; what it says then is no acknowledgement.
  if (memory.degraded !== null) return say(`note degraded ${codeOf(memory.degraded)}`);
  try {
    await picoclawTurns(memory, problems);
  } finally {
    await memory.close();
  }
}

async function picoclawTurns(memory: AgentMemory, problems: unknown[]): Promise<void> {
  for (let turn = 0;; turn++) {
    for (const role of ["user", "assistant"]) {
      await write(async (id) => {
        await memory.addMessage("day:picoclaw", role, textOf(id));
        if (problems.length > 0) throw problems.splice(0).at(-1);
      });
    }
    if (turn % 8 === 7) await memory.summarize("day:picoclaw", () => Promise.resolve(`turn ${turn}`), { keepLast: 6 });
    const { error } = await memory.save("day:picoclaw");
    problems.splice(0);
    if (error !== null && codeOf(error) === "failed") throw error;
  }
}

/** gencode's transcript: turns of typed records, a state patch riding along. */
async function gencode(store: SessionStore): Promise<void> {
  const transcript = openTranscript(await store.session("day:gencode"));
  await tryTo(async () => await transcript.start({ provider: "p", model: "m" }));
  for (;;) {
    await write(async (id) => {
      const turn = transcript.turn();
      turn.appendMessage({ role: "user", content: textOf(id) }, { id });
      turn.appendMessage({ role: "assistant", content: "yes" }, { id: `${id}-answer` });
      await turn.commit();
    });
  }
}

/** OmegaLLM's steps: events, a receipt for each model call, a checkpoint every few steps. */
async function omega(store: SessionStore): Promise<void> {
  const session = await store.session("day:omega");
  const [checkpoints, receipts] = [new Checkpoints(session), new Receipts(session)];
  for (let step = 0;; step++) {
    await write(async (id) => await session.append({ type: "step", day: textOf(id) }));
    await write(async (id) => await receipts.record({ prompt: `${life}-${step}` }, { day: textOf(id) }));
    if (step % 5 === 4) await tryTo(async () => await checkpoints.make("auto", { step, life }));
  }
}

/** Background saves: nothing is waited for but the end of a burst. */
async function background(store: SessionStore): Promise<void> {
  const pool = new BackgroundPool(store, { saveIntervalMs: 20, onSaveError: () => undefined });
  const state = { steps: 0 };
  const agent = await pool.session("day:background", { snapshot: () => state });
  for (;;) {
    const ids = [nextId(), nextId(), nextId(), nextId(), nextId()];
    for (const id of ids) agent.record({ type: "step", day: textOf(id), step: state.steps++ });
    agent.touch();
    // A save that fails is tried again; the events stay with the pool until it succeeds.
    for (let saved = false; !saved;) {
      saved = await agent.forceSave().then(() => true, () => false);
      if (saved) continue;
      say("note save put off");
      await pause(20);
    }
    for (const id of ids) say(`ack ${id}`);
  }
}

/** codetether's: finds its workspace's latest session, reads its end, and goes on in a new one when it is long. */
async function codetether(store: SessionStore): Promise<void> {
  const workspace = "/home/pi/day";
  for (;;) {
    const latest = await store.latest({ workspace });
    let key = latest ?? "day:codetether:0";
    const { records, dropped } = await (await store.session(key)).tail(10);
    if (records.length + dropped > 40) {
      const next = `day:codetether:${Number(key.split(":").at(-1)) + 1}`;
      await tryTo(async () => {
        await store.continueAs(key, next, { tail: 10, title: "continued" });
        key = next;
      });
    }
    const session = await store.session(key);
    await tryTo(async () => await session.update({ workspace }));
    for (let n = 0; n < 5; n++) await write(async (id) => await session.append({ role: "user", content: textOf(id) }));
  }
}

const styles: Readonly<Record<DayStyle, (store: SessionStore) => Promise<void>>> = {
  picoclaw: async (store) => {
    await store.close();
    await picoclaw();
  },
  gencode,
  omega,
  background,
  codetether,
};

const chosen = Object.entries(styles).find(([name]) => name === style)?.[1];
if (chosen === undefined) throw new RangeError(`There is no style ${style}`);
say("ready");
for (;;) {
  const store = await openStore(directory, options).catch((error: unknown) => void say(`note ${codeOf(error)}`));
  try {
    if (store !== undefined) await chosen(store);
  } catch (error) {
    // What failed for good is opened again, as the error says.
    say(`note reopened after ${codeOf(error)}`);
    if (!(error instanceof HoldfastError)) throw error;
  }
  await store?.close().catch(() => undefined);
  await pause(20);
}
