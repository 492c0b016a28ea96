import { BackupError } from "../core/errors.ts";
import { unlikeAsked } from "../core/restore-found.ts";
import { type PlannedVolume, type RestorePlan, restoreTags, tokenOf } from "../core/restore-plan.ts";
import type { VolumeState } from "../core/restore-ports.ts";
import { answered, type RestoreDeps, until } from "./restore-deps.ts";

/** More attempts than a person would undo one restore. */
const maxAttempts = 20;
/** Volumes that go away by themselves are not made for ever. */
const maxVanished = 2;

/** The code of a failure: EC2 took new volumes away again. */
export const goneAway = "VolumeGoneAway";

/** All volumes that the restore has made so far. */
export function volumesOf(
  { id }: Pick<RestorePlan, "id">,
  deps: RestoreDeps,
  signal: AbortSignal,
): Promise<readonly VolumeState[]> {
  return answered(`look for volumes of ${id}`, deps, signal, () =>
    deps.volumes.tagged(restoreTags.restore, id, signal),
  );
}

/** Those that earlier invocations have left and that can be used. */
export async function earlierVolumes(
  plan: Pick<RestorePlan, "id">,
  deps: RestoreDeps,
  signal: AbortSignal,
): Promise<readonly VolumeState[]> {
  return (await volumesOf(plan, deps, signal)).filter(isUsable);
}

export function isUsable({ state }: Pick<VolumeState, "state">): boolean {
  return state === "creating" || state === "available" || state === "in-use";
}

/**
 * The volume of a plan's member: the one that is there already, else a new one. Returns once it is available or
 * attached. `noted` is told its id as soon as EC2 has named it.
 */
export async function volumeFor(
  planned: PlannedVolume,
  plan: RestorePlan,
  earlier: readonly VolumeState[],
  deps: RestoreDeps,
  noted: (id: string, found: boolean) => void,
  signal: AbortSignal,
): Promise<VolumeState> {
  const there = mine(planned, earlier);
  if (there !== undefined) {
    requireAsAsked(there, planned, plan);
    noted(there.id, true);
    const ready = await whenAvailable(there.id, deps, signal);
    if (ready !== undefined) return ready;
  }
  let vanished = 0;
  for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
    const made = await createOnce(planned, plan, attempt, deps, signal);
    if (made === undefined || !isUsable(made)) continue;
    noted(made.id, false);
    const ready = await whenAvailable(made.id, deps, signal);
    if (ready !== undefined) return ready;
    vanished += 1;
    if (vanished >= maxVanished) throw wentAway(planned, made.id);
  }
  throw new BackupError({
    kind: "refused",
    doing: `make a volume of ${planned.request.snapshot}`,
    found: `EC2 answers ${maxAttempts} requests with volumes that are deleted`,
    remedy: "add --label with a word that was not used for this point yet",
  });
}

function mine({ request }: PlannedVolume, volumes: readonly VolumeState[]): VolumeState | undefined {
  const ours = volumes.filter(
    ({ tags, snapshot }) => tags[restoreTags.from] === request.snapshot && snapshot === request.snapshot,
  );
  return ours.find(({ state }) => state === "in-use") ?? ours[0];
}

/** What was made with other words is neither passed off as what is asked for nor made again. */
function requireAsAsked(
  found: VolumeState,
  { request }: PlannedVolume,
  { asked = {} }: Pick<RestorePlan, "asked">,
): void {
  const unlike = unlikeAsked(asked, found);
  if (unlike === undefined) return;
  throw new BackupError({ kind: "refused", doing: `make a volume of ${request.snapshot}`, ...unlike });
}

/** Absent: the token is spent, since it made another volume, or one that is gone. */
async function createOnce(
  planned: PlannedVolume,
  plan: RestorePlan,
  attempt: number,
  deps: RestoreDeps,
  signal: AbortSignal,
): Promise<VolumeState | undefined> {
  const clientToken = tokenOf(plan, planned, attempt, deps.digest);
  const doing = `make a volume of ${planned.request.snapshot}`;
  try {
    return await answered(doing, deps, signal, () =>
      deps.volumes.create({ ...planned.request, clientToken }, signal),
    );
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    if (error.code === "InvalidVolume.NotFound") return undefined;
    if (error.code !== "IdempotentParameterMismatch") throw error;
  }
  // The same token with other words: what it made is continued as soon as it is seen, or it is gone.
  try {
    const found = await until(doing, deps.waits.visibleFor, deps, signal, async () =>
      mine(planned, await earlierVolumes(plan, deps, signal)),
    );
    requireAsAsked(found, planned, plan);
    return found;
  } catch (error) {
    if (error instanceof BackupError && error.code === "TimeUp") return undefined;
    throw error;
  }
}

/** The volume once it can be attached or is; absent if it has gone away or failed. */
async function whenAvailable(
  id: string,
  deps: RestoreDeps,
  signal: AbortSignal,
): Promise<VolumeState | undefined> {
  let seen = false;
  const doing = `wait for ${id} to be available`;
  const { visibleFor, availableFor } = deps.waits;
  const end = await until(doing, availableFor, deps, signal, async (elapsed) => {
    const [volume] = await deps.volumes.describe([id], signal);
    if (volume === undefined) return seen || elapsed > visibleFor ? ("gone" as const) : undefined;
    seen = true;
    if (volume.state === "available" || volume.state === "in-use") return volume;
    // It will never be of use, and is found by nobody any more once it is no part of a restore.
    if (volume.state === "error") await deps.volumes.remove(id, signal);
    return volume.state === "creating" ? undefined : ("gone" as const);
  });
  return end === "gone" ? undefined : end;
}

/** EC2 looks at the key after it has answered (API reference, CreateVolume, KmsKeyId). */
function wentAway({ request }: PlannedVolume, id: string): BackupError {
  const key = request.kmsKey ?? "the key of the snapshot";
  return new BackupError({
    kind: "refused",
    doing: `make a volume of ${request.snapshot}`,
    found: `EC2 made ${id} and took it away again, as it does where a volume cannot be encrypted with ${key}`,
    remedy:
      "see that the key is enabled and that its policy and the role of this instance allow kms:CreateGrant, kms:Decrypt, kms:DescribeKey, kms:GenerateDataKeyWithoutPlaintext and kms:ReEncrypt*",
    code: goneAway,
  });
}
