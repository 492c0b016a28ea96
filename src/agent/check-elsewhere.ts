import { outputsOf } from "../config/outputs.ts";
import type { CheckedHooks } from "./check-hooks.ts";
import type { Opened } from "./open.ts";

/** What is configured and cannot be on a host outside EC2. Said once here, and not by every run. */
export function checkElsewhere({ session, force }: Opened): CheckedHooks {
  const { settings, jobs } = force;
  const faults = jobs
    .filter(({ stored }) => stored?.volumes !== false)
    .map(
      ({ name }) =>
        `jobs.${name}.volumes: expected none on this host, which is no EC2 instance: give the job files or dumps, and say volumes: none`,
    );
  const wantsCloudWatch = settings.metrics.enabled && outputsOf(settings.outputs).includes("cloudwatch");
  const warnings =
    wantsCloudWatch && session.unheard === true
      ? [
          "metrics.output: no Region is known, so CloudWatch is told nothing: set AWS_REGION or a profile with a region, choose the output prometheus or emf, or say metrics.enabled: false",
        ]
      : [];
  return { faults, warnings };
}
