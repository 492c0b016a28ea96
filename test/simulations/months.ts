import { runJob } from "../../src/actions/run-job.ts";
import type { RunDeps, RunRequest } from "../../src/actions/run-request.ts";
import { sweepCreate } from "../../src/actions/sweep-create.ts";
import { sweepPrune } from "../../src/actions/sweep-prune.ts";
import { Turns } from "../../src/actions/turns.ts";
import { createDeps, listedOnce, type PartGround, pruneDeps } from "../../src/agent/sweep-parts.ts";
import { stopsDeps } from "../../src/agent/sweep-stops.ts";
import { type Connection, type ConnectionOptions, connect } from "../../src/aws/connection.ts";
import { discover } from "../../src/aws/discover.ts";
import { resolve } from "../../src/config/resolve.ts";
import type { Job } from "../../src/core/job.ts";
import { groupKey, tagKeys } from "../../src/core/point-tags.ts";
import type { CaptureNote, Clock } from "../../src/core/ports.ts";
import { defaultRetention, type RetentionPolicy } from "../../src/core/retention-policy.ts";
import { defaultSweepSettings } from "../../src/core/sweep-settings.ts";
import { ebsEngine } from "../../src/engines/ebs.ts";
import { sweepPoints } from "../../src/engines/sweep-points.ts";
import { uuidV7 } from "../../src/host/uuid.ts";
import type { Fault } from "../../src/simulator/faults.ts";
import { type Simulator, startSimulator } from "../../src/simulator/server.ts";
import { day, policy } from "../core/points.ts";
import { chanceOf } from "../system/chance.ts";
import { instanceId, own, pointId, thingsOf, volumeId } from "../system/sweep-stage.ts";
import { type Actor, Judge, type Machine } from "./months-judge.ts";
import { quietHost } from "./quiet-host.ts";

const region = "eu-central-1";
const start = Date.parse("2027-02-20T02:00:00Z");
const credentials = async () => ({ accessKeyId: "AKIASIMULATORTEST001", secretAccessKey: "secret" });

export interface MonthsWish {
  readonly seed: number;
  readonly machines: number;
  /** How long what a sweep gives up is marked. */
  readonly mark: number;
}

/** A host with its agent, as far as the story of a month needs it. */
interface Host extends Machine {
  readonly number: number;
  readonly prunes: boolean;
  readonly connection: Connection;
  readonly session: Session;
  /** By how much its clock is wrong. */
  readonly skew: number;
  /** Its agent has fallen silent. */
  silent: boolean;
  gone: boolean;
  note?: CaptureNote;
}

/** Who a client works for just now. */
interface Session {
  actor?: Actor & { readonly machine?: Host };
  /** Requests until it dies; absent = it does not. */
  left: number | undefined;
  die: () => void;
}

const policies: readonly RetentionPolicy[] = [
  defaultRetention,
  policy({ last: 5 }),
  policy({ daily: 7, weekly: 2 }),
  policy({ daily: 3, monthly: 12, timezone: "Europe/Berlin" }),
  policy({ within: 9 * day, weekly: 3, minimum: 3 }),
  policy({ hourly: 4, daily: 5, timezone: "Asia/Kolkata" }),
];

/** An account with its agents and two sweeps, some simulated days long, in which much goes wrong. */
export class Months implements AsyncDisposable {
  readonly judge: Judge;
  readonly hosts: Host[] = [];
  /** What happened, so that a test can tell that something did. */
  readonly told = { captured: 0, killed: 0, failed: 0, sweeps: 0, created: 0, replaced: 0, terminated: 0 };
  readonly #simulator: Simulator;
  readonly #wish: MonthsWish;
  readonly #chance: () => number;
  #now = start;
  #number = 0;
  #requests = 0;
  #ticking: Promise<void> | undefined;
  #deleting: Promise<unknown> = Promise.resolve();

  private constructor(simulator: Simulator, wish: MonthsWish) {
    this.#simulator = simulator;
    this.#wish = wish;
    this.#chance = chanceOf(wish.seed);
    const { minimumAge } = defaultSweepSettings.prune;
    const expiry = { expireLastAfter: 10 * day, expireLastAfterOfGroups: 7 * day };
    this.judge = new Judge(simulator.control, () => new Date(this.#now), { minimumAge, ...expiry });
  }

  static async start(wish: MonthsWish): Promise<Months> {
    const simulator = await startSimulator({
      scenario: {
        account: own,
        region,
        clock: { start: new Date(start).toISOString(), speed: 0 },
        settle: { seconds: 120, secondsPerGiB: 0 },
        consistency: { seconds: 20 },
        limits: false,
        accessKeys: [{ id: "AKIASIMULATORTEST001", user: "operator" }],
        instances: [{ id: instanceId(0xfff) }],
        volumes: [],
        snapshots: [],
      },
    });
    process.env["AWS_ENDPOINT_URL"] = simulator.url;
    const months = new Months(simulator, wish);
    for (let index = 0; index < wish.machines; index += 1) await months.#launch(20);
    return months;
  }

  get #control() {
    return this.#simulator.control;
  }

  #one<T>(list: readonly T[]): T {
    const found = list[Math.floor(this.#chance() * list.length)];
    if (found === undefined) throw new Error("nothing to choose from");
    return found;
  }

  /** A machine that has been backed up for so many days already. */
  async #launch(days: number, group?: string): Promise<void> {
    this.#number += 1;
    const number = this.#number;
    const grouped = group ?? (this.#chance() < 0.25 || number === 1 ? "web" : undefined);
    // However few there are: one whose policy gives up what is younger than a week, and which a sweep prunes.
    const isThird = number === 3;
    const kept = isThird ? policy({ last: 4 }) : this.#one(policies);
    const spoilt = this.#chance() < 0.06 && !isThird;
    const ages = Array.from({ length: days }, (_, index) => index + 1);
    const marks = spoilt ? { [tagKeys.retention]: "what is this" } : {};
    const wish = { number, ages, policy: kept, volumes: 2, marks, tags: { Backup: "yes" } };
    const things = thingsOf([{ ...wish, ...(grouped && { group: grouped }) }], this.#now);
    const tags = { Backup: "yes", ...(grouped && { [groupKey]: grouped }) };
    await this.#control.instances([{ create: { id: instanceId(number), name: `host-${number}`, tags } }]);
    await this.#control.volumes(things.volumes.map((create) => ({ create })));
    await this.#control.snapshots(things.snapshots.map((create) => ({ create })));
    const session: Session = { left: undefined, die: () => undefined };
    const skews = [0, 0, 3 * 60_000, -20 * 60_000, 3 * day, -2 * day];
    const host: Host = {
      id: instanceId(number),
      number,
      volumes: [volumeId(number, 0), volumeId(number, 1)],
      ...(grouped && { group: grouped }),
      policy: kept,
      spoilt,
      prunes: !spoilt && this.#chance() < 0.6 && !isThird,
      connection: this.#connection(session),
      session,
      skew: this.#one(skews),
      silent: spoilt,
      gone: false,
    };
    this.hosts.push(host);
    this.judge.machines.set(host.id, host);
    // Whether what they record can be read is known to nobody else.
    for (const age of spoilt ? [] : ages) this.judge.policies.set(pointId(number, age), kept);
  }

  /** A client whose requests the judge sees right before they go, and which may die at any of them. */
  #connection(session: Session): Connection {
    const connection = connect(this.#connecting());
    connection.ec2.middlewareStack.add(
      (next, context) => async (args) => {
        const send = () => this.#sent(session, String(context["commandName"]), args.input, () => next(args));
        if (session.left === undefined) return send();
        session.left -= 1;
        if (session.left >= 0) return send();
        // Some die with a request on its way.
        if (session.left === -1 && this.#chance() < 0.5) await send().catch(() => undefined);
        session.die();
        return new Promise<never>(() => undefined);
      },
      { step: "finalizeRequest", priority: "low", name: "judged" },
    );
    return connection;
  }

  #connecting(): ConnectionOptions {
    const userAgent = [["months", "1"]] as const;
    return { region, requestTimeout: 3_000, route: undefined, userAgent, credentials: credentials as never };
  }

  async #sent<T>({ actor }: Session, command: string, input: object, send: () => Promise<T>): Promise<T> {
    if (actor === undefined) return send();
    this.#requests += 1;
    if (this.#requests % 25 === 0) void this.#tick();
    if (command === "CreateSnapshotsCommand") {
      await this.#creates(actor, input);
      return send().finally(() => this.judge.changed());
    }
    if (command !== "DeleteSnapshotCommand") return send();
    // One at a time, so that nothing else goes between the verdict and the deed.
    const done = this.#deleting.then(async () => {
      await this.judge.deletes(actor, (input as { SnapshotId: string }).SnapshotId);
      return send();
    });
    this.#deleting = done.catch(() => undefined);
    return done;
  }

  async #creates(actor: Actor, input: object): Promise<void> {
    const { DryRun, InstanceSpecification, TagSpecifications } = input as {
      DryRun?: boolean;
      InstanceSpecification: { InstanceId: string };
      TagSpecifications: { Tags: { Key: string; Value: string }[] }[];
    };
    if (DryRun === true) return;
    const id = TagSpecifications[0]?.Tags.find(({ Key }) => Key === tagKeys.point)?.Value ?? "";
    const machine = this.judge.machines.get(InstanceSpecification.InstanceId);
    if (machine !== undefined) await this.judge.creates(actor, id, machine);
  }

  /** Agents and sweeps at once, then some hours of nothing. */
  async together(wish: { agents: boolean; create: boolean; faults: boolean; hours: number }): Promise<void> {
    this.judge.changed();
    this.#control.clearFaults();
    if (wish.faults) this.#control.faults(this.#faults());
    const agents = wish.agents ? this.hosts.filter((one) => !one.gone && !one.silent) : [];
    const spread = agents.length * 8;
    await Promise.all([
      ...agents.map((host) => real(this.#chance() * spread).then(() => this.#agent(host, wish.faults))),
      ...["a", "b"].map((name) =>
        real(this.#chance() * spread).then(() => this.#sweep(name, wish.create, wish.faults)),
      ),
    ]);
    this.#control.clearFaults();
    await this.#later(`${wish.hours}h`);
    this.judge.lookForDoubles(await this.#control.state());
  }

  /** Time passes with what is done, and for all who wait at once: how fast this host is makes no difference. */
  async #tick(): Promise<void> {
    this.#ticking ??= real(20)
      .then(() => this.#later("10s"))
      .finally(() => {
        this.#ticking = undefined;
      });
    await this.#ticking;
  }

  async #later(advance: string): Promise<void> {
    const { now } = await this.#control.clock({ advance });
    this.#now = Math.max(this.#now, Date.parse(now));
  }

  #faults(): Fault[] {
    const seed = () => Math.floor(this.#chance() * 2 ** 30);
    const some = (kind: Fault["kind"], rate: number, action?: string, more: Partial<Fault> = {}): Fault => ({
      kind,
      rate,
      seed: seed(),
      service: "ec2",
      ...(action === undefined ? {} : { action }),
      ...more,
    });
    return [
      some("throttle", 0.02),
      some("500", 0.01),
      some("reset-before", 0.01),
      some("reset-after", 0.03, "DeleteSnapshot"),
      some("reset-after", 0.04, "CreateSnapshots"),
      some("reset-after", 0.02, "CreateTags"),
      some("truncated", 0.01, "Describe*"),
      some("malformed", 0.01, "Describe*"),
      some("short-page", 0.05, "DescribeSnapshots"),
      some("partial-listing", 0.05, "DescribeSnapshots", { items: 3 }),
      some("partial", 0.02, "CreateSnapshots", { seconds: 60 }),
    ];
  }

  #clock(skew: number, random: () => number): Clock {
    let slept = 0;
    return {
      now: () => new Date(this.#now + skew),
      // What others wait for passes here, too.
      elapsed: () => performance.now() + this.#now - start + slept,
      sleep: async (ms) => {
        // What is waited for is seen by EC2's clock.
        for (const until = this.#now + ms; ms >= 1_000 && this.#now < until; ) await this.#tick();
        if (ms >= 1_000) return;
        slept += ms;
        await real(Math.min(ms, 4));
      },
      random,
    };
  }

  /** Until it is done, or dies in the midst of it. */
  async #living(
    session: Session,
    actor: Session["actor"],
    mayDie: boolean,
    work: () => Promise<void>,
  ): Promise<void> {
    const death = new Promise<void>((resolve) => {
      session.die = () => {
        this.told.killed += 1;
        resolve();
      };
    });
    if (actor !== undefined) session.actor = actor;
    session.left = mayDie ? 1 + Math.floor(this.#chance() * 30) : undefined;
    await Promise.race([work(), death]);
  }

  async #agent(host: Host, faults: boolean): Promise<void> {
    const actor = {
      name: `${host.number}@${this.#now}`,
      kind: "agent",
      began: this.#now,
      machine: host,
    } as const;
    await this.#living(host.session, actor, faults && this.#chance() < 0.08, async () => {
      const { signal } = new AbortController();
      const place = { account: own, region, zone: "", partition: "aws", instanceStores: [] };
      const discovery = await discover(host.connection, { ...place, instanceId: host.id }, signal).catch(
        () => undefined,
      );
      if (discovery === undefined) {
        this.told.failed += 1;
        return;
      }
      const request: RunRequest = {
        run: uuidV7(this.#now),
        job: jobOf(host.policy),
        trigger: "schedule",
        discovery,
        capture: true,
        prune: host.prunes,
        wait: false,
        consent: {},
        planned: false,
        problems: [],
      };
      const report = await runJob(request, this.#depsOf(host), signal);
      delete host.note;
      if (report.points.length > 0) this.told.captured += 1;
      else this.told.failed += 1;
    });
  }

  #depsOf(host: Host): RunDeps {
    return {
      ...quietHost,
      engine: ebsEngine(host.connection, "1.0.0"),
      clock: this.#clock(host.skew, this.#chance),
      journal: {
        ...quietHost.journal,
        begin: async (_, note) => {
          host.note = note;
        },
        unfinished: () => host.note,
      },
      newId: () => uuidV7(this.#now),
    };
  }

  async #sweep(name: string, create: boolean, faults: boolean): Promise<void> {
    this.told.sweeps += 1;
    const session: Session = { left: undefined, die: () => undefined };
    const connection = this.#connection(session);
    const actor = { name: `${name}@${this.#now}`, kind: "sweep", began: this.#now } as const;
    const clock = this.#clock(name === "a" ? 7 * 60_000 : 0, this.#chance);
    await this.#living(session, actor, faults && this.#chance() < 0.25, async () => {
      const { signal } = new AbortController();
      const unit = { id: `${own}/${region}`, account: own, region };
      const prune = {
        ...defaultSweepSettings.prune,
        expireLastAfter: 10 * day,
        expireLastAfterOfGroups: 7 * day,
        mark: this.#wish.mark,
      };
      const ground: PartGround = {
        place: { unit, connection, connecting: this.#connecting() },
        ec2: listedOnce(sweepPoints(connection, unit), create ? 2 : 1),
        run: uuidV7(this.#now),
        settings: { ...defaultSweepSettings, prune },
        options: {
          log: () => undefined,
          stateDirectory: "",
          version: "1.0.0",
          loaded: { ok: "none" } as never,
        },
        tell: () => undefined,
        turns: new Turns(clock),
        leftOver: () => false,
        until: Number.POSITIVE_INFINITY,
        stanzas: [],
      };
      try {
        if (create) {
          const deps = await createDeps(ground, await stopsDeps(ground));
          const { create: made } = await sweepCreate(false, { ...deps, clock }, signal);
          this.told.created += made?.captured.filter(({ outcome }) => outcome === "created").length ?? 0;
        }
        const audit = { append: async () => undefined };
        await sweepPrune({ dryRun: false, yes: false }, { ...pruneDeps(ground), clock, audit }, signal);
      } catch {
        this.told.failed += 1;
      }
    });
  }

  /** What people and AWS do to a fleet in a day. */
  async change(): Promise<void> {
    const [first, second] = this.hosts;
    // However few there are: a member of a group that is replaced, and one that nobody replaces.
    for (const host of [first, second])
      if (host !== undefined && !host.gone) await this.#terminate(host, false);
    const there = this.hosts.filter((one) => !one.gone);
    const some = (rate: number) => there.filter(() => this.#chance() < rate);
    for (const host of some(0.03)) host.silent = !host.spoilt && !host.silent;
    for (const host of some(0.02)) host.policy = this.#one(policies);
    for (const host of some(0.02)) {
      const last = 2 + Math.floor(this.#chance() * 20);
      const { timezone, demanded, shrinkDelay } = host.policy;
      host.tag = { counts: { last }, timezone, demanded, shrinkDelay };
      await this.#control.instances([{ change: { instance: host.id, tags: { Retention: `last=${last}` } } }]);
    }
    for (const host of there)
      if (this.#chance() < (host.group === undefined ? 0.01 : 0.05)) await this.#terminate(host);
  }

  async #terminate(host: Host, keep = this.#chance() < 0.2): Promise<void> {
    if (host.gone) return;
    host.gone = true;
    this.told.terminated += 1;
    await this.#control.instances([{ change: { instance: host.id, state: "terminated" } }]);
    const changes = host.volumes.map((volume) => ({ detach: { volume } }));
    await this.#control.volumes(changes);
    if (!keep) await this.#control.volumes(host.volumes.map((volume) => ({ delete: { volume } })));
    if (host.group === undefined) return;
    this.told.replaced += 1;
    await this.#launch(0, host.group);
  }

  /** The fleet is given up, with all of its volumes. */
  async abandon(): Promise<void> {
    const { volumes } = await this.#control.state();
    for (const host of [...this.hosts]) {
      if (!host.gone) {
        host.gone = true;
        await this.#control.instances([{ change: { instance: host.id, state: "terminated" } }]);
      }
      const left = host.volumes.filter((id) => volumes[id] !== undefined);
      for (const volume of left) {
        await this.#control.volumes([{ detach: { volume } }]);
        await this.#control.volumes([{ delete: { volume } }]);
      }
    }
  }

  /** One day with all that goes wrong; agents run at night, and what they have missed is made up for at noon. */
  async day(faults: boolean): Promise<void> {
    if (faults) await this.change();
    await this.together({ agents: true, create: false, faults, hours: 12 });
    await this.together({ agents: false, create: true, faults, hours: 11.9 });
  }

  later(days: number): Promise<void> {
    return this.#later(`${days * 24}h`);
  }

  state() {
    return this.#control.state();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { connection } of this.hosts) connection.ec2.destroy();
    await this.#simulator.close();
  }
}

function jobOf(retention: RetentionPolicy): Job {
  const [job] = resolve({ tags: { Backup: "yes" } }).jobs;
  if (job === undefined) throw new Error("a tagged host has a job");
  const waits = { ...job.waits, request: 3_000, capture: 3_000, retryFor: 60_000, retryEvery: 1_000 };
  return { ...job, retention, waits };
}

const real = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
