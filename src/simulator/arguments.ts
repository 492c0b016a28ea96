/** What the command line asks for. */
export type Command =
  | { kind: "help" }
  | { kind: "serve"; port: number; stateDirectory: string | undefined; scenarioFile: string | undefined }
  | { kind: "wrong"; message: string };

/** The text of `--help`. */
export const help = `Usage: ec2-backup-simulator [--port PORT] [--state DIR] [--scenario FILE]

Simulates EC2, the EBS direct APIs (the lists of blocks), CloudWatch, SNS, STS, Service Quotas of EBS, the state of KMS
keys and the instance metadata service on 127.0.0.1. It prints one line of JSON, the environment with which standard AWS
clients find it, then serves until SIGTERM or SIGINT.

  --port PORT      the port to listen on (default 0: any free one)
  --state DIR      keep the state there, so that a restart goes on (default: in memory)
  --scenario FILE  what to simulate, as JSON (default: one instance with three volumes)
  --help           this text

A volume of the scenario may name a "file", or a loop device, that holds its bytes: snapshots then keep a copy of them
(in "snapshotData": DIR, else with the state), which GET /_simulator/state shows as "file". "pointInTime" tells whether
all copies of a set are of one instant, as those of EBS are: put the files into one subvolume of btrfs, and run as root.
A volume made from such a snapshot has a file of its own (in "volumeData": DIR, else with the state). Who plays the
kernel of the instance, with a loop device for each attached file, tells what it has and asks what it should have by
POST /_simulator/guest {"devices":[{"volume":"vol-...","held":true}]}: a volume whose device is held stays busy.

A scenario may name further "places", each an account and a Region with things of its own, by the thousand where they
say "generate", and "roles" for AssumeRole.
The access key of a request tells its account, its signature the Region; ?place=ACCOUNT/REGION does for the control.

Control: GET /_simulator/calls, GET /_simulator/state, POST /_simulator/clock {"advance":"24h"},
         POST and DELETE /_simulator/faults, POST /_simulator/settings, volumes, instances, snapshots, keys, reset, guest,
         GET /_simulator/deliveries (the messages of SNS and what became of them; only HTTP endpoints on loopback are
         really called), POST /_simulator/subscriptions {"confirm":"ENDPOINT"}

Exit codes: 0 stopped by a signal, 64 usage, 73 state directory or port cannot be used, 78 bad scenario
`;

/** Reads the command line (without the names of node and of the program). */
export function readArguments(given: readonly string[]): Command {
  const values = new Map<string, string>();
  for (let index = 0; index < given.length; index += 1) {
    const [name = "", inline] = (given[index] ?? "").split(/=(.*)/s, 2);
    if (name === "--help" || name === "-h") return { kind: "help" };
    if (!["--port", "--state", "--scenario"].includes(name)) return wrong(`unknown argument ${given[index]}`);
    const value = inline ?? given[++index];
    if (value === undefined || value === "") return wrong(`${name} needs a value`);
    if (values.has(name)) return wrong(`${name} is given twice`);
    values.set(name, value);
  }
  const port = values.get("--port") ?? "0";
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535)
    return wrong(`--port: expected a number from 0 to 65535, got ${port}`);
  return {
    kind: "serve",
    port: Number(port),
    stateDirectory: values.get("--state"),
    scenarioFile: values.get("--scenario"),
  };
}

const wrong = (message: string): Command => ({ kind: "wrong", message: `${message}; --help tells more` });
