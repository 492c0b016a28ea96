import { ApiError } from "../api-error.ts";
import { stsRates } from "../buckets.ts";
import { operation, type ServiceTable } from "../operations.ts";
import { assumeRole } from "./assume-role.ts";
import { accountIn } from "./role.ts";

/** STS, as far as credentials for work in several accounts need it. */
export const sts: ServiceTable = {
  service: "sts",
  operations: {
    AssumeRole: assumeRole,
    GetCallerIdentity: operation({
      shape: {},
      changes: false,
      // "No permissions are required": only a rule of the scenario that names it denies it.
      open: true,
      run: (_, { principal }) => ({
        Arn: principal.arn,
        UserId: principal.userId,
        Account: accountIn(principal.arn),
      }),
    }),
  },
  rates: stsRates,
  unknownAction: (action) =>
    new ApiError("InvalidAction", `Could not find operation ${action} for version 2011-06-15`),
};
