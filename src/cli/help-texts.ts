/** Shown below the commands, and in README. */
export const exitCodeTable = `Exit codes:
  0   done; points that are held back by an image or a lock are normal
  1   something was done and something is wrong: see the report
  2   nothing was done, for several reasons or for one without a code of its own
  64  wrong usage
  69  AWS, the instance metadata or a repository cannot be reached
  70  a defect of this program; please report it
  73  state, report, output, log or lock cannot be written
  75  another run holds the lock of the job or of the repository
  77  permission denied by AWS or a repository, or its password is wrong
  78  configuration faulty, or missing on an instance that was protected before
  129 interrupted by the loss of its terminal (SIGHUP)
  130 interrupted by SIGINT      143 interrupted by SIGTERM`;

/** What each command does, in a line. */
export const descriptions: Readonly<Record<string, string>> = {
  alarms: "plan, write, test and remove the CloudWatch alarms of this instance",
  directory: "copy a directory onto an EBS volume, by tar or rsync",
  drill: "restore points for a while and check that they are good",
  repository: "look after the repositories of files and dumps: check, prune, mirror",
  restore: "bring data back: show points, make volumes of them, undo that",
  sweep: "look after the points of all instances of an account, or of many",
  policy: "print IAM policies, filled in for this account, and templates",
  install: "let this host start backups: a daemon, a timer or cron",
  uninstall: "take away what install has made",
  run: "capture one recovery point of each job, then remove what retention gives up",
  plan: "show what a run would capture, keep and remove, with the reasons",
  daemon: "run the jobs on their schedules until told to stop",
  list: "show the recovery points of this instance",
  explain: "show what a snapshot belongs to and why it is kept or not",
  status: "show the last and the next run of each job, and how old its points are",
  report: "write a page on points, retention, runs, gaps and restore",
  doctor: "look for everything that would keep backups from being made, and say what mends it",
  thaw: "thaw and unlock what this agent holds still or has left so",
  "check-config": "check the configuration and show each value with its origin",
  prune: "remove what retention gives up, without making a new point",
  copy: "copy complete points to other Regions, and thin the copies there",
  forget: "give up the last points of a volume that is gone for good",
};

/** Examples at the end of each command's help. */
export const examples: Readonly<Record<string, string>> = {
  main: `Examples:
  ec2-backup run --all        back up all volumes of this instance now
  ec2-backup plan             show what a run would capture, keep and remove
  ec2-backup list             show the recovery points of this instance
  ec2-backup explain snap-0123456789abcdef0`,
  run: `Examples:
  ec2-backup run              every configured job
  ec2-backup run nightly      one job
  ec2-backup run --all        all volumes, without any configuration
  ec2-backup run --wait       wait until the points can be restored
  ec2-backup run --quiet      for cron: success says nothing
  ec2-backup run --splay 45m  from cron: at this instance's own offset in 45 min
  ec2-backup run --last       once more before this instance ends, in a minute`,
  plan: `Examples:
  ec2-backup plan
  ec2-backup plan --json | jq '.reports[].retention.remove'`,
  daemon: `Examples:
  ec2-backup daemon   in the foreground; SIGTERM drains, twice hurries`,
  list: `Examples:
  ec2-backup list
  ec2-backup list nightly --json`,
  explain: `Examples:
  ec2-backup explain snap-0123456789abcdef0`,
  prune: `Examples:
  ec2-backup prune --dry-run   show what would go
  ec2-backup prune --yes   release the brake and the wait after a shrunk policy`,
  copy: `Examples:
  ec2-backup copy --dry-run   show what would be copied
  ec2-backup copy --wait      until all of it is whole there`,
  forget: `Examples:
  ec2-backup forget vol-0123456789abcdef0   what only this volume holds back
  ec2-backup forget vol-0123456789abcdef0 --yes   remove it`,
  sweep: `Examples:
  ec2-backup sweep --dry-run       what would be done in this account and Region
  ec2-backup sweep --only prune    remove what the policies of points give up
  ec2-backup sweep --all-regions --role arn:aws:iam::123456789012:role/sweep`,
  status: `Examples:
  ec2-backup status                   asks AWS only where it is in doubt
  ec2-backup status --offline         never asks
  ec2-backup status --refresh --json  exit 1: a point is older than promised`,
  report: `Examples:
  ec2-backup report --output report.html
  ec2-backup report nightly --format md`,
  doctor: `Examples:
  sudo ec2-backup doctor      as the user that the service has
  sudo ec2-backup doctor --prove-binding   dry runs of what the role must not do
  ec2-backup doctor --json | jq -r '.findings[].command'`,
  thaw: `Examples:
  ec2-backup thaw              now, also what a run at work holds still
  ec2-backup thaw --leftovers  only what killed runs left; for service managers`,
  "check-config": `Examples:
  ec2-backup check-config
  ec2-backup check-config --config ./new.yaml
  ec2-backup check-config --schema > ec2-backup.schema.json   for your editor`,
};
