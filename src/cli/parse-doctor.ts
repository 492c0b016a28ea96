import type { AddWords } from "./parse.ts";

/** The words of `ec2-backup doctor`. */
export const addDoctor: AddWords = (place, choose) => {
  place
    .option("--no-metric", "do not send the one real point that shows the permission for metrics")
    .option("--prove-binding", "try as dry runs what this role must not be able to do to others")
    .action(({ metric, proveBinding }: Record<string, unknown>) =>
      choose({ name: "doctor", metric: metric !== false, ...(proveBinding === true && { proveBinding }) }),
    );
};
