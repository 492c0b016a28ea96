import type { Contender } from "../contender.ts";

/** What Node costs before it does anything. */
export const bareNode: Contender = {
  name: "node -e 0",
  command: () => [process.execPath, "-e", "0"],
};
