/**
 * Session files of other programs, made up to a size, for the benchmarks of the import.
 *
 * @module
 */

/** One file of a format. */
export interface ImportSample {
  /** The format that it must be detected as. */
  format: string;
  /** What it is called. */
  name: string;
  /** Makes the file's text in parts, up to a size; the sum of all parts is the file. */
  parts(bytes: number): Iterable<string>;
}

const words = "The quick brown fox can't jump over „lazy“ dogs; 12 of them \\u003cbark\\u003e.\\n".repeat(10);

/** A line-based format: a header, and lines by their numbers. */
function lines(format: string, header: string, line: (index: number) => string): ImportSample {
  return {
    format,
    name: `${format}.jsonl`,
    *parts(bytes) {
      let written = header.length;
      if (header !== "") yield `${header}\n`;
      for (let index = 0; written < bytes; index++) {
        const text = `${line(index)}\n`;
        written += text.length;
        yield text;
      }
    },
  };
}

/** A document with a list of messages. */
function document(format: string, head: string, message: (index: number) => string, end: string): ImportSample {
  return {
    format,
    name: `${format}.json`,
    *parts(bytes) {
      let written = head.length + end.length;
      yield head;
      for (let index = 0; written < bytes; index++) {
        const text = `${index === 0 ? "" : ","}${message(index)}`;
        written += text.length;
        yield text;
      }
      yield end;
    },
  };
}

const time = "2026-03-01T08:00:00Z";
const content = `[{"type":"text","text":"${words}"}]`;

/** A sample of every format, in the order of their names. */
export const importSamples: readonly ImportSample[] = [
  lines(
    "claude-code",
    "",
    (n) =>
      `{"parentUuid":"u${n - 1}","isSidechain":false,"cwd":"/p","sessionId":"s","type":"user","message":` +
      `{"role":"user","content":${content}},"uuid":"u${n}","timestamp":"${time}"}`,
  ),
  document(
    "codetether",
    `{"id":"c","title":null,"created_at":"${time}","updated_at":"${time}","metadata":{"directory":"/p"},"agent":"build",` +
      `"messages":[`,
    () => `{"role":"user","content":${content}}`,
    `],"pages":[],"tool_uses":[],"usage":{}}`,
  ),
  lines(
    "codex",
    `{"timestamp":"${time}","type":"session_meta","payload":{"id":"x","timestamp":"${time}","cwd":"/p"}}`,
    () =>
      `{"timestamp":"${time}","type":"response_item","payload":{"type":"message","role":"user","content":${content}}}`,
  ),
  lines(
    "gencode",
    `{"id":"S:start","transcriptId":"S","time":"${time}","type":"transcript.started","cwd":"/p"}`,
    (n) =>
      `{"id":"S:${n}","transcriptId":"S","time":"${time}","type":"message.appended","parentId":"${n - 1}","message":` +
      `{"messageId":"${n}","role":"user","content":${content}}}`,
  ),
  lines("jsonl", "", (n) => `{"n":${n},"text":"${words}"}`),
  lines(
    "omega",
    `{"type":"session","version":1,"id":"o","created":"${time}"}`,
    (n) => `{"seq":${n},"ts":1795178793384,"type":"result","value":"${words}"}`,
  ),
  lines(
    "pi",
    `{"type":"session","version":3,"id":"p","timestamp":"${time}","cwd":"/p"}`,
    (n) =>
      `{"type":"message","id":"${n}","parentId":${n === 0 ? "null" : `"${n - 1}"`},"timestamp":"${time}","message":` +
      `{"role":"user","content":${content}}}`,
  ),
  lines("picoclaw", "", () => `{"role":"user","content":"${words}","created_at":"${time}"}`),
];
