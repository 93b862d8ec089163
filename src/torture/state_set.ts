/**
 * A set of many millions of numbers.
 *
 * @module
 */

/** Integers from 1 below 2^53, in an open hash table: eight bytes for each, and room to grow. */
export class StateSet {
  #slots = new Float64Array(1 << 12);
  #size = 0;

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  /**
   * Adds a number.
   *
   * @param value The number; 0 counts as 1.
   * @returns Whether it was new.
   */
  add(value: number): boolean {
    if (this.#size * 2 > this.#slots.length) this.#grow();
    const added = insert(this.#slots, value === 0 ? 1 : value);
    if (added) this.#size++;
    return added;
  }

  /**
   * Whether a number is there.
   *
   * @param value The number.
   * @returns True if it was added.
   */
  has(value: number): boolean {
    return isIn(this.#slots, value === 0 ? 1 : value);
  }

  #grow(): void {
    const slots = new Float64Array(this.#slots.length * 2);
    for (const value of this.#slots) if (value !== 0) insert(slots, value);
    this.#slots = slots;
  }
}

function isIn(slots: Float64Array, value: number): boolean {
  const mask = slots.length - 1;
  let index = (value ^ (value / 0x1_0000_0000)) & mask;
  for (let found = slots[index]; found !== 0; found = slots[index]) {
    if (found === value) return true;
    index = (index + 1) & mask;
  }
  return false;
}

function insert(slots: Float64Array, value: number): boolean {
  const mask = slots.length - 1;
  let index = (value ^ (value / 0x1_0000_0000)) & mask;
  for (let found = slots[index]; found !== 0; found = slots[index]) {
    if (found === value) return false;
    index = (index + 1) & mask;
  }
  slots[index] = value;
  return true;
}
