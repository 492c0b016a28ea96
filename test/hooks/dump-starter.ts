// Starts the dump of a program, whose words are its arguments after that of a user, and waits for it.
import { openSync } from "node:fs";
import { host, sources } from "./dumping.ts";

const [, , user = "", ...run] = process.argv;
const [stream] = await sources(
  { kind: "command", name: "x", repository: "x", run, ...(user === "" ? {} : { user }) },
  host,
);
const { done } = stream?.source.start(openSync("/dev/null", "w"), new AbortController().signal) ?? {};
await done;
