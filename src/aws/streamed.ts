import type { EC2Client } from "@aws-sdk/client-ec2";
import type { Connection } from "./connection.ts";
import { call } from "./discover.ts";
import { inGroupsOfItems } from "./item-groups.ts";
import { pages, unreadable } from "./pages.ts";
import { serviceClock } from "./service-clock.ts";

interface Answer {
  readonly NextToken?: string | undefined;
}

/** The part of the SDK's stack that this needs, of every command that lists. */
interface ListCommand {
  readonly middlewareStack: {
    add(middleware: unknown, options: { name: string; step: "deserialize"; priority: "low" }): void;
  };
}

/** What is asked for, and what is kept of it. */
export interface Listing<A extends Answer, T> {
  readonly doing: string;
  /** The element of the answer that holds the items. */
  readonly set: "snapshotSet" | "volumeSet" | "reservationSet";
  readonly command: (next: { NextToken?: string }) => ListCommand;
  /** The items of an answer, or of a part of one, made small; absent where it has no list of them. */
  readonly read: (answer: A) => readonly T[] | undefined;
  /** Reads a part of the answer with less than the SDK needs for it. */
  readonly parse?: (xml: string) => A;
}

/**
 * Page after page of a listing whose items are made small while the page is still coming, so that no page is ever in
 * memory as a whole.
 */
export async function* streamedPages<A extends Answer, T>(
  connection: Connection,
  { doing, set, command, read, parse }: Listing<A, T>,
  signal: AbortSignal,
): AsyncGenerator<{ readonly items: readonly T[]; readonly asOf: Date | undefined }> {
  let items: T[] = [];
  const ask = (next: { NextToken?: string }) =>
    call(connection, doing, signal, (abortSignal) => {
      const asked = command(next);
      asked.middlewareStack.add(
        readingParts(connection.ec2, set, {
          // What broke off is asked for again, from its beginning.
          begin: () => {
            items = [];
          },
          part: (answer: A) => void items.push(...(read(answer) ?? [])),
          ...(parse && { parse }),
        }),
        { name: "readingParts", step: "deserialize", priority: "low" },
      );
      return connection.ec2.send(asked as never, { abortSignal }) as unknown as Promise<
        A & { readonly $metadata: object }
      >;
    });
  for await (const page of pages(doing, ask)) {
    const rest = read(page);
    if (rest === undefined) throw unreadable(doing, "the answer has no list");
    yield { items: [...items, ...rest], asOf: serviceClock(page.$metadata) };
    items = [];
    connection.pageRead?.();
  }
}

interface Response {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  body: unknown;
}

type Schema = readonly [unknown, string, string, unknown, unknown, unknown];

interface Protocol {
  deserializeResponse(operation: object, context: object, response: Response): Promise<unknown>;
}

/** Inside of what reads the answer: takes the items out of it before, and reads them as the SDK would. */
function readingParts<A>(
  { config }: EC2Client,
  set: string,
  on: {
    readonly begin: () => void;
    readonly part: (answer: A) => void;
    readonly parse?: (xml: string) => A;
  },
) {
  const { protocol } = config as unknown as { readonly protocol: Protocol };
  return (next: (args: unknown) => Promise<{ response: Response }>, context: Record<string, unknown>) =>
    async (args: unknown) => {
      on.begin();
      const result = await next(args);
      const { response } = result;
      if (response.statusCode !== 200 || !isStream(response.body)) return result;
      const { operationSchema } = context["__smithy_context"] as { readonly operationSchema: Schema };
      const [, namespace, name, traits, input, output] = operationSchema;
      const operation = { namespace, name, traits, input, output };
      const reading = { ...config, ...context };
      response.body = await inGroupsOfItems(response.body, set, async (body) => {
        if (on.parse !== undefined) return on.part(on.parse(body.toString()));
        const part = { statusCode: 200, headers: {}, body };
        on.part((await protocol.deserializeResponse(operation, reading, part)) as A);
      });
      return result;
    };
}

function isStream(body: unknown): body is AsyncIterable<Uint8Array> {
  return typeof body === "object" && body !== null && Symbol.asyncIterator in body;
}
