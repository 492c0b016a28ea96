/**
 * The tag of a volume that was made for a short use: until when that may last, ISO 8601. Once nobody uses it any more,
 * and after that instant anyway, it may be removed; no run backs it up.
 */
export const temporaryTag = "ec2-backup:temporary-until";
