/** What a host says after a boot of an order to replace its root volume. */
export interface RootNews {
  /** While it is waited for, runs capture nothing. */
  readonly outcome: "replaced" | "waiting" | "failed";
  readonly found: string;
}
