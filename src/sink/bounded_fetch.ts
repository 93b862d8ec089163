/**
 * Requests whose whole answer comes within a time, or which fail.
 *
 * A signal alone does not give that everywhere: once garbage was collected, Deno 2.9 has forgotten the signal of a
 * request whose headers have come, and a read of its body waits for ever. So the end is waited for beside the answer.
 *
 * @module
 */

/** Sends requests, and can give all of them up. */
export class BoundedFetch {
  readonly #timeoutMs: number;
  readonly #aborter = new AbortController();

  /**
   * Creates it. Sends nothing.
   *
   * @param timeoutMs How long a request may take, to the last byte of its answer, in milliseconds.
   */
  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Sends a request and reads its whole answer. Follows no redirection: the request is signed for one place.
   *
   * @param input Where to.
   * @param init As for `fetch`.
   * @returns The answer, its body in memory.
   * @throws {DOMException} `TimeoutError` or `AbortError`; or what `fetch` throws.
   */
  async fetch(input: string | URL | Request, init: RequestInit | undefined): Promise<Response> {
    const { signal: aborted } = this.#aborter;
    aborted.throwIfAborted();
    const request = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let giveUp: (() => void) | undefined;
    try {
      const ended = new Promise<never>((_, reject) => {
        const end = (reason: unknown): void => {
          reject(reason);
          request.abort(reason);
        };
        giveUp = () => end(aborted.reason);
        aborted.addEventListener("abort", giveUp);
        timer = setTimeout(() => end(new DOMException("No answer in time", "TimeoutError")), this.#timeoutMs);
      });
      return await Promise.race([ended, wholeAnswer(input, { ...init, signal: request.signal, redirect: "error" })]);
    } finally {
      clearTimeout(timer);
      if (giveUp !== undefined) aborted.removeEventListener("abort", giveUp);
    }
  }

  /** Gives up every request that is under way, and those to come. */
  abort(): void {
    this.#aborter.abort();
  }
}

async function wholeAnswer(input: string | URL | Request, init: RequestInit): Promise<Response> {
  const { body, status, statusText, headers } = await fetch(input, init);
  const bytes = body === null ? null : await new Response(body).arrayBuffer();
  // Some statuses may have no body, not even an empty one.
  return new Response(bytes?.byteLength === 0 ? null : bytes, { status, statusText, headers });
}
