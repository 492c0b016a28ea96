import { type Ec2Filter, filterNames, isFilterName } from "../core/ec2-filter.ts";
import { parseLongCron } from "../core/long-cron.ts";
import { parseSpokenDuration } from "../core/spoken-duration.ts";
import type { Frequency, Stanza } from "../core/stanzas.ts";
import { type Fault, shown } from "./fault.ts";
import type { PlaceOf } from "./issues.ts";
import { longestAge, mostKept, shortestAge } from "./limits.ts";
import { type Path, pathText } from "./path.ts";
import { durationOrNothing } from "./readable.ts";
import { nearest } from "./suggest.ts";
import { readYaml } from "./yaml-document.ts";

type Mapping = Readonly<Record<string, unknown>>;

/** Notes a fault of the value, or of the key, at a path. */
type Note = (path: Path, expected: string, found: string, at?: "key" | "value", remedy?: string) => void;

const keys = ["match", "snapshot", "ignore", "ignore_retention", "replication"];
const durationExpected = 'a duration such as "4 days" or "1w3d2h"';

/**
 * Reads stanzas, JSON or YAML: one of them, a list, or a mapping of names to them. All faults at once, each with its
 * place; a stanza with a fault is none, since half of it may be the half that left something alone.
 */
export function readStanzas(
  text: string,
  name: string,
):
  | { readonly ok: true; readonly stanzas: readonly Stanza[] }
  | { readonly ok: false; readonly faults: readonly Fault[] } {
  const document = readYaml(text, name);
  if ("broken" in document) return { ok: false, faults: document.broken };
  const faults: Fault[] = [...document.faults];
  const note = noteIn(faults, document.placeOf);
  const stanzas = listed(document.value, note).map(({ id, path, value }) => stanzaOf(id, path, value, note));
  if (faults.length > 0) return { ok: false, faults };
  return { ok: true, stanzas: stanzas.filter((one) => one !== undefined) };
}

function noteIn(faults: Fault[], placeOf: PlaceOf): Note {
  return (path, expected, found, at = "value", remedy) => {
    const fault = { place: placeOf(path, at), path: pathText(path), expected, found };
    faults.push(remedy === undefined ? fault : { ...fault, remedy });
  };
}

function listed(value: unknown, note: Note): { id: string; path: Path; value: unknown }[] {
  if (Array.isArray(value) ? value.length === 0 : isMapping(value) && Object.keys(value).length === 0)
    note([], "at least one stanza", "none");
  if (Array.isArray(value))
    return value.map((one, index) => ({ id: `stanza ${index + 1}`, path: [index], value: one }));
  if (!isMapping(value)) {
    note([], "stanzas: one, a list of them, or a mapping of names to them", shown(value));
    return [];
  }
  if (keys.some((key) => Object.hasOwn(value, key))) return [{ id: "stanza 1", path: [], value }];
  return Object.entries(value).map(([id, one]) => ({ id, path: [id], value: one }));
}

function stanzaOf(id: string, path: Path, value: unknown, note: Note): Stanza | undefined {
  if (!isMapping(value)) {
    note(path, "a stanza: a mapping with match and snapshot", shown(value));
    return undefined;
  }
  unknownKeys(value, keys, path, note);
  const snapshot = snapshotOf(value["snapshot"], [...path, "snapshot"], note);
  const match = matchOf(value["match"], [...path, "match"], note);
  const ignore = ignoreOf(value["ignore"], [...path, "ignore"], note);
  const ignoreRetention = value["ignore_retention"] ?? false;
  if (typeof ignoreRetention !== "boolean")
    note([...path, "ignore_retention"], "true or false, not in quotes", shown(ignoreRetention));
  const replication = yesOf(value["replication"], [...path, "replication"], note);
  if (snapshot === undefined || match === undefined) return undefined;
  return { id, match, ...snapshot, ignore, ignoreRetention: ignoreRetention === true, replication };
}

function matchOf(value: unknown, path: Path, note: Note): readonly Ec2Filter[] | undefined {
  if (!isMapping(value) || Object.keys(value).length === 0) {
    const why = "an empty one matches nothing, and never everything";
    note(path, "at least one filter of DescribeInstances", shown(value), "value", why);
    return undefined;
  }
  return Object.entries(value).flatMap(([name, wanted]): Ec2Filter[] => {
    const here = [...path, name];
    if (!isFilterName(name)) {
      note(here, `a filter: ${filterNames.join(", ")}`, "another one", "key");
      return [];
    }
    const values = Array.isArray(wanted) ? wanted : [wanted];
    if (values.length > 0 && values.every((one) => typeof one === "string" && one !== ""))
      return [{ name, values: values as string[] }];
    note(here, "a text, or a list of texts; * and ? are wildcards", shown(wanted));
    return [];
  });
}

function snapshotOf(
  value: unknown,
  path: Path,
  note: Note,
): Pick<Stanza, "retention" | "minimum" | "frequency"> | undefined {
  if (!isMapping(value)) {
    note(path, "a mapping with retention, minimum and frequency", shown(value));
    return undefined;
  }
  unknownKeys(value, ["retention", "minimum", "frequency"], path, note);
  const retention = retentionOf(value["retention"], [...path, "retention"], note);
  const frequency = frequencyOf(value["frequency"], [...path, "frequency"], note);
  const minimum = minimumOf(value["minimum"], [...path, "minimum"], note);
  if (retention === undefined || frequency === undefined || minimum === undefined) return undefined;
  return { retention, minimum, frequency };
}

function retentionOf(value: unknown, path: Path, note: Note): number | undefined {
  const ms = typeof value === "string" ? parseSpokenDuration(value) : undefined;
  const least = durationOrNothing(shortestAge) ?? 0;
  const most = durationOrNothing(longestAge) ?? 0;
  if (ms !== undefined && ms >= least && ms <= most) return ms;
  const remedy = /month|year|\dy/i.test(String(value)) ? "months and years are none: write days" : undefined;
  note(path, `${durationExpected}, from ${shortestAge} to ${longestAge}`, shown(value), "value", remedy);
  return undefined;
}

function minimumOf(value: unknown, path: Path, note: Note): number | undefined {
  const count = typeof value === "string" && /^\d{1,9}$/.test(value) ? Number(value) : value;
  if (typeof count === "number" && Number.isInteger(count) && count >= 0 && count <= mostKept) return count;
  note(path, `a whole number from 0 to ${mostKept}`, shown(value));
  return undefined;
}

/** A duration is tried first, then a crontab. */
function frequencyOf(value: unknown, path: Path, note: Note): Frequency | undefined {
  const text = typeof value === "string" ? value : "";
  const every = parseSpokenDuration(text);
  if (every !== undefined && every >= 60_000) return { every };
  try {
    if (text !== "" && every === undefined) return { cron: parseLongCron(text) };
    note(path, `${durationExpected} of a minute at least, or a crontab`, shown(value));
  } catch (error) {
    note(
      path,
      `${durationExpected}, or a crontab of 5 to 7 fields`,
      `${shown(value)} (${(error as RangeError).message})`,
    );
  }
  return undefined;
}

function ignoreOf(value: unknown, path: Path, note: Note): readonly string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) {
    note(path, "a list of ids", shown(value));
    return [];
  }
  for (const [index, id] of value.entries())
    if (typeof id !== "string" || !/^(?:i|vol)-(?:[0-9a-f]{8}|[0-9a-f]{17})$/.test(id))
      note([...path, index], "the id of an instance or a volume", shown(id));
  return value.filter((id) => typeof id === "string");
}

function yesOf(value: unknown, path: Path, note: Note): boolean {
  if (value === undefined) return false;
  if (typeof value === "boolean") return value;
  if (typeof value === "string" && /^(?:yes|no|true|false)$/i.test(value))
    return /^(?:yes|true)$/i.test(value);
  note(path, "yes or no", shown(value));
  return false;
}

function unknownKeys(value: Mapping, known: readonly string[], path: Path, note: Note): void {
  for (const key of Object.keys(value)) {
    if (known.includes(key)) continue;
    const near = nearest(key, known);
    const remedy = near === undefined ? undefined : `did you mean "${near}"?`;
    note([...path, key], `one of ${known.join(", ")}`, "an unknown key", "key", remedy);
  }
}

function isMapping(value: unknown): value is Mapping {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
