import { type Finding, nothingFound } from "../../core/finding.ts";
import { systemClock } from "../../host/clock.ts";
import { checkWatching } from "../check-watching.ts";
import type { DoctorCheck } from "./check.ts";

const file = "ec2-backup check-config";

export const configuration: DoctorCheck = {
  name: "configuration",
  about: "the configuration file and the instance's tags",
  why: "a faulty configuration is not used: the last good one is, or none",
  command: file,
  async run(ground) {
    const { problems, protection, leftOutBy, resolution } = await ground.force();
    const findings = problems.flatMap(({ severity, found, remedy }): Finding[] => {
      if (severity === "error")
        return [
          {
            severity,
            what: found,
            why: "a faulty configuration is not used: the last good one makes backups and nothing is removed, or none are made",
            ...(remedy === undefined ? {} : { advice: remedy }),
            command: file,
            kind: "configuration",
          },
        ];
      return severity === "warning"
        ? [{ severity, what: found, why: "what is written is not what is done", command: file }]
        : [];
    });
    if (resolution !== undefined)
      for (const what of checkWatching(resolution, ground.given.loaded, systemClock.now()))
        findings.push({
          severity: "warning",
          what,
          why: "an alarm that is not made tells nobody",
          command: file,
        });
    // Whether tags protect the instance cannot be told where they could not be read.
    const known = await ground.discovery().then(
      () => true,
      () => false,
    );
    if (protection === "left-out")
      findings.push({
        severity: "note",
        what: `the tag ${leftOutBy ?? "Backup"} leaves this instance out: no backups are made`,
        why: "this is as it should be only if somebody wants it so",
        command: "aws ec2 create-tags --resources INSTANCE --tags Key=Backup,Value=yes",
      });
    if (protection === "unconfigured" && known)
      findings.push({
        severity: "warning",
        what: "this instance is not protected: no configuration file names a job and no tag Backup is there",
        why: "scheduled runs find nothing to do",
        command: "aws ec2 create-tags --resources INSTANCE --tags Key=Backup,Value=yes",
      });
    return findings.length === 0 ? nothingFound : { findings };
  },
};
