import * as z from "zod/mini";
import { regionName } from "../core/region-name.ts";
import { groupSeries } from "../core/sweep-settings.ts";
import { copyTarget, sweepCopyContradictions } from "./copy-schema.ts";
import { duration, notes, oneOf, section, text, whole, yesOrNo } from "./fields.ts";
import { durationOrNothing } from "./readable.ts";
import { audit } from "./sweep-audit-schema.ts";
import { create } from "./sweep-create-schema.ts";

const maybe = z.exactOptional;

const region = text(regionName, "a Region such as eu-central-1", {
  description: "A Region.",
  examples: ["eu-central-1"],
});

const once = <Item extends z.core.$ZodType>(item: Item, expected: string) =>
  z.array(item, expected).check(
    z.minLength(1, expected),
    z.refine((list) => new Set(list).size === list.length, "each of them once"),
  );

const regions = z
  .union([z.literal("all"), once(region, "a list of Regions")], "all, or a list of Regions")
  .register(notes, {
    description: "The Regions to sweep; all = each that an account has enabled. Without it the own one.",
    examples: [["eu-central-1", "eu-west-1"], "all"],
  });

const role = section(
  {
    role: text(/^arn:aws[\w-]*:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/, "the ARN of a role", {
      description: "The role of the other account that is taken on.",
      examples: ["arn:aws:iam::123456789012:role/ec2-backup-sweep"],
    }),
    externalId: maybe(
      text(/^[\w+=,.@:/-]{2,1224}$/, "an external id of letters, digits and +=,.@:/-", {
        description: "The external id that the role's trust policy demands.",
        examples: ["Backups-4711"],
      }),
    ),
    name: maybe(
      text(/^[\w .-]{1,63}$/, "a name of letters, digits, blanks and .-", {
        description: "What the account is called in reports.",
        examples: ["production"],
      }),
    ),
  },
  { description: "Another account." },
);

const accountsExpected = "a list of self and of mappings with role";

const account = z
  .union([z.literal("self"), role], "self, or a mapping with role, externalId and name")
  .register(notes, { description: "One account.", examples: ["self"] });

const accounts = z
  .array(account, accountsExpected)
  .check(
    z.minLength(1, accountsExpected),
    z.refine(
      (list) => new Set(list.map((one) => (one === "self" ? one : one.role))).size === list.length,
      "each account once",
    ),
  )
  .register(notes, {
    description: "The accounts to sweep; self is that of the own credentials. Without it that one alone.",
    examples: [
      ["self", { role: "arn:aws:iam::123456789012:role/ec2-backup-sweep", externalId: "Backups-4711" }],
    ],
  });

const expiryExpected = "never or a duration from 7d to 36525d such as 30d";

/** How long last points stay: the floor is not to be dug through by a slip of the pen. */
function expiry(description: string, usual: "never" | "30d") {
  const written = z
    .string(expiryExpected)
    .register(notes, { description, examples: ["30d"], default: usual });
  return z.pipe(
    written,
    z.transform((value: string, context): number | "never" => {
      if (value === "never") return value;
      const ms = durationOrNothing(value);
      if (ms !== undefined && ms >= 7 * day && ms <= 36_525 * day) return ms;
      context.issues.push({ code: "custom", input: value, message: expiryExpected });
      return z.NEVER;
    }),
  );
}

const day = 86_400_000;

const prune = section(
  {
    expireLastAfter: maybe(
      expiry(
        "How long the last points of an instance and volumes that are gone stay, by its newest point.",
        "never",
      ),
    ),
    expireLastAfterOfGroups: maybe(expiry("The same for members of an Auto Scaling group.", "30d")),
    seriesOfGroups: maybe(
      oneOf(groupSeries, {
        description:
          "Whether the replacements in an Auto Scaling group are one series: by the group, or by the Name tag.",
        examples: ["group"],
        default: "instance",
      }),
    ),
    minimumAge: maybe(
      duration("7d", "365d", {
        description: "What is younger than this is never removed by a rule that counts.",
        examples: ["7d"],
        default: "7d",
      }),
    ),
    mark: maybe(
      duration("0s", "90d", {
        description: "How long a point is marked (tag ec2-backup:doomed) before a later sweep removes it.",
        examples: ["3d"],
        default: "0s",
      }),
    ),
  },
  { description: "The pruner of the sweep, beyond the policies that points record." },
);

const copyExpected = "true, false, or a list of targets such as - region: eu-west-1";

const copyTargets = z
  .array(copyTarget, copyExpected)
  .register(notes, { description: "Where all points go that name no other target in that Region." });

const copy = z.union([z.boolean(), copyTargets], copyExpected).register(notes, {
  description:
    "Copy points in place of their agents: true = where they record it or the instance's tag says so; a list = all others as well, there. Without the key none is copied.",
  examples: [[{ region: "eu-west-1" }]],
});

/** Work for a whole account, or for many; runs have nothing to do with it. */
export const sweep = section(
  {
    regions: maybe(regions),
    accounts: maybe(accounts),
    unitDeadline: maybe(
      duration("1s", "24h", {
        description: "How long one account in one Region may take; the next sweep goes on.",
        examples: ["15m"],
        default: "15m",
      }),
    ),
    parallel: maybe(
      whole(1, 32, { description: "How many of them are swept at a time.", examples: [4], default: 4 }),
    ),
    prune: maybe(prune),
    create: maybe(create),
    stanzas: maybe(
      text(/^(?:\/|[A-Za-z]:[\\/])[^\0]{0,4095}$/, "an absolute path", {
        description:
          "A file of ebs_snapper's stanzas: who is captured how often, kept how long, copied where.",
        examples: ["/etc/ec2-backup/stanzas.json"],
      }),
    ),
    copy: maybe(copy),
    copyAfter: maybe(
      duration("0s", "30d", {
        description: "How long a point is left to a running agent that copies its points itself.",
        examples: ["26h"],
        default: "26h",
      }),
    ),
    alarms: maybe(
      section(
        {
          clean: maybe(
            yesOrNo({
              description:
                "Whether alarms of instances that are gone are deleted, and those of stopped ones muted.",
              examples: [true],
              default: true,
            }),
          ),
        },
        { description: "The alarm cleaner of the sweep." },
      ),
    ),
    audit: maybe(audit),
    lambdaMargin: maybe(
      duration("3s", "5m", {
        description: "How long before its deadline a sweep in AWS Lambda stops.",
        examples: ["15s"],
        default: "15s",
      }),
    ),
  },
  { description: "Work for other instances: `ec2-backup sweep`." },
).check(z.superRefine(sweepCopyContradictions, { when: () => true }));

export type FileSweep = z.infer<typeof sweep>;
