import * as z from "zod/mini";
import { schemaWith } from "./schema.ts";
import { sweep } from "./sweep-schema.ts";
import { termination } from "./termination-schema.ts";

/** The whole file. */
export const fileSchema = schemaWith({
  sweep: z.exactOptional(sweep),
  termination: z.exactOptional(termination),
});
