/**
 * The program's version; `tests/cli/program_test.ts` holds it equal to `package.json`'s.
 *
 * @module
 */

/** As in `package.json`. */
export const programVersion: string = "0.1.0";
