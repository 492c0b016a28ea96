import { ofLatest } from "./alarm-questions.ts";
import { type FleetAlarm, type FleetFacts, stoppedName } from "./fleet-alarm.ts";
import { stoppedMetric } from "./sweep-stop.ts";

/** Rings from the sweep or the audit that finds an instance off which a sweep has stopped, until a sweep finds none. */
export function stoppedAlarm({ unit, namespace, topic }: Omit<FleetFacts, "auditEvery">): FleetAlarm {
  const { account, region } = unit;
  const { window, threshold, treatMissingData, tellsWithin } = ofLatest(0);
  const where = unit.name === undefined ? account : `${unit.name} (${account})`;
  const description =
    `Sweep of account ${where} in ${region}: an instance that was stopped for its backup does not run again. Look which: ` +
    `\`ec2-backup sweep audit --region ${region}\`; each \`ec2-backup sweep\` tries to start it, and ` +
    "`aws ec2 start-instances` tells what keeps it off. OK follows with the first sweep that finds none.";
  return {
    ...window,
    name: stoppedName,
    description: description.slice(0, 1024),
    namespace,
    metric: stoppedMetric,
    dimensions: { Account: account, Region: region },
    threshold,
    treatMissingData,
    actions: topic === undefined ? [] : [topic],
    tags: { "ec2-backup:fleet": "stopped" },
    tellsWithin,
  };
}
