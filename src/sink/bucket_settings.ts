/**
 * Where the bucket is and who we are there: from the environment, or from a file that nobody else can read. No value of
 * it ever goes into a message.
 *
 * @module
 */

import { HoldfastError, systemErrorCode } from "../errors.ts";
import type { FileSystem } from "../fs/filesystem.ts";
import { runtimeFileSystem } from "../fs/runtime_filesystem.ts";
import { readWhole } from "../log/atomic_file.ts";

/** A text that does not show itself: not in JSON, not in templates, not when it is inspected. */
export class HiddenText {
  readonly #text: string;

  /**
   * Hides a text.
   *
   * @param text The text.
   */
  constructor(text: string) {
    this.#text = text;
  }

  /** The text, for the one place that needs it. */
  reveal(): string {
    return this.#text;
  }

  /** What everybody else sees. */
  toString(): string {
    return "[hidden]";
  }

  /** What everybody else sees. */
  toJSON(): string {
    return "[hidden]";
  }
}

/** Where the bucket is and who we are there. */
export interface BucketSettings {
  /** The server, `https://host[:port]`; `http://` where it was given so. */
  endpoint: string;
  /** The bucket's name. */
  bucket: string;
  /** The region, as the server calls it. */
  region: string;
  /** What all names in the bucket begin with; empty, or with a `/` at its end. */
  prefix: string;
  /** The access key's id. */
  accessKeyId: HiddenText;
  /** The secret. */
  secretAccessKey: HiddenText;
  /** The user's own key, 64 hexadecimal digits, with which objects are encrypted before they are sent; null: not. */
  encryptionKey: HiddenText | null;
}

/** Environment variables by name. */
export type SinkEnvironment = Readonly<Record<string, string | undefined>>;

const fileBytesMax = 64 * 1024;
const known = [
  "HOLDFAST_S3_ENDPOINT",
  "HOLDFAST_S3_BUCKET",
  "HOLDFAST_S3_REGION",
  "HOLDFAST_S3_PREFIX",
  "HOLDFAST_S3_ENCRYPTION_KEY",
  "AWS_ACCESS_KEY_ID",
  "AWS_SECRET_ACCESS_KEY",
  "AWS_REGION",
];

/** All that {@linkcode readBucketSettings} asks the environment for: a runtime may have to allow it by name. */
export const bucketVariables: readonly string[] = [...known, "HOLDFAST_S3_FILE", "AWS_SESSION_TOKEN"];

/**
 * Reads the settings: from the environment, and what is not there from the file that `HOLDFAST_S3_FILE` names, of lines
 * `NAME=value`.
 *
 * @param environment The environment.
 * @param fileSystem The port, for the file.
 * @returns The settings.
 * @throws {HoldfastError} `not-found` if something is missing or wrong, `read-only` if others can read the file. The
 * message has names, never values.
 */
export async function readBucketSettings(
  environment: SinkEnvironment,
  fileSystem: FileSystem = runtimeFileSystem,
): Promise<BucketSettings> {
  const variable = (name: string): string | undefined => {
    try {
      return environment[name];
    } catch {
      // Deno asks, or refuses.
      throw wrong(
        `The runtime does not let the program read the variable ${name}: allow it, and the network ` +
          "(Deno: --allow-env and --allow-net; a compiled program: build it with --allow-net)",
      );
    }
  };
  const path = variable("HOLDFAST_S3_FILE");
  const file = path === undefined || path === "" ? {} : await readSettingsFile(path, fileSystem);
  const value = (name: string): string | undefined => {
    const found = (variable(name) || file[name])?.trim();
    return found === "" ? undefined : found;
  };
  const required = (name: string): string => {
    const found = value(name);
    if (found === undefined) throw wrong(`${name} is not set, neither in the environment nor in $HOLDFAST_S3_FILE`);
    return found;
  };
  if (variable("AWS_SESSION_TOKEN")) {
    throw wrong("AWS_SESSION_TOKEN is set, but temporary credentials do not last on a device: use a key of its own");
  }
  const region = value("HOLDFAST_S3_REGION") ?? value("AWS_REGION");
  const endpoint = value("HOLDFAST_S3_ENDPOINT") ?? `https://s3.${region ?? "us-east-1"}.amazonaws.com`;
  const key = value("HOLDFAST_S3_ENCRYPTION_KEY");
  if (key !== undefined && !/^[0-9a-f]{64}$/i.test(key)) {
    throw wrong("HOLDFAST_S3_ENCRYPTION_KEY must be 64 hexadecimal digits; make one with: openssl rand -hex 32");
  }
  const prefix = (value("HOLDFAST_S3_PREFIX") ?? "").replace(/^\/+|\/+$/g, "");
  const bucket = required("HOLDFAST_S3_BUCKET");
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{1,62}$/.test(bucket)) throw wrong("HOLDFAST_S3_BUCKET is no name of a bucket");
  return {
    endpoint: checkedEndpoint(endpoint),
    bucket,
    region: region ?? "us-east-1",
    prefix: prefix === "" ? "" : `${prefix}/`,
    accessKeyId: new HiddenText(required("AWS_ACCESS_KEY_ID")),
    secretAccessKey: new HiddenText(required("AWS_SECRET_ACCESS_KEY")),
    encryptionKey: key === undefined ? null : new HiddenText(key.toLowerCase()),
  };
}

/** TLS unless somebody says otherwise, in so many words. */
function checkedEndpoint(endpoint: string): string {
  let url: URL;
  try {
    url = new URL(/^[a-z]+:\/\//i.test(endpoint) ? endpoint : `https://${endpoint}`);
  } catch {
    throw wrong("HOLDFAST_S3_ENDPOINT is no address; give https://host, or http://host for a server without TLS");
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw wrong("HOLDFAST_S3_ENDPOINT must begin with https:// (or http:// for a server without TLS)");
  }
  if (url.username !== "" || url.password !== "") {
    throw wrong("HOLDFAST_S3_ENDPOINT must hold no user and no password");
  }
  if (url.search !== "" || url.hash !== "" || url.pathname !== "/") {
    throw wrong("HOLDFAST_S3_ENDPOINT must be a host and a port only; the bucket goes into HOLDFAST_S3_BUCKET");
  }
  return url.origin;
}

async function readSettingsFile(path: string, fileSystem: FileSystem): Promise<Record<string, string>> {
  try {
    const { kind, mode } = await fileSystem.stat(path);
    if (kind !== "file") throw wrong(`Not a file: ${path}`, path);
    if ((mode & 0o077) !== 0) {
      throw new HoldfastError(
        "read-only",
        `Refused to read ${path}: others can read it or write to it; run: chmod 600 ${path}`,
        {
          path,
        },
      );
    }
    const bytes = await readWhole(fileSystem, path, fileBytesMax);
    return parseSettings(new TextDecoder().decode(bytes ?? new Uint8Array()), path);
  } catch (error) {
    const code = systemErrorCode(error);
    if (error instanceof HoldfastError) throw error;
    throw wrong(`The file that HOLDFAST_S3_FILE names cannot be read (${code ?? "unknown"}): ${path}`, path);
  }
}

function parseSettings(text: string, path: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim().replace(/^export\s+/, "");
    if (line === "" || line.startsWith("#")) continue;
    const name = line.split("=", 1)[0]?.trim() ?? "";
    if (!line.includes("=") || !known.includes(name)) {
      throw wrong(`Line ${index + 1} of ${path} is not NAME=value with a known name: ${known.join(", ")}`, path);
    }
    found[name] = line.slice(line.indexOf("=") + 1).trim().replace(/^(["'])(.*)\1$/, "$2");
  }
  return found;
}

function wrong(message: string, path?: string): HoldfastError {
  return new HoldfastError("not-found", message, { path });
}
