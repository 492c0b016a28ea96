import type { Identity } from "../../src/aws/metadata.ts";
import type { Cleaned } from "./clean.ts";
import type { Answer, Question } from "./question.ts";
import type { leftOut } from "./questions/all.ts";

export type Asked = Pick<Question, "id" | "asks" | "how" | "assumes"> & Answer & { readonly ms: number };

/** All of a run, for who is sent it: the account's number is left out, and so are ids of what was there before. */
export interface Results {
  readonly version: 1;
  readonly run: string;
  readonly agent: string;
  readonly began: string;
  readonly ended: string;
  readonly region: string;
  readonly partition: string;
  readonly node: string;
  readonly kernel: string;
  readonly answers: readonly Asked[];
  readonly leftOut: typeof leftOut;
  readonly cleaned: Cleaned;
}

const cell = (text: string): string => text.replace(/\s+/g, " ").replaceAll("|", "\\|");

/** The table that people read, and send. */
export function markdownOf({ answers, cleaned, ...run }: Results): string {
  const rows = answers.map(
    ({ id, verdict, got, assumes }) => `| ${id} | ${verdict} | ${cell(got)} | ${cell(assumes)} |`,
  );
  const left = cleaned.left.map(({ id, why }) => `- ${id} is still there: ${why}`);
  return [
    `# Live proof of ec2-backup-agent ${run.agent}`,
    "",
    `Run ${run.run} in ${run.region} (${run.partition}), ${run.began} to ${run.ended}, Node ${run.node}, Linux ${run.kernel}.`,
    "",
    "| Question | Verdict | Answer | Assumed in the code |",
    "| --- | --- | --- | --- |",
    ...rows,
    "",
    "Not asked:",
    "",
    ...run.leftOut.map(({ what, why }) => `- ${what}: ${why}`),
    "",
    left.length === 0 ? "All that was made is gone again." : left.join("\n"),
    "",
  ].join("\n");
}

/** Without the number of the account, wherever it stands. */
export function withoutAccount(text: string, { account }: Identity): string {
  return text.replaceAll(account, "123456789012");
}
