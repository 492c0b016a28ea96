import * as z from "zod/mini";
import { notes } from "./fields.ts";
import { fileVersion } from "./schema.ts";
import { fileSchema } from "./whole-schema.ts";

/** The JSON Schema of the file, for editors; made from the same source that judges the file. */
export function jsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(fileSchema, { io: "input", metadata: notes, target: "draft-2020-12" });
  return { ...schema, title: `ec2-backup configuration, version ${fileVersion}` };
}
