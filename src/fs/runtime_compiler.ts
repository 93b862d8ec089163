/**
 * When the runtime compiles what it runs.
 *
 * The program as one file begins in the interpreter (`deploy/build/build_commands.ts`): most runs are over before
 * compiling pays, and a compiler at work takes memory that a small board misses. Whatever has a lot to do says so.
 *
 * @module
 */
import process from "node:process";

/** What we use of Bun. */
interface BunRuntime {
  /** `Bun.unsafe`. */
  unsafe: {
    /** How reluctant the compiler is; 1 as usual. */
    setJITPolicy(scale: number): void;
  };
}

/** Lets the runtime compile as it usually does, from now on. Does nothing where it does so anyway. */
export function compileAsUsual(): void {
  const candidate: unknown = "bun" in process.versions ? Reflect.get(globalThis, "Bun") : undefined;
  if (isBunRuntime(candidate)) candidate.unsafe.setJITPolicy(1);
}

function isBunRuntime(candidate: unknown): candidate is BunRuntime {
  if (typeof candidate !== "object" || candidate === null || !("unsafe" in candidate)) return false;
  const { unsafe } = candidate;
  return typeof unsafe === "object" && unsafe !== null && "setJITPolicy" in unsafe &&
    typeof unsafe.setJITPolicy === "function";
}
