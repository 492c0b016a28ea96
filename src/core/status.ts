import type { RunReport } from "./report.ts";

/** What this host knows without asking AWS. */
export interface Status {
  readonly instance?: string;
  readonly protection: "protected" | "not protected";
  readonly jobs: readonly JobStatus[];
}

export interface JobStatus {
  readonly job: string;
  readonly report?: RunReport;
  /** The newest complete point that any run has seen. */
  readonly newest?: { readonly captured: string; readonly bytes: number };
  /** A capture that has not come to its report: a run at work, or one that died. */
  readonly running?: { readonly run: string; readonly since: string };
}
