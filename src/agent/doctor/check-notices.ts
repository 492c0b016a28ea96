import { terminationOf } from "../../config/termination-settings.ts";
import { type Finding, nothingFound } from "../../core/finding.ts";
import { takesVolumes } from "../../core/last-job.ts";
import type { NoticeSource } from "../../core/termination.ts";
import { askerOf } from "../ending.ts";
import { schedulersOf } from "../schedulers-of.ts";
import { isOf, sourcesOf } from "../termination-watch.ts";
import type { DoctorCheck } from "./check.ts";
import type { Ground } from "./ground.ts";

const unheard = "what was written since the last backup is lost when spot or Auto Scaling ends this instance";
const words: Readonly<Record<NoticeSource, string>> = {
  spot: "a spot instance",
  autoscaling: "a member of an Auto Scaling group",
};

/** That a notice of the instance's end would be heard, on instances that are given one. */
export const notices: DoctorCheck = {
  name: "notices",
  about: "whether a notice of this instance's end is heard, for a last capture",
  why: unheard,
  command: "curl -sS -m 2 http://169.254.169.254/latest/meta-data/instance-life-cycle",
  async run(ground, signal) {
    const what = "notices of this instance's end";
    const { instance } = await ground.found(what);
    const { metadata } = (await ground.unsigned(what)).identity;
    const { loaded } = ground.given;
    const settings = terminationOf(loaded.ok === true ? loaded.file : undefined);
    const jobs = (await ground.jobs()).filter((job) => isOf(settings, job.name) && takesVolumes(job));
    if (metadata === undefined || jobs.length === 0 || settings.capture === false) return nothingFound;
    const sources = await sourcesOf(instance.tags, metadata.endpoint, signal);
    if (sources.length === 0) return nothingFound;
    const { endpoint } = metadata;
    const asked = await silence({ ...settings, endpoint, sources }, signal);
    return { findings: [...asked, ...(await deafness(ground, sources))] };
  },
};

async function silence(watch: Parameters<typeof askerOf>[0], signal: AbortSignal): Promise<Finding[]> {
  try {
    await askerOf(watch)(signal);
    return [];
  } catch (error) {
    return [
      {
        severity: "warning",
        what: `a notice would not be heard: ${error instanceof Error ? error.message : String(error)}`,
        why: unheard,
        command: "journalctl -u ec2-backup",
      },
    ];
  }
}

/** The daemon alone listens. */
async function deafness({ given }: Ground, sources: readonly NoticeSource[]): Promise<Finding[]> {
  if (given.self.platform !== "linux") return [];
  const { schedulers } = await schedulersOf(given.places.root, given.places.proc);
  const listens = schedulers.some(
    ({ kind, active, enabled }) => (kind === "service" || kind === "process") && (active || enabled),
  );
  if (listens) return [];
  return [
    {
      severity: "note",
      what: `this is ${sources.map((one) => words[one]).join(" and ")}, and no daemon is there to hear that it is to end`,
      why: unheard,
      advice: "let the daemon start the backups, or have `ec2-backup run --last` called before it ends",
      command: "ec2-backup install --daemon --replace",
    },
  ];
}
