/**
 * The operations that come from outside of a running store: its end, other programs, power cuts.
 *
 * @module
 */

import { systemErrorCode } from "../errors.ts";
import type { Experiment } from "./experiment.ts";
import { Follower } from "./follower.ts";
import { nextSequence } from "./model.ts";
import { readBytes, readText } from "./observation.ts";
import type { Operation } from "./operations.ts";
import { appendForeignLine, writeLegacySession } from "./picoclaw_writer.ts";
import { appendEffect } from "./session_changes.ts";
import { filesOf, sessionKeys, storeDirectory } from "./subject.ts";
import { Violation } from "./violation.ts";
import { factNames, withPicoclawsFacts } from "./watched_facts.ts";

/** The store is closed and opened again. */
export async function reopen(experiment: Experiment): Promise<void> {
  await experiment.endFollowers();
  await experiment.close();
  await experiment.recover("nothing");
}

/** The program is killed at rest; another one goes on. */
export async function kill(experiment: Experiment): Promise<void> {
  await experiment.endFollowers();
  experiment.moveTo(experiment.fileSystem.kill());
  await experiment.recover("kill");
}

/** The power goes, and comes back. */
export async function powerCut(experiment: Experiment, operation: Operation): Promise<void> {
  await experiment.endFollowers();
  experiment.moveTo(experiment.fileSystem.crash(operation.choices));
  await experiment.recover("power");
}

/** Another process appends: refused, if the session is being written. */
export async function secondProcess(experiment: Experiment, { session }: Operation): Promise<void> {
  const isHeld = await experiment.holds(session);
  // Without a meta file the other one would wait, by the real clock, for it to say whose the name is.
  if (isHeld && await readText(experiment.fileSystem, filesOf(session).meta) === null) return;
  const other = await experiment.openAnother(false);
  try {
    const target = await other.session(sessionKeys[session] ?? "");
    if (isHeld) {
      const code = await target.appendText(`{"role":"user","content":"0 refused"}`).then(() => "none", systemErrorCode);
      if (code !== "locked") throw new Violation("I15", `A second writer was not refused, but ended with ${code}`);
      return;
    }
    const [text = ""] = await experiment.texts(session, ["small"]);
    await experiment.change(session, [appendEffect([text])], true, () => target.appendText(text));
  } finally {
    await other.close();
  }
}

/** Another process reads without a lock. */
export async function read(experiment: Experiment): Promise<void> {
  await experiment.readOnly();
}

/** Another process follows from now on. */
export async function follow(experiment: Experiment, { session }: Operation): Promise<void> {
  const other = await experiment.openAnother(true);
  const target = await other.session(sessionKeys[session] ?? "");
  const knows = (text: string): boolean => /"content":"\d+ /.test(text);
  experiment.followers.push(new Follower(target, knows, () => other.close()));
}

/** Picoclaw appends a message, by its own rules; also to its meta file, if nobody has the session open. */
export async function foreignAppend(experiment: Experiment, operation: Operation): Promise<void> {
  const { session } = operation;
  const { latest } = experiment.model(session);
  if (latest.log.length === 0) return;
  const [text = ""] = await experiment.texts(session, operation.sizes ?? ["small"]);
  experiment.withForeign = true;
  const withMeta = !await experiment.holds(session);
  const effects = [{ ...appendEffect([text]), foreign: true }];
  if (withMeta && factNames(latest.facts).length > 0) {
    effects.push({ words: "picoclaw drops what it does not know", apply: withPicoclawsFacts, foreign: true });
  }
  const other = experiment.fileSystem.anotherProcess();
  await experiment.change(session, effects, true, () => appendForeignLine(other, session, text, withMeta));
}

/** What picoclaw has appended before anything recovered. */
export interface ForeignMessage {
  /** The message. */
  readonly text: string;
  /** Whether it stands behind a fragment without an end, on the same line. */
  readonly isGlued: boolean;
}

/**
 * Picoclaw comes first after a power cut, and appends a message to every session that has a log; of what was pending
 * nobody knows yet what survived.
 *
 * @param experiment Nothing is open in it.
 * @returns The messages, by session.
 */
export async function appendBeforeRecovery(experiment: Experiment): Promise<Map<number, ForeignMessage>> {
  const messages = new Map<number, ForeignMessage>();
  for (const session of experiment.touched) {
    const log = await readBytes(experiment.fileSystem, filesOf(session).log);
    if (log === null) continue;
    // LF and NUL end a line.
    const isGlued = log.length > 0 && log.at(-1) !== 0x0a && log.at(-1) !== 0x00;
    const [text = ""] = await experiment.texts(session, ["small"]);
    experiment.withForeign = true;
    const effects = [{ ...appendEffect([text]), foreign: true }];
    const other = experiment.fileSystem.anotherProcess();
    // Without the meta file: what picoclaw makes of that belongs to the operation of its own.
    await experiment.change(session, effects, false, () => appendForeignLine(other, session, text, false));
    messages.set(session, { text, isGlued });
  }
  return messages;
}

/** An old session of picoclaw's lies there when the store is opened next. */
export async function migrate(experiment: Experiment, { session }: Operation): Promise<void> {
  const { latest } = experiment.model(session);
  if (nextSequence(latest) > 0 || latest.summary !== "" || factNames(latest.facts).length > 0) return;
  await experiment.endFollowers();
  await experiment.close();
  const texts = await experiment.texts(session, ["small", "small"]);
  const summary = `summary ${experiment.label()}`;
  const { fileSystem } = experiment;
  const hook = fileSystem.onStep;
  // That picoclaw has finished writing is where the story begins.
  fileSystem.onStep = undefined;
  await writeLegacySession(fileSystem.anotherProcess(), storeDirectory, sessionKeys[session] ?? "", texts, summary);
  fileSystem.onStep = hook;
  const effects = [
    { words: "migrate the summary", apply: appendNothing(summary), completed: true },
    { ...appendEffect(texts), words: "migrate the records", completed: true },
  ];
  await experiment.change(session, effects, true, async () => await experiment.store());
  await experiment.recover("nothing");
}

function appendNothing(summary: string): ReturnType<typeof appendEffect>["apply"] {
  return (state) => ({ ...state, summary });
}
