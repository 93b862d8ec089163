/**
 * Finds the strings in a JSON text, and where in the value they are, without parsing it.
 *
 * @module
 */

/** A string that is a value, not a key. */
export interface StringValue {
  /** Where its opening quote is. */
  readonly start: number;
  /** Behind its closing quote. */
  readonly end: number;
  /** Its JSON pointer (RFC 6901); worked out when it is asked for, and only until the next string is asked for. */
  readonly pointer: () => string;
}

/** An object or array that is open. */
interface Level {
  isArray: boolean;
  index: number;
  keyStart: number;
  keyEnd: number;
}

/**
 * All strings that are values, in order.
 *
 * @param text A text that is known to be valid JSON.
 * @returns Them; keys are not among them.
 */
export function* stringValues(text: string): Generator<StringValue, void> {
  const levels: Level[] = [];
  let isKeyNext = false;
  for (let at = 0; at < text.length;) {
    const level = levels[levels.length - 1];
    const code = text.charCodeAt(at);
    if (code === quote) {
      const end = stringEnd(text, at);
      if (isKeyNext && level !== undefined) {
        level.keyStart = at;
        level.keyEnd = end;
        isKeyNext = false;
      } else {
        yield { start: at, end, pointer: pointerAt(text, levels) };
      }
      at = end;
      continue;
    }
    if (code === braceOpen || code === bracketOpen) {
      levels.push({ isArray: code === bracketOpen, index: 0, keyStart: 0, keyEnd: 0 });
      isKeyNext = code === braceOpen;
    } else if (code === braceClose || code === bracketClose) {
      levels.pop();
      isKeyNext = false;
    } else if (code === comma && level !== undefined) {
      level.index++;
      isKeyNext = !level.isArray;
    }
    at++;
  }
}

const quote = 0x22;
const comma = 0x2c;
const braceOpen = 0x7b;
const braceClose = 0x7d;
const bracketOpen = 0x5b;
const bracketClose = 0x5d;

function pointerAt(text: string, levels: readonly Level[]): () => string {
  return () =>
    levels.map(({ isArray, index, keyStart, keyEnd }) => {
      if (isArray) return `/${index}`;
      const key = String(JSON.parse(text.slice(keyStart, keyEnd)));
      return `/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    }).join("");
}

/** By search: strings of megabytes are what this is for. */
function stringEnd(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text[end - 1 - backslashes] === "\\") backslashes++;
    if (backslashes % 2 === 0) return end + 1;
  }
  return text.length;
}
