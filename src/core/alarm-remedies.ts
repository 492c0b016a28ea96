import type { AlarmKind } from "./alarm.ts";

/** What a reader of an alarm can do about it, at the end of its description. */
const remedies: Record<AlarmKind, string> = {
  missed:
    "Look at the instance: is it running, and what do `ec2-backup status` and its log say? " +
    "`ec2-backup run --wait` makes a backup now. If the instance is gone for good, delete this alarm.",
  errors:
    "Look at `ec2-backup status` and the log of the instance; OK follows with the next run without errors.",
  slow: "Look at `ec2-backup status` and the log of the instance; OK follows with the next run in time.",
  degraded:
    "Look at `ec2-backup status`: a hook failed or a filesystem could not be held still. " +
    "OK follows with the next point that is as consistent as demanded.",
  upkeep:
    "Look at `ec2-backup status` and the log of the instance: is the repository damaged, or out of reach? " +
    "`ec2-backup repository check` looks again; OK follows when all that failed was done well.",
  "copy-lag":
    "Look at `ec2-backup copy --dry-run`: does the Region refuse copies, do they fail, or are too many under way? " +
    "OK follows with the first run that finds what it is to have.",
  drill:
    "Look at `ec2-backup status` on the host that drills: what failed, or does it not run? " +
    "`ec2-backup drill` tries again now; OK follows with the next good drill.",
};

const watching: Readonly<Partial<Record<AlarmKind, string>>> = {
  drill: "Restore drill",
  upkeep: "Upkeep of repository",
};

/** What CloudWatch shows of an alarm: what it watches on whom, what it means that it rings, and what to do. */
export function descriptionOf(kind: AlarmKind, job: string, whose: string, means: string): string {
  const what = watching[kind];
  const about = what === undefined ? `Backup ${job} of ${whose}` : `${what} ${job} on ${whose}`;
  // CloudWatch takes no more.
  return `${about}: ${means}. ${remedies[kind]}`.slice(0, 1024);
}
