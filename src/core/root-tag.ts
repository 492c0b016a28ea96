/** On an instance whose root volume is being replaced; runs look for it, and for nothing else of replacements. */
export const rootReplacementTag = "ec2-backup:root-replacement";

/** On a volume that took the place of another: that one's id comes first. */
export const replacesTag = "ec2-backup:restore-replaces";
