import type { SweepOptions } from "../agent/sweep.ts";
import { type LambdaEvent, readEvent, withAccounts } from "../config/lambda-event.ts";
import { type Loaded, loadFile } from "../config/load.ts";
import { resolve } from "../config/resolve.ts";
import { sweepSettingsOf } from "../config/sweep-settings.ts";
import { concealer, secretsOf } from "../core/conceal.ts";
import { BackupError, failureOf, interrupted, sentenceOf } from "../core/errors.ts";
import { version } from "../version.ts";
import { perform } from "./lambda-actions.ts";
import { type LambdaLog, type LambdaPlace, lambdaLog } from "./lambda-place.ts";

/** Milliseconds after which units that were told to end get no further grace. */
const afterwards = 250;
/** In fewer milliseconds nothing is begun. */
const leastTime = 1_000;

/** The name of the configuration in the bundle. */
const fileName = "config.yaml";

/**
 * One invocation of the function. It throws where nothing at all was done, which Lambda counts as an error and, where
 * nobody waits for the answer, tries again. What was done in part is not thrown: another try would do all of it twice,
 * and let the brake go by twice. The answer, the log and the metric SweepErrors tell it.
 */
export async function invoke(sent: unknown, place: LambdaPlace): Promise<object> {
  let log = lambdaLog(place, "info");
  const conceal = concealer(secretsOf(place.env));
  try {
    const event = readEvent(sent);
    const loaded = withAccounts(await configuration(place), event.accounts, place.account);
    const { settings } = resolve({ tags: {}, ...(loaded.ok === true ? { file: loaded.file } : {}) });
    log = lambdaLog(place, settings.log.level);
    const answer = await withinTime(event, loaded, log, place);
    // A sentence may repeat what AWS or a proxy has repeated, and others read what a function answers.
    const plain = (_: string, value: unknown) => (typeof value === "string" ? conceal(value) : value);
    return JSON.parse(JSON.stringify(answer), plain) as object;
  } catch (error) {
    const failure = failureOf(error, "answer the invocation");
    log.log("error", sentenceOf(failure), { code: failure.code ?? failure.kind });
    if (!(error instanceof BackupError)) log.log("error", String((error as Error).stack));
    // Lambda writes down what is thrown, and sends it to who asked.
    throw new BackupError({ ...failure, found: conceal(failure.found) });
  } finally {
    await log.written();
  }
}

/** Stops the work a while before Lambda would end the function in the midst of it. */
async function withinTime(
  event: LambdaEvent,
  loaded: Loaded,
  log: LambdaLog,
  place: LambdaPlace,
): Promise<object> {
  const { margin } = sweepSettingsOf(loaded.ok === true ? loaded.file : undefined);
  const left = place.remaining() - margin;
  if (left < leastTime)
    throw new BackupError({
      kind: "configuration",
      doing: "begin a sweep",
      found: `${Math.round((left + margin) / 1000)} s are left to the function, of which ${margin / 1000} are its margin`,
      remedy: "give the function a longer timeout, or lower sweep.lambdaMargin",
    });
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), left + afterwards);
  let over = false;
  const options: SweepOptions = {
    ...optionsOf(loaded, log, place),
    audit: {
      async append(line) {
        // Lambda freezes what still hangs then, and lets it go on with the next invocation.
        if (over) throw interrupted("record a removal", "the invocation");
        await log.removal(line);
      },
    },
  };
  try {
    return await perform(event, { options, left, log, functionName: place.functionName }, stop.signal);
  } finally {
    over = true;
    clearTimeout(timer);
  }
}

/** The text in the environment, else the file in the bundle, else none. */
async function configuration({ env, folder }: LambdaPlace): Promise<Loaded> {
  const text = env["EC2_BACKUP_CONFIG"];
  if (text === undefined || text.trim() === "") return loadFile(`${folder}/${fileName}`, { uid: undefined });
  const { parseConfig } = await import("../config/parse-whole.ts");
  const parsed = parseConfig(text, "EC2_BACKUP_CONFIG");
  return parsed.ok ? { ...parsed, text } : parsed;
}

/** A function has no instance, no state that stays, and nobody who looks on. */
function optionsOf(
  loaded: Loaded,
  { log }: LambdaLog,
  { env, platform, pid }: LambdaPlace,
): Omit<SweepOptions, "until" | "audit"> {
  const temporary = "/tmp/ec2-backup";
  const self = {
    platform,
    pid,
    env,
    uid: undefined,
    home: temporary,
    kill: () => undefined,
    files: [],
    runtimeDirectory: temporary,
  };
  return {
    version,
    loaded,
    stateDirectory: temporary,
    self,
    owner: "a function of AWS Lambda",
    log,
    progress: () => undefined,
    flags: {},
    tell: () => undefined,
  };
}
