/** How a machine was when it was captured: what a new one needs and no snapshot stores. What EC2 did not tell is absent. */
export interface MachineRecipe {
  readonly type?: string;
  readonly architecture?: string;
  /** That of its image; absent: what its type has by itself. */
  readonly bootMode?: string;
  /** The image that it was launched from. */
  readonly image?: string;
  /** EC2's PlatformDetails and UsageOperation: what is paid for beside the machine. */
  readonly platform?: string;
  readonly usage?: string;
  /** Of a paid image. */
  readonly codes?: readonly string[];
  readonly subnet?: string;
  readonly groups?: readonly string[];
  /** The ARN of its instance profile. */
  readonly profile?: string;
  readonly keyName?: string;
  readonly ena?: boolean;
  readonly sriov?: string;
  readonly ebsOptimized?: boolean;
  readonly tpm?: string;
  readonly tenancy?: string;
  readonly rootDevice?: string;
  readonly metadata?: MetadataOptions;
}

/** The options of the instance metadata in EC2's words. */
export interface MetadataOptions {
  readonly tokens?: string;
  readonly hops?: number;
  readonly endpoint?: string;
  readonly ipv6?: string;
  readonly tags?: string;
}

/** User data as far as it is known at capture; none at all has length 0. */
export interface UserDataFacts {
  /** In hex, of the bytes as the instance gets them. */
  readonly sha256: string;
  /** Bytes. */
  readonly length: number;
  /** gzip in base64, where it is to be recorded. */
  readonly content?: string;
}
