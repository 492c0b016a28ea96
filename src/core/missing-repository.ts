/** What is known of a repository that was not found where it should be. */
export interface MissingFacts {
  readonly name: string;
  readonly url: string;
  /** When this host last had it open, ISO 8601; absent if it never had, as far as is remembered. */
  readonly seen?: string;
}

/**
 * What to do where no repository is found. One that was there before is not mounted, or its address is wrong: a new one
 * in its place would hide that, and the next backup would begin at nothing.
 */
export function missingRemedy({ name, url, seen }: MissingFacts): string {
  const look = isLocal(url)
    ? `see whether what ${url} lies on is mounted`
    : "see whether the address in `url` is right, and what it leads to is there";
  if (seen !== undefined)
    return `it was there on ${seen.slice(0, 16).replace("T", " ")} UTC: ${look}; do not make a new one in its place`;
  return `${look}; only if there never was one, make it by \`ec2-backup repository init ${name}\``;
}

/** Whether restic takes the address for a directory of this host. */
export function isLocal(url: string): boolean {
  return !/^(sftp|s3|rest|b2|azure|gs|swift|rclone):/i.test(url);
}
