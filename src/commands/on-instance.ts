/**
 * The commands that look at this instance share most of what they need. One file of them all is read
 * faster than the dozen that the bundler would make of what each two have in common.
 */
export { execute as checkConfig } from "./check-config.ts";
export { execute as explain } from "./explain.ts";
export { execute as list } from "./list.ts";
export { execute as run } from "./run.ts";
export { execute as status } from "./status.ts";
