import * as z from "zod/mini";
import { duration, exactlyOne, notes, schedule, section, text, timezone, whole, yesOrNo } from "./fields.ts";
import { env, path, user, wait, word } from "./hook-fields.ts";
import * as limits from "./limits.ts";

const maybe = z.exactOptional;

/** A path of the machine that was captured: whole, and naming something. */
const inside = (description: string, example: string) =>
  text(/^\/(?!.*\0)(?=.*[^/]).{0,4095}$/s, "an absolute path other than /", {
    description,
    examples: [example],
  });

const filePath = inside("A path as it is called on the machine that was captured.", "/srv/data/important");

const file = z
  .union(
    [
      filePath,
      section(
        {
          path: filePath,
          newerThan: maybe(
            duration("1m", "400d", {
              description: "It must have been written no longer than this before the capture.",
              examples: ["26h"],
            }),
          ),
        },
        { description: "A file with more that is asked of it." },
      ),
    ],
    "an absolute path, or a mapping with path and newerThan",
  )
  .register(notes, {
    description: "A file or directory that must be in the point.",
    examples: ["/srv/data/important", { path: "/srv/data/log", newerThan: "26h" }],
  });

const sums = {
  inside: maybe(inside("A list within the point.", "/srv/data/SHA256SUMS")),
  host: maybe(path("A list on this host.", "/etc/ec2-backup/SHA256SUMS")),
};

const command = section(
  {
    run: z
      .array(word, "a list of words")
      .check(
        z.minLength(1, "a program"),
        z.refine(
          (words) => words.length === 0 || words[0]?.startsWith("/") === true,
          "the whole path of the program",
        ),
      )
      .register(notes, {
        description: "The program and its words; it finds the mounts in EC2_BACKUP_MOUNTS.",
        examples: [["/usr/local/bin/check-database"]],
      }),
    user: user("The user that it runs as; without it the agent's.", "mysql"),
    env: env({ LC_ALL: "C" }),
    timeout: wait("After this the program and all it started are ended.", "10m"),
  },
  { description: "A program of yours that must end with 0, such as one that opens the database." },
);

const once = <Item extends z.core.$ZodType>(item: Item, expected: string) =>
  z.array(item, expected).check(
    z.minLength(1, expected),
    z.refine((list) => new Set(list).size === list.length, "each of them once"),
  );

const rawVolume = text(/^(vol-[0-9a-f]{8,17}|\/dev\/[\w/-]{1,64})$/, "the id or the device of a volume", {
  description: "A volume, by its id or by the device that it had.",
  examples: ["/dev/sdf"],
});

const checks = section(
  {
    fsck: maybe(
      yesOrNo({
        description:
          "Whether filesystems are checked, without writing: e2fsck -fn, xfs_repair -n, btrfs check.",
        examples: [true],
        default: true,
      }),
    ),
    raw: maybe(
      once(rawVolume, "a list of volumes").register(notes, {
        description:
          "Volumes on which not all can be looked at, such as raw disks of a database, LUKS and ZFS.",
        examples: [["/dev/sdf", "vol-0123456789abcdef0"]],
      }),
    ),
    files: maybe(
      z.array(file, "a list of paths").register(notes, {
        description: "What must be there.",
        examples: [["/srv/data/important", { path: "/srv/data/log", newerThan: "26h" }]],
      }),
    ),
    checksums: maybe(
      section(sums, {
        minProperties: 1,
        maxProperties: 1,
        description: "A list as sha256sum writes it.",
      }).check(exactlyOne(sums)),
    ),
    command: maybe(command),
  },
  { description: "What is looked at; that everything can be mounted always is." },
);

const source = text(/^(?=.*\S)[^\0]{1,256}$/s, "the ARN, the id or the Name tag of an instance", {
  description: "An instance.",
  examples: ["i-0123456789abcdef0"],
});

const name = text(limits.jobName, "the name of a job", { description: "A job.", examples: ["default"] });

/** What a drill takes where the file says nothing; durations in milliseconds. */
export const drillDefaults = {
  maxSizeGiB: 500,
  lifetime: 2 * 3_600_000,
  timeout: 3_600_000,
  commandTimeout: 600_000,
  splay: 3_600_000,
};

const drill = section(
  {
    schedule: maybe(
      schedule({
        description:
          "When the daemon drills: a cron expression or a period. Without it by hand or by cron only.",
        examples: ["30 5 * * 0"],
      }),
    ),
    timezone: maybe(timezone({ description: "The zone of the schedule.", examples: ["Europe/Berlin"] })),
    splay: maybe(
      duration("0s", "24h", {
        description: "Hosts spread their drills over this time, each at its own fixed offset.",
        examples: ["60m"],
        default: "60m",
      }),
    ),
    missedAfter: maybe(
      duration(limits.shortestMissedAfter, limits.longestMissedAfter, {
        description:
          "How old the last good drill may grow before its alarm rings; without it the largest gap of the schedule and 2h.",
        examples: ["8d"],
      }),
    ),
    of: maybe(
      once(source, "a list of instances").register(notes, {
        description: "Whose points are drilled, by ARN, id or Name tag; without it those of this instance.",
        examples: [["web", "i-0123456789abcdef0"]],
      }),
    ),
    jobs: maybe(
      once(name, "a list of jobs").register(notes, {
        description: "Of which jobs; without it of every job that has points.",
        examples: [["default"]],
      }),
    ),
    checks: maybe(checks),
    maxSize: maybe(
      whole(1, 65_536, {
        description: "GiB that the volumes of one point may have together; a larger one is refused.",
        examples: [500],
        default: drillDefaults.maxSizeGiB,
      }),
    ),
    lifetime: maybe(
      duration("10m", "7d", {
        description: "After this its volumes are left-overs that any run may remove.",
        examples: ["2h"],
        default: "2h",
      }),
    ),
    timeout: maybe(
      duration("1s", "7d", {
        description: "How long the drill of one point may take.",
        examples: ["1h"],
        default: "1h",
      }),
    ),
  },
  { description: "A restore that is done to prove that it can be done." },
).check(z.superRefine(inGoodTime, { when: () => true }));

/** Volumes that go while they are looked at would make every drill fail. */
function inGoodTime(value: unknown, context: z.core.$RefinementCtx): void {
  if (typeof value !== "object" || value === null) return;
  const { lifetime = drillDefaults.lifetime, timeout = drillDefaults.timeout } = value as Record<
    string,
    unknown
  >;
  if (typeof lifetime !== "number" || typeof timeout !== "number" || timeout <= lifetime) return;
  const found = "a longer one";
  context.addIssue({
    code: "custom",
    path: ["timeout" in value ? "timeout" : "lifetime"],
    message: "a timeout that is no longer than the lifetime of the volumes",
    params: { found },
  });
}

/** Drills by name; a run has nothing to do with them. */
export const drills = z
  .record(
    z
      .string()
      .check(z.regex(limits.jobName, "a drill name of up to 63 lower-case letters, digits and hyphens")),
    drill,
    "a mapping from drill names to drills",
  )
  .check(z.refine((named) => Object.keys(named).length > 0, "at least one drill"))
  .register(notes, {
    minProperties: 1,
    description: "Drills by name: restores done to prove that they can be done. Off without the key.",
  });

export type FileDrill = z.infer<typeof drill>;
