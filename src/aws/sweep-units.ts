import { DescribeRegionsCommand } from "@aws-sdk/client-ec2";
import { BackupError, type Failure, failureOf } from "../core/errors.ts";
import type { SweepRole, SweepScope, SweepUnit } from "../core/sweep-ports.ts";
import { type Connection, type ConnectionOptions, connect } from "./connection.ts";
import { call } from "./discover.ts";
import { unreadable } from "./pages.ts";
import { credentialsOfRole } from "./sweep-role.ts";

/** A unit with a connection of its own: what keeps one busy keeps no other from its turn. */
export interface OpenUnit {
  readonly unit: SweepUnit;
  readonly connection: Connection;
  /** For clients of other services beside it. */
  readonly connecting: ConnectionOptions;
}

export interface OpenedUnits {
  readonly open: readonly OpenUnit[];
  /** Accounts whose Regions could not be told, as units of the Region `all`. */
  readonly lost: readonly { readonly unit: SweepUnit; readonly failure: Failure }[];
}

export interface Opening {
  readonly connecting: Omit<ConnectionOptions, "region">;
  /** The Region of requests that are of none, and of the units if no other is named. */
  readonly home: string;
  /** The name of the sessions in other accounts, which CloudTrail shows there. */
  readonly session: string;
  /** The account of the own credentials. */
  readonly own: (home: Connection, connecting: ConnectionOptions) => Promise<string>;
}

type Account = SweepScope["accounts"][number];

/** Each account in each of its Regions. An account that cannot be entered is told and keeps no other back. */
export async function openUnits(
  scope: Pick<SweepScope, "accounts" | "regions">,
  opening: Opening,
  signal: AbortSignal,
): Promise<OpenedUnits> {
  const { connecting, home } = opening;
  const here = connect({ ...connecting, region: home });
  const opened = await Promise.all(
    scope.accounts.map((account) => openAccount(account, here, scope, opening, signal)),
  );
  // Two ways into one account lead to the same units, and what two did there at once would be done twice.
  const open = new Map<string, OpenUnit>();
  for (const one of opened.flatMap((of) => of.open)) if (!open.has(one.unit.id)) open.set(one.unit.id, one);
  return {
    open: [...open.values()],
    lost: opened.flatMap(({ lost }) => lost),
  };
}

async function openAccount(
  account: Account,
  here: Connection,
  { regions }: Pick<SweepScope, "regions">,
  opening: Opening,
  signal: AbortSignal,
): Promise<OpenedUnits> {
  const { home } = opening;
  const connecting = { ...opening.connecting, region: home };
  // The client keeps what its provider gives: the Regions of an account take its role on once.
  const entrance = account === "self" ? here : entered(account, here, connecting, opening.session);
  const credentials = entrance.ec2.config.credentials;
  let id = account === "self" ? "" : accountOf(account);
  try {
    if (account === "self") id = await opening.own(here, connecting);
    const named = regions === "all" ? await enabledRegions(entrance, signal) : regions;
    const all = named.length === 0 ? [home] : named;
    const open = all.map((region): OpenUnit => {
      const options = { ...connecting, region, credentials };
      return { unit: unitOf(id, region, account), connection: connect(options), connecting: options };
    });
    return { open, lost: [] };
  } catch (error) {
    // Whose credentials these are is asked once for all: without an answer nothing can be told apart.
    if (id === "" || (error instanceof BackupError && error.kind === "interrupted")) throw error;
    const failure = failureOf(error, `list the Regions of ${id}`);
    return { open: [], lost: [{ unit: unitOf(id, "all", account), failure }] };
  }
}

function entered(
  role: SweepRole,
  here: Connection,
  connecting: ConnectionOptions,
  session: string,
): Connection {
  const credentials = credentialsOfRole(role, session, connecting, here.ec2.config.credentials);
  return connect({ ...connecting, credentials });
}

/** `arn:aws:iam::123456789012:role/name` */
function accountOf({ arn }: SweepRole): string {
  return arn.split(":")[4] ?? "";
}

function unitOf(account: string, region: string, of: Account): SweepUnit {
  const name = of === "self" ? undefined : of.name;
  return { id: `${account}/${region}`, account, region, ...(name === undefined ? {} : { name }) };
}

/** Those that the account has enabled: without AllRegions EC2 tells no others. */
async function enabledRegions(connection: Connection, signal: AbortSignal): Promise<readonly string[]> {
  const doing = "list the Regions of the account";
  const answer = await call(connection, doing, signal, (abortSignal) =>
    connection.ec2.send(new DescribeRegionsCommand({}), { abortSignal }),
  );
  const names = (answer.Regions ?? []).flatMap((one) => one.RegionName ?? []);
  if (names.length === 0) throw unreadable(doing, "the answer names no Region");
  return names.sort();
}
