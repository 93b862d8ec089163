/**
 * Where a soak writes: an ext4 image on a device of its own, whose power can be cut, or a plain directory.
 *
 * @module
 */

import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { countsBetween, type DeviceCounts, LoopDevice } from "./device.ts";

const ballast = "ballast";
const mebibyte = 1024 * 1024;

/** The ground. */
export class SoakGround {
  /** The store. */
  readonly directory: string;
  readonly #root: string;
  readonly #device: LoopDevice | null;

  /**
   * Makes it.
   *
   * @param imageBytes The image's size; null: a plain directory.
   * @param scratch Where it is made.
   */
  constructor(imageBytes: number | null, scratch: string | undefined) {
    this.#device = imageBytes === null ? null : LoopDevice.create("ext4", imageBytes, scratch);
    this.#root = this.#device?.mountPoint ?? mkdtempSync(join(scratch ?? tmpdir(), "holdfast-soak-"));
    this.directory = join(this.#root, "sessions");
    mkdirSync(this.directory);
    this.#device?.settle();
  }

  /** Whether it has a device: its power can be cut, and it can be full. */
  get hasDevice(): boolean {
    return this.#device !== null;
  }

  /** What the device has been asked for. */
  counts(): DeviceCounts {
    return this.#device?.counts() ?? { bytes: 0, requests: 0, flushes: 0 };
  }

  /** What the device has been asked for since. */
  since(before: DeviceCounts): DeviceCounts {
    return countsBetween(before, this.counts());
  }

  /** Nothing more reaches the device. */
  cutPower(): void {
    this.#device?.cutPower();
  }

  /** The power comes back, or the board starts again in peace. */
  start(): void {
    this.#device?.remount();
  }

  /** Takes all space that is left. */
  fill(): void {
    if (this.#device === null) return;
    const file = openSync(join(this.#root, ballast), "w");
    for (const size of [mebibyte, 4096]) {
      try {
        for (const bytes = new Uint8Array(size);;) writeSync(file, bytes);
      } catch {
        // Full, as far as pieces of that size go.
      }
    }
    closeSync(file);
    this.#device.settle();
  }

  /** Gives it back. */
  clear(): void {
    rmSync(join(this.#root, ballast), { force: true });
  }

  /** Removes everything. */
  close(): void {
    if (this.#device === null) rmSync(this.#root, { recursive: true, force: true });
    else this.#device.close();
  }
}
