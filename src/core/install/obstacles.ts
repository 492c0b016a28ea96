import { removalOf, type Scheduler } from "../schedulers.ts";
import { cronScriptPath } from "./cron-script.ts";
import { unstartable } from "./unit-text.ts";
import type { InstallFacts, InstallKind, InstallWish, Obstacle, PlannedFile } from "./words.ts";
import { serviceOf } from "./words.ts";

/** What this host lacks for a kind of scheduler. */
export function placeObstacles(kind: InstallKind, facts: InstallFacts): Obstacle[] {
  const { isRoot, systemd, cronDaily, program, units } = facts;
  const fault = kind === "cron-daily" ? undefined : unstartable(program, [units[serviceOf[kind]] ?? ""]);
  return [
    ...(isRoot
      ? []
      : [
          {
            what: "this user may not install",
            why: "what starts backups belongs to root",
            command: `sudo ec2-backup install --${kind}`,
          },
        ]),
    ...(kind !== "cron-daily" && !systemd
      ? [
          {
            what: "systemd does not run here",
            why: "nothing would read its units",
            command: "ec2-backup install --cron-daily",
          },
        ]
      : []),
    ...(kind === "cron-daily" && !cronDaily
      ? [
          {
            what: "there is no /etc/cron.daily",
            why: "no cron of this host runs its scripts",
            command: systemd ? "ec2-backup install --timer" : "apt-get install cron || dnf install cronie",
          },
        ]
      : []),
    ...(fault === undefined
      ? []
      : [
          {
            what: `systemd cannot start ${program.join(" ")}: ${fault}`,
            why: "every backup would fail",
            command: "npm install --global --prefix /usr/local ec2-backup-agent",
          },
        ]),
    ...exchangeable(facts),
  ];
}

/** One obstacle, whatever the number of places: what mends the first may mend all. */
function exchangeable({ distrust }: InstallFacts): Obstacle[] {
  const [first, ...more] = distrust;
  if (first === undefined) return [];
  const others = more.length === 0 ? "" : ` (and ${more.length} more like it)`;
  return [
    {
      what: `others than root can exchange the program: ${first.path} has ${first.found}${others}`,
      why: "root would run whatever they put there; install the .deb, the .rpm or by npm into /usr/local, or unpack it as root below /opt, or mend it",
      command: first.remedy,
    },
  ];
}

/** A file that is somebody else's by now. */
export function changed({ path }: PlannedFile): Obstacle {
  return {
    what: `${path} is not as install would write it, and somebody else has written or changed it`,
    why: "what somebody wanted would be lost",
    command: "ec2-backup install --overwrite",
  };
}

/** Whether a scheduler that is there keeps another from coming; `allowed` if it may be put out of work. */
export function inTheWay(
  { kind, name }: Scheduler,
  allowed: boolean,
  { overwrite }: InstallWish,
  { files }: InstallFacts,
  wanted: InstallKind,
): Obstacle[] {
  const isUnit = kind === "service" || kind === "timer";
  const isOurs = isUnit || name === cronScriptPath;
  const why =
    "two make points of their own, which cost twice and push older ones out of what retention keeps";
  if (!isOurs) {
    const command = removalOf({ kind, name });
    return [{ what: `${name} starts backups already, and install did not make it`, why, command }];
  }
  if (!allowed)
    return [
      {
        what: `${name} starts backups already`,
        why,
        command: `ec2-backup install --${wanted} --replace`,
      },
    ];
  if (isUnit || overwrite || files[name]?.by === "intact") return [];
  return [
    {
      what: `${name} would have to go, and somebody else has written or changed it`,
      why: "what somebody wanted would be lost",
      command: `ec2-backup install --${wanted} --replace --overwrite`,
    },
  ];
}
