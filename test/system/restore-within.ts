import { vi } from "vitest";
import type { RestoreWaits } from "../../src/actions/restore-deps.ts";
import * as restore from "../../src/agent/restore.ts";
import type { RestoreOptions } from "../../src/agent/restore-session.ts";
import { loadFile } from "../../src/config/load.ts";
import { BackupError, failureOf } from "../../src/core/errors.ts";
import type { Initialize } from "../../src/core/restore-query.ts";
import type { RestoreResult, Undone } from "../../src/core/restore-result.ts";
import type { RestoreHost } from "./restore-host.ts";

/** Short enough for tests. */
const short: RestoreWaits = {
  poll: 60,
  retryFor: 1_500,
  visibleFor: 1_500,
  availableFor: 3_000,
  attachFor: 2_500,
  diskFor: 3_000,
  detachFor: 2_500,
  initializeFor: 60_000,
};

/** What is wanted of a restore within this process. */
export interface WithinWish {
  readonly label?: string;
  readonly initialize?: Initialize;
  readonly waits?: Partial<RestoreWaits>;
}

/** What came of it: a result, or what was thrown before anything was done. */
export type Within = Pick<RestoreResult, "outcome"> & Partial<RestoreResult>;

/**
 * The same as the commands, within this process and with short waits: all but the reading of their words. The
 * environment of the process is that of the host until it is unstubbed.
 */
export class RestoreWithin {
  readonly #host: RestoreHost;

  constructor(host: RestoreHost) {
    this.#host = host;
    for (const [name, value] of Object.entries(host.bench.simulator.environment)) vi.stubEnv(name, value);
  }

  /** `restore volumes --mount ... --yes` */
  async volumes({ label = "", initialize, waits = {} }: WithinWish = {}): Promise<Within> {
    const rate = initialize === "rate" ? { initializeRate: 300 } : {};
    const order = {
      query: { jobs: [], tags: [] },
      wish: { volumes: [], label, ...rate },
      mount: { where: this.#host.mountedAt, writable: false },
      ...(initialize && { initialize }),
      planned: false,
    };
    try {
      const { result, plan } = await restore.volumes(order, await this.#options(waits), never());
      return result ?? { outcome: "unfinished", notes: plan.obstacles.map(({ found }) => found) };
    } catch (error) {
      if (!(error instanceof BackupError)) throw error;
      return { outcome: "unfinished", failure: failureOf(error, "restore") };
    }
  }

  /** `restore volumes --undo --restore ID --yes`; without an id, what came to no end. */
  async undo(id?: string, waits: Partial<RestoreWaits> = {}): Promise<readonly Undone[]> {
    return restore.undone(id, true, await this.#options(waits), never());
  }

  /** The restore that a label stands for. */
  async idOf(label: string): Promise<string> {
    const order = { query: { jobs: [], tags: [] }, wish: { volumes: [], label }, planned: true };
    return (await restore.volumes(order, await this.#options({}), never())).plan.id;
  }

  async #options(waits: Partial<RestoreWaits>): Promise<RestoreOptions> {
    const { bench } = this.#host;
    return {
      version: "0.0.0",
      loaded: await loadFile(bench.config, { uid: process.getuid?.() }),
      stateDirectory: bench.state,
      self: {
        platform: process.platform,
        pid: process.pid,
        uid: process.getuid?.(),
        env: process.env,
        home: bench.folder,
        kill: () => undefined,
        files: [],
        runtimeDirectory: `${bench.folder}/run`,
      },
      owner: "the test",
      log: () => undefined,
      progress: () => undefined,
      tell: () => undefined,
      flags: { all: false },
      hostZone: "UTC",
      waits: { ...short, ...waits },
    };
  }
}

const never = (): AbortSignal => new AbortController().signal;
