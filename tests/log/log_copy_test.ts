import assert from "node:assert/strict";
import { test } from "node:test";
import { systemErrorCode } from "../../src/errors.ts";
import { copyLog } from "../../src/log/log_copy.ts";
import { FaultyFileSystem, SimulatedFileSystem } from "../../src/testing/mod.ts";
import { textOf, utf8 } from "./log_fixture.ts";

async function machineWith(text: string, reflinks: boolean): Promise<SimulatedFileSystem> {
  const machine = new SimulatedFileSystem({ reflinks });
  const file = await machine.open("/log", { access: "write", create: "exclusive", mode: 0o640 });
  await file.write(utf8(text), 0);
  await file.syncData();
  await file.close();
  await machine.syncDirectory("/");
  return machine;
}

async function textAt(machine: SimulatedFileSystem, path: string): Promise<string> {
  const file = await machine.open(path, { access: "read" });
  const bytes = new Uint8Array((await file.stat()).size);
  await file.read(bytes, 0);
  await file.close();
  return textOf(bytes);
}

for (const reflinks of [false, true]) {
  const how = reflinks ? "shared" : "streamed";
  test(`copyLog() takes the beginning of a log, another end behind it, durably (${how})`, async () => {
    const text = `${"x".repeat(300_000)}|rest`;
    const machine = await machineWith(text, reflinks);
    const handle = await machine.open("/log", { access: "read" });
    const source = { path: "/log", handle, bytes: 300_000, end: utf8("END\n") };
    const copy = await copyLog(machine, source, "/copy.tmp");
    assert.deepEqual([copy.bytes, copy.sharedBytes], [300_004, reflinks ? 300_000 : 0]);
    assert.equal((await copy.handle.stat()).mode, 0o600);
    await copy.handle.close();
    await handle.close();
    await machine.syncDirectory("/");
    assert.equal(await textAt(machine.crash(), "/copy.tmp"), `${"x".repeat(300_000)}END\n`);
    assert.equal(await textAt(machine.clone(), "/log").catch(() => "off"), text);
  });

  test(`copyLog() goes by the open log where its name leads elsewhere (${how})`, async () => {
    const machine = await machineWith("old log", reflinks);
    const handle = await machine.open("/log", { access: "read" });
    const other = await machine.open("/new", { access: "write", create: "exclusive" });
    await other.write(utf8("another log"), 0);
    await other.close();
    await machine.rename("/new", "/log");
    const copy = await copyLog(machine, { path: "/log", handle, bytes: 3, end: utf8("\n") }, "/copy.tmp");
    assert.equal(copy.sharedBytes, 0);
    await copy.handle.close();
    await handle.close();
    assert.equal(await textAt(machine, "/copy.tmp"), "old\n");
  });

  test(`copyLog() leaves nothing when any call fails (${how})`, async () => {
    for (let failAt = 1;; failAt++) {
      const machine = await machineWith("0123456789", reflinks);
      const handle = await machine.open("/log", { access: "read" });
      const faulty = new FaultyFileSystem(machine, {
        failAt,
        fault: { kind: "error", code: "EIO" },
        filter: ({ method }) => method !== "close",
      });
      const source = { path: "/log", handle, bytes: 5, end: utf8("\n") };
      const result = await copyLog(faulty, source, "/copy.tmp").catch(systemErrorCode);
      await handle.close();
      if (faulty.fired.length === 0) {
        assert.ok(typeof result === "object");
        await result.handle.close();
        break;
      }
      if (typeof result === "object") {
        // A file that could not be made by sharing was made by copying, or what failed does not matter.
        await result.handle.close();
        continue;
      }
      assert.equal(result, "EIO");
      const isCleanup = faulty.fired.some(({ method }) => method === "unlink");
      if (!isCleanup) assert.deepEqual((await machine.readDirectory("/")).map(({ name }) => name), ["log"]);
    }
  });
}

test("copyLog() of a log that is shorter than what is wanted says so", async () => {
  const machine = await machineWith("short", false);
  const handle = await machine.open("/log", { access: "read" });
  await assert.rejects(
    copyLog(machine, { path: "/log", handle, bytes: 9, end: utf8("\n") }, "/copy.tmp"),
    /ended at 5/,
  );
  await handle.close();
});
