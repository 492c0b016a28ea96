import type { Finding } from "./finding.ts";

/** What is known of the credentials that requests are signed with. */
export interface CredentialFacts {
  readonly accessKeyId: string;
  /** Whether a session token goes with them, as with a role's. */
  readonly temporary: boolean;
  /** Milliseconds until they expire, by this host's clock; absent if they never do. */
  readonly left?: number;
}

const minute = 60_000;

/** Judges credentials. The metadata service hands out new ones at least five minutes before the old expire. */
export function judgeCredentials({ accessKeyId, temporary, left }: CredentialFacts): Finding[] {
  if (left !== undefined && left < 5 * minute)
    return [
      {
        severity: "error",
        what:
          left <= 0
            ? `the credentials expired ${Math.ceil(-left / minute)} min ago`
            : `the credentials expire in ${Math.ceil(left / minute)} min and are not renewed`,
        why: "AWS refuses every request that is signed with them",
        advice:
          "look at the clock of this host, and at the instance's role: was its profile taken away or exchanged?",
        command:
          "aws ec2 describe-iam-instance-profile-associations --filters Name=instance-id,Values=INSTANCE",
        kind: "denied",
      },
    ];
  if (temporary) return [];
  return [
    {
      severity: "warning",
      what: `the credentials are long-lived keys (${accessKeyId.slice(0, 4)}...), not those of the instance's role`,
      why: "the policy's conditions go by the role's session (ec2:SourceInstanceARN), and such keys are good for whoever copies them",
      advice:
        "unset AWS_ACCESS_KEY_ID, or take the keys out of ~/.aws; a service has them only if its unit says so",
      command: "env -u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY ec2-backup doctor",
    },
  ];
}

/** Judges by how many milliseconds the host's clock is ahead of AWS's (behind: negative). */
export function judgeClock(ahead: number): Finding[] {
  const off = Math.abs(ahead);
  if (off < minute) return [];
  const far = off >= 5 * minute;
  const amount =
    off < 120 * minute ? `${Math.round(off / minute)} min` : `${Math.round(off / minute / 60)} h`;
  return [
    {
      severity: far ? "error" : "warning",
      what: `this host's clock is ${amount} ${ahead > 0 ? "ahead of" : "behind"} AWS's`,
      why: far
        ? "AWS refuses requests whose time is off by more than 5 minutes, and schedules start at the wrong time"
        : "from 5 minutes on AWS refuses every request",
      advice: "have it set by chrony from 169.254.169.123, the time service of every instance",
      command: "timedatectl set-ntp true && timedatectl status",
      ...(far ? { kind: "denied" as const } : {}),
    },
  ];
}
