import { bytesPerInode, directoryTags, directoryWorkTags, tagsBefore, tagText } from "../core/directory.ts";
import { type DirectoryPlan, judgeHolds } from "../core/directory-plan.ts";
import type { DiskHost, Written } from "../core/directory-ports.ts";
import { BackupError, failureOf, sentenceOf } from "../core/errors.ts";
import type { VolumeState } from "../core/restore-ports.ts";
import { withDisk } from "./attach-disk.ts";
import type { DirectoryDeps } from "./directory-deps.ts";
import { answered, never, until } from "./restore-deps.ts";

/** What a copy came to. */
export interface Copied extends Written {
  readonly volume: string;
  readonly made: boolean;
}

/**
 * Copies the directory onto the volume of the plan, or onto a new one, and detaches it. A volume that was made for this
 * and to which nothing was written goes again if it comes to nothing; any other stays, and is named in the failure.
 */
export async function copyDirectory(
  plan: DirectoryPlan,
  ground: { readonly host: DiskHost; readonly zone: string; readonly force: boolean },
  deps: DirectoryDeps,
  signal: AbortSignal,
): Promise<Copied> {
  const volume = plan.volume ?? (await makeVolume(plan, ground.zone, deps, signal));
  const made = plan.volume === undefined;
  let touched = false;
  try {
    const { value, left } = await withDisk(volume, ground.host, deps, signal, async (disk) => {
      const { fresh } = judgeHolds(plan, await ground.host.look(disk, signal), ground.force || made);
      await mark(volume.id, tagsBefore(plan.order, { ...deps, state: "writing" }), deps, signal);
      touched = true;
      const written = await write(plan, ground.host, disk, fresh, signal);
      // What is on the disk is on the disk, whoever wants us to stop.
      await mark(volume.id, tagsAfter(written, deps), deps, never);
      return written;
    });
    const problems = [...value.problems, ...(left === undefined ? [] : [left])];
    return { volume: volume.id, made, ...value, problems };
  } catch (error) {
    throw await afterFailure(error, volume.id, { made, touched }, deps);
  }
}

function write(
  { order, count, sizeGiB }: DirectoryPlan,
  host: DiskHost,
  disk: string,
  fresh: boolean,
  signal: AbortSignal,
): Promise<Written> {
  if (order.method === "dd") return host.archive(disk, order, signal);
  const inodes = order.filesystem === "xfs" ? undefined : bytesPerInode(sizeGiB, count.entries);
  const making = fresh ? { ...(inodes === undefined ? {} : { bytesPerInode: inodes }) } : undefined;
  return host.mirror(disk, order, making, signal);
}

async function makeVolume(
  { order, sizeGiB }: DirectoryPlan,
  zone: string,
  deps: DirectoryDeps,
  signal: AbortSignal,
): Promise<VolumeState> {
  deps.tell(`making a volume of ${sizeGiB} GiB in ${zone}`);
  const tags = {
    ...tagsBefore(order, { ...deps, state: "new" }),
    [directoryWorkTags.work]: deps.work,
    Name: tagText(`${deps.host}:${order.directory}`).slice(0, 256),
  };
  const doing = "make the volume";
  // Not cut short, since only its answer tells what there is to be removed.
  const volume = await answered(doing, deps, signal, () =>
    deps.maker.make({ zone, sizeGiB, tags, clientToken: deps.work }, never),
  );
  try {
    return await until(
      `wait for ${volume.id} to be made`,
      deps.waits.availableFor,
      deps,
      signal,
      async () => {
        const [now] = await deps.volumes.describe([volume.id], signal);
        if (now?.state === "error")
          throw new BackupError({ kind: "refused", doing, found: `${volume.id} came to be in error` });
        return now?.state === "available" ? now : undefined;
      },
    );
  } catch (error) {
    throw await afterFailure(error, volume.id, { made: true, touched: false }, deps);
  }
}

function tagsAfter({ bytes, sha256, problems }: Written, { clock }: DirectoryDeps): Record<string, string> {
  return {
    [directoryTags.state]: problems.length === 0 ? "complete" : "partial",
    [directoryTags.captured]: clock.now().toISOString(),
    ...(bytes === undefined ? {} : { [directoryTags.bytes]: String(bytes) }),
    ...(sha256 === undefined ? {} : { [directoryTags.sha256]: sha256 }),
  };
}

async function mark(
  id: string,
  tags: Readonly<Record<string, string>>,
  deps: DirectoryDeps,
  signal: AbortSignal,
): Promise<void> {
  await answered(`tag ${id}`, deps, signal, () => deps.volumes.tag([id], tags, signal));
}

/** Takes away what was made and never used, and says what is left. */
async function afterFailure(
  error: unknown,
  id: string,
  { made, touched }: { readonly made: boolean; readonly touched: boolean },
  deps: DirectoryDeps,
): Promise<unknown> {
  if (!(error instanceof BackupError)) return error;
  if (made && !touched) {
    try {
      await answered(`remove ${id}`, deps, never, () => deps.volumes.remove(id, never));
      return error;
    } catch (failure) {
      return more(error, `${id} is left empty: ${sentenceOf(failureOf(failure, `remove ${id}`))}`);
    }
  }
  if (!touched) return error;
  return more(
    error,
    `${id} is left, and what it holds is not whole${made ? "" : ", nor is what it held before"}`,
    `write to it again by -v ${id}${made ? `, or remove it: aws ec2 delete-volume --volume-id ${id}` : ""}`,
  );
}

function more(
  { kind, doing, found, remedy, code }: BackupError,
  sentence: string,
  next?: string,
): BackupError {
  const remedies = [remedy, next].filter((one) => one !== undefined).join("; ");
  return new BackupError({
    kind,
    doing,
    found: `${found}; ${sentence}`,
    ...(remedies === "" ? {} : { remedy: remedies }),
    ...(code === undefined ? {} : { code }),
  });
}
