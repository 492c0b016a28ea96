import type { Rate } from "../buckets.ts";
import type { Context } from "../context.ts";
import type { Decoded, StructureShape } from "../shapes.ts";
import type { XmlValue } from "../xml.ts";

/** What an action has decided to do: IAM actions it needs (the called one excepted), on what, and the doing itself. */
export interface Prepared {
  /** Further IAM actions that the caller must be allowed. */
  needs?: readonly string[];
  /** ARN of what it acts on; `*` when there is no one thing. */
  resource?: string;
  /** Carries it out. Not called for a dry run. @throws ApiError */
  commit(): XmlValue | Promise<XmlValue>;
}

/** An EC2 action. */
export interface Operation<S extends StructureShape = StructureShape> {
  readonly name: string;
  readonly parameters: S;
  /** Whether it changes anything that must be saved. */
  readonly changes: boolean;
  /** Leaves nothing that time would have to act on, so that time need not look for it. */
  readonly untimed?: boolean;
  /** The bucket that pays for this request. */
  rate(input: Decoded<S>): { bucket: string; rate: Rate };
  /** Checks everything that a dry run checks too. @throws ApiError */
  prepare(input: Decoded<S>, context: Context): Prepared;
}

/** An action of any parameters, as the table of actions holds it. */
export type AnyOperation = Omit<Operation, "rate" | "prepare"> & {
  rate(input: never): { bucket: string; rate: Rate };
  prepare(input: never, context: Context): Prepared;
};

/** Gives an operation its types. */
export function operation<const S extends StructureShape>(definition: Operation<S>): Operation<S> {
  return definition;
}
