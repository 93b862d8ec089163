/**
 * The contract of the port as a suite: every implementation of {@linkcode FileSystem} runs it, so that what the
 * power-loss laboratory proves of the simulated one holds for the real one.
 *
 * @module
 */
import { caseRegistrar, type ConformanceSetup } from "./conformance_environment.ts";
import { registerDirectoryCases } from "./directory_cases.ts";
import { registerFileCases } from "./file_cases.ts";
import { registerLockCases } from "./lock_cases.ts";
import { registerNameCases } from "./name_cases.ts";
import { registerOpenCases } from "./open_cases.ts";

export type { ConformanceEnvironment, ConformanceSetup, ConformanceSupport } from "./conformance_environment.ts";

/**
 * Runs the whole contract against one implementation.
 *
 * @param name Which implementation, for the test titles.
 * @param setup Makes a fresh environment for each test.
 */
export function runFilesystemConformance(name: string, setup: ConformanceSetup): void {
  const register = caseRegistrar(name, setup);
  registerOpenCases(register);
  registerFileCases(register);
  registerNameCases(register);
  registerDirectoryCases(register);
  registerLockCases(register);
}
