/**
 * Random calls on a transcript, beside a plain list of what is in its log: what it keeps in memory is what a new scan
 * of the log gives, and what the list adds up to.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../properties.ts";
import { openStore, type RecordObject } from "../../mod.ts";
import { SimulatedFileSystem } from "../../src/testing/mod.ts";
import {
  openTranscript,
  projectTranscript,
  type Transcript,
  type TranscriptProjection,
} from "../../src/transcript/mod.ts";

const ids = fc.constantFrom("a", "b", "c", "d", "e");
const agents = fc.constantFrom(undefined, "search", "code");

interface Call {
  kind: "message" | "turn" | "patch" | "compact" | "foreign" | "truncate" | "reopen" | "pipeline" | "start";
  id: string;
  parentId: string | null | undefined;
  agentId: string | undefined;
}

const call: fc.Arbitrary<Call> = fc.record({
  kind: fc.constantFrom("message", "turn", "patch", "compact", "foreign", "truncate", "reopen", "pipeline", "start"),
  id: ids,
  parentId: fc.oneof(fc.constant(undefined), fc.constant(null), ids),
  agentId: agents,
});

const messageOf = (content: string): RecordObject => ({ role: "user", content });

async function perform(transcript: Transcript, { kind, id, parentId, agentId }: Call): Promise<void> {
  const options = {
    id,
    ...(parentId === undefined ? {} : { parentId }),
    ...(agentId === undefined ? {} : { agentId }),
  };
  const side = agentId === undefined ? {} : { agentId };
  switch (kind) {
    case "message":
      await transcript.appendMessage(messageOf(id), options);
      break;
    case "turn": {
      const turn = transcript.turn();
      turn.appendMessage(messageOf(id), options);
      turn.appendMessage(messageOf(`${id}2`), { id: `${id}2`, ...side });
      turn.appendMessage(messageOf(id), { id });
      turn.patchState({ path: `turn/${id}`, value: parentId ?? null });
      await turn.commit();
      break;
    }
    case "patch":
      await transcript.patchState({ path: "title", value: id });
      break;
    case "compact":
      await transcript.compactTo(id, side);
      break;
    case "foreign":
      await transcript.session.append({ type: "message.appended", id, parentId: parentId ?? null });
      break;
    case "truncate":
      await transcript.session.truncate(2);
      transcript.refresh();
      break;
    case "pipeline":
      await Promise.all([
        transcript.appendMessage(messageOf(id), options),
        transcript.patchState({ path: "mode", value: id }),
        transcript.appendMessage(messageOf("f"), { id: "f" }),
        transcript.appendMessage(messageOf(id), { id }),
      ]);
      break;
    case "start":
      await transcript.start({ model: id });
  }
}

/** What the log adds up to, without a transcript. */
async function reference(transcript: Transcript): Promise<TranscriptProjection> {
  const entries: { sequence: number; record: RecordObject }[] = [];
  for await (const entry of transcript.session.records({ all: true })) entries.push(entry);
  const projection = projectTranscript(entries);
  projection.first = entries.length === 0 ? 0 : projection.next;
  for await (const { sequence } of transcript.session.records({ limit: 1 })) projection.first = sequence;
  return projection;
}

test("what a transcript keeps in memory is what its log adds up to, after any calls", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 14 }), async (calls) => {
      const fileSystem = new SimulatedFileSystem();
      await fileSystem.makeDirectory("/s", 0o700);
      let store = await openStore("/s", { fileSystem });
      let transcript = openTranscript(await store.session("chat"));
      const foreign = new Set<string>();
      for (const each of calls) {
        if (each.kind === "reopen") {
          await store.close();
          store = await openStore("/s", { fileSystem });
          transcript = openTranscript(await store.session("chat"));
        } else await perform(transcript, each);
        if (each.kind === "foreign") {
          foreign.add(each.id);
          // What others append is found when it is asked for.
          transcript.refresh();
        }
        const expected = await reference(transcript);
        assert.deepEqual(await transcript.state(), expected.state());
        for (const agentId of [undefined, ...expected.state().agentIds]) {
          const { messages, end } = await transcript.messages(agentId === undefined ? {} : { agentId });
          const { nodes, end: expectedEnd } = expected.chain(agentId ?? null);
          assert.deepEqual([messages.map(({ id }) => id), end], [nodes.map(({ id }) => id), expectedEnd]);
        }
        const names: string[] = [];
        for await (const { record } of transcript.session.records({ all: true })) {
          if (record["type"] === "message.appended") names.push(String(record["id"]));
        }
        for (const id of new Set(names)) {
          if (!foreign.has(id)) assert.equal(names.filter((name) => name === id).length, 1, `${id} is there once`);
        }
      }
      await store.close();
    }),
    { numRuns: 40 },
  );
});
