/** The states of a key that are simulated. */
export const keyStates = ["Enabled", "Disabled", "PendingDeletion", "PendingImport", "Unavailable"] as const;
type KeyState = (typeof keyStates)[number];

/** A KMS key. Times are milliseconds. */
export interface KmsKey {
  id: string;
  arn: string;
  state: KeyState;
  manager: "AWS" | "CUSTOMER";
  description: string;
  /** The key policy, as JSON. */
  policy: string;
  /** Names such as `alias/backup`. */
  aliases: string[];
  createdAt: number;
  /** When it will be gone, for one that is pending deletion. */
  deletionAt: number | null;
}

/** The key that an id, an ARN, an alias or the ARN of an alias names. */
export function findKey(keys: Readonly<Record<string, KmsKey>>, name: string): KmsKey | undefined {
  const alias = /(?:^|:)(alias\/.+)$/.exec(name)?.[1];
  return Object.values(keys).find((key) =>
    alias === undefined ? key.id === name || key.arn === name : key.aliases.includes(alias),
  );
}

/** What EBS encrypts without a key of its own it encrypts with this one. */
export function defaultKey(world: {
  readonly keys: Readonly<Record<string, KmsKey>>;
  readonly settings: { readonly ebsEncryption: { readonly key: string } };
}): string {
  const { key } = world.settings.ebsEncryption;
  return findKey(world.keys, key)?.arn ?? key;
}
