import type { Question } from "../question.ts";
import { aboutThisHost } from "./host.ts";
import { aboutRequests } from "./requests.ts";
import { aboutSnapshots } from "./snapshots.ts";

/** In the order in which they are asked: what makes nothing comes first, what deletes last. */
export const questions: readonly Question[] = [...aboutRequests, ...aboutThisHost, ...aboutSnapshots];

/** Volumes of 1 GiB that the questions make. */
export const volumesMade = 3;

/** What stays open, and why. */
export const leftOut: readonly { readonly what: string; readonly why: string }[] = [
  {
    what: "CreateSnapshots of an instance that is not running",
    why: "this one runs, and is not to be stopped",
  },
  { what: "CreateSnapshots of more than 128 volumes", why: "it would cost more than a dollar" },
  { what: "when an alarm with a warm-up begins to judge, and late data points", why: "it takes hours" },
  {
    what: "another instance with the same role is denied",
    why: "it takes a second instance: `ec2-backup doctor --prove-binding`",
  },
  { what: "the serial of a disk on Windows", why: "this is Linux" },
  { what: "prices", why: "no API tells them for free" },
];
