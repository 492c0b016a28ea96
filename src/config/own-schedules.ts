import type { Loaded } from "./load.ts";

/** Whether the file says when something is to happen, which only the daemon goes by. */
export function hasOwnSchedules(loaded: Loaded): boolean {
  if (loaded.ok !== true) return false;
  const { jobs = {}, drill = {} } = loaded.file.config;
  return Object.keys(drill).length > 0 || Object.values(jobs).some((job) => job?.schedule !== undefined);
}
