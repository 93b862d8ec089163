/**
 * What the laboratory's operations do not reach: bytes on the seam of sectors, picoclaw after a power cut, the
 * quarantine, what picoclaw sees, limits.
 *
 * @module
 */

import { systemErrorCode } from "../../src/errors.ts";
import { batchBytesMax, lineBytesMax, unsyncedBytesMax } from "../../src/log/record_format.ts";
import { crashStates, FaultyFileSystem, SimulatedFileSystem } from "../../src/testing/mod.ts";
import {
  appendBytes,
  bytesOf,
  contentsOf,
  directory,
  eachCut,
  logPath,
  message,
  metaPath,
  must,
  quarantineOf,
  textOfLine,
  withStore,
} from "./cut_probe.ts";
import { type Hunt, probe } from "./hunts.ts";
import type { OpenStore } from "./mutant_source.ts";

const textDecoder = new TextDecoder();

/** A write that fails leaves nothing: not in the file, and not after a power cut (I14, C7). */
async function rejectedWrite(open: OpenStore, preallocate: boolean, bytes: number | "all"): Promise<void> {
  const machine = new SimulatedFileSystem({ model: "weak" });
  let isArmed = false;
  const port = new FaultyFileSystem(machine, {
    failAt: 1,
    fault: bytes === "all"
      ? { kind: "error", code: "ENOSPC", done: true }
      : { kind: "short-write", bytes, code: "ENOSPC" },
    filter: ({ method, path }) => isArmed && method === "write" && path === logPath,
  });
  await withStore(open, port, async (store) => {
    const session = await store.session("chat");
    for (const content of ["0", "1", "2"]) await session.append(message(content));
    const before = textDecoder.decode(await bytesOf(machine, logPath)).trimEnd();
    isArmed = true;
    const code = await session.append(message("rejected".repeat(80))).then(() => "none", systemErrorCode);
    isArmed = false;
    must("I14", code === "disk-full", `The append was not refused, but ended with ${code}`);
    const after = textDecoder.decode(await bytesOf(machine, logPath)).trimEnd();
    must("I14", after === before, `A rejected append left ${JSON.stringify(after.slice(before.length, 500))}`);
    for (const { choices } of crashStates(machine)) {
      await withStore(open, machine.clone().crash(choices), async (recovered) => {
        const found = await contentsOf(recovered);
        must("I14", found.join() === "0,1,2", `After a rejected append and a power cut: ${found.join().slice(0, 200)}`);
      });
    }
  }, { preallocate });
}

/** A line whose LF is the first byte of a sector, or of a page. */
async function seam(open: OpenStore, lineBytes: number): Promise<void> {
  await eachCut(open, {
    work: async (machine, acknowledge) => {
      await withStore(open, machine, async (store) => {
        await (await store.session("chat")).appendText(textOfLine("a", lineBytes));
        acknowledge("a");
      });
    },
    check: async (machine, acknowledged) => {
      await withStore(open, machine, async (store) => await (await store.session("chat")).append(message("b")));
      const found = await withStore(open, machine, contentsOf);
      must("I1", !acknowledged.has("a") || found[0] === "a", `Shows ${found.join()}`);
      must("I1", found.at(-1) === "b", `The record behind the seam is not there: ${found.join()}`);
      for (const line of textDecoder.decode(await bytesOf(machine, logPath)).split("\n")) {
        must("I21", line === "" || isJson(line), `Not JSON: ${JSON.stringify(line.slice(0, 40))}…`);
      }
    },
  });
}

/** The middle one of a group fills a sector, and is lost without a trace. */
async function wholeSectorLost(open: OpenStore): Promise<void> {
  await eachCut(open, {
    work: async (machine) => {
      await withStore(open, machine, async (store) => {
        const session = await store.session("chat");
        const texts = [textOfLine("0", 512), textOfLine("1", 512, "~"), textOfLine("2", 512, "~")];
        await Promise.all(texts.map((text) => session.appendText(text)));
      });
    },
    check: async (machine) => {
      const found = await withStore(open, machine, contentsOf);
      must("I4", "0,1,2".startsWith(found.join()), `A record is missing in the middle: ${found.join()}`);
    },
    statesMax: 40,
  });
}

const theirs = `{"role":"user","content":"theirs"}\n`;

/** After the power cut picoclaw appends first; then we recover, and later the meta file is lost. */
async function picoclawAfterCut(open: OpenStore): Promise<void> {
  const inner = `{"role":"system","content":"${"x".repeat(512 - 30)}"}`;
  await eachCut(open, {
    prepare: async (store) => {
      await (await store.session("chat")).appendText(textOfLine("0", 512));
    },
    work: async (machine, acknowledge) => {
      await withStore(open, machine, async (store) => {
        const session = await store.session("chat");
        const crafted = `{"content":"1","y":"`.length;
        const group = [
          `{"content":"1","y":"${"y".repeat(512 - crafted - 10)}","inner":${inner},"end":"z"}`,
          `{"content":"2","y":"${"y".repeat(1200)}"}`,
          '{"content":"3"}',
        ];
        await Promise.all(group.map((text) => session.appendText(text)));
        acknowledge("group");
      }, { preallocate: false });
    },
    check: async (machine, acknowledged) => {
      const ending = (await bytesOf(machine, logPath)).at(-1);
      // On a line without an end picoclaw glues its own (W1).
      if (ending !== 0x0a && ending !== 0) return;
      await appendBytes(machine, theirs);
      await withStore(open, machine, async (store) => await (await store.session("chat")).append(message("ours")));
      const first = await withStore(open, machine, contentsOf);
      const own = acknowledged.has("group") ? ["0,1,2,3"] : ["0", "0,1", "0,1,2", "0,1,2,3"];
      must("I3", own.some((text) => `${text},theirs,ours` === first.join()), `Shows ${first.join()}`);
      await machine.unlink(metaPath);
      const second = await withStore(open, machine, contentsOf);
      must("I7", second.join() === first.join(), `Without the meta file ${second.join()} instead of ${first.join()}`);
    },
    statesMax: 60,
  });
}

/** What picoclaw appends behind the fill is a line, however long it is (H13). */
async function picoclawBehindFill(open: OpenStore): Promise<void> {
  const open512 = `{"role":"user","content":"`;
  const line = `${open512}${"p".repeat(512 - open512.length - 2)}"}\n`;
  await eachCut(open, {
    work: async (machine) => {
      await withStore(open, machine, async (store) => {
        const session = await store.session("chat");
        for (const length of [10, 20, 5000, 30]) await session.append(message("x".repeat(length)));
      });
    },
    check: async (machine) => {
      const bytes = await bytesOf(machine, logPath);
      if (bytes.length < 2 || ![0, 0x0a].includes(bytes.at(-1) ?? 1) || ![0, 0x0a].includes(bytes.at(-2) ?? 1)) return;
      await appendBytes(machine, line);
      const found = await withStore(open, machine, contentsOf);
      must("I1", found.at(-1)?.startsWith("ppp") === true, `Picoclaw's line behind a fill of ${bytes.length} is gone`);
    },
  });
}

const torn = `{"role":"user","content":"torn by a po${"w".repeat(6000)}`;

/** What is cut off was set aside before, whole and once (I11, B9). */
async function quarantine(open: OpenStore): Promise<void> {
  await eachCut(open, {
    prepare: async (store) => {
      await (await store.session("chat")).append(message("0"));
    },
    work: async (machine) => {
      const hook = machine.onStep;
      machine.onStep = undefined;
      await appendBytes(machine, torn);
      machine.onStep = hook;
      await withStore(open, machine, async (store) => await (await store.session("chat")).append(message("1")));
    },
    check: async (machine) => {
      await withStore(open, machine, async (store) => await (await store.session("chat")).append(message("2")));
      const copies = [...(await quarantineOf(machine)).values()].filter((text) => torn.startsWith(text));
      must("I11", copies.includes(torn), "The torn bytes were not set aside whole");
      must("I18", copies.length === 1, `${copies.length} copies of the torn bytes were set aside`);
    },
  });
}

/** Torn lines in front of somebody else's stay in place; a second recovery does not set them aside again. */
async function quarantineInPlace(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem({ model: "weak" });
  await withStore(open, machine, async (store) => {
    const session = await store.session("chat");
    await session.append(message("0"));
    await Promise.all([message("1"), message("2"), message("3")].map((record) => session.append(record)));
  });
  // The second line has lost its end; the third stands behind it, then picoclaw's.
  const bytes = await bytesOf(machine, logPath);
  const lines = textDecoder.decode(bytes).split("\n");
  const second = (lines[0]?.length ?? 0) + 1 + (lines[1]?.length ?? 0) + 1;
  const file = await machine.open(logPath, { access: "write" });
  await file.write(new Uint8Array(20).fill(0x0a), second + (lines[2]?.length ?? 0) - 20);
  await file.syncData();
  await file.close();
  await appendBytes(machine, theirs);
  const moments: SimulatedFileSystem[] = [];
  machine.onStep = () => moments.push(machine.clone());
  await withStore(open, machine, async (store) => await (await store.session("chat")).append(message("ours")));
  for (const moment of moments) {
    for (const { choices } of crashStates(moment, { limit: 10 })) {
      const after = moment.crash(choices);
      await withStore(open, after, async (store) => await (await store.session("chat")).append(message("again")));
      const offsets = [...(await quarantineOf(after)).keys()].map((name) => name.split("-")[1] ?? "");
      must("I18", new Set(offsets).size === offsets.length, `Set aside twice: ${offsets.join()}`);
    }
  }
}

/** A replace that a power cut has undone lends nothing to the record that gets its number (H12). */
async function undoneReplace(open: OpenStore): Promise<void> {
  await eachCut(open, {
    prepare: async (store, machine) => {
      await (await store.session("chat")).append(message("lost"));
      const file = await machine.open(logPath, { access: "write" });
      await file.truncate(0);
      await file.syncData();
      await file.close();
    },
    work: async (machine) => {
      const store = await open(directory, { fileSystem: machine });
      await (await store.session("chat")).replace([message("new")], { summary: "of the new" });
    },
    check: async (machine) => {
      await withStore(open, machine, async (store) => await (await store.session("chat")).append(message("next")));
      await withStore(open, machine, async (store) => {
        const { summary } = await store.session("chat");
        const found = (await contentsOf(store)).join();
        must("I9", found.startsWith("new") === (summary !== ""), `Shows ${found} with the summary "${summary}"`);
      });
    },
  });
}

/** A log never stands without the key that it belongs to (C11): a hashed name does not give it back. */
async function keyBeforeLog(open: OpenStore): Promise<void> {
  const key = "k".repeat(300);
  await eachCut(open, {
    work: async (machine) => {
      await withStore(open, machine, async (store) => await (await store.session(key)).append(message("0")));
    },
    check: async (machine) => {
      const names = (await machine.readDirectory(directory).catch(() => [])).map(({ name }) => name);
      if (!names.some((name) => name.endsWith(".jsonl"))) return;
      const keys = await withStore(open, machine, async (store) => {
        const found: string[] = [];
        for (const info of await store.list()) found.push(info.key);
        return found;
      }, { readOnly: true });
      must("I12", keys.join() === key, `A log whose key is lost: listed as ${keys.join().slice(0, 60)}`);
    },
  });
}

/** Picoclaw goes by `skip` alone: through a compaction it must see at least what is active (I9). */
async function picoclawSeesCompaction(open: OpenStore): Promise<void> {
  await eachCut(open, {
    prepare: async (store) => {
      const session = await store.session("chat");
      for (const content of ["0", "1", "2", "3"]) await session.append(message(content));
      await session.truncate(2);
    },
    work: async (machine) => {
      await withStore(open, machine, async (store) => {
        await (await store.session("chat")).compact();
      });
    },
    check: async (machine) => {
      const meta: unknown = JSON.parse(textDecoder.decode(await bytesOf(machine, metaPath)));
      const skip = typeof meta === "object" && meta !== null && "skip" in meta ? Number(meta.skip) : 0;
      const lines = textDecoder.decode(await bytesOf(machine, logPath)).split("\n").filter((line) => line !== "");
      const seen = lines.slice(skip).map((line) => String(JSON.parse(line)["content"])).join();
      must("I9", seen.endsWith("2,3"), `Picoclaw sees ${seen || "nothing"}; 2,3 are active`);
    },
  });
}

/** What a rewrite leaves out is set aside (I11). */
async function damagedLine(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem();
  await withStore(open, machine, async (store) => {
    const session = await store.session("chat");
    for (const content of ["0", "damage here", "2"]) await session.append(message(content));
  });
  const offset = textDecoder.decode(await bytesOf(machine, logPath)).indexOf("damage");
  const file = await machine.open(logPath, { access: "write" });
  await file.write(Uint8Array.of(0x44), offset);
  await file.syncData();
  await file.close();
  await withStore(open, machine, async (store) => {
    await (await store.session("chat")).compact();
  });
  const copies = [...(await quarantineOf(machine)).values()];
  must("I11", copies.some((text) => text.includes("Damage here")), "Compaction has dropped damaged bytes");
}

async function refused(open: OpenStore, texts: () => string[]): Promise<void> {
  await withStore(open, new SimulatedFileSystem(), async (store) => {
    const session = await store.session("chat");
    const code = await session.appendTextAll(texts()).then(() => "none", systemErrorCode);
    must("I18", code === "too-large", `It was not refused, but ended with ${code}`);
  });
}

/** More is never unsynced than recovery writes again (I18). */
async function unsyncedBound(open: OpenStore): Promise<void> {
  const machine = new SimulatedFileSystem();
  const content = "x".repeat(100_000);
  let syncs = 0;
  await withStore(open, machine, async (store) => {
    const session = await store.session("chat");
    await session.append(message("0"));
    syncs = machine.counters.syncs;
    for (let bytes = 0; bytes < 2 * unsyncedBytesMax; bytes += content.length) {
      await session.append(message(content), { durability: "buffered" });
    }
    syncs = machine.counters.syncs - syncs;
  });
  must("I18", syncs > 0, "More than 1 MiB is not synced");
}

function isJson(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

const mebibyte = 1024 * 1024;

/** All probes. */
export const probes = {
  rejectedPlain: probe("a rejected append, plain", (open) => rejectedWrite(open, false, 300)),
  rejectedInFill: probe("a rejected append in the fill", (open) => rejectedWrite(open, true, 300)),
  rejectedWhole: probe("an append that is rejected, but was done", (open) => rejectedWrite(open, false, "all")),
  sectorSeam: probe("a line's end on the seam of two sectors", (open) => seam(open, 513)),
  pageSeam: probe("a line's end on the seam of two pages", (open) => seam(open, 4097)),
  wholeSectorLost: probe("a record that fills a sector is lost", wholeSectorLost),
  picoclawAfterCut: probe("picoclaw appends after a power cut", picoclawAfterCut),
  picoclawBehindFill: probe("picoclaw appends a line of 512 bytes behind the fill", picoclawBehindFill),
  quarantine: probe("torn bytes, recovery under power cuts", quarantine),
  quarantineInPlace: probe("torn lines that stay, recovery under power cuts", quarantineInPlace),
  undoneReplace: probe("a replace that is undone, then an append without any other change", undoneReplace),
  keyBeforeLog: probe("a key that the file's name does not tell", keyBeforeLog),
  picoclawSeesCompaction: probe("what picoclaw sees of a compaction", picoclawSeesCompaction),
  damagedLine: probe("compaction over a damaged line", damagedLine),
  largeRecord: probe(
    "a record beyond the limit",
    (open) => refused(open, () => [`{"content":"${"x".repeat(lineBytesMax)}"}`]),
  ),
  largeBatch: probe("a batch beyond the limit", (open) =>
    refused(open, () => {
      const text = `{"content":"${"x".repeat(6 * mebibyte)}"}`;
      return new Array<string>(Math.ceil(batchBytesMax / text.length)).fill(text);
    })),
  unsyncedBound: probe("2 MiB of buffered records", unsyncedBound),
} as const satisfies Record<string, Hunt>;
