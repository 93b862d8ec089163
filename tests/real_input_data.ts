/**
 * Real session files of other programs, kept beside the repository and not in it.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

let absenceReported = false;

/**
 * Finds a file or directory of the real input data, or says on the console that it is absent.
 *
 * @param path The path below the data folder, `""` for the folder itself.
 * @returns The absolute path, or undefined where the data is absent (the test then skips with {@linkcode noRealData}).
 */
export function realInputData(path = ""): string | undefined {
  const found = fileURLToPath(new URL(`../../shared/data/${path}`, import.meta.url));
  if (existsSync(found)) return found;
  if (!absenceReported) console.log(`# ${noRealData} (looked for ${found})`);
  absenceReported = true;
  return undefined;
}

/** The reason that a test prints when it is skipped for want of the data. */
export const noRealData = "real input data is absent: no folder ../shared/data beside the repository";
