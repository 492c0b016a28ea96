import type { Loaded } from "./load.ts";

/** Whether the file says when something is to happen, which only the daemon goes by. */
export function hasOwnSchedules(loaded: Loaded): boolean {
  if (loaded.ok !== true) return false;
  const { jobs = {}, drill = {}, repositories = {} } = loaded.file.config;
  const timed = [
    ...Object.values(jobs),
    ...Object.values(repositories).flatMap(({ check, prune, mirror }) => [check, prune, mirror]),
  ];
  return Object.keys(drill).length > 0 || timed.some((one) => one?.schedule !== undefined);
}
