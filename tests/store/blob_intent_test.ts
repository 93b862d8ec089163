import assert from "node:assert/strict";
import { simulatedTest } from "./store_fixture.ts";

simulatedTest("C9: an append with a blob that a power cut ended keeps no later collection waiting", async (bench) => {
  const store = await bench.open({ blobs: { valueBytesMin: 1024 } });
  const chat = await store.session("chat");
  await chat.append({ content: "x".repeat(2000) });
  await chat.replace([{ content: "short" }]);
  await store.close();
  // Odd: under way. Its program is dead; whoever has the session now has nothing under way.
  await bench.write("blobs/chat.intent", "1");
  const writer = await bench.open();
  await (await writer.session("chat")).append({ content: "held open" });
  assert.equal((await (await bench.open()).collectBlobs()).removed, 1);
});
