import path from "node:path";
import type { Contender } from "../contender.ts";
import { agent } from "./agent.ts";

/** The same with Node's compile cache, as a service unit with a cache directory of its own may set it. */
export const agentCached: Contender = {
  ...agent,
  name: "ec2-backup run, compile cache",
  env: (work) => ({ NODE_COMPILE_CACHE: path.join(work.folder, "compile-cache") }),
};
