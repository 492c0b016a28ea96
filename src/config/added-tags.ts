import * as z from "zod/mini";
import { notes } from "./fields.ts";
import { longestTagKey, longestTagValue, mostAddedTags } from "./limits.ts";

/** Keys that somebody acts upon: ours, AWS's, and those by which tools hold or delete snapshots. */
const reserved = /^(?:aws:.*|ec2-backup:.*|keepforever|deleteon)$/is;

const key = z.string().check(
  z.minLength(1, `a tag key of 1 to ${longestTagKey} characters`),
  z.maxLength(longestTagKey, `a tag key of 1 to ${longestTagKey} characters`),
  z.refine(
    (name) => !reserved.test(name),
    "a key other than aws:..., ec2-backup:..., KeepForever and DeleteOn",
  ),
);

const value = z
  .string('text (put numbers and yes or no in quotes, such as "42")')
  .check(z.maxLength(longestTagValue, `text of at most ${longestTagValue} characters`))
  .register(notes, { description: "The value of the tag.", examples: ["4711"] });

/** Tags that every snapshot gets beside our own. */
export const addedTags = z
  .record(key, value, "a mapping from tag keys to values")
  .check(
    z.superRefine((tags, context) => {
      const given = Object.keys(tags).length;
      if (given <= mostAddedTags) return;
      context.addIssue({
        code: "custom",
        message: `at most ${mostAddedTags} tags`,
        params: { found: `${given}` },
      });
    }),
  )
  .register(notes, {
    description: "Tags that every snapshot gets beside our own and those of its volume.",
    examples: [{ CostCenter: "4711" }],
  });
