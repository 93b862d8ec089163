import assert from "node:assert/strict";
import { message, simulatedTest } from "./store_fixture.ts";

const long = "x".repeat(300);

for (const key of ["a:1", "plain", long]) {
  const name = key === long ? "a key that is too long for a name" : JSON.stringify(key);
  simulatedTest(
    `I12: whichever bit of ${name} flips in the meta file, the session is listed, read and gone on with`,
    async (bench) => {
      const chat = await bench.openSession(key);
      await chat.append(message(0));
      await chat.update({ title: "kept" });
      await bench.closeAll();
      const [meta = ""] = (await bench.names()).filter((one) => one.endsWith(".meta.json"));
      const bytes = await bench.read(meta);
      const start = new TextDecoder("latin1").decode(bytes).indexOf(`"key":`) + 6;
      const at = new TextDecoder("latin1").decode(bytes).indexOf(key.slice(0, 3), start);
      assert.ok(at > start);
      // Of a long key not every letter: they are all alike.
      for (let bit = 0; bit < Math.min(key.length, 8) * 8; bit++) {
        const flipped = bytes.slice();
        flipped[at + (bit >> 3)] = (flipped[at + (bit >> 3)] ?? 0) ^ (1 << (bit & 7));
        await bench.write(meta, flipped);
        const reader = await bench.open({ readOnly: true });
        const found = await (await reader.session(key)).history();
        assert.deepEqual(found, [message(0)], `bit ${bit}`);
        if (key !== long) assert.deepEqual((await reader.list()).map((one) => one.key), [key], `bit ${bit}`);
        await bench.closeAll();
      }
      const writer = await bench.openSession(key);
      await writer.append(message(1));
      assert.deepEqual(await writer.history(), [message(0), message(1)]);
      await bench.closeAll();
      assert.equal((await bench.names()).filter((one) => one.endsWith(".jsonl")).length, 1);
    },
  );
}

simulatedTest(
  "a copy of a session's files under another name is no session, whatever the name stands for",
  async (bench) => {
    const chat = await bench.openSession("a:1");
    await chat.append(message(0));
    await bench.closeAll();
    for (const file of [".jsonl", ".meta.json"]) await bench.write(`b_1${file}`, await bench.read(`a_1${file}`));
    const store = await bench.open();
    assert.deepEqual((await store.list()).map(({ key }) => key), ["a:1"]);
    assert.equal(await store.has("b:1"), false);
    await (await store.session("b:1")).append(message(5));
    assert.deepEqual(await (await store.session("b:1")).history(), [message(5)]);
    assert.deepEqual(await (await store.session("a:1")).history(), [message(0)]);
  },
);

simulatedTest("I12: of a fork, too, whose log is seeded by another key", async (bench) => {
  const store = await bench.open();
  await (await store.session("from:1")).append(message(0));
  await store.fork("from:1", "to:1");
  await bench.closeAll();
  const text = await bench.text("to_1.meta.json");
  await bench.write("to_1.meta.json", text.replace('"to:1"', '"tn:1"'));
  const again = await bench.open();
  assert.deepEqual((await again.list()).map(({ key }) => key).sort(), ["from:1", "to:1"]);
  const fork = await again.session("to:1");
  await fork.append(message(1));
  assert.deepEqual(await fork.history(), [message(0), message(1)]);
});
