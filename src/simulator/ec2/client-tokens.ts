import { ApiError } from "../api-error.ts";
import type { Context } from "../context.ts";
import { digest } from "../ids.ts";

/** "Up to 64 ASCII characters" (ec2/devguide/ec2-api-idempotency). */
const maximumToken = 64;

/** A request that may carry a client token. */
interface Tokened {
  ClientToken: string | undefined;
  DryRun: boolean | undefined;
}

/** A client token's memory: what a call with it led to before, and the way to keep what it leads to now. */
export interface Repetition {
  /** The ids of what an earlier call with the same token made. */
  readonly earlier: readonly string[] | undefined;
  keep(ids: readonly string[]): void;
  /** Forgets it: the call has failed. */
  forget(): void;
}

/**
 * Looks up the client token of a call. A token is good for ever here; AWS keeps them for at least a day.
 * @throws ApiError IdempotentParameterMismatch when the token came with other parameters before.
 */
export function repetitionOf(action: string, input: Tokened, { world }: Context): Repetition {
  const { ClientToken: token, DryRun: _, ...rest } = input;
  if (token === undefined || token === "")
    return { earlier: undefined, keep: () => undefined, forget: () => undefined };
  if (token.length > maximumToken) {
    throw new ApiError("InvalidParameterValue", `Value (${token}) for parameter clientToken is invalid.`);
  }
  const name = `${action} ${token}`;
  const fingerprint = digest(JSON.stringify(rest));
  const known = world.clientTokens[name];
  if (known !== undefined && known.fingerprint !== fingerprint) {
    throw new ApiError(
      "IdempotentParameterMismatch",
      "The request uses the same client token as a previous, but non-identical request.",
    );
  }
  return {
    earlier: known?.ids,
    keep(ids) {
      world.clientTokens[name] = { fingerprint, ids: [...ids] };
    },
    forget() {
      delete world.clientTokens[name];
    },
  };
}
