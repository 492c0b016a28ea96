import type { DescribeSnapshotsResult, Snapshot } from "@aws-sdk/client-ec2";
import { unreadable } from "./pages.ts";

type Text = (value: string) => unknown;

const text: Text = (value) => value;

/** What is read of a snapshot: the name of the element, of the member, and what its text becomes. */
const members = new Map<string, readonly [keyof Snapshot, Text]>([
  ["snapshotId", ["SnapshotId", text]],
  ["volumeId", ["VolumeId", text]],
  ["status", ["State", text]],
  ["statusMessage", ["StateMessage", text]],
  ["startTime", ["StartTime", time]],
  ["completionTime", ["CompletionTime", time]],
  ["progress", ["Progress", text]],
  ["description", ["Description", text]],
  ["volumeSize", ["VolumeSize", number]],
  ["fullSnapshotSizeInBytes", ["FullSnapshotSizeInBytes", number]],
  ["encrypted", ["Encrypted", truth]],
  ["kmsKeyId", ["KmsKeyId", text]],
  ["storageTier", ["StorageTier", text]],
]);

/**
 * Reads snapshots out of EC2's XML without a tree of all of it: a hundred thousand of them are most of what a sweep does,
 * and the SDK makes some thirty kilobytes of objects out of each. It knows the plain form that EC2 writes and refuses
 * whatever else: what is listed here may be removed, so it is read right or not at all.
 */
export function readSnapshots(xml: string): DescribeSnapshotsResult {
  const reader = new Reader(xml.includes("\r") ? xml.replace(/\r\n?/g, "\n") : xml);
  reader.enter("Answer");
  reader.enter("snapshotSet");
  const Snapshots: Snapshot[] = [];
  while (!reader.leaves("snapshotSet")) {
    reader.enter("item");
    Snapshots.push(snapshotIn(reader));
  }
  return { Snapshots };
}

function snapshotIn(reader: Reader): Snapshot {
  const found: Record<string, unknown> = {};
  while (!reader.leaves("item")) {
    const name = reader.open();
    const member = members.get(name);
    const key = name === "tagSet" ? "Tags" : member?.[0];
    if (key === undefined) {
      reader.skip(name);
      continue;
    }
    if (Object.hasOwn(found, key)) throw odd(`${name} twice`);
    found[key] = member === undefined ? tagsIn(reader) : member[1](reader.text(name));
  }
  return found as Snapshot;
}

function tagsIn(reader: Reader): { Key?: string; Value?: string }[] {
  const tags: { Key?: string; Value?: string }[] = [];
  if (reader.isEmpty) return tags;
  while (!reader.leaves("tagSet")) {
    reader.enter("item");
    const tag: { Key?: string; Value?: string } = {};
    while (!reader.leaves("item")) {
      const name = reader.open();
      const key = name === "key" ? "Key" : name === "value" ? "Value" : undefined;
      if (key === undefined) reader.skip(name);
      else if (Object.hasOwn(tag, key)) throw odd(`${name} twice`);
      else tag[key] = reader.text(name);
    }
    tags.push(tag);
  }
  return tags;
}

class Reader {
  readonly #xml: string;
  #at = 0;
  /** Whether the element that was opened last has ended with its own tag. */
  isEmpty = false;

  constructor(xml: string) {
    this.#xml = xml;
  }

  /** The name of the element that begins here. */
  open(): string {
    const from = this.#tag();
    const to = this.#xml.indexOf(">", from);
    this.isEmpty = this.#xml[to - 1] === "/";
    const name = this.#xml.slice(from, this.isEmpty ? to - 1 : to);
    if (to < 0 || !/^[A-Za-z]\w*$/.test(name)) throw odd("a tag that is none");
    this.#at = to + 1;
    return name;
  }

  enter(name: string): void {
    if (this.open() !== name || this.isEmpty) throw odd(`no ${name}`);
  }

  /** Whether the element ends here, which is left then. */
  leaves(name: string): boolean {
    const from = this.#tag();
    if (this.#xml[from] !== "/") return false;
    if (!this.#xml.startsWith(`${name}>`, from + 1)) throw odd(`no end of ${name}`);
    this.#at = from + name.length + 2;
    return true;
  }

  /** The text of the element that was opened last, up to its end. */
  text(name: string): string {
    if (this.isEmpty) return "";
    const from = this.#at;
    const end = this.#xml.indexOf("<", from);
    if (end < 0 || !this.#xml.startsWith(`/${name}>`, end + 1)) throw odd(`no end of ${name}`);
    this.#at = end + name.length + 3;
    const raw = this.#xml.slice(from, end);
    if (raw.includes("\n") && raw.trim() === "") return "";
    return raw.includes("&") ? decoded(raw) : raw;
  }

  /** Past the element that was opened last, whatever it holds. */
  skip(name: string): void {
    if (this.isEmpty) return;
    const open = [name];
    while (open.length > 0) {
      const from = this.#xml.indexOf("<", this.#at) + 1;
      if (from === 0) throw odd(`no end of ${name}`);
      this.#at = from - 1;
      if (this.#xml[from] === "/") this.leaves(open.pop() ?? "");
      else {
        const inner = this.open();
        if (!this.isEmpty) open.push(inner);
      }
    }
  }

  /** Behind the `<` of the next tag, before which nothing but blanks may be. */
  #tag(): number {
    const from = this.#xml.indexOf("<", this.#at);
    if (from < 0 || (from > this.#at && this.#xml.slice(this.#at, from).trim() !== ""))
      throw odd("text between elements");
    return from + 1;
  }
}

const entities: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

function decoded(raw: string): string {
  return raw.replace(/&([^;&]*);?/g, (whole, name: string) => {
    const code = /^#(?:x([\da-f]+)|(\d+))$/i.exec(name);
    const point = code === null ? undefined : Number.parseInt(code[1] ?? code[2] ?? "", code[1] ? 16 : 10);
    const sign = Object.hasOwn(entities, name) ? entities[name] : undefined;
    if (!whole.endsWith(";") || (sign === undefined && (point === undefined || point > 0x10ffff)))
      throw odd(`the sign ${whole.slice(0, 12)}`);
    return sign ?? String.fromCodePoint(point ?? 0);
  });
}

function time(value: string): Date {
  const at = new Date(value);
  if (!/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value) || Number.isNaN(at.getTime())) throw odd(`the time ${value}`);
  return at;
}

function number(value: string): number {
  if (!/^\d{1,15}$/.test(value)) throw odd(`the number ${value}`);
  return Number(value);
}

function truth(value: string): boolean {
  if (value !== "true" && value !== "false") throw odd(`the truth ${value}`);
  return value === "true";
}

function odd(what: string) {
  return unreadable("read the list of snapshots", `EC2's answer has ${what}, which is not understood`);
}
