import assert from "node:assert/strict";
import { openTranscript, setTitle } from "../../src/transcript/mod.ts";
import { latestTranscript, listTranscripts } from "../../src/transcript/transcript_list.ts";
import { realTest } from "../store/store_fixture.ts";

const user = (content: string) => ({ role: "user", content });

realTest(
  "listTranscripts() lists the newest first, without those of subagents, and reads no state unasked",
  async (bench) => {
    const store = await bench.open();
    for (const key of ["one", "two"]) {
      const transcript = openTranscript(await store.session(key));
      const turn = transcript.turn();
      turn.start({ model: key }, { fields: { gitBranch: "main" } });
      turn.appendMessage(user(`hello ${key}`));
      turn.patchState(setTitle(`The ${key}`));
      await turn.commit();
    }
    const subagent = openTranscript(await store.session("one/search"));
    const turn = subagent.turn();
    turn.start({ parentId: "one" }, { isSidechain: true, agentId: "search" });
    turn.appendMessage(user("found"), { agentId: "search" });
    await turn.commit();
    const { messages } = await subagent.messages();
    assert.deepEqual(
      messages.map(({ message }) => message["content"]),
      ["found"],
      "the messages of a subagent's own session",
    );
    assert.equal((await subagent.state()).messageCount, 1);
    await (await store.session("plain")).append(user("no transcript"));

    const keys: string[] = [];
    for await (const entry of listTranscripts(store)) keys.push(entry.key);
    assert.deepEqual(keys.sort(), ["one", "plain", "two"]);
    const all: string[] = [];
    for await (const entry of listTranscripts(store, { includeSidechains: true })) all.push(entry.key);
    assert.equal(all.length, 4);
    for await (const entry of listTranscripts(store)) {
      if (entry.key !== "two") continue;
      assert.deepEqual([entry.session, entry.start?.["gitBranch"], entry.isSidechain], [
        { model: "two" },
        "main",
        false,
      ]);
      assert.equal((await entry.state()).title, "The two");
    }
    const latest = await latestTranscript(store);
    assert.ok(latest !== null && latest !== "one/search");
    assert.equal(await latestTranscript(store, { workspace: "none" }), null);
  },
);
