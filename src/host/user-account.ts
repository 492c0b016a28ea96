import { execFile } from "node:child_process";
import { BackupError, interrupted } from "../core/errors.ts";
import { systemEnvironment } from "./system-path.ts";

/** A user as the system knows it. */
export interface UserAccount {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** Milliseconds; a directory service that does not answer must not keep a run. */
const patience = 10_000;

/**
 * The account of a name or of a uid, also from a directory service; absent if there is none.
 * Rejects with a BackupError when the system cannot be asked.
 */
export async function userAccount(user: string, signal: AbortSignal): Promise<UserAccount | undefined> {
  const line = await getent(user, signal);
  const [name, , uid, gid, , home] = line?.split(":") ?? [];
  if (name === undefined || uid === undefined || gid === undefined) return undefined;
  return { name, uid: Number(uid), gid: Number(gid), home: home === undefined || home === "" ? "/" : home };
}

/** The words that run others as a user with the groups of that user and no more; only root can. */
export function wordsAs({ uid, gid }: UserAccount, setpriv: string): string[] {
  // Node's own `uid` and `gid` would leave the user without its supplementary groups.
  return [setpriv, `--reuid=${uid}`, `--regid=${gid}`, "--init-groups", "--"];
}

/** What to do where setpriv(1) has said that it may not become a user; absent where it has said nothing of the kind. */
export function remedyOfSwitch(said: string): string | undefined {
  if (!/^setpriv: .*not permitted/m.test(said)) return undefined;
  return "the service may not become another user: allow it by the drop-in systemd/ec2-backup.service.d/hooks-as-user.conf.example, which lies beside the program";
}

function getent(user: string, signal: AbortSignal): Promise<string | undefined> {
  const options = { env: systemEnvironment, timeout: patience, signal };
  return new Promise((resolve, reject) => {
    execFile("getent", ["passwd", "--", user], options, (error, stdout) => {
      if (error === null) return resolve(stdout.split("\n")[0]);
      // What getent(1) says of a key that is not there.
      if (error.code === 2) return resolve(undefined);
      const doing = `look up the user ${user}`;
      if (signal.aborted) return reject(interrupted(doing));
      const found =
        error.killed === true ? `no answer after ${patience / 1000} s` : `getent failed (${error.code})`;
      const remedy = "getent(1) of the C library must be in the PATH, and the name service must answer";
      reject(new BackupError({ kind: "configuration", doing, found, remedy }));
    });
  });
}
