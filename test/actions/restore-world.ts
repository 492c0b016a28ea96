import { createHash } from "node:crypto";
import type { RestoreDeps } from "../../src/actions/restore-deps.ts";
import { BackupError, type ErrorKind } from "../../src/core/errors.ts";
import { placeOf } from "../../src/core/restore-devices.ts";
import { planRestore, type RestorePlan, type RestoreWish } from "../../src/core/restore-plan.ts";
import type {
  FoundFilesystem,
  HostDisks,
  Mounted,
  NewVolume,
  VolumeService,
  VolumeState,
} from "../../src/core/restore-ports.ts";
import { point, snapshot } from "../core/points.ts";
import { instance } from "../system/history.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** What becomes of a request: it is heard or not, and what its sender is told. */
export type Fate = "fine" | "lost" | "unanswered" | "throttled" | "refused" | "killed";

/** The process is gone: nothing of it may be seen any more. */
class Killed extends Error {}

const originals = ["vol-0aaaa0000", "vol-0aaaa0001", "vol-0aaaa0002"];
const devices = ["/dev/xvda", "/dev/sdf", "/dev/sdg"];

/**
 * Volumes and disks that keep EC2's rules as far as a restore meets them, in time that passes as one waits. Things
 * change a while after they are asked for, and what is new is not shown at once.
 */
export class RestoreWorld {
  readonly volumes = new Map<string, Mutable<VolumeState>>();
  readonly tokens = new Map<string, { readonly id: string; readonly words: string }>();
  /** Directories with what is mounted there. */
  readonly mounts = new Map<string, string>();
  readonly log: string[] = [];
  /** What is asked for, one after the other; the rest is fine. */
  fates: (call: string, count: number) => Fate = () => "fine";
  /** A snapshot whose volumes go away by themselves. */
  keyless: string | undefined;
  lag = 0;
  /** Whether the kernel does not say which disks are here. */
  silent = false;
  #now = 0;
  #calls = 0;
  #due: { readonly at: number; readonly happen: () => void }[] = [];
  #hidden = new Map<string, number>();

  constructor() {
    for (const [index, id] of originals.entries()) {
      this.volumes.set(id, {
        ...bare(id, {}),
        state: "in-use",
        attachments: [{ instance: instance.id, device: devices[index] ?? "", state: "attached" }],
      });
    }
    this.volumes.set("vol-0bbbb", { ...bare("vol-0bbbb", { Name: "of somebody else" }), state: "available" });
    this.volumes.set("vol-0cccc", {
      ...bare("vol-0cccc", { "ec2-backup:restore": "restore-1", "ec2-backup:restored-for": "arn:other" }),
      state: "available",
    });
  }

  /** What was there before any restore, and must be there after all of them. */
  get untouched(): string {
    const ids = [...originals, "vol-0bbbb", "vol-0cccc"];
    return JSON.stringify(ids.map((id) => this.volumes.get(id)));
  }

  /** Volumes that restores have made and that are not gone. */
  get made(): VolumeState[] {
    const given = ["vol-0bbbb", "vol-0cccc", ...originals];
    return [...this.volumes.values()].filter(({ id, state }) => !given.includes(id) && state !== "deleted");
  }

  get calls(): number {
    return this.#calls;
  }

  plan(wish: Partial<RestoreWish> = {}): RestorePlan {
    const captured = new Date("2026-11-01T02:00:00Z");
    const made = {
      ...point(captured, { id: "0193a1b2-c3d4-7000-8000-000000000001" }),
      recipe: originals.map((volumeId, index) => ({
        volumeId,
        root: index === 0,
        device: devices[index] ?? "",
        type: "gp3",
        sizeGiB: 8,
      })),
      snapshots: originals.map((volumeId, index) => snapshot({ id: `snap-0${index}`, volumeId })),
    };
    const attached = [...this.volumes.values()].flatMap((volume) =>
      volume.attachments.map(({ device }) => ({
        ...{ id: volume.id, device, root: false, sizeGiB: 8, type: "gp3", encrypted: false },
        ...{ multiAttach: false, deleteOnTermination: false, attachment: "attached", tags: volume.tags },
      })),
    );
    return planRestore(
      made,
      { volumes: [], ...wish },
      {
        instance,
        attached,
        taken: [],
        snapshots: made.snapshots,
        facts: { region: instance.region, account: instance.account, now: captured, keys: new Map() },
        digest,
      },
    );
  }

  /** What a process is given; once it is killed, it does nothing more. */
  deps(): RestoreDeps {
    return {
      volumes: this.#service(),
      disks: this.#disks(),
      clock: {
        now: () => new Date(this.#now),
        elapsed: () => this.#now,
        sleep: (ms) => {
          this.#pass(ms);
          return Promise.resolve();
        },
        random: () => 0.5,
      },
      log: () => undefined,
      progress: () => undefined,
      digest,
      waits: {
        ...{ poll: 100, retryFor: 20_000, visibleFor: 30_000, availableFor: 60_000 },
        ...{ attachFor: 60_000, diskFor: 10_000, detachFor: 60_000, initializeFor: 600_000 },
      },
    };
  }

  #pass(ms: number): void {
    this.#now += ms;
    const due = this.#due.filter(({ at }) => at <= this.#now);
    this.#due = this.#due.filter(({ at }) => at > this.#now);
    for (const { happen } of due) happen();
  }

  #later(ms: number, happen: () => void): void {
    this.#due.push({ at: this.#now + ms, happen });
  }

  /** A request as the network and EC2 treat it. */
  async #ask<T>(call: string, body: () => T): Promise<T> {
    this.#calls += 1;
    this.#pass(20);
    const fate = this.fates(call, this.#calls);
    const fail = (kind: ErrorKind, code: string) =>
      new BackupError({ kind, doing: call, found: `EC2 answered ${code}`, code });
    if (fate === "lost") throw fail("unreachable", "ECONNRESET");
    if (fate === "throttled") throw fail("throttled", "RequestLimitExceeded");
    if (fate === "refused") throw fail("refused", "InsufficientVolumeCapacity");
    this.log.push(call);
    const answer = body();
    if (fate === "killed") throw new Killed(call);
    if (fate === "unanswered") throw fail("unreachable", "TimeoutError");
    return answer;
  }

  #volume(id: string): Mutable<VolumeState> {
    const found = this.volumes.get(id);
    if (found === undefined || found.state === "deleted") throw refused("InvalidVolume.NotFound", id);
    return found;
  }

  #seen(): VolumeState[] {
    return [...this.volumes.values()].filter(
      ({ id, state }) => state !== "deleted" && (this.#hidden.get(id) ?? 0) <= this.#now,
    );
  }

  #service(): VolumeService {
    return {
      create: (volume) => this.#ask("create", () => this.#create(volume)),
      describe: (ids) =>
        this.#ask("describe", () => structuredClone(this.#seen().filter(({ id }) => ids.includes(id)))),
      tagged: (key, value) =>
        this.#ask("tagged", () =>
          structuredClone(
            this.#seen().filter(({ tags }) => key in tags && (value === undefined || tags[key] === value)),
          ),
        ),
      attach: (id, to, device) => this.#ask("attach", () => this.#attach(id, to, device)),
      detach: (id) => this.#ask("detach", () => this.#detach(id)),
      remove: (id) => this.#ask("remove", () => this.#remove(id)),
      tag: (ids, tags) =>
        this.#ask("tag", () => {
          for (const id of ids) this.#volume(id).tags = { ...this.#volume(id).tags, ...tags };
        }),
      initialized: (ids) => this.#ask("initialized", () => new Map(ids.map((id) => [id, 100]))),
    };
  }

  #create({ clientToken, ...words }: NewVolume): VolumeState {
    const known = this.tokens.get(clientToken);
    const text = JSON.stringify(words);
    if (known !== undefined && known.words !== text)
      throw refused("IdempotentParameterMismatch", clientToken);
    if (known !== undefined) return structuredClone(this.#volume(known.id));
    const id = `vol-0d${String(this.volumes.size).padStart(8, "0")}`;
    const volume = { ...bare(id, words.tags), snapshot: words.snapshot, type: words.type };
    this.tokens.set(clientToken, { id, words: text });
    this.volumes.set(id, volume);
    this.#hidden.set(id, this.#now + this.lag);
    this.#later(700, () => {
      volume.state = words.snapshot === this.keyless ? "deleted" : "available";
    });
    return structuredClone(volume);
  }

  #attach(id: string, to: string, device: string): void {
    const volume = this.#volume(id);
    if (volume.state === "in-use") throw refused("VolumeInUse", id);
    if (volume.state !== "available") throw refused("IncorrectState", id);
    const others = [...this.volumes.values()].flatMap(({ attachments }) => attachments);
    if (others.some((one) => placeOf(one.device) === placeOf(device)))
      throw refused("InvalidParameterValue", `Attachment point ${device} is already in use`);
    volume.state = "in-use";
    const attachment = { instance: to, device, state: "attaching" };
    volume.attachments = [attachment];
    this.#later(600, () => {
      attachment.state = "attached";
    });
  }

  #detach(id: string): void {
    const volume = this.#volume(id);
    if (originals.includes(id) || volume.attachments.length === 0) throw refused("IncorrectState", id);
    if ([...this.mounts.values()].includes(id)) throw refused("Busy", id);
    this.#later(600, () => {
      volume.attachments = [];
      if (volume.state === "in-use") volume.state = "available";
    });
  }

  #remove(id: string): void {
    const volume = this.#volume(id);
    if (volume.state !== "available" && volume.state !== "error") throw refused("VolumeInUse", id);
    volume.state = "deleted";
  }

  #disks(): HostDisks {
    const diskOf = (id: string) => `/dev/disk-of-${id}`;
    const idOf = (disk: string) => disk.replace("/dev/disk-of-", "");
    return {
      deviceOf: ({ id }, deadline) => {
        if (this.silent)
          return Promise.reject(
            new BackupError({ kind: "unreachable", doing: `find the disk of ${id}`, found: "no answer" }),
          );
        if (this.volumes.get(id)?.attachments[0]?.state === "attached") return Promise.resolve(diskOf(id));
        this.#pass(deadline);
        return Promise.reject(
          new BackupError({ kind: "not-found", doing: `find the disk of ${id}`, found: "it is not there" }),
        );
      },
      separate: () => Promise.resolve([]),
      filesystems: (disks) =>
        Promise.resolve(disks.map((path): FoundFilesystem => ({ path, type: "ext4", disks: [path] }))),
      blanks: () => Promise.resolve([]),
      mount: ({ path, type }, where, { writable }) =>
        this.#ask("mount", (): Mounted => {
          const there = this.mounts.get(where);
          if (there !== undefined && there !== idOf(path)) throw refused("Busy", where);
          this.mounts.set(where, idOf(path));
          return { where, path, type, writable, notes: [] };
        }),
      holds: ({ path }, where) => Promise.resolve(this.mounts.get(where) === idOf(path)),
      unmount: (where) => Promise.resolve(void this.mounts.delete(where)),
      release: (disk) =>
        this.#ask("release", () => {
          for (const [where, id] of this.mounts) if (id === idOf(disk)) this.mounts.delete(where);
        }),
      readAll: (_, progress) => Promise.resolve(progress(8, 8)),
    };
  }
}

export function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function bare(id: string, tags: VolumeState["tags"]): Mutable<VolumeState> {
  return { id, state: "creating", zone: instance.zone, type: "gp3", sizeGiB: 8, tags, attachments: [] };
}

function refused(code: string, about: string): BackupError {
  return new BackupError({ kind: "refused", doing: "ask", found: `EC2 answered ${code}: ${about}`, code });
}
