/**
 * What the laboratory's records say. Each names the call that wrote it, so that a story can be told of it.
 *
 * @module
 */

/**
 * How large a record is: far below a sector; over a sector's edge; over a page's edge; or with an object inside that
 * fills one sector exactly, as a torn write could leave it alone (A2); or with a value that goes into a file of its
 * own, and that every second such record has.
 */
export type RecordSize = "small" | "sector" | "page" | "crafted" | "blob";

/** No record but those of the size `blob` has a value of as many bytes. */
export const laboratoryBlobs = { valueBytesMin: 5000, previewBytesMax: 16 } as const;

const lengths = { small: 4, sector: 640, page: 4500 };

/**
 * Makes the text of a record.
 *
 * @param label Which record it is, counted over the whole run.
 * @param size How large.
 * @param offset Where it will stand in its log.
 * @returns A JSON object on one line.
 */
export function recordText(label: number, size: RecordSize, offset: number): string {
  if (size === "crafted") return craftedText(label, offset);
  if (size === "blob") {
    const value = (label % 2 === 0 ? "even " : "odd! ").repeat(laboratoryBlobs.valueBytesMin / 5);
    return `{"role":"tool","content":"${label} ","output":"${value}"}`;
  }
  return `{"role":"user","content":"${label} ${"abcdefghij".repeat(lengths[size] / 10 + 1).slice(0, lengths[size])}"}`;
}

function craftedText(label: number, offset: number): string {
  const head = `{"role":"tool","content":"${label} `;
  const middle = `","inner":`;
  const room = 512 - ((offset + head.length + middle.length) % 512);
  const open = `{"role":"system","content":"`;
  const close = `"}`;
  const inner = open + "x".repeat(512 - open.length - close.length) + close;
  return `${head}${"y".repeat(room)}${middle}${inner},"end":"z"}`;
}
