/**
 * Server-sent events, as OpenAI-compatible servers stream their answers: the `data` of each event.
 *
 * @module
 */

/**
 * Reads events from lines.
 *
 * @param lines The body's lines without their ends; CR at the end of one is left out.
 * @yields The data of each event that is whole: one that no empty line ends is not one.
 */
export async function* eventData(lines: AsyncIterable<string>): AsyncGenerator<string> {
  let data: string[] = [];
  for await (const raw of lines) {
    const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
    if (line === "") {
      if (data.length > 0) yield data.join("\n");
      data = [];
    } else if (line.startsWith("data:")) {
      data.push(line.slice(line.startsWith("data: ") ? 6 : 5));
    }
  }
}
