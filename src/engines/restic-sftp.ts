import { type SftpAddress, sftpAddress } from "../core/sftp-address.ts";
import { sshStandIn } from "../host/ssh-stand-in.ts";
import { systemPath } from "../host/system-path.ts";
import type { ResticGround } from "./restic-runner.ts";

/** What stands for the two repositories of a copy; no host has such a name. */
const names = { to: "ec2-backup-to", from: "ec2-backup-from" } as const;

/** How a copy between two SFTP servers is told of two commands. */
export interface TwoSftp {
  readonly env: Readonly<Record<string, string>>;
  remove(): Promise<void>;
}

/** Whether both are reached by SFTP, and not in the same way: restic knows one sftp.command for both. */
export function differInSftp(to: ResticGround, from: ResticGround): boolean {
  if (!to.config.url.startsWith("sftp:") || !from.config.url.startsWith("sftp:")) return false;
  return ["sftp.command", "sftp.args"].some((key) => to.config.options[key] !== from.config.options[key]);
}

/** Both repositories under names that an `ssh` of ours tells apart. */
export async function twoSftp(to: ResticGround, from: ResticGround): Promise<TwoSftp | undefined> {
  const target = sftpAddress(to.access.repository);
  const source = sftpAddress(from.access.repository);
  if (target === undefined || source === undefined) return undefined;
  const { directory, remove } = await sshStandIn(to.owner.cacheDirectory, {
    [names.to]: sftpCommand(target, to),
    [names.from]: sftpCommand(source, from),
  });
  return {
    env: {
      PATH: `${directory}:${systemPath}`,
      RESTIC_REPOSITORY: `sftp:${names.to}:${target.path}`,
      RESTIC_FROM_REPOSITORY: `sftp:${names.from}:${source.path}`,
    },
    remove,
  };
}

/** As restic would start it. */
export function sftpCommand({ host, port, user }: SftpAddress, { config }: ResticGround): readonly string[] {
  const command = config.options["sftp.command"];
  if (command !== undefined) return wordsOf(command);
  return [
    "ssh",
    ...(port === undefined ? [] : ["-p", port]),
    host,
    ...(user === undefined ? [] : ["-l", user]),
    ...wordsOf(config.options["sftp.args"] ?? ""),
    "-s",
    "sftp",
  ];
}

/** restic splits at spaces but in quotes. */
function wordsOf(command: string): string[] {
  return [...command.matchAll(/"([^"]*)"|'([^']*)'|[^\s"']+/g)].map(
    ([whole, double, single]) => double ?? single ?? whole,
  );
}
