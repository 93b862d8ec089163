import assert from "node:assert/strict";
import { test } from "node:test";
import { BoundedFetch } from "../../src/sink/bounded_fetch.ts";

const anywhere = "http://127.0.0.1:1/";

/** Runs a test with a runtime's `fetch` of our own. */
async function withFetch(runtimeFetch: typeof fetch, body: () => Promise<void>): Promise<void> {
  const before = globalThis.fetch;
  globalThis.fetch = runtimeFetch;
  try {
    await body();
  } finally {
    globalThis.fetch = before;
  }
}

const neverEnds = (): ReadableStream => new ReadableStream({ pull: () => new Promise(() => {}) });

/** As Deno is once it has collected garbage: what is under way hears nothing of its signal. */
const deaf: Record<string, typeof fetch> = {
  "a request": () => new Promise(() => {}),
  "a read of a body": async () => new Response(neverEnds()),
};

for (const [what, deafFetch] of Object.entries(deaf)) {
  test(`BoundedFetch ends in time, and when it is given up, where ${what} is deaf to its signal`, async () => {
    await withFetch(deafFetch, async () => {
      await assert.rejects(new BoundedFetch(20).fetch(anywhere, {}), { name: "TimeoutError" });
      const requests = new BoundedFetch(60_000);
      const both = [requests.fetch(anywhere, {}), requests.fetch(anywhere, {})];
      setImmediate(() => requests.abort());
      for (const request of both) await assert.rejects(request, { name: "AbortError" });
      await assert.rejects(requests.fetch(anywhere, {}), { name: "AbortError" }, "those to come, too");
    });
  });
}

test("BoundedFetch gives the whole answer, tells the request of its end, and follows no redirection", async () => {
  const seen: RequestInit[] = [];
  const answering: typeof fetch = async (_, init) => {
    seen.push(init ?? {});
    if (seen.length === 1) return new Response("one", { status: 201, headers: { etag: '"x"' } });
    if (seen.length === 2) return new Response(null, { status: 204 });
    return new Response(neverEnds());
  };
  await withFetch(answering, async () => {
    const requests = new BoundedFetch(60_000);
    const first = await requests.fetch(anywhere, { method: "PUT", headers: { a: "b" } });
    assert.deepEqual([first.status, first.headers.get("etag"), await first.text()], [201, '"x"', "one"]);
    assert.deepEqual([seen[0]?.method, seen[0]?.headers, seen[0]?.redirect], ["PUT", { a: "b" }, "error"]);
    const second = await requests.fetch(anywhere, undefined);
    assert.deepEqual([second.status, second.body], [204, null]);
    const third = requests.fetch(anywhere, {});
    setImmediate(() => requests.abort());
    await assert.rejects(third, { name: "AbortError" });
    assert.deepEqual(seen.map(({ signal }) => signal?.aborted), [false, false, true]);
  });
});
