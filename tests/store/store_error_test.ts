/**
 * What the outside world can do to a store: each a clear error or clean behaviour, and nothing lost.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, realpath, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import process from "node:process";
import { test } from "node:test";
import { openStore, type Session } from "../../mod.ts";
import { runtimeFileSystem } from "../../src/fs/runtime_filesystem.ts";
import { FaultyFileSystem, type PortCall, SimulatedFileSystem } from "../../src/testing/mod.ts";
import {
  appendMessages,
  hasCode,
  message,
  messages,
  realTest,
  simulatedTest,
  StoreBench,
  storeTest,
} from "./store_fixture.ts";

/** Fits calls for a log, also for one that was made under its temporary name. */
const ofLog = (method: PortCall["method"]) => (call: PortCall) =>
  call.method === method && /\.(?:jsonl|log\.tmp)$/.test(call.path);

simulatedTest(
  "I14: an append that finds the disk full leaves no trace; appends go on when there is space",
  async (bench) => {
    const chat = await bench.openSession();
    await appendMessages(chat, 0, 2);
    const before = await bench.text("chat.jsonl");
    for (const code of ["ENOSPC", "EDQUOT"]) {
      bench.port.failNext(ofLog("write"), code);
      await assert.rejects(chat.append(message(9)), hasCode("disk-full"));
      bench.port.failNext(ofLog("write"), code);
      await assert.rejects(chat.appendAll(messages(5, 9)), hasCode("disk-full"));
      assert.equal(await bench.text("chat.jsonl"), before);
      assert.deepEqual(await chat.history(), messages(0, 2));
    }
    assert.equal(chat.status, "open");
    assert.equal((await chat.append(message(2))).sequence, 2);
    assert.deepEqual(bench.events, []);
  },
);

test("I14: a short write at every length is undone, durably, before anything else is written (W2, C7)", async () => {
  const length = '{"role":"user","content":"message 2","#":"2 00000000"}\n'.length;
  for (let bytes = 0; bytes < length; bytes++) {
    for (const code of [undefined, "ENOSPC", "EFBIG"]) {
      const machine = new SimulatedFileSystem();
      const short = { kind: "short-write" as const, bytes, ...(code === undefined ? {} : { code }) };
      let armed = false;
      const filter = (call: PortCall) => armed && call.path.endsWith(".jsonl");
      const faulty = new FaultyFileSystem(machine, { failAt: 1, fault: short, filter });
      await using store = await openStore("/sessions", { fileSystem: faulty });
      const chat = await store.session("chat");
      await appendMessages(chat, 0, 2);
      armed = true;
      const failed = await chat.append(message(2)).then(() => false, hasCode("disk-full", "io"));
      assert.equal(faulty.fired.length, 1);
      assert.ok(failed || code === undefined, `${bytes} bytes, ${code}`);
      for (const choices of [[], Array(40).fill(-1)]) {
        const after = await openStore("/sessions", { fileSystem: machine.clone().crash(choices), readOnly: true });
        assert.deepEqual(await (await after.session("chat")).history(), messages(0, failed ? 2 : 3));
      }
      const next = failed ? 2 : 3;
      assert.equal((await chat.append(message(next))).sequence, next);
      assert.deepEqual(await chat.history(), messages(0, next + 1));
      assert.equal((await chat.verify()).ok, true);
    }
  }
});

/** Fills a disk by appending, and says how many records were acknowledged. */
async function fill(session: Session, record: { text: string }): Promise<number> {
  for (let count = 0; count < 10_000; count++) {
    const full = await session.append(record).then(() => false, hasCode("disk-full"));
    if (full) return count;
  }
  return assert.fail("the disk is never full");
}

/** What a full disk must not take, and what must work on it. */
async function surviveFullDisk(bench: StoreBench): Promise<void> {
  const store = await bench.open();
  const chat = await store.session("chat");
  const filler = await store.session("filler");
  await chat.append(message(0));
  const count = await fill(filler, { text: "x".repeat(3000) }) + await fill(filler, { text: "" });
  assert.ok(count > 10);
  assert.equal((await filler.history()).length, count);
  assert.deepEqual(await chat.history(), [message(0)]);
  assert.equal(filler.status, "open");
  await assert.rejects((await store.session("new")).append({ text: "x".repeat(5000) }), hasCode("disk-full"));
  await assert.rejects(filler.replace([{ text: "x".repeat(5000) }]), hasCode("disk-full"));
  assert.equal((await filler.verify()).ok, true);
  await bench.closeAll();
  const again = await bench.open();
  const full = await again.session("filler");
  assert.equal((await full.history()).length, count, "a full disk can be opened");
  await fill(full, { text: "" });
  assert.equal(await again.delete("filler"), true, "what fills it can be deleted");
  const after = await again.session("chat");
  assert.equal((await after.append(message(1))).sequence, 1);
  assert.deepEqual(await after.history(), messages(0, 2));
  assert.equal(await again.has("filler"), false);
}

simulatedTest("I14: on a disk that is full the store stays readable, and deleting makes room", surviveFullDisk, {
  capacityBytes: 40 * 4096,
});

/** Mounts a small file system, works in it, and takes it away again; false if it cannot be mounted. */
async function onSmallDisk(work: (directory: string) => Promise<void>): Promise<boolean> {
  const directory = await realpath(await mkdtemp(`${tmpdir()}/holdfast-full-`));
  try {
    const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", directory]);
    if (mounted.status !== 0) return false;
    try {
      await work(directory);
    } finally {
      spawnSync("umount", [directory]);
    }
    return true;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const canMount = process.getuid?.() === 0 && await onSmallDisk(async () => {});
const whySmallDisk = "disk full: a small tmpfs cannot be mounted here";
if (!canMount) console.log(`skipped: ${whySmallDisk}`);

test("I14: on a real file system that is full the store stays readable, and deleting makes room", {
  skip: canMount ? false : whySmallDisk,
}, async () => {
  await onSmallDisk(async (directory) => {
    const bench = new StoreBench(runtimeFileSystem, `${directory}/sessions`);
    await surviveFullDisk(bench).finally(() => bench.closeAll());
  });
});

simulatedTest(
  "I13: after a failed sync the session fails: nothing pending is acknowledged, every later write rejects",
  async (bench) => {
    const store = await bench.open();
    const chat = await store.session("chat");
    await chat.append(message(0));
    const gate = bench.port.holdNext(ofLog("write"));
    const first = chat.append(message(1));
    await gate.reached;
    const waiting = [chat.append(message(2)), chat.truncate(0), chat.flush(), chat.append(message(3))];
    bench.port.failNext(ofLog("syncData"), "EIO");
    const { syncs } = store.counters;
    gate.open();
    for (const pending of [first, ...waiting]) await assert.rejects(pending, hasCode("failed"));
    assert.equal(store.counters.syncs, syncs + 1, "the sync is not tried again");
    assert.equal(chat.status, "failed");
    const writes: (() => Promise<unknown>)[] = [
      () => chat.append(message(4)),
      () => chat.appendAll(messages(4, 6)),
      () => chat.setSummary("x"),
      () => chat.update({ title: "x" }),
      () => chat.truncate(0),
      () => chat.replace(messages(0, 1)),
      () => chat.compact(),
      () => chat.repair(),
      () => chat.flush(),
      () => store.flush(),
    ];
    for (const write of writes) await assert.rejects(write, hasCode("failed"), String(write));
    assert.deepEqual(bench.eventTypes(), ["session-failed"]);
  },
);

simulatedTest(
  "I13: store.session() gives a working session after a failure, and the store flushes again",
  async (bench) => {
    const store = await bench.open();
    for (let round = 0; round < 3; round++) {
      const chat = await store.session("chat");
      const { sequence } = await chat.append(message(0));
      bench.port.failNext(ofLog("syncData"), "EIO");
      await assert.rejects(chat.append(message(1)), hasCode("failed"));
      const again = await store.session("chat");
      assert.equal(again.status, "idle");
      const next = (await again.append(message(2))).sequence;
      assert.ok(next === sequence + 1 || next === sequence + 2);
      const history = await again.history();
      assert.deepEqual(history.at(-1), message(2));
      assert.deepEqual(history.slice(0, -1), messages(0, next - sequence));
      await store.flush();
      store.flushSync();
      assert.ok(bench.port.openFiles <= 2);
      await again.truncate(0);
    }
  },
);

for (const mode of ["dropped", "kept", "reverted", "false", "late"] as const) {
  test(`I13: what is acknowledged after a failed sync (${mode}) and a reopening survives a power cut`, async () => {
    const machine = new SimulatedFileSystem();
    let armed = false;
    const filter = (call: PortCall) => armed && call.path.endsWith(".jsonl");
    const fault = { kind: "sync" as const, mode };
    const faulty = new FaultyFileSystem(machine, { failAt: 1, fault, filter });
    await using store = await openStore("/sessions", { fileSystem: faulty });
    const chat = await store.session("chat");
    await chat.append(message(0));
    armed = true;
    const failed = await chat.append(message(1)).then(() => false, hasCode("failed"));
    const again = await store.session("chat");
    const kept = await again.history();
    const acknowledged = failed ? [message(0)] : messages(0, 2);
    assert.deepEqual(kept.slice(0, acknowledged.length), acknowledged);
    await again.append(message(2)).catch(async () => await (await store.session("chat")).append(message(2)));
    const shown = await (await store.session("chat")).history();
    const after = await openStore("/sessions", { fileSystem: machine.clone().crash(), readOnly: true });
    assert.deepEqual(await (await after.session("chat")).history(), shown);
    assert.deepEqual(shown.at(-1), message(2));
  });
}

for (const target of ["log", "meta"] as const) {
  storeTest(`A link in place of the ${target} is refused, and what it leads to is not touched (I16)`, async (bench) => {
    const suffix = target === "log" ? ".jsonl" : ".meta.json";
    const chat = await bench.openSession();
    await chat.append(message(0));
    await bench.closeAll();
    const outside = await bench.text(`chat${suffix}`);
    await bench.write("outside", outside);
    await bench.base.unlink(bench.path(`chat${suffix}`));
    await bench.link(`chat${suffix}`, bench.path("outside"));
    const store = await bench.open();
    const again = await store.session("chat").catch((error: unknown) => {
      hasCode("io")(error);
      return null;
    });
    if (again !== null) {
      await assert.rejects(again.append(message(1)), hasCode("io"));
      await assert.rejects(again.history(), hasCode("io"));
      await assert.rejects(again.tail(1), hasCode("io"));
      await assert.rejects(again.verify(), hasCode("io"));
    }
    await assert.rejects(store.delete("chat"), hasCode("io"));
    assert.equal(await bench.text("outside"), outside);
    await (await store.session("other")).append(message(0));
  });
}

storeTest("A directory in place of the log or the meta file is an error that says so", async (bench) => {
  await bench.open();
  for (const name of ["log.jsonl", "meta.meta.json"]) await bench.base.makeDirectory(bench.path(name), 0o700);
  const store = await bench.open();
  for (const key of ["log", "meta"]) {
    await assert.rejects(async () => await (await store.session(key)).append(message(0)), hasCode("io"));
  }
});

for (const what of ["removed", "renamed away", "replaced"] as const) {
  realTest(`H15: a log that is ${what} while it is open makes the session fail, with an event`, async (bench) => {
    const store = await bench.open();
    const chat = await store.session("chat");
    await appendMessages(chat, 0, 2);
    const log = bench.path("chat.jsonl");
    if (what === "removed") await rm(log);
    if (what === "renamed away") await rename(log, `${log}.old`);
    if (what === "replaced") {
      await writeFile(`${log}.new`, '{"role":"user","content":"new"}\n');
      await rename(`${log}.new`, log);
    }
    await assert.rejects(chat.append(message(2)), hasCode("failed"));
    await assert.rejects(chat.append(message(2)), hasCode("failed"));
    assert.deepEqual(bench.eventTypes(), ["session-failed"]);
    const again = await store.session("chat");
    await again.append(message(3));
    const history = await again.history();
    assert.deepEqual(history.at(-1), message(3));
    assert.equal(history.length, what === "replaced" ? 2 : 1);
  });
}

simulatedTest("H15: edits, too, find out that the log was taken away", async (bench) => {
  const edits: ((chat: Session) => Promise<unknown>)[] = [
    (chat) => chat.truncate(1),
    (chat) => chat.replace(messages(0, 1)),
    (chat) => chat.compact(),
  ];
  for (const [index, edit] of edits.entries()) {
    const chat = await bench.openSession(`chat ${index}`);
    await appendMessages(chat, 0, 3);
    await bench.base.unlink(bench.path(`chat ${index}.jsonl`));
    await assert.rejects(edit(chat), hasCode("failed"), String(edit));
  }
});

for (const code of ["EROFS", "EACCES", "EPERM"]) {
  simulatedTest(
    `A directory that cannot be written (${code}) is read-only: reading goes on, nothing is lost`,
    async (bench) => {
      const chat = await bench.openSession();
      await appendMessages(chat, 0, 2);
      await bench.closeAll();
      const changes = ["lock", "write", "rename", "unlink", "makeDirectory", "truncate"];
      bench.port.onCall = (call) => {
        if (changes.includes(call.method)) throw Object.assign(new Error("refused"), { code });
      };
      const store = await bench.open();
      const again = await store.session("chat");
      assert.deepEqual(await again.history(), messages(0, 2));
      for (const write of [() => again.append(message(2)), () => again.truncate(0), () => store.delete("chat")]) {
        await assert.rejects(write, hasCode("read-only"), String(write));
      }
      await assert.rejects(openStore("/elsewhere", { fileSystem: bench.port }), hasCode("read-only"));
      bench.port.onCall = null;
      assert.equal((await again.append(message(2))).sequence, 2);
    },
  );
}

simulatedTest(
  "W12: an error of a directory sync surfaces, wherever it happens, and nothing is acknowledged on it",
  async (bench) => {
    const isDirectorySync = (call: PortCall) => call.method === "syncDirectory";
    for (let nth = 1;; nth++) {
      const key = `chat ${nth}`;
      const store = await bench.open();
      const chat = await store.session(key);
      let count = 0;
      let fired = false;
      bench.port.onCall = (call) => {
        if (!isDirectorySync(call) || ++count !== nth) return;
        fired = true;
        throw Object.assign(new Error("failed"), { code: "EIO" });
      };
      const steps: (() => Promise<unknown>)[] = [
        () => chat.append(message(0)),
        () => chat.setSummary("s"),
        () => chat.append(message(1)),
        () => chat.truncate(1),
        () => chat.compact(),
        () => chat.replace(messages(5, 7)),
        () => store.delete(key),
      ];
      let failures = 0;
      for (const step of steps) {
        const failed = await step().then(() => false, hasCode("failed", "io"));
        if (failed) failures++;
        if (failed) break;
      }
      bench.port.onCall = null;
      await bench.closeAll();
      if (!fired) {
        assert.ok(nth > 8, `${nth - 1} directory syncs in all`);
        return;
      }
      assert.equal(failures, 1, `directory sync ${nth}`);
    }
  },
);

simulatedTest("I17: damage in one session changes no byte of another", async (bench) => {
  const store = await bench.open();
  for (const key of ["x", "y"]) await appendMessages(await store.session(key), 0, 3);
  await bench.closeAll();
  const before = [await bench.text("y.jsonl"), await bench.text("y.meta.json")];
  await bench.write("x.jsonl", (await bench.text("x.jsonl")).replace("message 1", "massage 1") + '{"torn":');
  await bench.write("x.meta.json", "{");
  const again = await bench.open();
  await (await again.session("x")).repair();
  assert.deepEqual(await (await again.session("y")).history(), messages(0, 3));
  assert.equal((await (await again.session("y")).verify()).ok, true);
  assert.deepEqual([await bench.text("y.jsonl"), await bench.text("y.meta.json")], before);
});

simulatedTest("strict: a damaged line makes reads throw, with file and offset; writes go on", async (bench) => {
  const chat = await bench.openSession();
  await appendMessages(chat, 0, 4);
  await bench.closeAll();
  const text = await bench.text("chat.jsonl");
  await bench.write("chat.jsonl", text.replace("message 1", "massage 1"));
  const strict = await bench.openSession("chat", { strict: true });
  await assert.rejects(strict.history(), (error: unknown) => {
    assert.ok(error instanceof Error && "offset" in error && "path" in error);
    assert.equal(error.offset, text.indexOf("\n") + 1);
    assert.equal(error.path, bench.path("chat.jsonl"));
    return hasCode("corrupt")(error);
  });
  assert.equal((await strict.verify()).damaged.length, 1, "verify looks, and does not throw");
  assert.equal((await strict.append(message(4))).sequence, 4);
  const lenient = await (await bench.open({ readOnly: true })).session("chat");
  assert.equal((await lenient.history()).length, 4);
  assert.deepEqual([...new Set(bench.eventTypes())], ["damaged-line"]);
});
