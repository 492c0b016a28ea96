/** What the configuration says of alarms. Durations are in milliseconds. */
export interface AlarmSettings {
  /** Who is told: a topic that is there, or one that is made. */
  readonly topic?: string;
  readonly createTopic?: string;
  /** Addresses that are to be subscribed to the topic. */
  readonly email: readonly string[];
  readonly slowerThan: number | "auto";
  readonly prices: PriceTable;
}

/** Dollars a month for one of each, and when that was so. */
export interface PriceTable {
  readonly asOf: string;
  readonly metric: number;
  readonly alarm: number;
  readonly dashboard: number;
}

/** List prices of us-east-1 without the free tier (10 metrics, 10 alarms, 3 dashboards an account). */
const listPrices: PriceTable = { asOf: "2026-09", metric: 0.3, alarm: 0.1, dashboard: 3 };

export const defaultAlarmSettings: AlarmSettings = {
  email: [],
  slowerThan: "auto",
  prices: listPrices,
};
