import type { Contender } from "../contender.ts";
import { agent } from "./agent.ts";

/** The same as the very first run: nothing is kept of the code that V8 compiled. */
export const agentUncached: Contender = {
  ...agent,
  name: "ec2-backup run, first",
  env: (work) => ({ ...agent.env?.(work), NODE_DISABLE_COMPILE_CACHE: "1" }),
};
