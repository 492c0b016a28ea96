/** The shape of a job's name: it becomes part of tags, dimensions and file names. */
export const jobName = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** The largest count of a retention rule. */
export const mostKept = 100_000;

/** Ages under an hour are mistakes: who writes `6m` means months, and would lose them. */
export const shortestAge = "1h";
export const longestAge = "36525d";

/** A shorter delay would let a slip of the pen in a policy remove points before anyone sees it. */
export const shortestShrinkDelay = "1d";
export const longestShrinkDelay = "365d";

/** How old the newest point may grow: a shorter time would ring during a run, a longer one never. */
export const shortestMissedAfter = "10m";
export const longestMissedAfter = "400d";

/** EC2's limits of a tag. */
export const longestTagKey = 127;
export const longestTagValue = 256;

/** EC2 takes 50 tags for a snapshot, and our own need room. */
export const mostAddedTags = 30;
