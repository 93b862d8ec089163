/**
 * Something that does what another thing does, but for some of its members.
 *
 * @module
 */

/**
 * Puts members in front of an object's own. What is not replaced is the object's, private parts included.
 *
 * @param original The object.
 * @param members What it has instead.
 * @returns The object, seen so.
 */
export function replacing<T extends object>(original: T, members: Partial<T>): T {
  return new Proxy(original, {
    get: (target, name) => {
      if (Object.hasOwn(members, name)) return Reflect.get(members, name);
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
