// What all packages are made of: the built program, the texts beside it, its version and its date.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

export const root = path.join(import.meta.dirname, "../..");

/** One file, or a link, of a package. Paths have no leading slash. */
export interface Entry {
  readonly path: string;
  readonly mode: number;
  readonly content: Buffer | { readonly link: string };
}

export interface Source {
  /** Of the packages; the command is `ec2-backup`. */
  readonly name: string;
  readonly version: string;
  readonly summary: string;
  readonly licence: string;
  /** Seconds; every file in every package has this date, so that two builds of one commit are alike. */
  readonly epoch: number;
  /** A name and an address, as package formats ask for. */
  readonly maintainer: string;
  /** The program and its texts, as they lie beside each other. */
  readonly program: readonly Entry[];
}

export interface Options {
  /** The folder that artifacts are written into. */
  readonly output: string;
  /** A few bytes stand for Node. */
  readonly hollow: boolean;
  /** Nothing is compressed. */
  readonly stored: boolean;
}

const executable = new Set(["dist/ec2-backup.js", "dist/ec2-backup-simulator.js"]);

/** Throws where the program has not been built. `version` is another one than package.json's. */
export function readSource(version?: string): Source {
  const manifest = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
  const folders = ["dist", "policies", "systemd", "windows"].flatMap(filesBelow);
  // What only developers use stays here, and the function of AWS Lambda has an archive of its own.
  const shipped = folders.filter(
    (file) =>
      !["dist/meta.json", "dist/ec2-backup-simulator.js"].includes(file) && !file.startsWith("dist/lambda/"),
  );
  if (!shipped.includes("dist/ec2-backup.js")) throw new Error("there is no dist/: npm run build makes it");
  return {
    name: manifest.name,
    version: version ?? manifest.version,
    summary: manifest.description,
    licence: manifest.license,
    epoch: dateOfSource(),
    maintainer: process.env["PACKAGE_MAINTAINER"] ?? `${manifest.name} <${manifest.name}@packages.invalid>`,
    program: [...shipped, "LICENSE", "README.md", "CHANGELOG.md"].map(entryOf),
  };
}

/** A file of this project as it is. */
export function entryOf(file: string): Entry {
  const mode = executable.has(file) ? 0o755 : 0o644;
  return { path: file, mode, content: readFileSync(path.join(root, file)) };
}

export function text(file: string, content: string, mode = 0o644): Entry {
  return { path: file, mode, content: Buffer.from(content) };
}

export function below(folder: string, entries: readonly Entry[]): Entry[] {
  return entries.map((entry) => ({ ...entry, path: `${folder}/${entry.path}` }));
}

function filesBelow(folder: string): string[] {
  const place = path.join(root, folder);
  let found: string[];
  try {
    found = readdirSync(place, { recursive: true, withFileTypes: true })
      .filter((one) => one.isFile())
      .map((one) => path.relative(root, path.join(one.parentPath, one.name)).replaceAll("\\", "/"));
  } catch {
    return [];
  }
  return found.sort();
}

/** SOURCE_DATE_EPOCH if it is set (https://reproducible-builds.org/specs/source-date-epoch/), else the commit's. */
function dateOfSource(): number {
  const given = process.env["SOURCE_DATE_EPOCH"];
  const told = given ?? execFileSync("git", ["log", "-1", "--format=%ct"], { cwd: root, encoding: "utf8" });
  const epoch = Number(told.trim());
  if (!Number.isInteger(epoch) || epoch <= 0) throw new Error(`${told} is no date: set SOURCE_DATE_EPOCH`);
  return epoch;
}
