/**
 * A short-lived program that does to an open file what the runtime cannot.
 *
 * @module
 */

/**
 * Runs a program to its end. It inherits the descriptor as its 3, and says nothing.
 *
 * @param program Its name, looked for on the path.
 * @param args What stands behind it.
 * @param descriptor The open file.
 * @returns Its exit code, or the signal that ended it.
 * @throws What starting it was refused with: `ENOENT` if it is not installed.
 */
export async function runOnDescriptor(
  program: string,
  args: readonly string[],
  descriptor: number,
): Promise<number | string> {
  // Loaded late: most never need it.
  const { spawn } = await import("node:child_process");
  return await new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "ignore", "ignore", descriptor] });
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve(code ?? signal ?? "no status"));
  });
}
