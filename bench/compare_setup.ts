/**
 * What the comparison and the check have in common: who is measured, and that nothing is left mounted or running.
 *
 * @module
 */

import process from "node:process";
import { basename, dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { assertPeersInstalled, killContenders, type Subject } from "./contender_client.ts";
import { contenderNames, loadContender } from "./contenders/registry.ts";
import { closeDevices } from "./device.ts";

const ownModule = fileURLToPath(new URL("../mod.ts", import.meta.url));

/**
 * Who is measured.
 *
 * @param names Names of contenders with commas between; absent: all.
 * @param modulePaths Further builds of Holdfast, measured beside this one.
 * @returns The contenders, with what has to be known about each.
 * @throws {Error} If the packages of the peers are not installed.
 */
export async function subjectsOf(
  names: string | undefined,
  modulePaths: readonly string[],
): Promise<(Subject & { note: string })[]> {
  assertPeersInstalled();
  const subjects: (Subject & { note: string })[] = [];
  for (const name of names?.split(",") ?? contenderNames) {
    const { title, note } = await loadContender(name);
    const subject = { id: name, title, note, contender: name, modulePath: ownModule, runtime: "node24" as const };
    subjects.push(subject);
    if (name !== "holdfast") continue;
    for (const path of modulePaths) {
      const modulePath = resolve(path);
      const build = basename(dirname(modulePath));
      subjects.push({ ...subject, id: `${name}@${build}`, title: `${title} @${build}`, modulePath });
    }
  }
  return subjects;
}

/**
 * Runs a measurement; one that cannot be made is noted with its reason and does not stop the others.
 *
 * @param title What is measured.
 * @param skipped Where the reason is noted.
 * @param run The measurement.
 */
export async function measured(title: string, skipped: string[], run: () => Promise<void>): Promise<void> {
  console.error(title);
  try {
    await run();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const reason = (message.split("\n")[0] ?? "").replaceAll(/(?: |^)\/\S+\/holdfast-device-\w+\/\S+/g, "");
    skipped.push(`${title}: ${reason}`);
    console.error(`  skipped: ${reason}`);
  }
}

/**
 * Runs a program that mounts devices and starts processes, and removes them however it ends.
 *
 * @param main The program.
 */
export async function endCleanly(main: () => Promise<void>): Promise<void> {
  process.once("exit", removeAll);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => process.exit(signal === "SIGINT" ? 130 : 143));
  }
  try {
    await main();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  } finally {
    removeAll();
  }
}

function removeAll(): void {
  killContenders();
  closeDevices();
}
