import type { RunReport } from "./report.ts";

/** Somebody who is told what a run came to. What it throws is told to people and changes no outcome. */
export interface Listener {
  /** What telling it is, as a phrase: "publish a notice to the topic". */
  readonly doing: string;
  tell(report: RunReport): Promise<void>;
}
