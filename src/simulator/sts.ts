import { authorize } from "./access.ts";
import { ApiError } from "./api-error.ts";
import type { Context } from "./context.ts";
import type { XmlValue } from "./xml.ts";

/** Answers an STS request. @throws ApiError */
export function executeSts(action: string, { world, principal }: Context): XmlValue {
  if (action !== "GetCallerIdentity") {
    throw new ApiError("InvalidAction", `Could not find operation ${action} for version 2011-06-15`);
  }
  // "No permissions are required": only a rule that names it denies it.
  authorize(world, "sts", principal, ["sts:GetCallerIdentity"], "*");
  return { Arn: principal.arn, UserId: principal.userId, Account: world.settings.account };
}
