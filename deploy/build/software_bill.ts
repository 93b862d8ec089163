/**
 * The SBOM of a built program: what is in the file. CycloneDX 1.5, because Debian's and most scanners read it.
 *
 * @module
 */

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
  /** Which sources, where that is known. */
  readonly commit: string | null;
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
    ],
    dependencies: [
      { ref: facts.fileName, dependsOn: [holdfast, runtimeReference] },
      { ref: holdfast, dependsOn: [] },
      { ref: runtimeReference, dependsOn: [] },
    ],
  };
  return JSON.stringify(bill, null, 2) + "\n";
}
