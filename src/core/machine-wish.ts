/** What is wanted in place of what was recorded. */
export interface MachineWish {
  readonly type?: string;
  readonly architecture?: string;
  readonly subnet?: string;
  readonly groups: readonly string[];
  /** ARN or name; `false`: none. */
  readonly profile?: string | false;
  readonly keyName?: string;
  readonly name?: string;
  /** Tells one restore of a point from another; the same words with the same label continue the same restore. */
  readonly label?: string;
}

/** One line of the plan. */
export interface Property {
  readonly name: string;
  readonly value: string;
  /** `flag`, `point`, `the instance`, or what else it follows from. */
  readonly from: string;
  /** What was recorded, where something else is taken. */
  readonly was?: string;
  readonly note?: string;
}

export interface MachineObstacle {
  readonly about: string;
  readonly severity: "blocks" | "note";
  readonly found: string;
  readonly remedy?: string;
}
