import * as z from "zod/mini";
import { notes } from "./fields.ts";

/**
 * What has a place of its own, would send the dump elsewhere or would call a broken one whole. As an argument everybody
 * could read a password. The programs take the beginnings of names too.
 */
const ours = [
  ...["password", "pass", "defaults-file", "defaults-extra-file", "config", "sslpemkeypassword"],
  ...["uri", "dbname", "databases", "all-databases", "result-file", "tab", "file", "out", "output"],
  ...["archive", "format", "gzip", "force", "help", "version"],
];

function isOurs(option: string): boolean {
  const name = option.slice(2).split("=")[0]?.toLowerCase().replaceAll("_", "-") ?? "";
  return ours.some((one) => one.startsWith(name) || name.startsWith("password"));
}

/** Options of a dump program beside ours. */
export const dumpOptions = z.exactOptional(
  z
    .array(
      z
        .string("an option such as --name=value")
        .check(
          z.superRefine((option, context) => {
            const isLong = /^--[A-Za-z][\w-]*(=[^\0]*)?$/.test(option);
            if (isLong && !isOurs(option)) return;
            const message = isLong
              ? "an option that has no place of its own and leaves the dump where and as it is"
              : "an option such as --name=value";
            // What may be a password is never shown.
            const found = isLong ? option.replace(/=.*$/s, "=...") : "something else";
            context.addIssue({ code: "custom", message, params: { found } });
          }),
        )
        .register(notes, {
          description: "A long option with its value.",
          examples: ["--ignore-table=shop.sessions"],
        }),
      "a list of options",
    )
    .register(notes, {
      description: "Further options of the dump program.",
      examples: [["--ignore-table=shop.sessions"]],
    }),
);
