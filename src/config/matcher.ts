import * as z from "zod/mini";
import { exactlyOne, section, text } from "./fields.ts";

const maybe = z.exactOptional;

/** EC2 knows the names of attachments; those that the kernel gives to NVMe devices change from boot to boot. */
const device = text(
  /^(?:\/dev\/)?(?!nvme)[a-z][a-z0-9]{1,30}$/,
  "a device as EC2 names it, such as /dev/sdf, and no NVMe name",
  { description: "The device name of the attachment in EC2.", examples: ["/dev/sdf"] },
);

const fields = {
  tag: maybe(
    text(/^[^=]{1,127}(?:=.{0,256})?$/su, "a tag such as Backup=no, or its key alone", {
      description: "A tag of the volume: Key=value, or Key for any value.",
      examples: ["Backup=no"],
    }),
  ),
  device: maybe(device),
  id: maybe(
    text(/^vol-(?:[0-9a-f]{8}|[0-9a-f]{17})$/, "a volume id such as vol-0123456789abcdef0", {
      description: "The id of the volume.",
      examples: ["vol-0123456789abcdef0"],
    }),
  ),
  mount: maybe(
    text(/^(?:\/|[A-Z]:\\)(?!.*\0).{0,4095}$/s, "a mount point such as /scratch", {
      description:
        "The mount point of a filesystem that rests on the volumes; on Windows a drive letter such as D:\\.",
      examples: ["/scratch"],
    }),
  ),
};

/** Names volumes in one of four ways. */
export const matcher = section(fields, {
  minProperties: 1,
  maxProperties: 1,
  description: "Names volumes by exactly one of tag, device, id or mount.",
}).check(exactlyOne(fields));

export type FileMatcher = z.infer<typeof matcher>;
