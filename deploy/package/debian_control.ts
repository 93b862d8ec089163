/**
 * What dpkg is told of the package. Pure.
 *
 * @module
 */

/** A machine that Debian and our builds have a name for. */
export interface PackageArchitecture {
  /** Debian's name. */
  readonly debian: "amd64" | "arm64";
  /** Ours. */
  readonly target: string;
}

/** The machines that packages are built for. */
export const packageArchitectures: readonly PackageArchitecture[] = [
  { debian: "amd64", target: "linux-x64" },
  { debian: "arm64", target: "linux-arm64" },
];

/** What goes into the control file. */
export interface ControlFacts {
  /** The package's version. */
  readonly version: string;
  /** Debian's name of the machine. */
  readonly architecture: string;
  /** What the files take on the disk, in KiB. */
  readonly installedKibibytes: number;
  /** Name and address of whoever makes the package. */
  readonly maintainer: string;
}

/**
 * Writes the control file.
 *
 * @param facts What is known.
 * @returns The file.
 * @throws {RangeError} The version is none to Debian, or the maintainer has no address.
 */
export function controlFile({ version, architecture, installedKibibytes, maintainer }: ControlFacts): string {
  if (!/^[0-9][0-9A-Za-z.+~-]*$/.test(version)) {
    throw new RangeError(`--version ${version}: Debian wants a digit first`);
  }
  if (!/^[^<>\n]+ <[^<>@\s]+@[^<>@\s]+>$/.test(maintainer)) {
    throw new RangeError(`--maintainer ${maintainer}: it is a name and an address: Ada <ada@host>`);
  }
  return `Package: holdfast
Version: ${version}
Architecture: ${architecture}
Maintainer: ${maintainer}
Installed-Size: ${installedKibibytes}
Depends: init-system-helpers (>= 1.54), libc6 (>= 2.17), passwd
Recommends: systemd (>= 247)
Section: utils
Priority: optional
Description: keep the sessions of AI agents, through power cuts
 Holdfast keeps each conversation of an agent as one JSON Lines file on small
 boards whose power is pulled without a warning. A message is acknowledged when
 it would survive that, and not before.
 .
 With the program come an agent that answers with a local model and remembers
 in Holdfast, its systemd units, and daily housekeeping. The program brings its
 own runtime: nodejs is not needed.
`;
}

/**
 * Writes the list of checksums.
 *
 * @param files Paths in the package, without a leading slash, with their MD5 in hexadecimal.
 * @returns The file.
 */
export function checksumFile(files: readonly { path: string; md5: string }[]): string {
  return files.map(({ path, md5 }) => `${md5}  ${path}\n`).join("");
}

/**
 * Writes Debian's own changelog, which points to ours.
 *
 * @param facts The package's version and maintainer.
 * @param date When it was made.
 * @returns The file.
 */
export function debianChangelog(
  { version, maintainer }: Pick<ControlFacts, "version" | "maintainer">,
  date: Date,
): string {
  const when = date.toUTCString().replace("GMT", "+0000");
  return `holdfast (${version}) unstable; urgency=medium

  * What has changed stands in CHANGELOG.md.gz.

 -- ${maintainer}  ${when}
`;
}

/** What lintian finds, and why it is as it is. */
export const lintianOverrides =
  `# The file is the runtime with the program behind its end: stripping it cuts the program off, and the runtime's build is
# its own.
holdfast: unstripped-binary-or-object [usr/bin/holdfast]
holdfast: embedded-library * [usr/bin/holdfast]
holdfast: hardening-no-pie [usr/bin/holdfast]
holdfast: hardening-no-relro [usr/bin/holdfast]
# As debhelper's own snippets do: the manager reads the units again.
holdfast: maintainer-script-calls-systemctl [*]
`;

/** Licence and origin, as Debian's machines read them. */
export function copyrightFile(licence: string): string {
  const [first = "", ...rest] = licence.trim().split("\n");
  const holders = /^Copyright.*$/m.exec(licence)?.[0] ?? first;
  const text = [first, ...rest].map((line) => line.trim() === "" ? " ." : ` ${line}`).join("\n");
  return `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: holdfast

Files: *
Copyright: ${holders.replace(/^Copyright(?: \(c\))?\s*/i, "")}
License: Expat

Files: usr/bin/holdfast
Copyright: ${holders.replace(/^Copyright(?: \(c\))?\s*/i, "")}
 Oven and the contributors to Bun, whose runtime is in the file
License: Expat
Comment: The runtime links parts under other licences, LGPL-2 among them; they
 are listed with its source: https://bun.sh/docs/project/license

License: Expat
${text}
`;
}
