import type { Failure } from "../core/errors.ts";
import { withStored } from "../core/stored-facts.ts";
import type { StoredWish } from "../core/stored-wish.ts";
import type { Findings, RunDeps, RunRequest } from "./run-request.ts";
import type { Recorder } from "./steps.ts";
import { StoreRound } from "./store-round.ts";

/** A run of a job that stores something, or of a host outside EC2: dumps and files, then the volumes where it has any. */
export async function storing(
  stored: StoredWish | undefined,
  request: RunRequest,
  deps: RunDeps,
  record: Recorder,
  found: Findings,
  signal: AbortSignal,
  workOnVolumes: (
    request: RunRequest,
    deps: RunDeps,
    record: Recorder,
    found: Findings,
    signal: AbortSignal,
  ) => Promise<void>,
): Promise<void> {
  const takesVolumes = stored?.volumes ?? true;
  const round =
    stored &&
    (await record.step("look at the repositories", async () => {
      const stores = await deps.stores();
      return new StoreRound({ request, deps, stores, record, signal });
    }));
  if (request.capture) await round?.make();
  if (takesVolumes && request.discovery.elsewhere === true)
    record.report("error", noVolumes(request.job.name));
  else if (takesVolumes) await workOnVolumes(request, deps, record, found, signal);
  await round?.thin();
  const reports = round?.reports ?? [];
  found.stored = reports;
  found.withStored = (ofVolumes) => withStored(reports, takesVolumes, ofVolumes);
}

function noVolumes(job: string): Failure {
  return {
    kind: "configuration",
    doing: `capture the volumes of job ${job}`,
    found: "this host is no EC2 instance, so it has none that could be captured",
    remedy: "give the job files or dumps, and say volumes: none",
    code: "NoInstance",
  };
}
