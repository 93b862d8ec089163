/**
 * One writer per session (I15), and what becomes of one that cannot lock.
 */
import assert from "node:assert/strict";
import { HoldfastError, openStore } from "../../mod.ts";
import { appendMessages, hasCode, message, messages, simulatedTest, storeTest } from "./store_fixture.ts";

storeTest(
  "I15: a second store is refused while the first has the session open; the refusal names the holder",
  async (bench) => {
    const first = await bench.open();
    const chat = await first.session("chat");
    await chat.append(message(0));
    const second = await (await bench.open()).session("chat");
    for (const write of [() => second.append(message(1)), () => second.truncate(0), () => second.compact()]) {
      await assert.rejects(write, (error) => {
        assert.ok(error instanceof HoldfastError);
        assert.equal(error.code, "locked");
        assert.match(error.message, /session "chat"|process/);
        return true;
      });
    }
    assert.deepEqual(await second.history(), [message(0)], "reading needs no lock");
    await chat.append(message(1));
    await first.close();
    assert.equal((await second.append(message(2))).sequence, 2);
    assert.deepEqual(await second.history(), messages(0, 3));
  },
);

simulatedTest(
  "I15: the lock of a process that was killed is free, and what it acknowledged is there",
  async (bench, machine) => {
    const chat = await bench.openSession();
    await appendMessages(chat, 0, 3);
    const next = machine.kill();
    const store = await openStore("/sessions", { fileSystem: next });
    assert.equal((await (await store.session("chat")).append(message(3))).sequence, 3);
    await store.close();
  },
);

for (const code of ["EACCES", "EROFS", "EPERM"]) {
  simulatedTest(`A lock file that cannot be written (${code}) is read-only; reading goes on`, async (bench) => {
    const chat = await bench.openSession();
    await chat.append(message(0));
    await bench.closeAll();
    bench.port.failNext((call) => call.method === "lock", code);
    const again = await bench.openSession();
    await assert.rejects(again.append(message(1)), hasCode("read-only"));
    assert.deepEqual(await again.history(), [message(0)]);
    assert.equal(again.status, "idle");
    assert.equal((await again.append(message(1))).sequence, 1);
  });
}

storeTest("A lock file that is a link is refused, and not followed", async (bench) => {
  await bench.open();
  await bench.write("target", "mine");
  await bench.link("chat.lock", bench.path("target"));
  const chat = await bench.openSession();
  await assert.rejects(chat.append(message(0)), hasCode("io"));
  assert.equal(await bench.text("target"), "mine");
});

simulatedTest("I15: an empty or garbage lock file of a crash is taken over", async (bench) => {
  for (const [key, content] of [["a", ""], ["b", "\0\0\0garbage"]] as const) {
    const store = await bench.open();
    await bench.write(`${key}.lock`, content);
    assert.equal((await (await store.session(key)).append(message(0))).sequence, 0);
  }
});
