/**
 * What a durable append costs the device under each mount option that people recommend: bytes and flushes, as the
 * device counts them.
 *
 *     mount_options.ts [--records 200] [--bytes 1024] [--scratch DIRECTORY] [--json]
 *
 * Needs root: it mounts images by loop. Options that take away flushes are measured to show what they take away; see
 * deploy/README.md.
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { openStore } from "../mod.ts";
import { tableText } from "./bench_report.ts";
import { closeDevices, countsBetween, type FileSystemName, LoopDevice } from "./device.ts";

/** What one way to mount costs. */
interface MountCost {
  fileSystem: FileSystemName;
  options: string;
  /** For each append. */
  kibibytes: number;
  flushes: number;
  /** Why it could not be measured. */
  failure: string | null;
}

const variants: readonly [FileSystemName, string][] = [
  ["ext4", "relatime"],
  ["ext4", "noatime"],
  ["ext4", "noatime,commit=60"],
  ["ext4", "noatime,data=journal"],
  ["ext4", "noatime,data=writeback"],
  ["ext4", "noatime,nobarrier"],
  ["f2fs", "noatime"],
  ["f2fs", "noatime,fsync_mode=strict"],
  ["f2fs", "noatime,fsync_mode=nobarrier"],
];
const imageBytes = 256 * 1024 * 1024;

const { values } = parseArgs({
  options: {
    records: { type: "string", default: "200" },
    bytes: { type: "string", default: "1024" },
    scratch: { type: "string" },
    json: { type: "boolean", default: false },
  },
});

async function measure(fileSystem: FileSystemName, options: string): Promise<MountCost> {
  const failed = (failure: string): MountCost => ({ fileSystem, options, kibibytes: NaN, flushes: NaN, failure });
  let device: LoopDevice;
  try {
    device = LoopDevice.create(fileSystem, imageBytes, values.scratch, options);
  } catch (error) {
    return failed(error instanceof Error ? error.message : String(error));
  }
  try {
    const count = Number(values.records);
    const record = { content: "x".repeat(Math.max(0, Number(values.bytes) - 14)) };
    await using store = await openStore(join(device.mountPoint, "sessions"));
    const session = await store.session("k");
    // The first one makes the files, and the fill that the others go into.
    await session.append(record);
    device.settle();
    const before = device.counts();
    for (let number = 0; number < count; number++) await session.append(record);
    const { bytes, flushes } = countsBetween(before, device.counts());
    return { fileSystem, options, kibibytes: bytes / count / 1024, flushes: flushes / count, failure: null };
  } finally {
    device.close();
  }
}

function report(costs: readonly MountCost[]): string {
  const rows = costs.filter(({ failure }) => failure === null).map(({ fileSystem, options, kibibytes, flushes }) => {
    return [`${fileSystem} ${options}`, kibibytes.toFixed(1), flushes.toFixed(2)];
  });
  const missing = costs.filter(({ failure }) => failure !== null).map(({ fileSystem, options, failure }) => {
    return `not measured: ${fileSystem} ${options}: ${failure?.split("\n")[0]}\n`;
  });
  return tableText(["mounted with", "KiB per append", "flushes per append"], rows) + missing.join("");
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    closeDevices();
    process.exit(130);
  });
}
if (process.getuid?.() !== 0) {
  console.error("Counting what reaches the device takes root: it mounts images by loop. Run it with sudo.");
  process.exit(1);
}
const costs: MountCost[] = [];
for (const [fileSystem, options] of variants) costs.push(await measure(fileSystem, options));
const kernel = spawnSync("uname", ["-r"], { encoding: "utf8" }).stdout.trim();
if (values.json) { for (const cost of costs) console.log(JSON.stringify({ ...cost, kernel })); }
else {console.log(
    `${report(costs)}\nLinux ${kernel}, ${values.records} appends of ${values.bytes} bytes, one at a time`,
  );}
