import { shaped } from "./shaped.ts";

/** What tells one restore of a point from another. */
export const label = shaped(/^[\w.-]{1,64}$/, "a word of letters, digits, dots and dashes");

/** The name of a restore of volumes. */
export const restoreId = shaped(/^restore-[0-9a-f]{16}$/, "restore-… as the plan names it");
