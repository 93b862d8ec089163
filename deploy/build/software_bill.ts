/**
 * The SBOM of a built program: what is in the file. CycloneDX 1.5, because Debian's and most scanners read it.
 *
 * @module
 */

/** A package of a registry that is in the file. */
export interface PackedPackage {
  /** Its name. */
  readonly name: string;
  /** Its version. */
  readonly version: string;
  /** Its licence, as SPDX calls it; null if it names none. */
  readonly licence: string | null;
}

/** What the bill names. */
export interface SoftwareBillFacts {
  /** The file's name. */
  readonly fileName: string;
  /** Its checksum. */
  readonly sha256: string;
  /** The version of Holdfast. */
  readonly version: string;
  /** Which runtime is in it. */
  readonly runtime: "deno" | "bun";
  /** That runtime's version. */
  readonly runtimeVersion: string;
  /** Its JavaScript engine. */
  readonly engine: string;
  /** For which machine. */
  readonly target: string;
  /** The packages that are in it. */
  readonly packages: readonly PackedPackage[];
  /** Which sources, where that is known. */
  readonly commit: string | null;
}

/**
 * Reads what a bill says of a package.
 *
 * @param text The text of its `package.json`.
 * @returns The package; null if the text does not say which it is.
 */
export function readPackedPackage(text: string): PackedPackage | null {
  const settings: unknown = JSON.parse(text);
  if (typeof settings !== "object" || settings === null || !("name" in settings && "version" in settings)) return null;
  const { name, version } = settings;
  if (typeof name !== "string" || typeof version !== "string") return null;
  const licence = "license" in settings && typeof settings.license === "string" ? settings.license : null;
  return { name, version, licence };
}

/**
 * Writes the bill. It has no time and no random number in it: the same file gives the same bill.
 *
 * @param facts What is in the file.
 * @returns JSON text with a final LF.
 */
export function writeSoftwareBill(facts: SoftwareBillFacts): string {
  const { runtime, runtimeVersion, version, sha256, engine, target, commit } = facts;
  const holdfast = `pkg:npm/holdfast@${version}`;
  const runtimeReference = `pkg:github/${runtime === "deno" ? "denoland/deno" : "oven-sh/bun"}@${runtimeVersion}`;
  const parts = facts.packages.map(({ name, version, licence }) => {
    const reference = `pkg:npm/${name}@${version}`;
    return {
      type: "library",
      "bom-ref": reference,
      name,
      version,
      purl: reference,
      ...(licence === null ? {} : { licenses: [{ license: { id: licence } }] }),
    };
  });
  const partReferences = parts.map((part) => part["bom-ref"]);
  const bill = {
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    version: 1,
    metadata: {
      component: {
        type: "application",
        "bom-ref": facts.fileName,
        name: facts.fileName,
        version,
        hashes: [{ alg: "SHA-256", content: sha256 }],
        properties: [
          { name: "holdfast:target", value: target },
          ...(commit === null ? [] : [{ name: "holdfast:commit", value: commit }]),
        ],
      },
    },
    components: [
      {
        type: "application",
        "bom-ref": holdfast,
        name: "holdfast",
        version,
        purl: holdfast,
        licenses: [{ license: { id: "MIT" } }],
      },
      {
        type: "platform",
        "bom-ref": runtimeReference,
        name: runtime,
        version: runtimeVersion,
        purl: runtimeReference,
        licenses: [{ license: { id: "MIT" } }],
        properties: [{ name: "holdfast:engine", value: engine }],
      },
      ...parts,
    ],
    dependencies: [
      { ref: facts.fileName, dependsOn: [holdfast, runtimeReference] },
      { ref: holdfast, dependsOn: partReferences },
      ...[runtimeReference, ...partReferences].map((ref) => ({ ref, dependsOn: [] })),
    ],
  };
  return JSON.stringify(bill, null, 2) + "\n";
}
