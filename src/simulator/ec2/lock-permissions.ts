/** What of a request to lock decides on its condition keys. */
interface LockInput {
  readonly LockDuration?: unknown;
  readonly CoolOffPeriod?: unknown;
}

/** Condition keys of LockSnapshot; that of one that ends at a date is not documented and left out. */
export function lockKeys({ LockDuration: days, CoolOffPeriod: hours }: LockInput): Record<string, string> {
  return {
    ...(typeof days === "number" ? { "ec2:snapshotlockduration": String(days) } : {}),
    ...(typeof hours === "number" ? { "ec2:snapshotcooloffperiod": String(hours) } : {}),
  };
}
