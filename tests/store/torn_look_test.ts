import assert from "node:assert/strict";
import type { FileHandle, FileSystem } from "../../mod.ts";
import { openStore } from "../../mod.ts";
import { replacing } from "../replacing.ts";
import { message, messages, simulatedTest } from "./store_fixture.ts";

/** A port that gives one page of a log, the first time that it is read, as it was before something was written there. */
function withOldPage(inner: FileSystem, start: number, end: number): FileSystem {
  let isOld = true;
  const handleOf = (handle: FileHandle): FileHandle =>
    replacing(handle, {
      read: async (buffer: Uint8Array, offset: number) => {
        const count = await handle.read(buffer, offset);
        if (isOld && offset < end && offset + count > start) {
          buffer.fill(0, Math.max(0, start - offset), Math.min(count, end - offset));
          isOld = false;
        }
        return count;
      },
    });
  return replacing(inner, {
    open: async (...options: Parameters<FileSystem["open"]>) => {
      const handle = await inner.open(...options);
      return options[0].endsWith("chat.jsonl") ? handleOf(handle) : handle;
    },
  });
}

simulatedTest("I4: a page that a reader gets older than the next, as somebody writes, is no damage", async (bench) => {
  const chat = await bench.openSession("chat");
  for (let number = 0; number < 12; number++) await chat.append({ ...message(number), more: "x".repeat(900) });
  const written = messages(0, 12).map((one) => ({ ...one, more: "x".repeat(900) }));
  const log = new TextDecoder().decode(await bench.read("chat.jsonl"));
  const start = log.indexOf("\n", 6500) + 1;
  const events: string[] = [];
  const store = await openStore(bench.directory, {
    fileSystem: withOldPage(bench.base, start, 8192),
    readOnly: true,
    onEvent: ({ type }) => events.push(type),
  });
  assert.deepEqual(await (await store.session("chat")).history(), written);
  assert.deepEqual(events, []);
  await store.close();
});
