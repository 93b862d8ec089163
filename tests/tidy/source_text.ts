/**
 * A source file's text as the tidy rules look at it: code without its comments, or without its strings too.
 *
 * @module
 */

/** What is left out. */
export interface LeaveOut {
  /** What stands in comments. */
  comments: boolean;
  /** What stands in strings, templates and regular expressions, but not their quotes. */
  strings: boolean;
}

/** A slash begins a regular expression, not a division, behind one of these. */
const beforeExpression = /(?:^|[({[,;=:!&|?+\-*%<>~^]|\b(?:return|typeof|case|of|in|throw|await|yield|else))\s*$/;

/**
 * Blanks what is to be left out; every line keeps its number and its length.
 *
 * @param text The whole file.
 * @param leaveOut What to leave out.
 * @returns The text with blanks in its place.
 */
export function blankSource(text: string, leaveOut: LeaveOut): string {
  let result = "";
  let index = 0;
  /** Depths of braces at which a template's expression ends. */
  const templates: number[] = [];
  let depth = 0;
  const take = (length: number, hidden: boolean): void => {
    const part = text.slice(index, index + length);
    result += hidden ? part.replace(/[^\n]/g, " ") : part;
    index += length;
  };
  const takeTemplate = (): void => {
    const part = /^(?:[^`\\$]|\\[\s\S]|\$(?!\{))*/.exec(text.slice(index))?.[0] ?? "";
    take(part.length, leaveOut.strings);
    if (text[index] === "`") take(1, false);
    else if (index < text.length) {
      take(2, false);
      templates.push(depth++);
    }
  };
  while (index < text.length) {
    const rest = text.slice(index, index + 2);
    const character = text[index] ?? "";
    if (rest === "//") {
      take(lengthUntil(text, index, "\n"), leaveOut.comments);
    } else if (rest === "/*") {
      take(lengthUntil(text, index, "*/") + 2, leaveOut.comments);
    } else if (character === '"' || character === "'") {
      const literal = /^(["'])(?:(?!\1)[^\\\n]|\\[\s\S])*/.exec(text.slice(index))?.[0] ?? character;
      take(1, false);
      take(literal.length - 1, leaveOut.strings);
      take(1, false);
    } else if (character === "`") {
      take(1, false);
      takeTemplate();
    } else if (character === "/" && beforeExpression.test(result.slice(-40))) {
      const literal = /^\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\//.exec(text.slice(index))?.[0] ?? "/";
      take(1, false);
      take(Math.max(literal.length - 2, 0), leaveOut.strings);
      if (literal.length > 1) take(1, false);
    } else if (character === "}" && templates.at(-1) === depth - 1) {
      templates.pop();
      depth--;
      take(1, false);
      takeTemplate();
    } else {
      if (character === "{") depth++;
      if (character === "}") depth--;
      take(1, false);
    }
  }
  return result;
}

function lengthUntil(text: string, from: number, end: string): number {
  const found = text.indexOf(end, from);
  return (found === -1 ? text.length : found) - from;
}

/** One import or re-export. */
export interface ImportedModule {
  /** As it is written. */
  specifier: string;
  /** An `import()` in the middle of code. */
  isDynamic: boolean;
  /** The line, from 1. */
  line: number;
}

/**
 * Finds what a file imports.
 *
 * @param text The whole file.
 * @returns Its imports and re-exports, in their order.
 */
export function findImports(text: string): ImportedModule[] {
  const code = blankSource(text, { comments: true, strings: false });
  const bare = blankSource(text, { comments: true, strings: true });
  const pattern = /\b(?:from|import)\s*(\()?\s*(["'])/g;
  const imports: ImportedModule[] = [];
  for (const match of bare.matchAll(pattern)) {
    const begin = match.index + match[0].length;
    const end = bare.indexOf(match[2] ?? '"', begin);
    const line = code.slice(0, begin).split("\n").length;
    imports.push({ specifier: code.slice(begin, end), isDynamic: match[1] !== undefined, line });
  }
  return imports;
}

/**
 * Resolves a relative specifier.
 *
 * @param importer The importing file's path.
 * @param specifier What it imports, beginning with a dot.
 * @returns The path meant, relative to the same directory as `importer`.
 */
export function resolveSpecifier(importer: string, specifier: string): string {
  const parts = importer.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}
