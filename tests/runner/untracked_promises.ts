/**
 * Loaded before the suite on Node. The test runner follows each promise from its making to its collection, to say in
 * which test an error that nobody caught was thrown. The laboratory makes hundreds of millions of them, and most of its
 * time went into that. Without it such an error still fails the file that it came from.
 *
 * @module
 */

import { createHook } from "node:async_hooks";

const prototype: unknown = Object.getPrototypeOf(createHook({}));

if (typeof prototype === "object" && prototype !== null && "enable" in prototype) {
  const { enable } = prototype;
  if (typeof enable === "function") {
    prototype.enable = function (this: object): unknown {
      return wantsDestroy(this) ? this : Reflect.apply(enable, this, []);
    };
  }
}

/** Only the runner's hook has one; what `AsyncLocalStorage` needs has none. */
function wantsDestroy(hook: object): boolean {
  const symbol = Object.getOwnPropertySymbols(hook).find(({ description }) => description === "destroy");
  return symbol !== undefined && typeof Reflect.get(hook, symbol) === "function";
}
