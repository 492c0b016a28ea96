/** What became of one mount by a command. */
export interface MountOutcome {
  readonly path: string;
  /**
   * `loose`: it was not frozen any more when it was to be thawed; `stuck`: it could not be thawed;
   * `hanging`: its freeze has not come to an end, and may succeed yet.
   */
  readonly word: "frozen" | "busy" | "failed" | "thawed" | "loose" | "stuck" | "hanging";
  /** What the program said; empty where there is nothing to say. */
  readonly why: string;
}

/** `lost`: the guard is gone or silent, with how; but for what is `stuck` or `hanging`, all has been thawed. */
export interface GuardAnswer {
  readonly outcomes: readonly MountOutcome[];
  readonly lost?: string;
}
