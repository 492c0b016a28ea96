import type { Instance } from "./instance.ts";
import type { RecoveryPoint, Snapshot, VolumeRecipe } from "./recovery-point.ts";

/** How one volume of a point becomes a volume again. Each command is one line for a POSIX shell. */
interface VolumeSteps {
  readonly volume: string;
  readonly snapshot: string;
  /** As it was attached; absent if the point does not say. */
  readonly device?: string;
  readonly root: boolean;
  readonly commands: readonly string[];
}

/** How a point is used without this program. */
export interface RestoreRecipe {
  readonly point: string;
  /** ISO 8601. */
  readonly captured: string;
  readonly consistency: string;
  readonly volumes: readonly VolumeSteps[];
  /** What the commands do not say. */
  readonly notes: readonly string[];
}

/**
 * The recipe of a point, from what its tags recorded at the capture. EC2 makes a volume of type gp2 where none is
 * named, and a snapshot stores neither type nor IOPS nor throughput (EC2 API reference, CreateVolume).
 */
export function restoreRecipe(point: RecoveryPoint, instance: Instance): RestoreRecipe {
  const volumes = point.snapshots
    .filter((one) => one.state === "completed")
    .map((one) =>
      stepsOf(
        one,
        point.recipe.find(({ volumeId }) => volumeId === one.volumeId),
        instance,
      ),
    );
  const silent = volumes.filter(({ device }) => device === undefined).map(({ volume }) => volume);
  return {
    point: point.id,
    captured: point.captured.toISOString(),
    consistency: point.consistency,
    volumes: volumes.sort((a, b) => Number(b.root) - Number(a.root) || (a.volume < b.volume ? -1 : 1)),
    notes: [
      "The old volumes stay; detach one before its device name is used again, and delete it only when the new one is proven.",
      "A new volume reads its blocks from the snapshot when they are first asked for, so the first reads are slow.",
      ...(volumes.some(({ root }) => root)
        ? ["Replacing the root volume reboots the instance, which must be running."]
        : []),
      ...(silent.length === 0
        ? []
        : [`The point does not record how ${silent.join(", ")} was attached: choose type and device.`]),
    ],
  };
}

function stepsOf(snapshot: Snapshot, recipe: VolumeRecipe | undefined, instance: Instance): VolumeSteps {
  const root = recipe?.root === true;
  const { device } = recipe ?? {};
  return {
    volume: snapshot.volumeId,
    snapshot: snapshot.id,
    ...(device === undefined ? {} : { device }),
    root,
    commands: root ? replaceRoot(snapshot, instance) : newVolume(snapshot, recipe, instance),
  };
}

function replaceRoot(snapshot: Snapshot, { id, region }: Instance): string[] {
  return [
    line("aws ec2 create-replace-root-volume-task", {
      region,
      "instance-id": id,
      "snapshot-id": snapshot.id,
    }),
  ];
}

function newVolume(snapshot: Snapshot, recipe: VolumeRecipe | undefined, instance: Instance): string[] {
  const { region, zone, id } = instance;
  const create = line("aws ec2 create-volume", {
    region,
    "availability-zone": zone,
    "snapshot-id": snapshot.id,
    "volume-type": recipe?.type ?? "gp3",
    iops: takesIops(recipe?.type) ? recipe?.iops : undefined,
    throughput: recipe?.type === "gp3" ? recipe.throughput : undefined,
    query: "VolumeId",
    output: "text",
  });
  const attach = line("aws ec2 attach-volume", {
    region,
    "instance-id": id,
    device: recipe?.device ?? "/dev/sdf",
  });
  return [
    `volume=$(${create})`,
    `${line("aws ec2 wait volume-available", { region })} --volume-ids "$volume"`,
    `${attach} --volume-id "$volume"`,
  ];
}

/** EC2 refuses IOPS of other types; gp2 has some that follow from its size. */
function takesIops(type: string | undefined): boolean {
  return type === "gp3" || type === "io1" || type === "io2";
}

function line(command: string, options: Readonly<Record<string, string | number | undefined>>): string {
  const words = Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name} ${quoted(String(value))}`],
  );
  return [command, ...words].join(" ");
}

/** Tags have a say in these words, and a tag must never become a command. */
function quoted(word: string): string {
  return /^[\w./:=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
