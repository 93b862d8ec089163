/**
 * One writer per session, across processes and runtimes.
 *
 * @module
 */
import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { ask, processTest, tell } from "./process_parties.ts";
import { childRuntimes, type RuntimeName, runtimeNames } from "./spawn_helper.ts";

const key = "telegram:123";
const pairs = childRuntimes.flatMap((first) =>
  childRuntimes.map((second): [RuntimeName, RuntimeName] => [first, second])
);

for (const [first, second] of pairs) {
  processTest(
    `I15: a session that ${first} writes is refused to ${second} by name, and its own once that is killed`,
    [first, second],
    async (parties) => {
      const [holder, waiter] = await Promise.all([
        parties.start(first, "session_user"),
        parties.start(second, "session_user"),
      ]);
      assert.deepEqual(await tell(holder, "append", key, { n: 0 }), { sequence: 0, duplicate: false });
      for (const command of [["append", key, { n: "no" }], ["truncate", key, 0], ["setSummary", key, "no"]]) {
        const refused = await ask(waiter, ...command);
        assert.equal(refused.error, "locked");
        assert.match(refused.message ?? "", new RegExp(`process ${holder.pid} \\(${first}\\)`, "i"));
      }
      // Readers need no lock, and another session is another lock.
      assert.deepEqual(await tell(waiter, "history", key), [{ n: 0 }]);
      await tell(waiter, "append", "other", { n: 7 });
      await tell(holder, "append", key, { n: 1 });
      assert.equal((await holder.kill("SIGKILL")).signal, "SIGKILL");
      assert.deepEqual(await tell(waiter, "append", key, { n: 2 }), { sequence: 2, duplicate: false });
      assert.deepEqual(await tell(waiter, "history", key), [{ n: 0 }, { n: 1 }, { n: 2 }]);
      await tell(waiter, "close");
      const left = (await readdir(parties.directory)).filter((name) => name.endsWith(".lock"));
      assert.deepEqual(left, []);
    },
  );
}

processTest("I15: closing a store gives its sessions to the next process, in turn", runtimeNames, async (parties) => {
  for (const [index, runtime] of [...runtimeNames, ...runtimeNames].entries()) {
    const child = await parties.start(runtime, "session_user");
    assert.deepEqual(await tell(child, "append", key, { n: index }), { sequence: index, duplicate: false });
    await tell(child, "close");
    child.endInput();
    await child.ended;
  }
});
