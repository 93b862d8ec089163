/**
 * SHA-256 (FIPS 180-4), as `node:crypto` has it.
 *
 * A short-lived program that needs the hash of one key should not wait for `node:crypto` to be loaded. So
 * it is worked out here until {@linkcode loadFastHash} has been asked for the runtime's own, which whoever hashes
 * much does.
 *
 * @module
 */

/** Bytes that are worked on at a time. */
const blockBytes = 64;
/** The message's length in bits, at its end. */
const lengthBytes = 8;

let fast: ((bytes: Uint8Array) => string) | undefined;
let loading: Promise<void> | undefined;
let constants: { rounds: Int32Array; start: Int32Array } | undefined;

/**
 * The hash of bytes.
 *
 * @param bytes The bytes.
 * @returns 64 lower-case hexadecimal digits.
 */
export function sha256(bytes: Uint8Array): string {
  return fast === undefined ? sha256ByItself(bytes) : fast(bytes);
}

/**
 * Makes the runtime's own function available to {@linkcode sha256}; for whoever is about to hash many bytes.
 */
export async function loadFastHash(): Promise<void> {
  if (fast !== undefined) return;
  loading ??= import("node:crypto").then(({ createHash }) => {
    fast = (bytes) => createHash("sha256").update(bytes).digest("hex");
  });
  await loading;
}

/**
 * {@linkcode sha256} without the runtime's function, whatever was loaded.
 *
 * @param bytes The bytes.
 * @returns 64 lower-case hexadecimal digits.
 */
export function sha256ByItself(bytes: Uint8Array): string {
  constants ??= rootConstants();
  const { rounds, start } = constants;
  const state = start.slice();
  const whole = bytes.length - bytes.length % blockBytes;
  const message = new DataView(bytes.buffer, bytes.byteOffset, whole);
  for (let offset = 0; offset < whole; offset += blockBytes) addBlock(state, rounds, message, offset);
  const tail = paddedTail(bytes, whole);
  for (let offset = 0; offset < tail.byteLength; offset += blockBytes) addBlock(state, rounds, tail, offset);
  return Array.from(state, (word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}

/** What is left behind the last whole block, a one bit, zeros, and the length in bits. */
function paddedTail(bytes: Uint8Array, from: number): DataView {
  const rest = bytes.length - from;
  const length = rest + 1 + lengthBytes <= blockBytes ? blockBytes : 2 * blockBytes;
  const padded = new Uint8Array(length);
  padded.set(bytes.subarray(from));
  padded[rest] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(length - 8, Math.floor(bytes.length / 0x2000_0000));
  view.setUint32(length - 4, bytes.length << 3);
  return view;
}

const schedule = new Int32Array(64);

function addBlock(state: Int32Array, rounds: Int32Array, message: DataView, offset: number): void {
  for (let at = 0; at < 64; at++) {
    if (at < 16) {
      schedule[at] = message.getInt32(offset + 4 * at);
      continue;
    }
    const [early, late] = [word(schedule, at - 15), word(schedule, at - 2)];
    const earlySum = rotated(early, 7) ^ rotated(early, 18) ^ early >>> 3;
    const lateSum = rotated(late, 17) ^ rotated(late, 19) ^ late >>> 10;
    schedule[at] = word(schedule, at - 16) + earlySum + word(schedule, at - 7) + lateSum | 0;
  }
  // The eight working variables move one place a round: `at` in front of them is where the first one is.
  const working = new Int32Array(64 + 8);
  working.set(state, 64);
  for (let round = 0; round < 64; round++) {
    const at = 64 - round;
    const [a, b, c] = [word(working, at), word(working, at + 1), word(working, at + 2)];
    const [e, f, g] = [word(working, at + 4), word(working, at + 5), word(working, at + 6)];
    const choice = e & f ^ ~e & g;
    const eSum = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25);
    const first = word(working, at + 7) + eSum + choice + word(rounds, round) + word(schedule, round) | 0;
    const majority = a & b ^ a & c ^ b & c;
    const aSum = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22);
    working[at + 3] = word(working, at + 3) + first | 0;
    working[at - 1] = first + aSum + majority | 0;
  }
  for (let at = 0; at < 8; at++) state[at] = word(state, at) + word(working, at) | 0;
}

function word(words: Int32Array, at: number): number {
  return words[at] ?? 0;
}

function rotated(value: number, bits: number): number {
  return value >>> bits | value << 32 - bits;
}

/** 32 bits behind the point of the roots of the first primes: cube roots for rounds, square roots to start. */
function rootConstants(): { rounds: Int32Array; start: Int32Array } {
  const primes: number[] = [];
  for (let candidate = 2; primes.length < 64; candidate++) {
    if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate);
  }
  const fractionBits = (root: number): number => (root - Math.floor(root)) * 0x1_0000_0000 | 0;
  return {
    rounds: Int32Array.from(primes, (prime) => fractionBits(Math.cbrt(prime))),
    start: Int32Array.from(primes.slice(0, 8), (prime) => fractionBits(Math.sqrt(prime))),
  };
}
