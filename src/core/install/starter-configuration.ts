/** The configuration that install leaves where there is none: what the agent does by itself, and what could be said. */
export const starterConfiguration = `# Configuration of ec2-backup. After each change: ec2-backup check-config
version: 1
jobs:
  # All volumes; points are kept for 7 days, and three in any case. The tag Backup=no of a volume leaves it out, that of
  # the instance everything. Other values, such as:
  #   schedule: "0 2 * * *" # for the daemon; a timer and cron have times of their own
  #   retention: { last: 3, daily: 7, weekly: 4, minimum: 3 }
  #   prune: elsewhere # where the role may not delete (policy agent-create-only) and another role prunes
  #   hooks: [{ freeze: { mounts: data } }]
  default: {}

# Somebody should hear of what fails, and of backups that do not come:
# alarms: { topic: "arn:aws:sns:REGION:ACCOUNT:backup" } # then: ec2-backup alarms apply
`;
