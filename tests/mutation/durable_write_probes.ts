/**
 * Probes of durable writes into fill: what stands in front of them, how they fail, and what somebody else does meanwhile.
 *
 * @module
 */

import type { Session } from "../../mod.ts";
import { type Fault, FaultyFileSystem, SimulatedFileSystem } from "../../src/testing/mod.ts";
import { appendBytes, contentsOf, directory, eachCut, logPath, message, must, withStore } from "./cut_probe.ts";
import { type Hunt, probe } from "./hunts.ts";
import type { OpenStore } from "./mutant_source.ts";

/** Opens a session whose log has fill, with everything durable; then a call can fail. */
async function withFill(
  open: OpenStore,
  machine: SimulatedFileSystem,
  fault: Fault,
  use: (session: Session) => Promise<void>,
): Promise<void> {
  let isArmed = false;
  const port = new FaultyFileSystem(machine, {
    failAt: 1,
    fault,
    filter: ({ method, path }) => isArmed && path === logPath && (method === "write" || method === "syncData"),
  });
  const store = await open(directory, { fileSystem: port });
  const session = await store.session("chat");
  for (const content of ["0", "1"]) await session.append(message(content));
  isArmed = true;
  await use(session);
  must("error", port.fired.length === 1, "no call has failed");
  await store.close().catch(() => undefined);
}

/** A buffered record in other pages than the durable one behind it (I4). */
async function behindBuffered(open: OpenStore): Promise<void> {
  const text = (digit: string, length: number): string => digit.repeat(length);
  await eachCut(open, {
    work: async (machine, acknowledge) => {
      const store = await open(directory, { fileSystem: machine });
      const session = await store.session("chat");
      for (const digit of ["0", "1"]) await session.append(message(text(digit, 5000)));
      await session.append(message(text("2", 3000)), { durability: "buffered" });
      await session.append(message(text("3", 3000)));
      acknowledge("all");
    },
    check: async (machine, acknowledged) => {
      const found = (await withStore(open, machine, contentsOf)).map((content) => content[0]).join("");
      must("I4", "0123".startsWith(found), `Of four records there are ${found}`);
      must("I1", !acknowledged.has("all") || found === "0123", `Of four records that were acknowledged, ${found}`);
    },
  });
}

/** Whatever failed, what is durable is unknown: nothing is acknowledged any more (I13). */
async function failed(open: OpenStore): Promise<void> {
  await withFill(open, new SimulatedFileSystem({ model: "weak" }), { kind: "sync", mode: "kept" }, async (session) => {
    const outcome = (appended: Promise<unknown>): Promise<boolean> => appended.then(() => true, () => false);
    must("I13", !await outcome(session.append(message("2"))), "An append whose sync has failed was acknowledged");
    must("I13", !await outcome(session.append(message("3"))), "After a failed sync an append was acknowledged");
  });
}

/** A write may take a part of its bytes only (I1). */
async function short(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem({ model: "weak" });
  await withFill(open, machine, { kind: "short-write", bytes: 7 }, async (session) => {
    await session.append(message("2"));
    await withStore(open, machine.clone().crash(), async (left) => {
      const found = (await contentsOf(left)).join();
      must("I1", found === "0,1,2", `Of three records that were acknowledged, ${found}`);
    });
  });
}

/** Somebody appends behind the fill (A5). */
async function foreign(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem({ model: "weak" });
  await withStore(open, machine, async (store) => {
    const session = await store.session("chat");
    for (const content of ["0", "1"]) await session.append(message(content));
    await appendBytes(machine, '{"role":"user","content":"theirs"}\n');
    await session.append(message("2"));
  });
  const found = (await withStore(open, machine, contentsOf)).join();
  must("A5", found === "0,1,theirs,2", `Somebody's record is not in its place: ${found}`);
}

/** Somebody takes the log away (H15). */
async function takenAway(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem({ model: "weak" });
  const store = await open(directory, { fileSystem: machine });
  const session = await store.session("chat");
  for (const content of ["0", "1"]) await session.append(message(content));
  await machine.rename(logPath, `${directory}/elsewhere`);
  const isAcknowledged = await session.append(message("2")).then(() => true, () => false);
  must("H15", !isAcknowledged, "A record was acknowledged that the session's name does not lead to");
}

/** All of them. */
export const durableWriteProbes = {
  behindBuffered: probe("append buffered, then durable, in several pages", behindBuffered),
  failed: probe("a durable write fails", failed),
  short: probe("a durable write takes some of its bytes", short),
  foreign: probe("picoclaw appends behind the fill", foreign),
  takenAway: probe("the log is taken away", takenAway),
} as const satisfies Record<string, Hunt>;
