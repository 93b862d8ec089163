/**
 * What is said in a soak: made from a number alone, so that whoever finds a turn can tell whether it is whole.
 *
 * @module
 */

/** A question, by the number of its turn. */
export function questionText(turn: number): string {
  return `Question ${turn}: ${"how warm is it in the shed now, and was it colder in the night? ".repeat(1 + turn % 2)}`;
}

/** An answer, by the number of its turn; 150 to 1,600 characters. */
export function answerText(turn: number): string {
  const length = 150 + (turn * 7919) % 1450;
  return `Answer ${turn}: ${"it is 20.5 degrees, and it was 4 degrees colder at five. ".repeat(40)}`.slice(0, length);
}

/** Whether the agent reads its sensor for an answer. */
export function callsTool(turn: number): boolean {
  return turn % 3 !== 0;
}

/** The number in a question; null if it is none. */
export function turnOf(content: unknown): number | null {
  const number = typeof content === "string" ? /^Question (\d+): /.exec(content)?.[1] : undefined;
  return number === undefined ? null : Number(number);
}
