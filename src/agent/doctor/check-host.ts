import path from "node:path";
import { snapshotsOfVolumes } from "../../aws/volume-facts.ts";
import { hasOwnSchedules } from "../../config/own-schedules.ts";
import { type Failure, failureOf, sentenceOf } from "../../core/errors.ts";
import { type Finding, nothingFound, type Untested } from "../../core/finding.ts";
import { judgeForeign } from "../../core/foreign-snapshots.ts";
import { judgeSpace, type Place, silentLog } from "../../core/free-space.ts";
import { tagKeys } from "../../core/point-tags.ts";
import { judgeSchedulers } from "../../core/schedulers.ts";
import type { DatabaseHook } from "../../hooks/database-login.ts";
import { spaceAt } from "../../host/free-space.ts";
import { readMounts } from "../../host/mounts.ts";
import { findPrograms } from "../../host/programs.ts";
import { silenceAt } from "../../host/silent-mounts.ts";
import { schedulersOf } from "../schedulers-of.ts";
import type { DoctorCheck } from "./check.ts";
import type { Ground } from "./ground.ts";

const checkConfig = "ec2-backup check-config";
const isOfFreeze = (line: string): boolean => /^jobs\.[^ ]*\.freeze[.:]/.test(line);

/** What a run would refuse of the hooks is told as `check-config` tells it, and so is what they cannot do. */
function asFindings(
  { faults, warnings }: { readonly faults: readonly string[]; readonly warnings: readonly string[] },
  ofFreeze: boolean,
  why: string,
): Finding[] {
  const mine = (line: string): boolean => isOfFreeze(line) === ofFreeze;
  return [
    ...faults
      .filter(mine)
      .map(
        (what): Finding => ({ severity: "error", what, why, command: checkConfig, kind: "configuration" }),
      ),
    ...warnings
      .filter(mine)
      .map((what): Finding => ({ severity: "warning", what, why, command: checkConfig })),
  ];
}

export const freeze: DoctorCheck = {
  name: "freeze",
  about: "whether each mount that is to be frozen can be",
  why: "points are less consistent than the job asks for, or are not made at all",
  command: "ec2-backup plan",
  async run(ground) {
    const jobs = ((await ground.force()).resolution?.jobs ?? []).filter(({ hooks }) =>
      hooks.some(({ kind }) => kind === "freeze"),
    );
    if (jobs.length === 0) return nothingFound;
    const findings = asFindings(await ground.hooks(), true, freeze.why);
    if (ground.service.uid !== 0) findings.push(notRoot(ground.service.uid));
    await findPrograms(["sh", "fsfreeze", "flock", "sleep", "sync"]);
    const untested: Untested[] = [
      { what: "whether the kernel freezes the mounts", because: "only a freeze would show it" },
    ];
    return { findings, untested };
  },
};

function notRoot(uid: number | undefined): Finding {
  return {
    severity: "error",
    what: `only root can freeze a filesystem, and doctor runs as uid ${uid ?? "unknown"}`,
    why: "a run as this user cannot freeze (CAP_SYS_ADMIN)",
    command: "sudo ec2-backup doctor",
    kind: "configuration",
  };
}

export const hooks: DoctorCheck = {
  name: "hooks",
  about: "the programs and files of the hooks, in the PATH that a service has",
  why: "a run whose hook cannot be prepared makes no backup, or one that is less consistent",
  command: checkConfig,
  async run(ground) {
    return { findings: asFindings(await ground.hooks(), false, hooks.why) };
  },
};

export const databases: DoctorCheck = {
  name: "databases",
  about: "the logins to databases, and the rights that the hooks need",
  why: "a hook that cannot log in holds nothing still",
  command: checkConfig,
  async run(ground, signal) {
    const jobs = (await ground.force()).resolution?.jobs ?? [];
    const all = jobs.flatMap((job) =>
      job.hooks.flatMap((hook) => (hook.kind === "command" || hook.kind === "freeze" ? [] : [{ job, hook }])),
    );
    if (all.length === 0) return nothingFound;
    const found = await Promise.all(all.map(({ job, hook }) => login(hook, job.name, ground, signal)));
    return {
      findings: found.flatMap(({ findings }) => findings),
      untested: found.flatMap(({ untested }) => untested),
    };
  },
};

async function login(hook: DatabaseHook, job: string, { service }: Ground, signal: AbortSignal) {
  try {
    const { tryLogin } = await import("../../hooks/database-login.ts");
    const { untested } = await tryLogin(hook, service, signal);
    return { findings: [], untested };
  } catch (error) {
    return { findings: [noLogin(hook, job, failureOf(error, `log in for ${hook.name}`))], untested: [] };
  }
}

const shows = {
  mysql: "mysql -e 'SHOW GRANTS'",
  postgres: "sudo -u postgres psql -c 'SELECT current_user'",
  redis: "redis-cli PING",
  mongodb: "mongosh --eval 'db.runCommand({connectionStatus: 1})'",
} as const;

function noLogin(hook: DatabaseHook, job: string, failure: Failure): Finding {
  const { remedy, kind, doing, found } = failure;
  // What the server itself names as the cure is what to type there.
  const grant = remedy !== undefined && /^(GRANT|ACL SETUSER|db\.)/.test(remedy) ? remedy : undefined;
  return {
    severity: "error",
    what: `job ${job}, hook ${hook.name}: ${sentenceOf({ kind, doing, found })}`,
    why:
      hook.onFailure === "abort"
        ? "a run of the job makes no backup"
        : "the point is made without the hook, so it is less consistent than the job asks for",
    ...(remedy === undefined ? {} : { advice: grant === undefined ? remedy : "as the server's superuser:" }),
    command: grant ?? shows[hook.kind],
    kind: kind === "denied" ? "refused" : kind,
  };
}

export const scheduler: DoctorCheck = {
  name: "scheduler",
  about: "what starts backups: service, timer, cron, daemon",
  why: "without exactly one, backups are not made or made twice",
  command: "systemctl list-timers; systemctl status 'ec2-backup*'; grep -r ec2-backup /etc/cron*",
  async run(ground) {
    const { places } = ground.given;
    if (ground.given.self.platform === "win32") {
      const { windowsScheduler } = await import("./check-windows.ts");
      return windowsScheduler(ground);
    }
    if (ground.given.self.platform !== "linux")
      return {
        findings: [],
        untested: [{ what: "what starts backups", because: "it is known on Linux and Windows only" }],
      };
    const [found, { protection }] = await Promise.all([
      schedulersOf(places.root, places.proc),
      ground.force(),
    ]);
    // Where nothing is to be backed up, nothing has to start it.
    if (protection === "left-out") return nothingFound;
    return { findings: judgeSchedulers(found, hasOwnSchedules(ground.given.loaded)) };
  },
};

export const otherTools: DoctorCheck = {
  name: "other tools",
  about: "whether other tools make snapshots of the same volumes",
  why: "two tools pay twice and share EC2's limits",
  command: "aws ec2 describe-snapshots --owner-ids self",
  async run(ground, signal) {
    const what = "other tools' snapshots of the same volumes";
    const { connection } = await ground.reach(what);
    const { volumes } = await ground.found(what);
    const ids = volumes.map(({ id }) => id);
    // That snapshots may not be listed is the finding of another check.
    await ground.points(what);
    const { snapshots, asOf } = await snapshotsOfVolumes(connection, ids, signal);
    return { findings: judgeForeign(snapshots, tagKeys.point, asOf ?? new Date()) };
  },
};

export const space: DoctorCheck = {
  name: "space",
  about: "free space where state and log are written",
  why: "a run that cannot note what it does makes no backup",
  command: "df -h /var/lib/ec2-backup /var/log",
  async run(ground, signal) {
    const { stateDirectory, self, places } = ground.given;
    const { file } = (await ground.force()).settings.log;
    const silence = file && (await silenceAt(file.path, await readMounts().catch(() => []), signal));
    const wanted: { readonly place: Place; readonly directory: string }[] = [
      { place: "state", directory: stateDirectory },
      ...(file === undefined || silence !== undefined
        ? []
        : [{ place: "log" as const, directory: path.dirname(file.path) }]),
      ...(self.platform === "linux"
        ? [{ place: "system-log" as const, directory: path.join(places.root, "var/log") }]
        : []),
    ];
    const found = await Promise.all(
      wanted.map(async (one) => ({ ...one, ...(await spaceAt(one.directory)) })),
    );
    const judged = found.flatMap(({ at: directory, unwritable, ...one }) =>
      // The system's log is written by others.
      judgeSpace({
        ...one,
        directory,
        ...(unwritable === undefined || one.place === "system-log" ? {} : { unwritable }),
      }),
    );
    return { findings: file && silence ? [...judged, silentLog(file.path, silence.found)] : judged };
  },
};
