import { sftpAddress } from "../core/sftp-address.ts";
import type { StoreClock } from "../core/store-answers.ts";
import { dyingWithUs } from "../host/die-together.ts";
import { directoryClock } from "../host/directory-clock.ts";
import { datedClient } from "../host/http-clock.ts";
import { commonEnvironment } from "../host/restic-environment.ts";
import { sftpSession } from "../host/sftp-session.ts";
import { restClock } from "./rest-clock.ts";
import { localDirectory, restAddress } from "./restic-address.ts";
import { keysOf, type ResticGround, type ResticRunner } from "./restic-runner.ts";
import { sftpCommand } from "./restic-sftp.ts";
import { regionOf, s3Clock, s3Place } from "./s3-clock.ts";

/** Milliseconds for all of it: it is worth less than the backup. */
const patience = 60_000;

/**
 * The clock of a repository, as far as it can be asked: absent where it tells none, or does not answer in time. What
 * goes by it says so.
 */
export async function clockOf(runner: ResticRunner, signal: AbortSignal): Promise<StoreClock | undefined> {
  const { ground } = runner;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(patience)]);
  const url = ground.access.repository;
  try {
    const rest = restAddress(url);
    if (rest !== undefined) return await overHttp(ground, rest, limit);
    if (url.startsWith("s3:")) return await overS3(ground, url, limit);
    if (url.startsWith("sftp:")) return await overSftp(ground, url, limit);
    const local = localDirectory(url);
    return local === undefined ? undefined : await directoryClock(local);
  } catch (error) {
    if (signal.aborted) throw runner.failure({ stopped: "abort", errors: [] }, "ask for its clock");
    // The listing of the same repository tells what is wrong with it.
    if (error instanceof Error) return undefined;
    throw error;
  }
}

async function overHttp({ config }: ResticGround, repository: URL, signal: AbortSignal) {
  const client = await datedClient(config.cacert);
  try {
    return await restClock(client, repository, signal);
  } finally {
    client.close();
  }
}

async function overS3(ground: ResticGround, url: string, signal: AbortSignal) {
  const place = s3Place(url);
  const env: Readonly<Record<string, string | undefined>> = {
    ...(await keysOf(ground)),
    ...ground.access.more,
  };
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = env;
  if (place === undefined || accessKeyId === undefined || secretAccessKey === undefined) return undefined;
  const sessionToken = env["AWS_SESSION_TOKEN"];
  const region =
    ground.config.options["s3.region"] ?? regionOf(place) ?? env["AWS_DEFAULT_REGION"] ?? "us-east-1";
  const login = { accessKeyId, secretAccessKey, region, ...(sessionToken && { sessionToken }) };
  const client = await datedClient(ground.config.cacert);
  try {
    return await s3Clock(client, place, login, signal);
  } finally {
    client.close();
  }
}

async function overSftp(ground: ResticGround, url: string, signal: AbortSignal) {
  const address = sftpAddress(url);
  if (address === undefined) return undefined;
  const words = await dyingWithUs(sftpCommand(address, ground), signal);
  const session = await sftpSession(words, commonEnvironment(ground.owner), signal);
  try {
    const path = address.path.replace(/\/+$/, "");
    const files = await session.list(`${path}/snapshots`);
    // SFTP tells no time but that of files.
    const now = await session.probe(`${path}/ec2-backup-clock-${Date.now().toString(36)}`);
    if (now === undefined) return undefined;
    const received = files.flatMap(({ name, mtime }) =>
      /^[0-9a-f]{64}$/.test(name) && mtime !== undefined ? [[name, mtime] as const] : [],
    );
    return { now, received: new Map(received) };
  } finally {
    session.close();
  }
}
