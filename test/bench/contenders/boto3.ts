import { spawnSync } from "node:child_process";
import path from "node:path";
import type { Contender } from "../contender.ts";

export const python = process.env.BENCH_PYTHON ?? "/usr/bin/python3";

/** The baseline "B": the same job as a short Python script. */
export const boto3: Contender = {
  name: "boto3 script (B)",
  missing: () =>
    spawnSync(python, ["-c", "import boto3"]).status === 0
      ? undefined
      : `${python} has no boto3 (apt-get install python3-boto3)`,
  command: (work) => [python, path.join(work.root, "test/bench/boto3-baseline.py")],
};
