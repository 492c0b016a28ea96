import * as z from "zod/mini";
import { notes, section, text, yesOrNo } from "./fields.ts";
import { repositoryName, storedPath } from "./repositories-schema.ts";

const maybe = z.exactOptional;

const path = storedPath("A file or directory.", "/etc");
const pattern = text(/^[^\0\r\n]{1,4096}$/, "a pattern such as *.tmp", {
  description: "A pattern in restic's words.",
  examples: ["*.tmp"],
});

/** Tags of the user: they never stand for one of ours. */
export const storedTags = z
  .array(
    text(/^(?!ec2-backup:)(?=.*\S)[^\0\r\n]{1,256}$/, "a tag that does not begin with ec2-backup:", {
      description: "A tag.",
      examples: ["office"],
    }),
    "a list of tags",
  )
  .register(notes, { description: "Tags beside our own.", examples: [["office"]] });

/** The files of a job. */
export const files = section(
  {
    repository: repositoryName,
    paths: z
      .array(path, "a list of absolute paths")
      .check(
        z.minLength(1, "at least one path"),
        z.refine((list) => new Set(list).size === list.length, "each path once"),
      )
      .register(notes, { description: "What is stored.", examples: [["/etc", "/home"]] }),
    exclude: maybe(
      z.array(pattern, "a list of patterns").register(notes, {
        description: "What of it is left out, in restic's patterns.",
        examples: [["*.tmp", "/home/*/.cache"]],
      }),
    ),
    excludeFile: maybe(storedPath("A file of such patterns, one in a line.", "/etc/ec2-backup/exclude")),
    oneFileSystem: maybe(
      yesOrNo({
        description: "Whether other filesystems that are mounted below the paths are left out.",
        examples: [true],
        default: false,
      }),
    ),
    excludeCaches: maybe(
      yesOrNo({
        description: "Whether directories with a CACHEDIR.TAG are left out.",
        examples: [true],
        default: false,
      }),
    ),
    tags: maybe(storedTags),
  },
  { description: "Files and directories that go into a repository." },
);
