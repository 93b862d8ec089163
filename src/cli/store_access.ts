/**
 * Opens the store that a command works on.
 *
 * @module
 */

import {
  defaultDataDirectory,
  HoldfastError,
  openStore,
  type Session,
  type SessionStore,
  type StoreEvent,
  type StoreOptions,
} from "../../mod.ts";
import { type CommandContext, Interruption, type ProgramContext, UsageError } from "./command.ts";
import { painterFor, visibleLine } from "./terminal_text.ts";

/**
 * The store's directory: `--dir`, else `$HOLDFAST_DIR`, else `$XDG_DATA_HOME/holdfast`, else `~/.local/share/holdfast`.
 *
 * @param context For the option and the environment.
 * @returns The path.
 * @throws {UsageError} If none of them is set.
 */
export function storeDirectory(context: CommandContext): string {
  const directory = context.parsed.text("dir") ?? defaultDataDirectory(context.environment);
  if (directory !== null) return directory;
  throw new UsageError("There is no directory for the store", "Give one: --dir DIR, or set HOLDFAST_DIR");
}

/**
 * Opens the store for one command and closes it afterwards, whatever happens, so that locks are given back.
 *
 * @param context The command's.
 * @param options Reading commands give `readOnly`.
 * @param use What the command does.
 * @returns What `use` returned.
 */
export async function withStore<T>(
  context: CommandContext,
  options: StoreOptions,
  use: (store: SessionStore) => Promise<T>,
): Promise<T> {
  const store = await openStore(storeDirectory(context), {
    onEvent: (event) => void reportEvent(context, event),
    ...options,
  });
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

/**
 * Gets a session that must be there.
 *
 * @param store The store.
 * @param key The session's key.
 * @returns The session.
 * @throws {HoldfastError} `not-found` if there is none of that key.
 */
export async function existingSession(store: SessionStore, key: string): Promise<Session> {
  if (!await store.has(key)) {
    throw new HoldfastError("not-found", `There is no session ${JSON.stringify(key)} in ${store.directory}`);
  }
  return await store.session(key);
}

/**
 * Stops a command that was interrupted, between two steps.
 *
 * @param context For the signal.
 * @throws {Interruption} If SIGINT or SIGTERM came.
 */
export function throwIfInterrupted(context: ProgramContext): void {
  if (!context.signal.aborted) return;
  throw context.signal.reason instanceof Interruption ? context.signal.reason : new Interruption("SIGINT");
}

/**
 * Writes one value of the machine-readable output.
 *
 * @param context For stdout.
 * @param value Anything that JSON can hold.
 */
export async function writeJson(context: ProgramContext, value: unknown): Promise<void> {
  await context.stdout.write(JSON.stringify(value) + "\n");
}

/**
 * Writes a warning to stderr.
 *
 * @param context For stderr.
 * @param message One sentence.
 */
export async function warn(context: ProgramContext, message: string): Promise<void> {
  const paint = painterFor(context.stderr, context.environment);
  await context.stderr.write(`${paint("holdfast:", "yellow")} ${visibleLine(message)}\n`);
}

/**
 * What the store did by itself is never silent: a torn tail repaired, a damaged line skipped, a meta rebuilt.
 *
 * @param context For stderr.
 * @param event What happened.
 */
export async function reportEvent(context: CommandContext, event: StoreEvent): Promise<void> {
  const offset = event.offset === undefined ? "" : `, offset ${event.offset}`;
  const where = event.message.includes(event.path) ? "" : ` (${event.path}${offset})`;
  await warn(context, `${event.type}: ${event.message}${where}`);
}
