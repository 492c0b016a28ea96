import { concealer, secretsOf } from "../core/conceal.ts";
import type { RepositoryConfig } from "../core/store-ports.ts";
import type { HeldPipe } from "../host/held-pipe.ts";
import type { Kill } from "../host/process-group.ts";
import { type ResticEnd, type RunningRestic, startRestic } from "../host/restic-child.ts";
import { commonEnvironment, type ResticAccess, type ResticOwner } from "../host/restic-environment.ts";
import type { ResticProgram } from "../host/restic-program.ts";
import { type Unconfirmed, unconfirmedAt } from "../host/unconfirmed-files.ts";
import { failureOfRestic } from "./restic-failure.ts";
import { noting } from "./restic-unconfirmed.ts";

/** Variables that let restic into S3, of the instance's role or of a profile; absent where there are none. */
export type StoreKeys = () => Promise<Readonly<Record<string, string>> | undefined>;

/** What the processes of one repository are started with. */
export interface ResticGround {
  readonly config: RepositoryConfig;
  readonly program: ResticProgram;
  readonly access: ResticAccess;
  readonly owner: ResticOwner;
  readonly kill: Kill;
  /** Asked anew for each process, since such keys last some hours only. */
  readonly keys?: StoreKeys;
}

/** One call of restic. */
export interface ResticCall {
  /** For errors: "list the snapshots". The name of the repository is added. */
  readonly doing: string;
  readonly words: readonly string[];
  readonly line?: (line: string) => void;
  readonly complaint?: (line: string) => void;
  readonly input?: Pick<HeldPipe, "read" | "write">;
  readonly output?: number;
  /** Another repository that is copied from. */
  readonly from?: ResticGround;
  /** In the place of what the configuration says: for two repositories at once. */
  readonly options?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Which ends are no failure, beside 0. */
  readonly accept?: (end: ResticEnd) => boolean;
}

/** Starts restic for one repository. */
export interface ResticRunner {
  readonly ground: ResticGround;
  readonly config: RepositoryConfig;
  /** Beginnings of the names of snapshots that this host has tried to save there and that were not confirmed. */
  readonly unconfirmed: Unconfirmed;
  /** Takes secrets out of what restic says. */
  conceal(text: string): string;
  start(call: ResticCall, signal: AbortSignal): Promise<RunningRestic>;
  /** To its end; throws the failure where it is none that is accepted. */
  run(call: ResticCall, signal: AbortSignal): Promise<ResticEnd>;
  /** What it prints, line by line; throws the failure at the end. */
  lines(call: ResticCall, signal: AbortSignal): AsyncGenerator<string, void>;
  failure(end: ResticEnd, doing: string): Error;
}

export function resticRunner(ground: ResticGround): ResticRunner {
  const { config } = ground;
  const secrets = new Set(secretsOf(ground.access.more));
  const unconfirmed = unconfirmedAt(`${ground.owner.unconfirmedDirectory}/${config.name}`);
  const conceal = (text: string): string => concealer([...secrets])(text);
  const failure = (end: ResticEnd, doing: string): Error =>
    failureOfRestic(end, `${doing} (repository ${config.name})`, config, conceal);
  const start = async (call: ResticCall, signal: AbortSignal): Promise<RunningRestic> => {
    const env = await environmentOf(ground, call);
    for (const secret of secretsOf(env)) secrets.add(secret);
    const { input, output } = call;
    const notes = noting(unconfirmed, call.words);
    const complaint = (line: string): void => {
      notes.hear(line);
      call.complaint?.(line);
    };
    const order = {
      words: [ground.program.path, ...optionsOf(ground, call), ...call.words],
      env,
      idleTimeout: config.idleTimeout,
      deadline: config.deadline,
      kill: ground.kill,
      windows: ground.owner.uid === undefined,
      ...(input === undefined ? {} : { input }),
      ...(output === undefined ? {} : { output }),
      complaint,
    };
    const running = startRestic(order, signal);
    const ended = running.ended.then((end) => {
      if (isGood(end, call)) notes.endedWell();
      return end;
    });
    return { ...running, ended };
  };
  return {
    ground,
    config,
    unconfirmed,
    conceal,
    start,
    failure,
    async run(call, signal) {
      const running = await start(call, signal);
      for await (const line of running.lines) call.line?.(line);
      const end = await running.ended;
      if (isGood(end, call)) return end;
      throw failure(end, call.doing);
    },
    async *lines(call, signal) {
      const running = await start(call, signal);
      let whole = false;
      try {
        yield* running.lines;
        whole = true;
      } finally {
        // Whoever needs no more of it leaves it half read.
        if (!whole) {
          running.stop("abort", "at-once");
          await running.ended;
        }
      }
      const end = await running.ended;
      if (!isGood(end, call)) throw failure(end, call.doing);
    },
  };
}

function isGood(end: ResticEnd, { accept }: ResticCall): boolean {
  return end.stopped === undefined && (end.code === 0 || accept?.(end) === true);
}

function optionsOf({ config }: ResticGround, { options = config.options, from }: ResticCall): string[] {
  const files = new Set([config.cacert, from?.config.cacert]);
  return [
    ...Object.entries(options).flatMap(([key, value]) => ["-o", `${key}=${value}`]),
    ...[...files].flatMap((file) => (file === undefined ? [] : ["--cacert", file])),
  ];
}

async function environmentOf(
  ground: ResticGround,
  { from, env }: ResticCall,
): Promise<Record<string, string>> {
  return {
    ...commonEnvironment(ground.owner),
    ...(from === undefined ? {} : { ...(await keysOf(from)), ...from.access.more }),
    ...(await keysOf(ground)),
    ...ground.access.more,
    ...namesOf(ground.access, "RESTIC_"),
    ...(from === undefined ? {} : namesOf(from.access, "RESTIC_FROM_")),
    ...env,
  };
}

/** Those of a role only where the environment file names none. */
export async function keysOf({
  config,
  access,
  keys,
}: ResticGround): Promise<Readonly<Record<string, string>>> {
  if (!config.url.startsWith("s3:") || access.more["AWS_ACCESS_KEY_ID"] !== undefined) return {};
  return (await keys?.()) ?? {};
}

function namesOf(
  { repository, passwordFile, passwordCommand }: ResticAccess,
  prefix: string,
): Record<string, string> {
  return {
    [`${prefix}REPOSITORY`]: repository,
    ...(passwordFile === undefined ? {} : { [`${prefix}PASSWORD_FILE`]: passwordFile }),
    ...(passwordCommand === undefined ? {} : { [`${prefix}PASSWORD_COMMAND`]: passwordCommand }),
  };
}
