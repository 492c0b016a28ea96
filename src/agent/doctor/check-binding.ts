import { anotherInstance, type ForeignSnapshot, foreignSnapshots } from "../../aws/binding.ts";
import { rehearsalsOf } from "../../aws/rehearsals.ts";
import { BackupError } from "../../core/errors.ts";
import { type CheckResult, type Finding, NotTestable } from "../../core/finding.ts";
import type { Instance } from "../../core/instance.ts";
import { marksOf } from "../../core/point-tags.ts";
import { uuidV7 } from "../../host/uuid.ts";
import type { DoctorCheck } from "./check.ts";
import type { Ground } from "./ground.ts";
import type { Reach } from "./reach.ts";

const what = "whether the role is bound to this instance";
const remedy = "ec2-backup policy agent-create-only";

/** What somebody with this role's credentials tries, and how it is told. */
interface Attempt {
  /** "snapshot i-…, which is not its own". */
  readonly deed: string;
  /** Resolves where AWS would have done it. Always a dry run. */
  ask(): Promise<void>;
}

type Verdict = { readonly attempt: Attempt } & (
  | { readonly came: "denied" | "allowed" }
  | { readonly came: "unsure"; readonly because: string }
);

/**
 * Tries as dry runs what the role must not do: whoever takes over this host has its credentials. What AWS would have
 * carried out is an error; an answer that is neither that nor a denial proves nothing, and is told as that.
 */
export const binding: DoctorCheck = {
  name: "binding",
  about: "that the role can do nothing to what is not its own (dry runs)",
  why: "who takes over this host could reach the backups of others",
  command: remedy,
  async run(ground, signal) {
    const reach = await ground.reach(what);
    const { instance } = await ground.found(what);
    // Where no notice is taken of DryRun, the attempts would be deeds.
    if (reach.dryRun !== true)
      throw new NotTestable(what, "it is not sure that the endpoint takes notice of DryRun");
    const { connection } = reach;
    const [other, foreign] = await Promise.all([
      anotherInstance(connection, instance.id, signal),
      foreignSnapshots(connection, instance.arn, signal),
    ]);
    const attempts = [
      ...(await captures(other, instance, ground, reach, signal)),
      ...foreign.flatMap((one) => onSnapshot(one, instance, reach, signal)),
    ];
    const verdicts: Verdict[] = [];
    for (const attempt of attempts) verdicts.push(await tried(attempt));
    return told(verdicts, foreign.length > 0);
  },
};

/**
 * With the tags of this instance, so that nothing but the binding to the instance is left to refuse it, and with those
 * of the other, as somebody would who forges its points.
 */
async function captures(
  other: string | undefined,
  instance: Instance,
  ground: Ground,
  { engine }: Reach,
  signal: AbortSignal,
): Promise<Attempt[]> {
  const id = other ?? madeUp(instance.id);
  const [job] = await ground.jobs();
  if (job === undefined) return [];
  const kind = other === undefined ? `${id}, a made-up instance` : `${id}, another instance`;
  const named = [
    { arn: instance.arn, how: "under its own name" },
    { arn: instance.arn.replace(/[^/]+$/, id), how: "under that one's name" },
  ];
  return Promise.all(
    named.map(async ({ arn, how }) => {
      const scope = { excludeRoot: false, excludeDataVolumeIds: [], expected: [], unwanted: [] };
      const runId = uuidV7(Date.now());
      const order = { job, instance: { ...instance, id, arn }, scope, runId };
      const prepared = await engine.prepare(order, signal);
      return { deed: `snapshot ${kind}, ${how}`, ask: () => prepared.rehearse(runId, new Date(), signal) };
    }),
  );
}

/** Of the right form, and not this instance's. */
function madeUp(own: string): string {
  return own.replace(/.$/, (last) => (last === "0" ? "1" : "0"));
}

function onSnapshot(
  { id, instance }: ForeignSnapshot,
  own: Instance,
  { connection }: Reach,
  signal: AbortSignal,
): Attempt[] {
  const rehearsals = rehearsalsOf(connection);
  const whose =
    instance === undefined ? `${id}, which it did not make` : `${id} of ${instance.replace(/^.*\//, "")}`;
  const claim = { "ec2-backup:instance": own.arn };
  return [
    { deed: `delete ${whose}`, ask: () => rehearsals.remove(id, signal) },
    {
      deed: `mark ${whose}`,
      ask: () => rehearsals.tag([id], marksOf({ consistency: "crash", frozenMs: 0 }), signal),
    },
    { deed: `claim ${whose} by a tag`, ask: () => rehearsals.tag([id], claim, signal) },
  ];
}

async function tried(attempt: Attempt): Promise<Verdict> {
  try {
    await attempt.ask();
    return { attempt, came: "allowed" };
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    if (error.kind === "denied") return { attempt, came: "denied" };
    return { attempt, came: "unsure", because: error.found.slice(0, 160) };
  }
}

function told(verdicts: readonly Verdict[], foreign: boolean): CheckResult {
  const findings = verdicts.flatMap((one): Finding[] => {
    const { deed } = one.attempt;
    if (one.came === "allowed") return [allowed(deed)];
    return one.came === "unsure" ? [unsure(deed, one.because)] : [];
  });
  const denied = verdicts.filter(({ came }) => came === "denied").map(({ attempt }) => attempt.deed);
  if (denied.length > 0)
    findings.push({
      severity: "note",
      what: `AWS refuses this role to ${denied.join("; to ")}`,
      why: "each was a dry run, and what is refused to the role is refused to who takes over this host",
      command: remedy,
    });
  if (foreign) return { findings };
  const because = "this account and Region have no snapshot that is not of this instance's points";
  return { findings, untested: [{ what: "to delete and tag snapshots of others", because }] };
}

function allowed(deed: string): Finding {
  return {
    severity: "error",
    what: `this role may ${deed}`,
    why: "who takes over this host can do that to what is not its own",
    advice: "give the role a policy that is bound to its own instance, and nothing beside it",
    command: remedy,
  };
}

function unsure(deed: string, because: string): Finding {
  return {
    severity: "warning",
    what: `it could not be proved that this role may not ${deed}: ${because}`,
    why: "only a denial proves it; AWS may look at what is asked for before it looks at who asks",
    command: remedy,
  };
}
