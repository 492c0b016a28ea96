import { authorize, authorizeByPolicies } from "./access.ts";
import { ApiError, commonError } from "./api-error.ts";
import { type Rate, takeToken } from "./buckets.ts";
import type { ConditionContext } from "./conditions.ts";
import type { Context } from "./context.ts";
import { own } from "./own.ts";
import { decodeQuery } from "./query-protocol.ts";
import type { ServiceName } from "./service-name.ts";
import { type Decoded, type DecodeFailure, decodeData, type StructureShape } from "./shapes.ts";

/** An action of a service other than EC2. */
export interface Operation {
  shape: StructureShape;
  changes: boolean;
  /** IAM actions that it needs beside the one of its own name. */
  needs?(input: never, context: Context): readonly string[];
  /** ARN of what it acts on; `*` where there is no one thing. */
  resource?(input: never, context: Context): string;
  /** ARNs of what it acts on, where it may be several things. */
  resources?(input: never, context: Context): readonly string[];
  /** Condition keys in lower case that the request has for identity policies. */
  conditions?(input: never): ConditionContext;
  /** Those that belong to one of the resources, such as its tags. */
  facts?(resource: string, context: Context): ConditionContext;
  /** Nobody needs a permission for it. */
  open?: boolean;
  run(input: never, context: Context): unknown;
}

/** Gives an operation its types. */
export function operation<const S extends StructureShape>(definition: {
  shape: S;
  changes: boolean;
  needs?(input: Decoded<S>, context: Context): readonly string[];
  resource?(input: Decoded<S>, context: Context): string;
  resources?(input: Decoded<S>, context: Context): readonly string[];
  conditions?(input: Decoded<S>): ConditionContext;
  facts?(resource: string, context: Context): ConditionContext;
  open?: boolean;
  run(input: Decoded<S>, context: Context): unknown;
}): Operation {
  return definition;
}

/** Parameters as they came: a form of the query protocol, or data of JSON or CBOR. */
export type RequestInput = { form: URLSearchParams } | { data: unknown };

/** What a decoded request will do. */
export interface DecodedRequest {
  /** For the record. */
  parameters: unknown;
  changes: boolean;
  /** Whether time has nothing more to do after it than before. */
  untimed?: boolean;
  /** Pays, asks for permission and carries it out. @throws ApiError */
  execute(context: Context): unknown;
}

/** A service: its actions, what each may cost, and how it says no to an action or a parameter that it does not know. */
export interface ServiceTable {
  service: ServiceName;
  operations: Readonly<Record<string, Operation>>;
  rates: Readonly<Record<string, Rate>>;
  unknownAction(action: string): ApiError;
}

/** Decodes a request. @throws ApiError */
export function readRequest(table: ServiceTable, action: string, input: RequestInput): DecodedRequest {
  const { service } = table;
  const found = own(table.operations, action);
  if (found === undefined) throw table.unknownAction(action);
  const parameters = (
    "form" in input
      ? decodeQuery(found.shape, input.form, "query", malformed)
      : decodeData(found.shape, input.data, malformed)
  ) as never;
  return {
    parameters,
    changes: found.changes,
    execute(context) {
      const { world, principal, elapsed } = context;
      const rate = own(table.rates, action);
      if (rate && world.settings.limits && !takeToken(world.buckets, `${service} ${action}`, rate, elapsed))
        throw commonError(service, "throttled");
      const actions = [`${service}:${action}`, ...(found.needs?.(parameters, context) ?? [])];
      const resource = found.resource?.(parameters, context) ?? "*";
      authorize(world, service, principal, actions, resource);
      if (found.open === true) return found.run(parameters, context);
      const conditions = found.conditions?.(parameters) ?? {};
      const things = found.resources?.(parameters, context) ?? [resource];
      authorizeByPolicies(
        context,
        service,
        things.flatMap((thing) =>
          actions.map((each, index) => ({
            action: each,
            resource: thing,
            context: {
              ...(index === 0 ? conditions : globalOnly(conditions)),
              ...found.facts?.(thing, context),
            },
          })),
        ),
      );
      return found.run(parameters, context);
    },
  };
}

/** What an action that is asked for beside the called one has of its condition keys. */
function globalOnly(conditions: ConditionContext): ConditionContext {
  return Object.fromEntries(Object.entries(conditions).filter(([key]) => key.startsWith("aws:")));
}

const malformed: DecodeFailure = (fault, path) =>
  fault.kind === "unknown"
    ? new ApiError("MalformedInput", `Unexpected member ${path}`)
    : new ApiError("MalformedInput", `${path}: ${fault.found} is no ${fault.expected}`);
