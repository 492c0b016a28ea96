import type { DirectoryCount, DirectoryOrder } from "./directory.ts";
import { filesystemLabel } from "./directory-filesystem.ts";
import type { DirectoryRestore, DiskHolds, Written } from "./directory-ports.ts";
import { BackupError } from "./errors.ts";

/** What a script reported, by word, and what its programs complained of. */
export interface Told {
  readonly reports: ReadonlyMap<string, string>;
  /** In one line; empty where nobody complained. */
  readonly said: string;
}

/** A program that was stopped because nobody reads what it writes any more tells nothing of why. */
const broken = "141";

interface Stage {
  readonly report: string;
  readonly who: string;
  readonly fine?: readonly string[];
}

/** The first stage that failed by itself; a stage that never reported has failed. */
function blame(
  doing: string,
  stages: readonly Stage[],
  { reports, said }: Told,
  remedy?: string,
): BackupError | undefined {
  const bad = stages.filter(({ report, fine = [] }) => {
    const ended = reports.get(report);
    return ended !== "0" && (ended === undefined || !fine.includes(ended));
  });
  const [first] = bad.filter(({ report }) => (reports.get(report) ?? broken) !== broken);
  const culprit = first ?? bad[0];
  if (culprit === undefined) return undefined;
  const code = reports.get(culprit.report);
  const how = code === undefined ? "did not come to its end" : `ended with ${code}`;
  const why = remedyFor(said) ?? remedy;
  return new BackupError({
    kind: /No space left on device/.test(said) ? "cannot-write" : "refused",
    doing,
    found: `${culprit.who} ${how}${said === "" ? "" : `: ${said}`}`,
    ...(why === undefined ? {} : { remedy: why }),
  });
}

function remedyFor(said: string): string | undefined {
  if (/No space left on device/.test(said))
    return "the volume is too small: take a larger one, or none, so that one is made";
  if (/bash: (not found|command not found)|bash: No such file/.test(said))
    return "filters need bash: install it";
  const missing = /(?:sh|bash): (?:\d+: |line \d+: )?([\w.-]+): (?:command )?not found/.exec(said)?.[1];
  if (missing !== undefined) return `install ${missing}`;
  return undefined;
}

export function countOf(directory: string, { reports, said }: Told): DirectoryCount {
  const bytes = Number(reports.get("bytes") || Number.NaN);
  const entries = Number(reports.get("entries") || Number.NaN);
  if (Number.isSafeInteger(bytes) && Number.isSafeInteger(entries) && entries > 0) return { bytes, entries };
  throw new BackupError({
    kind: "refused",
    doing: `count what ${directory} holds`,
    found: said || "tar and find told nothing",
    remedy: remedyFor(said) ?? "GNU tar and find must be installed, and the directory be readable",
  });
}

/** What was archived; fails if it is not certain that all of it lies on the disk. */
export function archived(order: DirectoryOrder, told: Told): Written {
  const doing = `archive ${order.directory} onto the volume`;
  const { reports, said } = told;
  const failure = blame(
    doing,
    [
      { report: "tar", who: "tar", fine: ["1"] },
      ...(order.local === undefined ? [] : [{ report: "local", who: "the local filter" }]),
      ...(order.remote === undefined ? [] : [{ report: "remote", who: "the remote filter" }]),
      { report: "dd", who: "dd" },
      { report: "place", who: "the way to the disk" },
    ],
    told,
  );
  if (failure !== undefined) throw failure;
  const digest = (name: string): string => {
    const found = reports.get(name) ?? "";
    if (/^[0-9a-f]{64}$/.test(found)) return found;
    throw new BackupError({
      kind: "refused",
      doing,
      found: `no digest of what was ${name}${said && `: ${said}`}`,
    });
  };
  const [sent, read] = [digest("sent"), digest("read")];
  const pairs =
    order.remote === undefined
      ? [[sent, read]]
      : [
          [sent, digest("in")],
          [digest("out"), read],
        ];
  for (const [one, other] of pairs)
    if (one !== other)
      throw new BackupError({
        kind: "refused",
        doing,
        found: `what was read again (SHA-256 ${other}) is not what was sent (${one})`,
        remedy: "the volume or the way to it is faulty: make another copy onto another volume",
      });
  const bytes = Number(reports.get("bytes") || Number.NaN);
  if (!Number.isSafeInteger(bytes))
    throw new BackupError({ kind: "refused", doing, found: "dd told no size" });
  const changed = reports.get("tar") === "1" ? [`some files changed while they were read: ${said}`] : [];
  return { bytes, sha256: read, problems: changed };
}

/** What rsync has brought about. */
export function mirrored(directory: string, told: Told): Written {
  const doing = `bring the volume up to ${directory}`;
  const { reports, said } = told;
  const failure = blame(doing, stagesOfSync(["24"]), told);
  if (failure !== undefined) throw failure;
  const problems = reports.get("rsync") === "24" ? [`some files vanished while they were read: ${said}`] : [];
  return { problems: [...problems, ...differences(reports)] };
}

function stagesOfSync(fine: readonly string[]): readonly Stage[] {
  return [
    { report: "prepare", who: "making the volume's filesystem ready" },
    { report: "rsync", who: "rsync", fine },
    ...(fine.length === 0 ? [] : [{ report: "remount", who: "mounting it again" }]),
    { report: "compare", who: "comparing", fine },
    { report: "unmount", who: "unmounting" },
  ];
}

function differences(reports: ReadonlyMap<string, string>): readonly string[] {
  const count = Number(reports.get("differ") || Number.NaN);
  if (count === 0) return [];
  const which = (reports.get("which") ?? "").replace(/;$/, "").replaceAll(";", "; ");
  return [
    `${Number.isNaN(count) ? "an unknown number of" : count} entries differ from the directory: ${which}`,
  ];
}

/** The code of a failure after which what has come is left where it came to, for who knows what to do with it. */
export const leftInStage = "LeftInStage";

/** Whether what has come to the stage was compared with what had been stored. */
export function broughtBack(
  wish: DirectoryRestore,
  told: Told,
  stage: string,
): { readonly verified: boolean } {
  const doing = `bring the directory back to ${wish.to}`;
  const { reports } = told;
  const refuse = (what: string): BackupError => {
    const found = `${what}; what has come lies in ${stage} and is not to be relied on`;
    return new BackupError({ kind: "refused", code: leftInStage, doing, found });
  };
  if (wish.method === "rsync") {
    const failure = blame(doing, stagesOfSync([]), told);
    if (failure !== undefined) throw failure;
    const [different] = differences(reports);
    if (different === undefined) return { verified: true };
    throw refuse(different);
  }
  const failure = blame(
    doing,
    [
      { report: "place", who: "reading the volume" },
      ...(wish.remote === undefined ? [] : [{ report: "remote", who: "the remote filter" }]),
      ...(wish.local === undefined ? [] : [{ report: "local", who: "the local filter" }]),
      { report: "tar", who: "tar" },
    ],
    told,
    "if it was written through filters, name those that undo them",
  );
  if (failure !== undefined) throw failure;
  if (wish.sha256 === undefined) return { verified: false };
  if (reports.get("read") === wish.sha256) return { verified: true };
  throw refuse(
    `the volume does not hold what was written: its SHA-256 is ${reports.get("read")}, and was ${wish.sha256}`,
  );
}

/** Refuses unless all of it was moved into place. */
export function settled({ to }: DirectoryRestore, told: Told, stage: string): void {
  const failure = blame(`put all into ${to}`, [{ report: "settle", who: "moving" }], told);
  if (failure === undefined) return;
  const { kind, doing, found } = failure;
  const more = `what is not there yet lies in ${stage}, and is whole`;
  throw new BackupError({ kind, code: leftInStage, doing, found: `${found}; ${more}` });
}

export function holdsOf(disk: string, { reports, said }: Told): DiskHolds {
  const first = reports.get("first");
  if (first === undefined)
    throw new BackupError({ kind: "refused", doing: `look at ${disk}`, found: said || "it cannot be read" });
  const type = reports.get("type") ?? "";
  if (type !== "") return { kind: "filesystem", type, marker: reports.get("label") === filesystemLabel };
  return first === "0" && (reports.get("parts") ?? "") === "" ? { kind: "nothing" } : { kind: "data" };
}
