/**
 * Work on a simulated machine never waits for anything, and so never ends a turn of the event loop; what a weak
 * reference was asked for stays in memory until one does.
 *
 * @module
 */

/**
 * Ends the turn: what nobody needs can be collected, and others get theirs.
 *
 * @returns Resolves in the next turn.
 */
export async function endTurn(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
}
