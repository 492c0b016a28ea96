import { examine } from "../actions/examine.ts";
import { interrupted } from "../core/errors.ts";
import type { CheckReport } from "../core/finding.ts";
import { systemClock } from "../host/clock.ts";
import type { DoctorCheck } from "./doctor/check.ts";
import { alarms, topics } from "./doctor/check-alarms.ts";
import { configuration } from "./doctor/check-configuration.ts";
import { databases, freeze, hooks, otherTools, scheduler, space } from "./doctor/check-host.ts";
import { clock, credentials, instance, metadata } from "./doctor/check-instance.ts";
import { notices } from "./doctor/check-notices.ts";
import { capture, retention } from "./doctor/check-permissions.ts";
import { proxy } from "./doctor/check-proxy.ts";
import { repositories } from "./doctor/check-repositories.ts";
import { keys, metrics } from "./doctor/check-services.ts";
import { type DoctorOptions, groundOf } from "./doctor/ground.ts";

/** All that doctor looks at, in the order in which it is told. */
export const checks: readonly DoctorCheck[] = [
  configuration,
  metadata,
  proxy,
  credentials,
  instance,
  clock,
  capture,
  retention,
  metrics,
  keys,
  alarms,
  topics,
  freeze,
  hooks,
  databases,
  scheduler,
  notices,
  otherTools,
  space,
  repositories,
];

/** Those that go by nothing that only an EC2 instance has. */
const onAnyHost = new Set<DoctorCheck>([configuration, hooks, scheduler, space, repositories]);

/**
 * Looks at everything that a backup needs, all at once. Changes nothing but one point of the metric `Doctor`,
 * unless that is not wanted. Throws only if it is interrupted.
 */
export async function doctor(options: DoctorOptions, signal: AbortSignal): Promise<readonly CheckReport[]> {
  const outside = await outsideName(options, signal);
  const ground = groundOf({ ...options, ...(outside === undefined ? {} : { outside }) }, signal);
  const here = outside === undefined ? checks : checks.filter((one) => onAnyHost.has(one));
  const all =
    options.proveBinding === true && outside === undefined ? [...here, await proofOfBinding()] : here;
  const reports = await examine(all, ground, { clock: systemClock, deadline: options.deadline }, signal);
  if (signal.aborted) throw interrupted("examine this host", "it");
  const id = ground.instanceId();
  return id === undefined ? reports : reports.map((one) => named(one, id));
}

/** The name of a host that is no instance: as the configuration has it, or as a run would guess it. */
async function outsideName(options: DoctorOptions, signal: AbortSignal): Promise<string | undefined> {
  const { loaded } = options;
  if (loaded.ok !== true) return undefined;
  if (loaded.file.config.host !== undefined) return loaded.file.config.host.name;
  const jobs = Object.values(loaded.file.config.jobs ?? {});
  const storing =
    jobs.length > 0 && jobs.every((job) => job?.files !== undefined || job?.dumps !== undefined);
  if (!storing) return undefined;
  const { elsewhereOr } = await import("./elsewhere.ts");
  const { identify } = await import("./session.ts");
  const timeout = Math.max(500, options.deadline / 10);
  try {
    await identify(timeout, signal);
    return undefined;
  } catch (error) {
    return elsewhereOr(error, options, []).then(
      ({ identity }) => identity.instanceId,
      () => undefined,
    );
  }
}

/** Asked for by who wants it: it looks at what belongs to others. */
async function proofOfBinding(): Promise<DoctorCheck> {
  return (await import("./doctor/check-binding.ts")).binding;
}

/** Commands that can be typed as they are: with the instance's id where only its place was known. */
function named({ findings, ...report }: CheckReport, id: string): CheckReport {
  const filled = findings.map((one) => ({
    ...one,
    command: one.command.replace(/\bINSTANCE\b/g, id),
  }));
  return { ...report, findings: filled };
}
