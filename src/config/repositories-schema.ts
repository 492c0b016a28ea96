import * as z from "zod/mini";
import { duration, exactlyOne, notes, oneOf, schedule, section, text, timezone, yesOrNo } from "./fields.ts";
import { word } from "./hook-fields.ts";
import { retention } from "./retention-schema.ts";

const maybe = z.exactOptional;

/** The shape of a repository's and of a dump's name: it becomes part of tags and file names. */
export const storeName = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** The name of a repository where another place of the file refers to it. */
export const repositoryName = text(storeName, "the name of a repository", {
  description: "A repository of the section repositories.",
  examples: ["central"],
});

/** Absolute on Unix or on Windows: repositories are used by both. */
export const storedPath = (description: string, example: string) =>
  text(/^(?:\/|[A-Za-z]:[\\/])[^\0]{0,4095}$/s, "an absolute path", { description, examples: [example] });

const address = /^(?:\/|[A-Za-z]:[\\/]|(?:sftp|s3|rest|b2|azure|gs|swift|rclone):)[^\0\r\n]{1,4095}$/;

/** What ours alone may decide, or what would let a tool of restic's run in the foreground. */
const option = /^[a-z][a-z0-9]*\.[a-z0-9-]+$/;

const passwords = {
  passwordFile: maybe(
    storedPath(
      "A file that holds the password alone, readable by its owner only.",
      "/etc/ec2-backup/central.password",
    ),
  ),
  passwordCommand: maybe(
    z
      .array(word, "a list of words")
      .check(
        z.minLength(1, "a program"),
        z.refine((words) => words[0] !== "", "a program"),
      )
      .register(notes, {
        description: "A program that prints the password, and its words.",
        examples: [["/usr/local/bin/central-password"]],
      }),
  ),
};

const prune = section(
  {
    schedule: schedule({
      description: "When the daemon gives back the room of what was forgotten (restic prune).",
      examples: ["0 5 * * 0"],
    }),
  },
  { description: "When the room of forgotten points is given back." },
);

const check = section(
  {
    schedule: schedule({ description: "When the daemon checks it (restic check).", examples: ["0 6 * * 6"] }),
    subset: maybe(
      text(/^1\/(?:[1-9]\d{0,2}|1000)$/, "a part such as 1/12", {
        description:
          "How much of the data each check reads: 1/12 = a twelfth, the next one each time, so that all is read once in " +
          "twelve checks. Without it the structure alone.",
        examples: ["1/12"],
      }),
    ),
  },
  { description: "When the repository is checked." },
);

const mirror = section(
  {
    to: repositoryName,
    schedule: maybe(
      schedule({
        description: "When the daemon copies what is not there yet; without it by hand only.",
        examples: ["0 4 * * 6"],
      }),
    ),
    retention: maybe(retention),
    hosts: maybe(
      oneOf(["own", "all"], {
        description: "Whose points are copied: those of this host, or of all that the repository has.",
        examples: ["all"],
        default: "own",
      }),
    ),
  },
  {
    description:
      "Copies the points into another repository (restic copy). What is removed here stays there for as long as the " +
      "mirror's own retention has it.",
  },
);

const repository = section(
  {
    url: text(
      address,
      "a repository in restic's words such as sftp:user@host:/path, with an absolute path if it is local",
      {
        description: "Where the repository is, as restic has it.",
        examples: ["sftp:backup@backup.example.com:/srv/build", "s3:https://s3.amazonaws.com/bucket"],
      },
    ),
    ...passwords,
    cacert: maybe(storedPath("A file of certificates that sign the server's.", "/etc/ec2-backup/ca.pem")),
    options: maybe(
      z
        .record(
          z.string().check(z.regex(option, "an option of restic such as sftp.command")),
          text(/^[^\0\r\n]{1,4096}$/, "text", { description: "Its value.", examples: ["5"] }),
          "a mapping from restic's options to text",
        )
        .register(notes, {
          description: "restic's extended options (-o).",
          examples: [{ "s3.storage-class": "STANDARD_IA" }],
        }),
    ),
    environmentFile: maybe(
      storedPath(
        "A file of KEY=value lines for restic's environment, such as its server's user and password; refused where others can read it.",
        "/etc/ec2-backup/central.env",
      ),
    ),
    restic: maybe(storedPath("The program restic; without it the one in the PATH.", "/usr/bin/restic")),
    appendOnly: maybe(
      yesOrNo({
        description: "true: this host never forgets or prunes there, which is done elsewhere.",
        examples: [true],
        default: false,
      }),
    ),
    lockWait: maybe(
      duration("0s", "24h", {
        description: "How long a lock of another program is waited for.",
        examples: ["30s"],
        default: "30s",
      }),
    ),
    idleTimeout: maybe(
      duration("1s", "24h", {
        description: "restic is ended when it says nothing for so long.",
        examples: ["10m"],
        default: "10m",
      }),
    ),
    deadline: maybe(
      duration("1s", "30d", {
        description: "The longest that one process of restic may take.",
        examples: ["12h"],
        default: "12h",
      }),
    ),
    timezone: maybe(
      timezone({
        description:
          "The zone of the schedules here and of the mirror's retention; without it that of the file.",
        examples: ["Europe/Berlin"],
      }),
    ),
    prune: maybe(prune),
    check: maybe(check),
    mirror: maybe(mirror),
  },
  { description: "A repository of restic." },
).check(exactlyOne(passwords));

/** Repositories by name. */
export const repositories = z
  .record(
    z
      .string()
      .check(z.regex(storeName, "a repository name of up to 63 lower-case letters, digits and hyphens")),
    repository,
    "a mapping from repository names to repositories",
  )
  .register(notes, { description: "Repositories of restic by name, for files and dumps." });

/** The shape of a host's name: it becomes part of tags, dimensions and file names. */
export const hostName = /^[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?$/;

export const host = section(
  {
    name: text(hostName, "a name of letters, digits, dots, dashes", {
      description: "What this host is called in series, tags and metrics.",
      examples: ["build"],
    }),
  },
  { description: "Who this host is where there is no EC2: no metadata service is asked then." },
);
