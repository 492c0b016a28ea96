import { readFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromKept, toKept } from "../../src/config/kept-file.ts";
import type { ParsedFile } from "../../src/config/parse.ts";
import type { Path } from "../../src/config/path.ts";
import { resolve } from "../../src/config/resolve.ts";
import { someConfig, someTags } from "./arbitraries.ts";
import { fileOf } from "./file-of.ts";

const again = (file: ParsedFile): ParsedFile =>
  fromKept(JSON.parse(JSON.stringify(toKept(file))) as ReturnType<typeof toKept>, file.name);

/** The paths of all values, and of some beside them that are not there. */
function paths(value: unknown, path: Path = []): Path[] {
  const here = [path, [...path, "absent"], [...path, 99]];
  if (typeof value !== "object" || value === null) return here;
  const isList = Array.isArray(value);
  const below = Object.entries(value).flatMap(([key, child]) =>
    paths(child, [...path, isList ? Number(key) : key]),
  );
  return [...here, ...below];
}

describe("a file that is kept", () => {
  it("says the same as the one that was parsed, and of the same lines", () => {
    const file = fileOf(readFileSync(path.join(import.meta.dirname, "sample.yaml"), "utf8"));
    const kept = again(file);
    expect(kept.config).toEqual(file.config);
    for (const one of paths(file.config)) expect(kept.lineOf(one), one.join(".")).toBe(file.lineOf(one));
  });

  it("comes to the same jobs, settings, warnings and origins, whatever the file and the tags", () => {
    fc.assert(
      fc.property(someConfig, someTags, (config, tags) => {
        const file = fileOf(JSON.stringify(config, null, 1));
        expect(resolve({ tags, file: again(file) })).toEqual(resolve({ tags, file }));
      }),
    );
  });
});
