import assert from "node:assert/strict";
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { test } from "node:test";
import { canonicalWorkspace, defaultDataDirectory, findDataDirectory } from "../../mod.ts";

async function inDirectory(run: (directory: string) => Promise<void>): Promise<void> {
  const directory = await realpath(await mkdtemp(`${tmpdir()}/holdfast-workspace-`));
  try {
    await run(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

test("defaultDataDirectory() goes by HOLDFAST_DIR, XDG_DATA_HOME, HOME, in this order", () => {
  const all = { HOLDFAST_DIR: "here", XDG_DATA_HOME: "/data", HOME: "/home/pi" };
  assert.equal(defaultDataDirectory(all), "here");
  assert.equal(defaultDataDirectory({ ...all, HOLDFAST_DIR: "" }), "/data/holdfast");
  assert.equal(defaultDataDirectory({ XDG_DATA_HOME: "relative", HOME: "/home/pi" }), "/home/pi/.local/share/holdfast");
  assert.equal(defaultDataDirectory({ HOME: "" }), null);
});

test("findDataDirectory() prefers the environment, then the root of the repository, then the default", async () => {
  await inDirectory(async (directory) => {
    await mkdir(`${directory}/project/src/deep`, { recursive: true });
    const repository = `${directory}/project/src/deep`;
    const environment = { HOME: "/home/pi" };
    assert.equal(await findDataDirectory(environment), "/home/pi/.local/share/holdfast");
    await mkdir(`${directory}/project/.git`);
    assert.equal(await findDataDirectory(environment, { repository }), `${directory}/project/.holdfast`);
    await writeFile(`${directory}/project/src/.git`, "gitdir: elsewhere");
    assert.equal(await findDataDirectory(environment, { repository }), `${directory}/project/src/.holdfast`);
    assert.equal(await findDataDirectory({ ...environment, HOLDFAST_DIR: "/there" }, { repository }), "/there");
    await assert.rejects(findDataDirectory({}, { repository: `${directory}/gone` }));
  });
});

test("canonicalWorkspace() gives one directory one name", async () => {
  await inDirectory(async (directory) => {
    await mkdir(`${directory}/a/b`, { recursive: true });
    await symlink(`${directory}/a`, `${directory}/link`);
    for (const way of ["a/b", "a/b/", "a/b//", "link/b", "a/../a/./b", "link/../a/b"]) {
      assert.equal(await canonicalWorkspace(`${directory}/${way}`), `${directory}/a/b`, way);
    }
    assert.equal(await canonicalWorkspace(`${directory}/link/new/x/../y`), `${directory}/a/new/y`);
    assert.equal(await canonicalWorkspace("/"), "/");
    assert.equal(await canonicalWorkspace("no-such/dir"), `${await canonicalWorkspace(".")}/no-such/dir`);
    await assert.rejects(canonicalWorkspace(""), TypeError);
  });
});
