import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { denied, Refusal } from "./failure.ts";

export interface Retention {
  readonly mode: "COMPLIANCE" | "GOVERNANCE";
  /** Milliseconds since 1970. */
  readonly until: number;
}

/** A version of an object, or a delete marker. */
export interface Version {
  /** `null` in a bucket that keeps no versions. */
  readonly id: string;
  readonly key: string;
  /** Versions of a key are ordered by it. */
  readonly order: number;
  readonly size: number;
  /** Without quotes. */
  readonly etag: string;
  /** Milliseconds since 1970. */
  readonly modified: number;
  readonly marker: boolean;
  readonly retention?: Retention;
  readonly hold?: boolean;
  readonly headers: Readonly<Record<string, string>>;
  /** The name of its two files. */
  readonly file: string;
}

export interface BucketSettings {
  readonly created: number;
  readonly versioning: "" | "Enabled" | "Suspended";
  readonly lock: boolean;
  readonly standard?: { readonly mode: Retention["mode"]; readonly days: number };
}

/** A bucket in a directory: what was answered with success is there after a crash, and nothing else. */
export class Bucket {
  readonly name: string;
  readonly #directory: string;
  readonly #versions = new Map<string, Version[]>();
  #settings: BucketSettings;
  #order = 0;

  private constructor(name: string, directory: string, settings: BucketSettings) {
    this.name = name;
    this.#directory = directory;
    this.#settings = settings;
  }

  static make(root: string, name: string, settings: BucketSettings): Bucket {
    const directory = path.join(root, name);
    for (const one of ["data", "about", "coming"]) mkdirSync(path.join(directory, one), { recursive: true });
    const bucket = new Bucket(name, directory, settings);
    bucket.settings = settings;
    return bucket;
  }

  static open(root: string, name: string): Bucket | undefined {
    const directory = path.join(root, name);
    const about = path.join(directory, "bucket.json");
    if (!existsSync(about)) return undefined;
    const bucket = new Bucket(name, directory, JSON.parse(readFileSync(about, "utf8")) as BucketSettings);
    const found = readdirSync(path.join(directory, "about")).filter((file) => file.endsWith(".json"));
    const all = found.map(
      (file) => JSON.parse(readFileSync(path.join(directory, "about", file), "utf8")) as Version,
    );
    for (const one of all.sort((a, b) => a.order - b.order)) bucket.#remember(one);
    return bucket;
  }

  get settings(): BucketSettings {
    return this.#settings;
  }

  set settings(settings: BucketSettings) {
    this.#write("bucket.json", settings);
    this.#settings = settings;
  }

  /** Where a body is written before it is an object's. */
  coming(): string {
    return path.join(this.#directory, "coming", randomBytes(12).toString("hex"));
  }

  dataOf(version: Version): string {
    return path.join(this.#directory, "data", version.file);
  }

  /** Adds a version; `body` is a file that becomes its data. */
  add(
    one: Pick<Version, "key" | "size" | "etag" | "modified" | "headers"> & {
      readonly retention?: Retention | undefined;
      readonly hold?: boolean;
    },
    body: string | undefined,
  ): Version {
    const keeps = this.#settings.versioning === "Enabled";
    const file = randomBytes(16).toString("hex");
    const { retention, ...rest } = one;
    const version: Version = {
      ...rest,
      ...(retention === undefined ? {} : { retention }),
      id: keeps ? file : "null",
      order: ++this.#order,
      marker: body === undefined,
      file,
    };
    const replaced = keeps ? undefined : this.version(one.key, "null");
    if (body !== undefined) renameSync(body, this.dataOf(version));
    this.#write(path.join("about", `${file}.json`), version);
    this.#remember(version);
    if (replaced !== undefined) this.remove(replaced);
    return version;
  }

  change(version: Version, change: Pick<Version, "retention"> | Pick<Version, "hold">): void {
    const changed: Version = { ...version, ...change };
    this.#write(path.join("about", `${version.file}.json`), changed);
    const all = this.#versions.get(version.key) ?? [];
    all.splice(all.indexOf(version), 1, changed);
  }

  remove(version: Version): void {
    rmSync(path.join(this.#directory, "about", `${version.file}.json`));
    rmSync(this.dataOf(version), { force: true });
    const all = this.#versions.get(version.key) ?? [];
    all.splice(all.indexOf(version), 1);
    if (all.length === 0) this.#versions.delete(version.key);
  }

  /** Oldest first. */
  versionsOf(key: string): readonly Version[] {
    return this.#versions.get(key) ?? [];
  }

  newest(key: string): Version | undefined {
    return this.versionsOf(key).at(-1);
  }

  version(key: string, id: string): Version | undefined {
    return this.versionsOf(key).find((one) => one.id === id);
  }

  /** In the order of S3's lists: by bytes. */
  keys(prefix: string): string[] {
    return [...this.#versions.keys()]
      .filter((key) => key.startsWith(prefix))
      .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  }

  get empty(): boolean {
    return this.#versions.size === 0;
  }

  destroy(): void {
    rmSync(this.#directory, { recursive: true });
  }

  #remember(version: Version): void {
    this.#order = Math.max(this.#order, version.order);
    const all = this.#versions.get(version.key);
    if (all === undefined) this.#versions.set(version.key, [version]);
    else all.push(version);
  }

  #write(name: string, content: unknown): void {
    const coming = this.coming();
    writeFileSync(coming, JSON.stringify(content));
    renameSync(coming, path.join(this.#directory, name));
  }
}

/** Refuses the removal of a version that Object Lock keeps. */
export function mayRemove(version: Version, now: number, bypass: boolean): void {
  if (version.hold) throw denied("Object has a legal hold");
  const { retention } = version;
  if (retention === undefined || retention.until <= now) return;
  if (retention.mode === "GOVERNANCE" && bypass) return;
  throw denied("Object is locked");
}

/** Refuses a retention that would keep less than the one that is there. */
export function mayRetain(
  version: Version,
  wanted: Retention | undefined,
  now: number,
  bypass: boolean,
): void {
  const { retention } = version;
  if (retention === undefined || retention.until <= now) return;
  const longer = wanted !== undefined && wanted.until >= retention.until;
  if (retention.mode === "COMPLIANCE") {
    if (longer && wanted.mode === "COMPLIANCE") return;
  } else if (longer || bypass) return;
  throw denied("Object is locked");
}

export const noKey = () => new Refusal(404, "NoSuchKey", "The specified key does not exist.");
export const noVersion = () => new Refusal(404, "NoSuchVersion", "The specified version does not exist.");

/** The ETag of an object that came in parts. */
export function etagOfParts(md5s: readonly string[]): string {
  const all = Buffer.concat(md5s.map((one) => Buffer.from(one, "hex")));
  return `${createHash("md5").update(all).digest("hex")}-${md5s.length}`;
}
