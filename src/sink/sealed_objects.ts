/**
 * Encrypts objects before they leave the device, with a key that only its user has: AES-256-GCM by WebCrypto, a random
 * nonce for each object. The object's name is part of what is authenticated, so that none can be put in the place of
 * another. What is not hidden is said in `LAYOUT.md`.
 *
 * @module
 */

import { HoldfastError } from "../errors.ts";
import type { ObjectStore } from "./object_store.ts";

/** What an encrypted object begins with. */
const magic = new TextEncoder().encode("HFS1");
const keyIdBytes = 8;
const nonceBytes = 12;
const headerBytes = magic.length + keyIdBytes + nonceBytes;
const encoder = new TextEncoder();
const blobName = /^(.*\/blobs\/)([0-9a-f]{64})$/;

type WebKey = Awaited<ReturnType<typeof globalThis.crypto.subtle.importKey>>;

/** Keys made from the user's. */
interface SealKeys {
  id: Uint8Array;
  cipher: WebKey;
  names: WebKey;
}

/**
 * Whether an object is encrypted.
 *
 * @param bytes What it holds.
 * @returns True if it begins like one.
 */
export function isSealed(bytes: Uint8Array): boolean {
  return magic.every((byte, index) => bytes[index] === byte);
}

/**
 * Puts encryption in front of a bucket.
 *
 * @param objects The bucket.
 * @param key The user's key, 64 hexadecimal digits.
 * @returns The bucket, as it looks to one who has the key.
 */
export async function sealObjects(objects: ObjectStore, key: string): Promise<ObjectStore> {
  const keys = await makeKeys(Uint8Array.from(key.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)));
  const abort = objects.abort?.bind(objects);
  const place = objects.place === undefined ? {} : { place: `${objects.place} key ${hexText(keys.id)}` };
  return {
    ...place,
    create: async (name, bytes) => {
      const hidden = await hiddenName(keys, name);
      return await objects.create(hidden, await seal(keys, hidden, bytes));
    },
    replace: async (name, bytes) => {
      const hidden = await hiddenName(keys, name);
      await objects.replace(hidden, await seal(keys, hidden, bytes));
    },
    read: async (name) => {
      const hidden = await hiddenName(keys, name);
      const sealed = await objects.read(hidden);
      return sealed === null ? null : await unseal(keys, hidden, sealed);
    },
    list: (prefix) => objects.list(prefix),
    ...(abort === undefined ? {} : { abort }),
  };
}

async function makeKeys(bytes: Uint8Array<ArrayBuffer>): Promise<SealKeys> {
  const { subtle } = globalThis.crypto;
  const base = await subtle.importKey("raw", bytes, "HKDF", false, ["deriveBits"]);
  const derive = async (purpose: string, length: number): Promise<ArrayBuffer> => {
    const info = encoder.encode(`holdfast sink ${purpose}`);
    return await subtle.deriveBits({ name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info }, base, length);
  };
  const cipher = await subtle.importKey("raw", await derive("objects", 256), "AES-GCM", false, ["encrypt", "decrypt"]);
  const hmac = { name: "HMAC", hash: "SHA-256" };
  const names = await subtle.importKey("raw", await derive("names", 256), hmac, false, ["sign"]);
  return { id: new Uint8Array(await derive("key id", keyIdBytes * 8)), cipher, names };
}

/** The hash of a large value would tell whoever can guess the value that it is there. */
async function hiddenName(keys: SealKeys, name: string): Promise<string> {
  const match = blobName.exec(name);
  if (match?.[2] === undefined) return name;
  const signed = new Uint8Array(await globalThis.crypto.subtle.sign("HMAC", keys.names, encoder.encode(match[2])));
  return `${match[1]}${hexText(signed)}`;
}

function hexText(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function seal(keys: SealKeys, name: string, bytes: Uint8Array): Promise<Uint8Array> {
  const nonce = globalThis.crypto.getRandomValues(new Uint8Array(nonceBytes));
  const parameters = { name: "AES-GCM", iv: nonce, additionalData: encoder.encode(name) };
  const cipher = await globalThis.crypto.subtle.encrypt(parameters, keys.cipher, new Uint8Array(bytes));
  const sealed = new Uint8Array(headerBytes + cipher.byteLength);
  sealed.set(magic);
  sealed.set(keys.id, magic.length);
  sealed.set(nonce, magic.length + keyIdBytes);
  sealed.set(new Uint8Array(cipher), headerBytes);
  return sealed;
}

async function unseal(keys: SealKeys, name: string, sealed: Uint8Array): Promise<Uint8Array> {
  if (!isSealed(sealed)) {
    throw new HoldfastError("corrupt", `Object ${name} is not encrypted; give the bucket another HOLDFAST_S3_PREFIX`);
  }
  if (!keys.id.every((byte, index) => sealed[magic.length + index] === byte)) {
    throw new HoldfastError("corrupt", `Object ${name} is encrypted with another key`);
  }
  const nonce = sealed.slice(magic.length + keyIdBytes, headerBytes);
  const parameters = { name: "AES-GCM", iv: nonce, additionalData: encoder.encode(name) };
  try {
    const bytes = await globalThis.crypto.subtle.decrypt(parameters, keys.cipher, sealed.slice(headerBytes));
    return new Uint8Array(bytes);
  } catch {
    throw new HoldfastError("corrupt", `Object ${name} is damaged, or not the one of that name`);
  }
}
