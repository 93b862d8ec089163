/**
 * Brings the results of tools to their calls while a conversation streams by: a message with calls waits until they are
 * answered, and so does what follows it, up to a limit.
 *
 * @module
 */
import type { ResultPart } from "./message_parts.ts";
import type { MessageView } from "./message_view.ts";

/** How many messages may wait, and how long their texts together. */
const waitingMax = 64;
const waitingLengthMax = 4 * 1024 * 1024;

/** A message, and the results of its calls. */
export interface PairedMessage {
  /** Results that came to their calls are not among its parts. */
  message: MessageView;
  /** Its number in the session. */
  sequence: number;
  /** By the place of the call among the message's parts. */
  results: Map<number, ResultPart>;
}

interface Waiting extends PairedMessage {
  /** The places of calls without a result, by the call's id. */
  open: Map<string, number>;
  length: number;
}

/** Pairs calls and results. */
export class CallPairing {
  #waiting: Waiting[] = [];
  #length = 0;

  /**
   * Takes the next message.
   *
   * @param message The message.
   * @param sequence Its number in the session.
   * @returns Those that wait for nothing any more, in order.
   */
  take(message: MessageView, sequence: number): PairedMessage[] {
    const parts = message.parts.filter((part) => part.kind !== "result" || !this.#answer(part));
    const isAnswered = parts.length === 0 && message.parts.length > 0;
    if (!isAnswered) {
      const open = new Map<string, number>();
      for (const [place, part] of parts.entries()) if (part.kind === "call" && part.id !== "") open.set(part.id, place);
      const length = parts.reduce((sum, part) => sum + lengthOf(part), 0);
      this.#length += length;
      this.#waiting.push({ message: { ...message, parts }, sequence, results: new Map(), open, length });
    }
    return this.#ready();
  }

  /**
   * To be called behind the last message.
   *
   * @returns What was still waiting.
   */
  end(): PairedMessage[] {
    const rest = this.#waiting;
    this.#waiting = [];
    this.#length = 0;
    return rest;
  }

  #answer(result: ResultPart): boolean {
    if (result.id === "") return false;
    const caller = this.#waiting.findLast(({ open }) => open.has(result.id));
    const place = caller?.open.get(result.id);
    if (caller === undefined || place === undefined) return false;
    caller.open.delete(result.id);
    caller.results.set(place, result);
    caller.length += lengthOf(result);
    this.#length += lengthOf(result);
    return true;
  }

  #ready(): PairedMessage[] {
    let count = 0;
    for (const { open, length } of this.#waiting) {
      const isFull = this.#waiting.length - count > waitingMax || this.#length > waitingLengthMax;
      if (open.size > 0 && !isFull) break;
      this.#length -= length;
      count++;
    }
    return this.#waiting.splice(0, count);
  }
}

function lengthOf(part: MessageView["parts"][number]): number {
  switch (part.kind) {
    case "call":
      return part.input.length;
    case "image":
      return (part.data ?? part.url ?? "").length;
    case "file":
      return part.name.length;
    case "result":
      return part.images.reduce((sum, image) => sum + lengthOf(image), part.text.length);
    default:
      return part.text.length;
  }
}
