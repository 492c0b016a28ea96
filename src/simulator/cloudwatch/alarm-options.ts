/** What CloudWatch does with alarms where its documentation leaves it open, or where partitions differ. */
export interface AlarmOptions {
  /**
   * How many periods beyond its evaluation periods an alarm looks back for data. AWS tells only that it depends on the
   * period, and has 2 in its examples (3 of 3 periods: an evaluation range of 5), which is the default.
   */
  extraPeriods: number;
  /** Whether EvaluationWindow and WarmUpConfiguration are known: newer than many endpoints. Default `accepted`. */
  newParameters: "accepted" | "ignored" | "refused";
  /** Whether the history of an alarm tells that the key of an encrypted topic forbade its message. Default false. */
  tellKeyFaults: boolean;
}
