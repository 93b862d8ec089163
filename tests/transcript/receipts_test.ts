/**
 * Receipts of model calls: each occurrence in its turn (O5, O6).
 */
import assert from "node:assert/strict";
import { Checkpoints, Receipts, requestKey } from "../../src/transcript/mod.ts";
import { hasCode, simulatedTest, storeTest } from "../store/store_fixture.ts";

const request = { model: "m", messages: [{ role: "user", content: "roll a die" }] };

storeTest("O6: the same request twice has two receipts, replayed in order", async (bench) => {
  const store = await bench.open();
  const receipts = new Receipts(await store.session("chat"));
  await receipts.record(request, { text: "4" });
  await receipts.record({ other: true }, "between");
  await receipts.record(request, { text: "6" }, { durationMs: 12, tokens: { total: 3 } });
  await store.close();
  const again = new Receipts(await bench.openSession("chat", { readOnly: true }));
  const responses: unknown[] = [];
  for await (const { response } of again.all(request)) responses.push(response);
  assert.deepEqual(responses, [{ text: "4" }, { text: "6" }]);
  const replay = again.replay();
  assert.deepEqual((await replay.next(request)).response, { text: "4" });
  const { key, ...second } = await replay.next(request);
  assert.equal(key, requestKey(request));
  assert.deepEqual(second, { sequence: 2, response: { text: "6" }, durationMs: 12, tokens: { total: 3 } });
  await assert.rejects(replay.next(request), hasCode("not-found"));
  assert.equal((await replay.next({ other: true })).response, "between");
});

simulatedTest("O6: calls that are replayed at once get an answer each", async (bench) => {
  const receipts = new Receipts(await bench.openSession());
  for (let call = 0; call < 5; call++) await receipts.record(request, call);
  const replay = receipts.replay();
  const answers = await Promise.all(Array.from({ length: 5 }, async () => (await replay.next(request)).response));
  assert.deepEqual(answers, [0, 1, 2, 3, 4]);
});

simulatedTest(
  "O5: the whole answer is in the log, whatever its size, and the request where it is wanted",
  async (bench) => {
    const session = await bench.openSession();
    const receipts = new Receipts(session);
    const response = { text: "é😀".repeat(50_000), nested: [{ a: null }] };
    await receipts.record(request, response, { keepRequest: true });
    await receipts.record(request, response);
    const [first, second] = await session.history();
    assert.deepEqual(first?.["request"], request);
    assert.equal(second?.["request"], undefined);
    assert.deepEqual((await receipts.replay().next(request)).response, response);
  },
);

simulatedTest("ReceiptReplay.call() asks a model only what has no receipt", async (bench) => {
  const session = await bench.openSession();
  let calls = 0;
  const agent = async (): Promise<unknown[]> => {
    const replay = new Receipts(session).replay();
    const answers: unknown[] = [];
    for (let turn = 0; turn < 4; turn++) {
      answers.push(
        await replay.call(request, () => {
          if (++calls === 3) return Promise.reject(new Error("the model is away"));
          return Promise.resolve({ call: calls });
        }),
      );
    }
    return answers;
  };
  await assert.rejects(agent(), /away/);
  assert.deepEqual(await agent(), [{ call: 1 }, { call: 2 }, { call: 4 }, { call: 5 }]);
  assert.equal(calls, 5);
  assert.deepEqual(await agent(), [{ call: 1 }, { call: 2 }, { call: 4 }, { call: 5 }]);
  assert.equal(calls, 5);
});

simulatedTest(
  "Receipts.replay() of a part of a run: what a jump needs between its checkpoint and its end",
  async (bench) => {
    const session = await bench.openSession();
    const receipts = new Receipts(session);
    await receipts.record(request, "before");
    const { sequence } = await new Checkpoints(session).make("llm_boundary", {});
    await receipts.record(request, "since");
    const { sequence: to } = await session.append({ type: "step" });
    await receipts.record(request, "behind");
    const replay = receipts.replay({ from: sequence, to });
    assert.equal((await replay.next(request)).response, "since");
    await assert.rejects(replay.next(request), hasCode("not-found"));
  },
);

simulatedTest("the index of receipts is derived: compaction and other writers are noticed", async (bench) => {
  const session = await bench.openSession();
  const receipts = new Receipts(session);
  for (let call = 0; call < 4; call++) await receipts.record(request, call);
  for await (const { response } of receipts.all(request)) assert.ok(typeof response === "number");
  await session.truncate(2);
  await session.compact();
  await session.append({ type: "receipt.recorded", receipt: { key: requestKey(request) }, response: 9 });
  const responses: unknown[] = [];
  for await (const { response } of receipts.all(request)) responses.push(response);
  assert.deepEqual(responses, [2, 3, 9]);
});

simulatedTest("records that only look like receipts are passed over", async (bench) => {
  const session = await bench.openSession();
  await session.appendAll([
    { type: "receipt.recorded" },
    { type: "receipt.recorded", receipt: { key: 5 }, response: 1 },
    { type: "receipt.recorded", receipt: { key: requestKey(request) } },
    { receipt: { key: requestKey(request) }, response: 1 },
  ]);
  await assert.rejects(new Receipts(session).replay().next(request), hasCode("not-found"));
  await assert.rejects(new Receipts(session).record(undefined, 1), TypeError);
  await assert.rejects(new Receipts(session).record(request, undefined), TypeError);
});
