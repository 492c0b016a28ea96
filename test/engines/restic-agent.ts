import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync } from "node:fs";
import { never, order, quiet, Stage } from "./restic-stage.ts";

/** An agent that, having asked for the clock or not, stores a dump that goes on until somebody kills the agent, and then ends as if all were well. */
const [, , directory = "", program = "", more = "{}", what = "save"] = process.argv;
const place = new Stage(directory, program);
const store = await place.open(place.config("store", JSON.parse(more)));
appendFileSync(place.at("events"), "store\n");
if (what === "clock") await store.clock(never);
await store.saveStream(
  order("p"),
  {
    file: "d.sql",
    start(output) {
      const script = `while kill -0 ${process.pid}; do echo more; sleep 0.02; done 2>/dev/null; exit 0`;
      const child = spawn("sh", ["-c", script], { stdio: ["ignore", output, "ignore"], detached: true });
      return { done: once(child, "exit").then(quiet) };
    },
  },
  quiet,
  never,
);
