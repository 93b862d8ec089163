import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { readBucketSettings } from "../../src/sink/mod.ts";
import { SimulatedFileSystem } from "../../src/testing/mod.ts";

const secret = "s3cr3t-that-must-not-show";
const complete = { HOLDFAST_S3_BUCKET: "boards", AWS_ACCESS_KEY_ID: "AKIDX", AWS_SECRET_ACCESS_KEY: secret };

async function fileWith(text: string, mode: number): Promise<SimulatedFileSystem> {
  const fileSystem = new SimulatedFileSystem();
  const file = await fileSystem.open("/s3", { access: "write", create: "exclusive", mode });
  await file.write(new TextEncoder().encode(text), 0);
  await file.close();
  return fileSystem;
}

test("readBucketSettings() takes TLS unless http:// is written, and Amazon unless an endpoint is", async () => {
  const none = new SimulatedFileSystem();
  const endpointOf = async (more: Record<string, string>) =>
    (await readBucketSettings({ ...complete, ...more }, none)).endpoint;
  assert.equal(await endpointOf({}), "https://s3.us-east-1.amazonaws.com");
  assert.equal(await endpointOf({ AWS_REGION: "eu-central-1" }), "https://s3.eu-central-1.amazonaws.com");
  assert.equal(await endpointOf({ HOLDFAST_S3_ENDPOINT: "s3.example.org:9000" }), "https://s3.example.org:9000");
  assert.equal(await endpointOf({ HOLDFAST_S3_ENDPOINT: "http://127.0.0.1:7480" }), "http://127.0.0.1:7480");
  for (const wrong of ["ftp://host", `https://user:${secret}@host`, "https://host/bucket", "::"]) {
    await assert.rejects(endpointOf({ HOLDFAST_S3_ENDPOINT: wrong }), (error) => {
      assert.ok(error instanceof Error && !error.message.includes(secret));
      return true;
    });
  }
});

test("readBucketSettings() names what is missing, and shows no value of what is not", async () => {
  const none = new SimulatedFileSystem();
  for (const name of Object.keys(complete)) {
    const { [name as keyof typeof complete]: _, ...rest } = complete;
    await assert.rejects(readBucketSettings(rest, none), (error) => {
      assert.ok(error instanceof Error && error.message.includes(name) && !error.message.includes(secret));
      return true;
    });
  }
  const settings = await readBucketSettings({ ...complete, HOLDFAST_S3_ENCRYPTION_KEY: "a".repeat(64) }, none);
  for (
    const shown of [
      JSON.stringify(settings),
      inspect(settings, { depth: 9, showHidden: true }),
      `${settings.secretAccessKey}`,
    ]
  ) {
    assert.ok(!shown.includes(secret) && !shown.includes("aaaa"), shown);
  }
  assert.equal(settings.secretAccessKey.reveal(), secret);
  await assert.rejects(readBucketSettings({ ...complete, HOLDFAST_S3_ENCRYPTION_KEY: secret }, none), /64 hexadecimal/);
  await assert.rejects(readBucketSettings({ ...complete, AWS_SESSION_TOKEN: "x" }, none), /temporary/);
});

test("readBucketSettings() says which variable a runtime forbids to read, and what to allow", async () => {
  const forbidding = new Proxy<Record<string, string>>({}, {
    get(_variables, name) {
      throw new TypeError(`Requires env access to ${String(name)}`);
    },
  });
  const said = /does not let the program read the variable HOLDFAST_S3_FILE: allow it.*--allow-env.*--allow-net/;
  await assert.rejects(readBucketSettings(forbidding, new SimulatedFileSystem()), said);
});

test("readBucketSettings() reads a file that only its owner can, and refuses every other", async () => {
  const text =
    `# of this board\nexport AWS_ACCESS_KEY_ID=AKIDX\nAWS_SECRET_ACCESS_KEY="${secret}"\nHOLDFAST_S3_BUCKET=boards\n`;
  const file = { HOLDFAST_S3_FILE: "/s3" };
  const settings = await readBucketSettings(file, await fileWith(text, 0o600));
  assert.equal(settings.secretAccessKey.reveal(), secret);
  assert.equal(
    (await readBucketSettings({ ...file, HOLDFAST_S3_BUCKET: "mine" }, await fileWith(text, 0o400))).bucket,
    "mine",
  );
  for (const mode of [0o640, 0o604, 0o660, 0o644, 0o620]) {
    await assert.rejects(readBucketSettings(file, await fileWith(text, mode)), { code: "read-only" });
  }
  await assert.rejects(readBucketSettings(file, new SimulatedFileSystem()), { code: "not-found" });
  await assert.rejects(readBucketSettings(file, await fileWith(`${secret}\n`, 0o600)), (error) => {
    assert.ok(error instanceof Error && !error.message.includes(secret));
    return true;
  });
});
