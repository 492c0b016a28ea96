import type { Tags } from "./instance.ts";
import type { MachineRecipe, MetadataOptions } from "./machine-recipe.ts";
import { machineKeys } from "./machine-tags.ts";
import { sumOf } from "./machine-words.ts";
import type { RecoveryPoint } from "./recovery-point.ts";

/** What a point tells of the machine that it was captured on. */
export interface RecordedMachine {
  /** Absent: the point tells nothing of it. */
  readonly machine?: MachineRecipe;
  /** Absent: it is not known whether there was any. */
  readonly userData?: { readonly sha256: string; readonly length: number } | "none";
  /** gzip in base64; absent where it was not recorded. */
  readonly content?: string;
  /** What of the record is lost or was changed, in words; what is left can be read all the same. */
  readonly faults: readonly string[];
}

/** Reads what the tags of a point tell of its machine. Words of later versions are passed over. */
export function recordedMachine(point: Pick<RecoveryPoint, "snapshots">): RecordedMachine {
  const tags: Tags = Object.assign({}, ...point.snapshots.map((snapshot) => snapshot.tags));
  const values = valuesOf(tags, machineKeys.machine);
  const content = valuesOf(tags, machineKeys.userData);
  if (values.length === 0) return { faults: [] };
  const [of, sum, ...words] = values.flatMap(({ value }) => value.split(" ").filter((word) => word !== ""));
  const faults: string[] = [];
  const numbers = values.map(({ number }) => number);
  if (!/^of=\d{1,2}$/.test(of ?? "") || !/^sum=[0-9a-f]{8}$/.test(sum ?? ""))
    faults.push(`${machineKeys.machine}1 does not begin as it was written`);
  else if (Number(of?.slice(3)) !== values.length || numbers.some((number, index) => number !== index + 1))
    faults.push(`${of?.slice(3)} tags ${machineKeys.machine}N were written, and ${values.length} are there`);
  else if (sum !== `sum=${sumOf(words)}`) faults.push("the record of the machine was changed since");
  const found = new Map<string, string>();
  for (const word of words) {
    const at = word.indexOf("=");
    const key = word.slice(0, at);
    if (at > 0) found.set(key, `${found.get(key) ?? ""}${word.slice(at + 1)}`);
  }
  const read = readerOf(found, faults);
  const userData = userDataOf(read("ud", /^(none|\d{1,6}\+[0-9a-f]{64})$/));
  return {
    machine: machineOf(read),
    ...(userData === undefined ? {} : { userData }),
    ...(content.length === 0 ? {} : { content: content.map(({ value }) => value).join("") }),
    faults,
  };
}

function valuesOf(tags: Tags, key: string): { number: number; value: string }[] {
  return Object.entries(tags)
    .filter(([name]) => name.startsWith(key) && /^\d{1,2}$/.test(name.slice(key.length)))
    .map(([name, value]) => ({ number: Number(name.slice(key.length)), value }))
    .sort((a, b) => a.number - b.number);
}

type Read = (key: string, shape: RegExp) => string | undefined;

/** Anybody with the right to tag may have written there: only what looks as EC2 writes it is taken over. */
function readerOf(found: ReadonlyMap<string, string>, faults: string[]): Read {
  return (key, shape) => {
    const written = found.get(key);
    if (written === undefined) return undefined;
    const value = unescaped(written);
    if (value !== undefined && shape.test(value)) return value;
    faults.push(`what it says of ${key} cannot be read`);
    return undefined;
  };
}

function unescaped(text: string): string | undefined {
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] !== "@") bytes.push(text.charCodeAt(at));
    else {
      const hex = text.slice(at + 1, at + 3);
      if (!/^[0-9a-f]{2}$/.test(hex)) return undefined;
      bytes.push(Number.parseInt(hex, 16));
      at += 2;
    }
  }
  return new TextDecoder().decode(Uint8Array.from(bytes));
}

const word = /^[\w.:-]{1,64}$/;

function machineOf(read: Read): MachineRecipe {
  const codes = read("codes", /^[\w+-]{1,250}$/)?.split("+");
  const groups = read("groups", /^sg-[0-9a-f]+(\+sg-[0-9a-f]+)*$/)?.split("+");
  const metadata = metadataOf(read("imds", /^[\w-]*(\+[\w-]*){4}$/));
  const texts = {
    type: read("type", /^[a-z][\w-]*\.[\w-]+$/),
    architecture: read("arch", word),
    bootMode: read("boot", word),
    image: read("image", /^ami-[0-9a-f]+$/),
    platform: read("platform", /^[\w ./+()-]{1,128}$/),
    usage: read("usage", word),
    subnet: read("subnet", /^subnet-[0-9a-f]+$/),
    profile: read("profile", /^arn:[\w-]+:iam::\d{12}:instance-profile\/[\w+=,.@/-]+$/),
    keyName: read("key", /^[\x20-\x7e]{1,255}$/),
    sriov: read("sriov", word),
    tpm: read("tpm", word),
    tenancy: read("tenancy", /^(default|dedicated|host)$/),
    rootDevice: read("root", /^(\/dev\/)?[\w/]{2,32}$/),
  };
  const flags = { ena: read("ena", /^[01]$/), ebsOptimized: read("ebsopt", /^[01]$/) };
  return {
    ...Object.fromEntries(Object.entries(texts).filter(([, value]) => value !== undefined)),
    ...(codes === undefined ? {} : { codes }),
    ...(groups === undefined ? {} : { groups }),
    ...(flags.ena === undefined ? {} : { ena: flags.ena === "1" }),
    ...(flags.ebsOptimized === undefined ? {} : { ebsOptimized: flags.ebsOptimized === "1" }),
    ...(metadata === undefined ? {} : { metadata }),
  };
}

function metadataOf(text: string | undefined): MetadataOptions | undefined {
  if (text === undefined) return undefined;
  const [tokens, hops, endpoint, ipv6, tags] = text.split("+");
  return {
    ...(tokens ? { tokens } : {}),
    ...(hops && /^\d{1,2}$/.test(hops) ? { hops: Number(hops) } : {}),
    ...(endpoint ? { endpoint } : {}),
    ...(ipv6 ? { ipv6 } : {}),
    ...(tags ? { tags } : {}),
  };
}

function userDataOf(text: string | undefined): RecordedMachine["userData"] {
  if (text === undefined || text === "none") return text;
  const [length, sha256] = text.split("+");
  return { length: Number(length), sha256: sha256 ?? "" };
}
