import { DescribeImagesCommand, type Filter, type Image } from "@aws-sdk/client-ec2";
import type { Connection } from "./connection.ts";
import { call } from "./discover.ts";
import { pages, unreadable } from "./pages.ts";

/** The account's images that pass the filters; deprecated and disabled ones too, since they hold their snapshots. */
export async function* ownImages(
  connection: Connection,
  doing: string,
  Filters: Filter[],
  signal: AbortSignal,
): AsyncGenerator<Image> {
  const which = { Owners: ["self"], Filters, IncludeDeprecated: true, IncludeDisabled: true };
  const ask = (next: { NextToken?: string }) =>
    call(connection, doing, signal, (abortSignal) =>
      connection.ec2.send(new DescribeImagesCommand({ ...which, ...next }), { abortSignal }),
    );
  for await (const page of pages(doing, ask)) {
    if (page.Images === undefined) throw unreadable(doing, "the answer has no list of images");
    yield* page.Images;
  }
}
