import type * as z from "zod/mini";
import type { Fault } from "./fault.ts";
import { shown } from "./fault.ts";
import { faultsOf } from "./issues.ts";
import { log } from "./log-schema.ts";
import type { Path } from "./path.ts";
import { type FileConfig, fileVersion, leanSchema, stateDirectory } from "./schema.ts";
import { readYaml, type YamlDocument } from "./yaml-document.ts";

/** A configuration file that was read and found good. */
export interface ParsedFile {
  /** The name that stands in places and origins: `config.yaml`. */
  readonly name: string;
  readonly config: FileConfig;
  /** The line of the key that leads to a value. */
  readonly lineOf: (path: Path) => number | undefined;
}

export interface FaultyFile {
  readonly ok: false;
  readonly faults: readonly Fault[];
  /**
   * The state directory, if that much of the file could be read: the last good configuration lies there,
   * and it is wanted most when the rest is faulty.
   */
  readonly stateDirectory?: string;
  /** What it says of the log, if that much is good: who watches the log is to see that the rest is not. */
  readonly log?: NonNullable<FileConfig["log"]>;
}

type Parsed = { readonly ok: true; readonly file: ParsedFile } | FaultyFile;

/** A schema of files, all of what runs read or more. */
type Schema = z.core.$ZodType & {
  safeParse(value: unknown): z.util.SafeParseResult<FileConfig>;
};

/** The same for a file that says nothing of sweeps; one that does is faulty here, and so are others that are. */
export function parseLean(text: string, name: string): Parsed {
  return parseWith(leanSchema, text, name);
}

/** Reads the text of a file by a schema. Never throws; reports all faults at once, in their order in the file. */
export function parseWith(schema: Schema, text: string, name: string): Parsed {
  const document = readYaml(text, name);
  if ("broken" in document) return { ok: false, faults: document.broken };
  const parsed = schema.safeParse(document.value);
  const faults = [
    ...document.faults,
    ...(parsed.error ? schemaFaults(schema, parsed.error.issues, document, name) : []),
  ];
  if (parsed.success && faults.length === 0) {
    return { ok: true, file: { name, config: parsed.data, lineOf: document.lineOf } };
  }
  return { ok: false, faults: faults.sort(byPlace), ...soundPartsOf(document.value) };
}

type Issues = Parameters<typeof faultsOf>[0];

function schemaFaults(schema: Schema, issues: Issues, document: YamlDocument, name: string): Fault[] {
  const { value, placeOf } = document;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    const expected = `a mapping that begins with version: ${fileVersion}`;
    return [{ place: `${name}:1:1`, path: "", expected, found: shown(value) }];
  }
  const faults = faultsOf(issues, schema, value, placeOf);
  const version = faults.find((fault) => fault.path === "version");
  if (version === undefined) return faults;
  if ("version" in value) {
    // A file of another format may mean anything by its other keys: judging them would only mislead.
    return [{ ...version, remedy: `this release of ec2-backup reads files of version ${fileVersion}` }];
  }
  const added = { ...version, remedy: `begin the file with version: ${fileVersion}` };
  return faults.map((fault) => (fault === version ? added : fault));
}

function soundPartsOf(value: unknown): Pick<FaultyFile, "stateDirectory" | "log"> {
  if (typeof value !== "object" || value === null) return {};
  const given = value as Readonly<Record<string, unknown>>;
  const directory = stateDirectory.safeParse(given["stateDirectory"]);
  const parsedLog = log.safeParse(given["log"]);
  return {
    ...(directory.success ? { stateDirectory: directory.data } : {}),
    ...(parsedLog.success ? { log: parsedLog.data } : {}),
  };
}

function byPlace(a: Fault, b: Fault): number {
  const [lineA = 0, columnA = 0] = numbersOf(a.place);
  const [lineB = 0, columnB = 0] = numbersOf(b.place);
  return lineA - lineB || columnA - columnB;
}

function numbersOf(place: string): number[] {
  return place.split(":").slice(-2).map(Number);
}
