import { createHash } from "node:crypto";
import type { MachineDeps } from "../actions/machine-deps.ts";
import { restoreMachine } from "../actions/restore-machine.ts";
import { undoMachines } from "../actions/undo-machine.ts";
import { ec2Machines } from "../aws/restore-machines.ts";
import { ec2Places, machineNow } from "../aws/restore-places.ts";
import { isOurs, type MachinePlan, planMachine } from "../core/machine-plan.ts";
import type { ImageState, MachineState } from "../core/machine-ports.ts";
import { type PlaceFacts, wantedSubnet } from "../core/machine-properties.ts";
import type { MachineRecipe } from "../core/machine-recipe.ts";
import type { MachineResult, MachineUndone } from "../core/machine-result.ts";
import { chooseUserData, type FoundUserData, type UserDataChoice } from "../core/machine-user-data.ts";
import type { MachineWish } from "../core/machine-wish.ts";
import { type RecordedMachine, recordedMachine } from "../core/recorded-machine.ts";
import type { RecoveryPoint } from "../core/recovery-point.ts";
import type { Choice } from "../core/restore-choice.ts";
import { restoreTags } from "../core/restore-plan.ts";
import type { PointQuery } from "../core/restore-query.ts";
import { unpacked } from "../host/packed.ts";
import { longestUserData, userDataFile } from "../host/user-data-file.ts";
import { alone } from "./restore.ts";
import { choosing, type FoundPoints, findPoints, type PickPoint } from "./restore-points.ts";
import { openRestore, type RestoreOptions, type RestoreSession } from "./restore-session.ts";
import { snapshotFacts } from "./snapshot-facts.ts";

/** What is wanted of the user data. */
interface UserDataWish {
  readonly none: boolean;
  readonly file?: string;
  /** What is given need not be what was recorded. */
  readonly differs: boolean;
}

/** What `restore instance` is asked for. */
export interface InstanceOrder {
  readonly query: PointQuery;
  readonly wish: MachineWish;
  readonly userData: UserDataWish;
  readonly keepImage: boolean;
  /** Only the plan. */
  readonly planned: boolean;
  /** Asked where no point is named. */
  readonly pick?: PickPoint;
}

/** A plan, how the point was chosen, and what came of it if it was carried out. */
export interface InstanceAnswer {
  readonly found: Pick<FoundPoints, "at" | "zone">;
  readonly choice: Choice;
  readonly plan: MachinePlan;
  /** What an earlier invocation has made. */
  readonly earlier: readonly Pick<MachineState, "id" | "state">[];
  /** Ids of other restores of instances, begun here, that came to no end. */
  readonly unfinished: readonly string[];
  readonly result?: MachineResult;
}

const minute = 60_000;

function depsOf({ deps, connection }: RestoreSession): MachineDeps {
  const { disks: _, ...rest } = deps;
  return {
    ...rest,
    machines: ec2Machines(connection),
    waits: { ...deps.waits, powerFor: 15 * minute, healthFor: 15 * minute },
  };
}

/** Plans a new instance, and makes it unless only the plan is wanted or something blocks it. */
export async function instance(
  order: InstanceOrder,
  options: RestoreOptions,
  signal: AbortSignal,
): Promise<InstanceAnswer> {
  const session = await openRestore(options, signal);
  const deps = depsOf(session);
  const found = await findPoints(order.query, session, signal);
  const choice = await choosing(found, order.pick);
  const { plan, bytes } = await planOf(choice.point, order, found, session, deps, signal);
  const all = await deps.machines.tagged(restoreTags.restore, plan.id, signal);
  const earlier = all.filter(({ tags, state }) => isOurs(tags, plan.id) && state !== "terminated");
  const unfinished = await unfinishedOf(plan, deps, signal);
  const answer = { found, choice, plan, earlier, unfinished };
  const done = earlier.some(({ tags }) => tags[restoreTags.done] !== undefined);
  const blocked = plan.obstacles.some(({ severity }) => severity === "blocks");
  if (order.planned || (blocked && !done)) return answer;
  const { keepImage } = order;
  const result = await alone(options, () =>
    restoreMachine({ plan, keepImage, ...(bytes && { userData: bytes }) }, deps, signal),
  );
  return { ...answer, result };
}

async function unfinishedOf(plan: MachinePlan, deps: MachineDeps, signal: AbortSignal): Promise<string[]> {
  const left = await undoMachines({ by: plan.instance.arn }, false, deps, signal);
  const open = left.filter(({ outcome, restore }) => outcome === "would-be-removed" && restore !== plan.id);
  return [...new Set(open.map(({ restore }) => restore))];
}

async function planOf(
  point: RecoveryPoint,
  { wish, userData }: InstanceOrder,
  { asOf }: FoundPoints,
  session: RestoreSession,
  deps: MachineDeps,
  signal: AbortSignal,
): Promise<{ plan: MachinePlan; bytes: Uint8Array | undefined }> {
  const { opened, connection, keys } = session;
  const { instance } = opened.session.discovery;
  const recorded = recordedMachine(point);
  const id = /^arn:[\w-]+:ec2:[\w-]+:\d+:instance\/(i-[0-9a-f]+)$/.exec(point.instanceArn)?.[1];
  const original = id === undefined ? undefined : await machineNow(connection, id, signal);
  const recipe = recorded.machine ?? original?.machine ?? {};
  const chosen = await userDataOf(userData, recorded, original, deps, signal);
  const image = await originalImage(recipe, deps, signal);
  const own = await pointImage(point, session, deps, signal);
  const plan = planMachine(point, wish, {
    instance,
    recorded,
    ...(original && { original }),
    ...(await snapshotFacts(point, asOf, instance, keys)),
    places: await placesOf(wish, recipe, session, signal),
    ...(image && { image }),
    ...(own && { own }),
    userData: chosen.choice,
    digest: deps.digest,
  });
  return { plan, bytes: chosen.bytes };
}

async function originalImage(
  { image }: MachineRecipe,
  deps: MachineDeps,
  signal: AbortSignal,
): Promise<ImageState | undefined> {
  if (image === undefined) return undefined;
  const [found] = await deps.machines.images([image], signal);
  return found;
}

/** The image that the point is, if that is there and can be launched. */
async function pointImage(
  point: RecoveryPoint,
  { opened }: RestoreSession,
  deps: MachineDeps,
  signal: AbortSignal,
): Promise<ImageState | undefined> {
  if (point.image === undefined) return undefined;
  const images = await opened.session.images();
  const [known] = await images.identify([point], signal);
  const { id, state } = known?.image ?? {};
  if (id === undefined || state !== "available") return undefined;
  const [found] = await deps.machines.images([id], signal);
  return found;
}

async function placesOf(
  wish: MachineWish,
  recipe: MachineRecipe,
  { connection }: RestoreSession,
  signal: AbortSignal,
): Promise<PlaceFacts> {
  const places = ec2Places(connection);
  const subnets = await places.subnets(signal);
  const place = wantedSubnet(wish, recipe, subnets);
  const groups = await places.groups(wish.groups.length > 0 ? wish.groups : (recipe.groups ?? []), signal);
  const type = wish.type ?? recipe.type;
  const offered =
    type === undefined || place === undefined ? undefined : await places.offered(type, place.zone, signal);
  return {
    ...(subnets && { subnets }),
    ...(groups && { groups }),
    ...(offered === undefined ? {} : { offered }),
  };
}

/** Bytes never get into the plan, which is shown. */
async function userDataOf(
  { none, file, differs }: UserDataWish,
  recorded: RecordedMachine,
  original: { readonly id: string; readonly state: string } | undefined,
  deps: MachineDeps,
  signal: AbortSignal,
): Promise<{ choice: UserDataChoice; bytes: Uint8Array | undefined }> {
  const given = file === undefined || none ? undefined : await userDataFile(file);
  const content = recorded.content === undefined ? undefined : unpacked(recorded.content, longestUserData);
  const there = original !== undefined && original.state !== "terminated" && !none && given === undefined;
  const now = there ? await deps.machines.userDataOf(original.id, signal) : undefined;
  const choice = chooseUserData({
    none,
    differs,
    recorded: recorded.userData,
    ...(given && { file: factsOf(given) }),
    ...(content && { content: factsOf(content) }),
    ...(now && { original: factsOf(now) }),
  });
  const bytes = { none: undefined, file: given, point: content, original: now }[choice.from];
  return { choice, bytes };
}

function factsOf(bytes: Uint8Array): FoundUserData {
  return { sha256: createHash("sha256").update(bytes).digest("hex"), length: bytes.length };
}

/** Takes back what restores of instances that came to no end have left, or only tells what it would. */
export async function instanceUndone(
  restore: string | undefined,
  act: boolean,
  options: RestoreOptions,
  signal: AbortSignal,
): Promise<readonly MachineUndone[]> {
  const session = await openRestore(options, signal);
  const { arn } = session.opened.session.discovery.instance;
  const wish = { by: arn, ...(restore === undefined ? {} : { restore }) };
  if (!act) return undoMachines(wish, false, depsOf(session), signal);
  return alone(options, () => undoMachines(wish, true, depsOf(session), signal));
}
