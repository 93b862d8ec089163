/**
 * The machine on which a scenario begins: an empty store's directory, durable, and what somebody else keeps in it.
 *
 * @module
 */

import type { DeviceProfile } from "../testing/lying_device.ts";
import { SimulatedFileSystem } from "../testing/simulated_filesystem.ts";
import { placeForeignFiles } from "./foreign_files.ts";
import { type Knowledge, nothingKnown } from "./knowledge.ts";
import type { Scenario } from "./scenario.ts";
import { storeDirectory } from "./subject.ts";

/**
 * Starts one.
 *
 * @param scenario Which machine.
 * @param device What its device does behind its back; an honest one by default. Only those with honest ones of large
 *   sectors share bytes between files.
 * @returns The machine, and one program on it.
 */
export async function startMachine(scenario: Scenario, device?: DeviceProfile): Promise<SimulatedFileSystem> {
  const { model, sectorBytes, seed } = scenario;
  const reflinks = device === undefined && sectorBytes === 4096;
  const fileSystem = new SimulatedFileSystem({ model, sectorBytes, seed, reflinks, device });
  await fileSystem.makeDirectory(storeDirectory, 0o700);
  await fileSystem.syncDirectory("/");
  if (scenario.foreignFiles === true) await placeForeignFiles(fileSystem);
  return fileSystem;
}

/**
 * What is known on it before anything has happened.
 *
 * @param scenario Which machine.
 * @returns That nobody has written anything but what somebody else keeps there.
 */
export function knownAtStart({ foreignFiles = false }: Scenario): Knowledge {
  return { ...nothingKnown, foreignFiles };
}
