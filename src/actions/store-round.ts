import { type Failure, interrupted } from "../core/errors.ts";
import type { StoredReport } from "../core/report.ts";
import { summaryOf } from "../core/report.ts";
import type { StoredListing } from "../core/stored-ports.ts";
import { mendStored } from "./mend-stored.ts";
import { type Making, saveFiles, saveStream } from "./store-save.ts";
import { thinThing } from "./store-thin.ts";
import {
  lineOf,
  notDue,
  type OpenedStore,
  type Round,
  type StoredLine,
  type StoredThing,
  thingsOf,
} from "./store-things.ts";

/**
 * What a run does about repositories, in two halves: the volumes are captured in between. Whatever fails is told, and
 * keeps nothing else from being made.
 */
export class StoreRound {
  readonly #round: Round;
  readonly #things: readonly StoredThing[];
  readonly #opened = new Map<string, Promise<OpenedStore | undefined>>();
  readonly #listed = new Map<string, StoredListing | undefined>();

  constructor(round: Round) {
    this.#round = round;
    this.#things = thingsOf(round.request);
  }

  get reports(): readonly StoredReport[] {
    return this.#things.flatMap(({ lines, report }) =>
      lines.length === 0 ? [report] : lines.map((line) => line.report),
    );
  }

  /** Dumps, then files: each series gets a point of its own. */
  async make(): Promise<void> {
    const { request, record, signal } = this.#round;
    for (const thing of this.#things) {
      if (!request.planned) thing.report = { ...thing.report, outcome: "not-made" };
      if (signal.aborted) {
        record.report("error", interrupted(`store ${thing.source}`));
        return;
      }
      const opened = await this.#open(thing.repository);
      if (opened === undefined) continue;
      const listing = await this.#listing(thing.repository, opened);
      if (listing === undefined) continue;
      if (listing.refusal !== undefined) record.report("error", refusedTo(thing, listing.refusal));
      else await this.#makeThing(thing, opened, listing);
    }
  }

  /** Lists each series and removes what retention gives up of it. */
  async thin(): Promise<void> {
    const { request, signal, record } = this.#round;
    for (const name of new Set(this.#things.map(({ repository }) => repository))) {
      if (signal.aborted) return;
      const opened = await this.#open(name);
      // Why it cannot be listed is told already.
      const isMute = this.#listed.has(name) && this.#listed.get(name) === undefined;
      if (opened === undefined || isMute) continue;
      // A plan has changed nothing since it looked.
      const listing = request.planned ? await this.#listing(name, opened) : await this.#list(name, opened);
      if (listing === undefined) continue;
      if (listing.notice !== undefined) record.report("notice", clockless(name, listing.notice));
      for (const thing of this.#things.filter(({ repository }) => repository === name))
        await thinThing(thing, opened, listing, this.#round);
    }
  }

  /** Looks at the configuration. Whether the repository answers is told by its listing, which everything begins with. */
  #open(name: string): Promise<OpenedStore | undefined> {
    const { record, stores, signal } = this.#round;
    const known = this.#opened.get(name);
    if (known !== undefined) return known;
    const opening = record.step(`open repository ${name}`, async () => {
      const store = await stores.open(name, signal);
      return { store, engine: await stores.engine(store, signal) };
    });
    this.#opened.set(name, opening);
    return opening;
  }

  /**
   * As it was when the run first looked, after what a run that died has left there was judged. Without an answer nothing
   * is begun that would find the repository gone at its end.
   */
  async #listing(name: string, opened: OpenedStore): Promise<StoredListing | undefined> {
    if (this.#listed.has(name)) return this.#listed.get(name);
    const { request } = this.#round;
    if (!request.planned) await mendStored(opened, this.#round);
    const listing = await this.#list(name, opened);
    this.#listed.set(name, listing);
    return listing;
  }

  #list(name: string, { engine }: OpenedStore): Promise<StoredListing | undefined> {
    const { record, request, signal } = this.#round;
    const { arn } = request.discovery.instance;
    return record.step(`list points of ${name}`, () => engine.list({ instanceArn: arn }, signal));
  }

  async #makeThing(thing: StoredThing, opened: OpenedStore, listing: StoredListing): Promise<void> {
    const { request, record, stores, signal } = this.#round;
    const { job } = request;
    const next = notDue(thing, listing, job.timezone);
    if (next !== undefined) {
      thing.report = { ...thing.report, outcome: "not-due", next: next.toISOString() };
      return;
    }
    if (request.planned) {
      thing.report = { ...thing.report, outcome: "due" };
      return;
    }
    const { wish } = thing;
    if ("former" in wish) return;
    if ("files" in wish) {
      const line = lineOf(thing, { content: "files" }, thing.series);
      thing.known = true;
      await this.#makeLine(thing, line, opened, (making) => saveFiles(wish.files, making, this.#round));
      return;
    }
    const streams = await record.step(`look at ${thing.source}`, () => stores.streams(wish.dump, signal));
    if (streams === undefined) return;
    thing.known = true;
    for (const stream of streams) {
      const series = `${thing.series}${stream.series.slice(wish.dump.name.length)}`;
      const subject = { content: "dump", dump: stream.series, kind: wish.dump.kind } as const;
      const line = lineOf(thing, subject, series);
      const later = notDue(thing, listing, job.timezone, series);
      if (later !== undefined)
        line.report = { ...line.report, outcome: "not-due", next: later.toISOString() };
      else if (signal.aborted) record.report("error", interrupted(`store ${line.report.source}`));
      else
        await this.#makeLine(thing, line, opened, (making) =>
          saveStream(wish.dump, stream, making, this.#round),
        );
    }
  }

  async #makeLine(
    thing: StoredThing,
    line: StoredLine,
    opened: OpenedStore,
    save: (making: Making) => ReturnType<typeof saveFiles>,
  ): Promise<void> {
    const { deps, record, request } = this.#round;
    const { source } = line.report;
    const began = deps.clock.elapsed();
    const making = { thing, line, pointId: deps.newId(), ...opened };
    const point = await record.step(`store ${source}`, () => save(making));
    if (point === undefined) return;
    line.made = point;
    const { unread, files, added } = point.saved;
    line.report = {
      ...line.report,
      outcome: unread.length > 0 ? "partial" : "made",
      point: summaryOf(point),
      added,
      ...(files && { files }),
      ...(unread.length > 0 && { unread: { count: unread.length, first: unread.slice(0, 20) } }),
      ms: Math.round(deps.clock.elapsed() - began),
    };
    if (unread.length > 0) record.report("error", notWhole(line.report));
    deps.log("info", `${source} is stored in ${thing.repository}`, {
      run: request.run,
      job: request.job.name,
      point: point.id,
    });
  }
}

function refusedTo({ source, repository }: StoredThing, { found, ...failure }: Failure): Failure {
  const doing = `store ${source} in ${repository}`;
  return { ...failure, found: found.replace(/; nothing is removed$/, ""), doing };
}

function notWhole({ source, repository, unread }: StoredReport): Failure {
  const { first = [], count = 0 } = unread ?? {};
  const shown = first.slice(0, 3).map(({ path, found }) => `${path} (${found})`);
  const more = count > shown.length ? ` and ${count - shown.length} more` : "";
  return {
    kind: "refused",
    doing: `store all of ${source} in ${repository}`,
    found: `not all could be read: ${shown.join(", ")}${more}`,
    remedy:
      "the point is there and partial, and never stands for a complete one: let the agent read them, or exclude them",
    code: "PartlyRead",
  };
}

function clockless(repository: string, found: string): Failure {
  return {
    kind: "unexpected",
    doing: `judge the age of points in ${repository}`,
    found,
    code: "NoStoreClock",
  };
}
