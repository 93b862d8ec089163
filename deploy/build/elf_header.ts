/**
 * What kind of file a compiler has made, from the file's first bytes: a base binary for another machine makes a file
 * that looks well until it is started there.
 *
 * @module
 */

/** Machines that Linux files are built for. */
export type ElfMachine = "x86-64" | "aarch64";

const headerBytes = 20;
const machineOffset = 18;
const machineNames: ReadonlyMap<number, ElfMachine> = new Map([[0x3e, "x86-64"], [0xb7, "aarch64"]]);

/**
 * What a file for Linux has to be.
 *
 * @param machine For which machine.
 * @returns It, as {@linkcode fileKindOf} says it.
 */
export function elfKindFor(machine: ElfMachine): string {
  return `an ELF file for ${machine}`;
}

/**
 * Says what kind of file it is.
 *
 * @param stream The file's bytes, in any pieces; no more are read than are needed.
 * @returns The kind, in words that fit behind "is".
 */
export async function fileKindOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const header: number[] = [];
  for await (const bytes of stream) {
    header.push(...bytes.subarray(0, headerBytes - header.length));
    if (header.length === headerBytes) break;
  }
  const isElf = [0x7f, 0x45, 0x4c, 0x46].every((byte, index) => header[index] === byte);
  const low = header[machineOffset];
  const high = header[machineOffset + 1];
  if (!isElf || low === undefined || high === undefined) return "no ELF file";
  const number = low | high << 8;
  const machine = machineNames.get(number);
  return machine === undefined ? `an ELF file for machine 0x${number.toString(16)}` : elfKindFor(machine);
}
