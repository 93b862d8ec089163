/**
 * How long a card lasts: the wear that messages cause against what its cells stand.
 *
 * @module
 */

import { formatCount } from "./terminal_text.ts";

/** What is assumed of the card and of its use. */
export interface LifeAssumptions {
  /** Records that are written on a day. */
  readonly messagesPerDay: number;
  /** The card's capacity in bytes; wear is levelled over all of it. */
  readonly capacityBytes: number;
  /** How often each cell can be erased and programmed. */
  readonly enduranceCycles: number;
  /** How many bytes the card's controller programs for each that it is given. */
  readonly controllerFactor: number;
}

/** What comes out. */
export interface LifeExpectancy {
  /** Bytes that the device is given on a day. */
  deviceBytesPerDay: number;
  /** Years until the cells are worn out, if nothing else is written. */
  years: number;
}

/** The formula, as it is printed. */
export const lifeFormula =
  "years = capacity x endurance / (messages a day x device bytes a message x controller x 365)";

/**
 * How long a card lasts.
 *
 * @param assumptions Of the card and its use.
 * @param deviceBytesPerMessage Bytes that the device is given for each message.
 * @returns The expectancy; infinite if nothing is written.
 */
export function lifeExpectancy(assumptions: LifeAssumptions, deviceBytesPerMessage: number): LifeExpectancy {
  const { messagesPerDay, capacityBytes, enduranceCycles, controllerFactor } = assumptions;
  const deviceBytesPerDay = messagesPerDay * deviceBytesPerMessage;
  return {
    deviceBytesPerDay,
    years: capacityBytes * enduranceCycles / (deviceBytesPerDay * controllerFactor * 365),
  };
}

/**
 * Reads a capacity: `8GB`, `29.7 GiB`, `512M`, or bytes. `K M G T` and `KB MB GB TB` are powers of 1,000, as on the
 * label of a card; `KiB MiB GiB TiB` are powers of 1,024.
 *
 * @param text What was typed.
 * @returns Bytes, null if it is no capacity.
 */
export function parseCapacity(text: string): number | null {
  const match = /^([0-9]+(?:\.[0-9]+)?)\s*(?:([kmgt])(i?)b?|b)?$/i.exec(text.trim());
  if (match === null) return null;
  const [, digits = "", letter = "", binary = ""] = match;
  const power = letter === "" ? 0 : "kmgt".indexOf(letter.toLowerCase()) + 1;
  const bytes = Math.round(Number(digits) * (binary === "" ? 1000 : 1024) ** power);
  return bytes >= 1 && Number.isSafeInteger(bytes) ? bytes : null;
}

/**
 * Bytes as the label of a card has them: powers of 1,000.
 *
 * @param bytes How many.
 * @returns `64.0 GB`.
 */
export function formatCapacity(bytes: number): string {
  const units = ["B", "KB", "MB", "GB", "TB", "PB"];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(bytes, 1)) / 3)));
  const value = bytes / 1000 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
}

/**
 * Years for people: `3.3 years`, `67 years`, `1,234 years`; below one in days.
 *
 * @param years How many.
 * @returns The text.
 */
export function formatYears(years: number): string {
  if (!Number.isFinite(years)) return "no wear";
  if (years < 1) return `${(years * 365).toFixed(0)} days`;
  if (years >= 10_000) return "over 10,000 years";
  return `${years < 10 ? years.toFixed(1) : formatCount(Math.round(years))} years`;
}
