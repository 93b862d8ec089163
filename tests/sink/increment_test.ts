import assert from "node:assert/strict";
import { test } from "node:test";
import { openStore } from "../../mod.ts";
import { assertSameSession, joinIncrement, nextIncrement, readSessionId } from "../../src/sink/increment.ts";
import { firstPosition } from "../../src/sink/record_lines.ts";
import type { UploadContext } from "../../src/sink/session_upload.ts";
import { createSinkCounters } from "../../src/sink/sink_report.ts";
import { SimulatedFileSystem } from "../../src/testing/mod.ts";
import { MemoryObjects } from "./memory_objects.ts";

const id = "00000000-0000-4000-8000-000000000001";

test("nextIncrement() takes as much as fits, syncs what another process wrote, and not another session of the key", async () => {
  const fileSystem = new SimulatedFileSystem();
  const context: UploadContext = {
    objects: new MemoryObjects(),
    fileSystem,
    directory: "/sessions",
    device: "d",
    objectBytesMax: 60,
    counters: createSinkCounters(),
    createId: () => id,
    report: () => undefined,
    isStopping: () => false,
  };
  const progress = { id, key: "a", epoch: 1, manifest: 0, ...firstPosition("a") };
  await using writer = await openStore("/sessions", { fileSystem });
  const chat = await writer.session("a");
  for (let n = 0; n < 5; n++) await chat.append({ n });
  await chat.update({ id });
  assert.equal(await readSessionId(context, "a"), id);
  const own = await nextIncrement(context, chat, progress);
  assert.deepEqual(own.lines.map(({ next }) => next), [1, 2]);
  assert.equal(joinIncrement(own).length, own.bytes);
  assert.equal(context.counters.syncs, 0);
  await using reader = await openStore("/sessions", { fileSystem: fileSystem.anotherProcess() });
  const seen = await nextIncrement(context, await reader.session("a"), progress);
  assert.deepEqual(seen.lines, own.lines);
  assert.equal(context.counters.syncs, 1);
  assert.equal((await nextIncrement(context, chat, { ...progress, next: 5 })).lines.length, 0);
  await writer.delete("a");
  const again = await writer.session("a");
  for (let n = 0; n < 5; n++) await again.append({ n, later: true });
  await assert.rejects(assertSameSession(context, progress), { code: "io" });
  await assert.rejects(nextIncrement(context, again, progress), { code: "io" });
  await again.update({ id: "00000000-0000-4000-8000-000000000002" });
  await assert.rejects(nextIncrement(context, again, progress), { code: "io" });
});
