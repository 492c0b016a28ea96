/** The tags of points of agents, for snapshots that the simulator generates in numbers. */
export const generatedPoint = {
  "ec2-backup:point": "{point}",
  "ec2-backup:run": "{point}",
  "ec2-backup:job": "default",
  "ec2-backup:series": "{arn}/default",
  "ec2-backup:instance": "{arn}",
  "ec2-backup:captured": "{captured}",
  "ec2-backup:retention": "daily=7 monthly=12 zone=Europe/Berlin demanded=crash delay=7d",
  "ec2-backup:consistency": "filesystem",
  "ec2-backup:version": "1.0.0",
  "ec2-backup:manifest.1": "{volumes}",
} as const;
