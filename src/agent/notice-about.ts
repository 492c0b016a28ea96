import type { Notice } from "../core/notice.ts";
import type { RunReport } from "../core/report.ts";
import type { Around } from "./around.ts";

/** The message about a report, with what this host knows beside it. */
export async function noticeAbout(
  report: RunReport,
  { state, version }: Pick<Around, "state" | "version">,
): Promise<Notice> {
  const { noticeOf } = await import("../core/notice.ts");
  const lastGood = state?.job(report.job)?.newest;
  return noticeOf(report, { version, ...(lastGood && { lastGood }) });
}
