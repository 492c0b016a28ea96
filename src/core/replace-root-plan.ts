import type { Refusal, RootWay } from "./replace-plan.ts";
import type { Target } from "./replace-ports.ts";
import { rootMarkIn } from "./replace-tags.ts";
import type { RestorePlan } from "./restore-plan.ts";
import { rootReplacementTag } from "./root-tag.ts";

/** Which way the root volume of an instance can go. Refusals are empty where it can. */
export function planRoot(
  { point, volumes }: RestorePlan,
  target: Target,
  wish: { readonly own: boolean; readonly stop: boolean },
): { readonly way: RootWay; readonly refusals: readonly Refusal[]; readonly notes: readonly string[] } {
  const [planned] = volumes;
  const root = target.volumes.find((one) => one.root);
  const direct =
    planned !== undefined &&
    (planned.volume === root?.id || (point.instanceArn === target.instance.arn && planned.root)) &&
    planned.volume !== "vol-ffffffff";
  const way = wish.stop ? "stop" : "task";
  const refusals = [
    ...(target.rootDeviceType === "ebs"
      ? []
      : [{ found: `the root of ${target.instance.id} is an instance store, and no volume` }]),
    ...(way === "task" ? refusedTask(target, direct, wish.own) : refusedStop(target, wish.own)),
  ];
  const address = target.publicAddress;
  const known = direct || planned?.root === true;
  const notes = [
    ...(known
      ? []
      : ["nothing tells that the snapshot is of a root volume: the instance may not start from it"]),
    ...(way === "task" && wish.own ? ["THIS HOST IS REBOOTED by EC2 as soon as the order is given"] : []),
    ...(way === "task" && !wish.own ? [`${target.instance.id} is rebooted by EC2`] : []),
    ...(way === "stop" && target.state === "running" ? [`${target.instance.id} is stopped and started`] : []),
    ...(way === "stop" && target.state === "running" && address !== undefined
      ? [`its public address ${address} changes, unless it is an Elastic IP; instance stores lose their data`]
      : []),
  ];
  return { way, refusals, notes };
}

/** What the instance's tag tells of another replacement: EC2 may be about to exchange the root. */
export function refusedMark(id: string, { instance }: Target): readonly Refusal[] {
  const mark = rootMarkIn(instance.tags);
  if (mark === undefined || (mark !== "unreadable" && mark.by === "stop" && mark.id === id)) return [];
  const found = `another replacement of the root of ${instance.id} is not finished`;
  if (mark === "unreadable") {
    const remedy = `see its tag ${rootReplacementTag}, and remove it if nothing is under way`;
    return [{ found, remedy }];
  }
  const words = `ec2-backup restore replace root --instance ${instance.id}${mark.by === "stop" ? " --stop" : ""}`;
  return [{ found, remedy: `${words} --point ${mark.point} --yes goes on with it` }];
}

/** AWS: running, and the snapshot made directly of the current or a previous root volume (EC2 user guide). */
function refusedTask({ instance, state }: Target, direct: boolean, own: boolean): Refusal[] {
  const outside = own
    ? `from another host: ec2-backup restore replace root --instance ${instance.id} --stop`
    : "add --stop: the volumes are exchanged while the instance is stopped";
  return [
    ...(state === "running"
      ? []
      : [
          {
            found: `${instance.id} is ${state}; EC2 replaces the root of a running instance only`,
            remedy: outside,
          },
        ]),
    ...(direct
      ? []
      : [
          {
            found: `the snapshot was not made directly of a root volume of ${instance.id}: EC2 takes no copies and no other's`,
            remedy: outside,
          },
        ]),
  ];
}

function refusedStop({ instance, state, lifecycle }: Target, own: boolean): Refusal[] {
  const group = instance.tags["aws:autoscaling:groupName"];
  return [
    ...(own
      ? [
          {
            found: "--stop would stop this host in the middle of it",
            remedy: "do it from another host, or leave out --stop",
          },
        ]
      : []),
    ...(group === undefined
      ? []
      : [
          {
            found: `it belongs to the Auto Scaling group ${group}, which terminates what is stopped`,
            remedy: `take it out first: aws autoscaling enter-standby --instance-ids ${instance.id} and detach it`,
          },
        ]),
    ...(lifecycle === undefined
      ? []
      : [{ found: `it is a ${lifecycle} instance, which may not come up again once it is stopped` }]),
    ...(["running", "stopped", "stopping", "pending"].includes(state)
      ? []
      : [{ found: `${instance.id} is ${state}` }]),
  ];
}
