import * as z from "zod/mini";
import { notes, section, text, whole } from "./fields.ts";

const maybe = z.exactOptional;

const dollars = (what: string, example: number) => {
  const expected = "a number of dollars from 0 to 100";
  return maybe(
    z
      .number(expected)
      .check(z.gte(0, expected), z.lte(100, expected))
      .register(notes, {
        description: `What a GiB-month of ${what} costs.`,
        examples: [example],
        default: example,
      }),
  );
};

/** What an audit tells of the cost of snapshots. */
export const audit = section(
  {
    requests: maybe(
      whole(0, 1_000_000, {
        description:
          "How many requests an audit may take to list blocks that changed; 0 = what snapshots cost is told by their full sizes.",
        examples: [1_000],
        default: 1_000,
      }),
    ),
    price: maybe(
      section(
        {
          asOf: maybe(
            text(/^\d{4}-(0[1-9]|1[0-2])(-\d\d)?$/, "a month or a day such as 2026-09", {
              description: "When these prices were looked up.",
              examples: ["2026-09"],
              default: "2026-09",
            }),
          ),
          standard: dollars("snapshots", 0.05),
          archive: dollars("archived snapshots", 0.0125),
        },
        { description: "Prices for the cost of snapshots; without them list prices of us-east-1." },
      ),
    ),
  },
  { description: "What `sweep audit` tells of the cost of snapshots." },
);
