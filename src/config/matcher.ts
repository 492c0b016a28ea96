import * as z from "zod/mini";
import { section, text } from "./fields.ts";

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
};

/** Names volumes in one of three ways. */
export const matcher = section(fields, {
  minProperties: 1,
  maxProperties: 1,
  description: "Names volumes by exactly one of tag, device or id.",
}).check(
  z.superRefine(
    (value: unknown, context) => {
      if (typeof value !== "object" || value === null) return;
      const given = Object.keys(value).filter((key) => Object.hasOwn(fields, key));
      if (given.length === 1) return;
      const detail = given.length === 0 ? "none of them" : given.join(" and ");
      context.addIssue({
        code: "custom",
        message: "exactly one of tag, device, id",
        params: { found: detail },
      });
    },
    { when: () => true },
  ),
);
