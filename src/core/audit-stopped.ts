import { nameOf } from "./audit-coverage.ts";
import type { AuditFacts, Found } from "./audit-ports.ts";
import { isLive, readIntents } from "./sweep-stop.ts";

/** Instances that a sweep has stopped for their capture and nobody has started again. */
export function judgeStopped({ instances, asOf }: Pick<AuditFacts, "instances" | "asOf">): Found[] {
  const down = instances.filter((one) => {
    if (one.state !== "stopped" && one.state !== "stopping") return false;
    const intents = readIntents(one);
    return intents.length > 0 && !intents.some((intent) => isLive(intent, asOf));
  });
  return down.map((one) => ({
    severity: "error",
    kind: "stopped",
    what: `${nameOf(one)} is ${one.state}: a sweep had it stopped for its backup, and has not started it again`,
    why: "what runs on it is down",
    advice: "see what the last sweeps say; the next one tries to start it, and so may you",
    command: `aws ec2 start-instances --instance-ids ${one.id}`,
    about: [one.id],
  }));
}
