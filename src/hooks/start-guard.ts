import { BackupError } from "../core/errors.ts";
import { createLedger, type LedgerDirectory } from "../host/ledger-directory.ts";
import { closeDescriptors, openMount, superblockOfFile } from "../host/mount-descriptors.ts";
import { bootId, type ProcessIdentity } from "../host/process-identity.ts";
import { firstDescriptor, startShell } from "../host/shell-script.ts";
import { Guard, type GuardPrograms, silence } from "./guard.ts";
import { guardScript } from "./guard-script.ts";
import { formatLedger } from "./ledger.ts";

/** A mount to freeze: its mount point and `major:minor` of its superblock. */
export interface MountToFreeze {
  readonly path: string;
  readonly superblock: string;
}

/** All times in milliseconds. */
export interface GuardOrder {
  /** Frozen one wave after the other, the mounts of a wave side by side. */
  readonly waves: readonly (readonly MountToFreeze[])[];
  readonly programs: GuardPrograms;
  /** Where ledgers are; never on a filesystem that is to be frozen. */
  readonly runtimeDirectory: string;
  /** Who is killed after a deadline to which it said nothing. */
  readonly agent: ProcessIdentity;
  /** How long the guard may take to say that it is there. */
  readonly startTimeout: number;
  /** How long it may take beyond the deadline, or to thaw, before we thaw by ourselves. */
  readonly answerTimeout: number;
  /** How long after the deadline the agent may be silent. */
  readonly grace: number;
}

/** Starts the guard and waits until it is ready. Nothing is frozen; a failure leaves nothing behind. */
export async function startGuard(order: GuardOrder): Promise<Guard> {
  const opened: number[] = [];
  let ledger: LedgerDirectory | undefined;
  try {
    for (const { path, superblock } of order.waves.flat()) opened.push(openMount(path, superblock));
    ledger = await createLedger(order.runtimeDirectory, "guard", firstLines(order));
    refuseOwnGround(order, ledger);
    return await connect(order, ledger, opened);
  } catch (error) {
    closeDescriptors(opened);
    await ledger?.remove().catch(() => undefined);
    throw error;
  }
}

function firstLines({ agent, waves }: GuardOrder): string {
  const mounts = waves.flat().map((mount, index) => ({ ...mount, descriptor: firstDescriptor + index }));
  return formatLedger({ boot: bootId(), agent, mounts, notes: [] });
}

/** Whoever freezes what the thaw needs cannot thaw. */
function refuseOwnGround({ waves, programs }: GuardOrder, ledger: LedgerDirectory): void {
  const needed = [
    { what: ledger.path, where: ledger.superblock() },
    ...Object.values(programs).map((file) => ({ what: file, where: superblockOfFile(file) })),
  ];
  for (const { path, superblock } of waves.flat()) {
    const on = needed.find(({ where }) => where === undefined || where === superblock);
    if (on === undefined) continue;
    throw new BackupError({
      kind: "configuration",
      doing: `freeze ${path}`,
      found:
        on.where === undefined
          ? `it cannot be told on which filesystem ${on.what} is`
          : `${on.what} is on that filesystem, and without it nothing could be thawed`,
      remedy: "leave that mount out of the freeze",
    });
  }
}

async function connect(
  order: GuardOrder,
  ledger: LedgerDirectory,
  opened: readonly number[],
): Promise<Guard> {
  const { programs, agent, waves, answerTimeout, grace } = order;
  const { sh, fsfreeze, flock, sleep, mkfifo } = programs;
  let next = firstDescriptor;
  const plan = waves.map((wave) => wave.map(() => next++).join(" "));
  let onLine: (line: string) => void = () => undefined;
  const shell = startShell({
    sh,
    script: guardScript,
    name: "ec2-backup-guard",
    words: [ledger.path, String(agent.pid), agent.start, fsfreeze, flock, sleep, mkfifo, ...plan],
    descriptors: opened,
    onLine: (line) => onLine(line),
  });
  const ready = new Promise<undefined>((resolve) => {
    onLine = (line) => {
      if (line === "ready") resolve(undefined);
    };
  });
  const because = await Promise.race([ready, shell.ended, silence(order.startTimeout)]);
  if (because !== undefined) {
    shell.kill();
    throw new BackupError({
      kind: "unexpected",
      doing: "start the guard that thaws",
      found: `${sh} ${because}`,
      remedy: "nothing was frozen; try again",
    });
  }
  const paths = waves.flat().map(({ path }) => path);
  const mounts = new Map(
    opened.map((descriptor, index) => [firstDescriptor + index, { path: paths[index] ?? "", descriptor }]),
  );
  const guard = new Guard({ shell, ledger, programs, mounts, answerTimeout, grace });
  onLine = (line) => guard.hear(line);
  return guard;
}
