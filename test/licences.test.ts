import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";

const root = path.join(import.meta.dirname, "..");
const metaFile = path.join(root, "dist/meta.json");
/** Licences that ask for no more than to carry their text along. */
const permissive = new Set([
  "Apache-2.0",
  "MIT",
  "ISC",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "0BSD",
  "BlueOak-1.0.0",
  "Python-2.0",
  "Unlicense",
  "CC0-1.0",
]);

/** Any one of an `OR` is enough; all of an `AND` are needed. */
function isPermissive(licence: unknown): boolean {
  if (typeof licence !== "string") return false;
  const plain = licence.replaceAll(/[()]/g, "");
  return plain
    .split(" OR ")
    .some((choice) => choice.split(" AND ").every((one) => permissive.has(one.trim())));
}

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: unknown;
  /** Forms of old: an object, and a choice. */
  readonly licenses?: readonly { readonly type: string }[];
}

function manifest(folder: string): Manifest {
  const read = JSON.parse(readFileSync(path.join(root, folder, "package.json"), "utf8")) as Manifest;
  const { license = read.licenses?.map(({ type }) => type).join(" OR ") } = read;
  const isObject = typeof license === "object" && license !== null && "type" in license;
  return { ...read, license: isObject ? license.type : license };
}

function refused(folders: Iterable<string>): string[] {
  return [...folders]
    .map(manifest)
    .filter(({ license }) => !isPermissive(license))
    .map(({ name, version, license }) => `${name} ${version}: ${JSON.stringify(license)}`);
}

test("a licence expression is permissive only if we may choose a permissive one", () => {
  expect(isPermissive("(MIT OR GPL-3.0)")).toBe(true);
  expect(isPermissive("MIT AND GPL-3.0")).toBe(false);
  expect(isPermissive("AGPL-3.0")).toBe(false);
  expect(isPermissive(undefined)).toBe(false);
});

test("every package that production installs is permissively licensed", () => {
  const { packages } = JSON.parse(readFileSync(path.join(root, "package-lock.json"), "utf8"));
  const folders = Object.entries<{ dev?: boolean; optional?: boolean }>(packages)
    .filter(([folder, entry]) => folder !== "" && !entry.dev)
    .map(([folder]) => folder)
    .filter((folder) => existsSync(path.join(root, folder, "package.json")));
  expect(folders.length).toBeGreaterThan(10);
  expect(refused(folders)).toEqual([]);
});

// Needs a build; without one there is no bundle whose licences could be wrong.
describe.runIf(existsSync(metaFile))("what is bundled", () => {
  const inputs = existsSync(metaFile) ? Object.keys(JSON.parse(readFileSync(metaFile, "utf8")).inputs) : [];
  const folders = new Set(
    inputs.flatMap((name) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(name)?.[1] ?? []),
  );

  test("is permissively licensed", () => {
    expect(folders.size).toBeGreaterThan(0);
    expect(refused(folders)).toEqual([]);
  });

  test("is named in the notices that are shipped with it", () => {
    const notices = readFileSync(path.join(root, "dist/THIRD-PARTY-LICENSES.txt"), "utf8");
    const unnamed = [...folders]
      .map(manifest)
      .filter(({ name, version }) => !notices.includes(`${name} ${version} (`));
    expect(unnamed).toEqual([]);
  });
});
