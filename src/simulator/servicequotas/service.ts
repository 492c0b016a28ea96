import { ApiError } from "../api-error.ts";
import { serviceQuotasRates } from "../buckets.ts";
import type { Context } from "../context.ts";
import { operation, type ServiceTable } from "../operations.ts";
import { paginate } from "../pagination.ts";
import { ebsQuotas, type Quota, quotaIn } from "./quotas.ts";

const one = { ServiceCode: "string", QuotaCode: "string" } as const;
const many = { ServiceCode: "string", NextToken: "string", MaxResults: "integer" } as const;

interface Named {
  ServiceCode: string | undefined;
  QuotaCode: string | undefined;
}

interface Listing {
  ServiceCode: string | undefined;
  NextToken: string | undefined;
  MaxResults: number | undefined;
}

/** Whether the defaults are meant, or what an account has in a Region. */
type Whose = "default" | "own";

/** Service Quotas, of which only those of EBS are known. */
export const servicequotas: ServiceTable = {
  service: "servicequotas",
  operations: {
    GetServiceQuota: getting("own"),
    GetAWSDefaultServiceQuota: getting("default"),
    ListServiceQuotas: listing("own"),
    ListAWSDefaultServiceQuotas: listing("default"),
  },
  rates: serviceQuotasRates,
  unknownAction: (action) => new ApiError("UnknownOperationException", `Unknown operation ${action}`),
};

function getting(whose: Whose) {
  return operation({
    shape: one,
    changes: false,
    resource: ({ ServiceCode: service, QuotaCode: code }: Named, context) => arnOf(service, code, context),
    run({ ServiceCode: service, QuotaCode: code }, context) {
      checkService(service);
      const quota = ebsQuotas.find((each) => each.code === code);
      if (quota === undefined) throw new ApiError("NoSuchResourceException", `There is no quota ${code}`);
      return { Quota: described(quota, whose, context) };
    },
  });
}

function listing(whose: Whose) {
  return operation({
    shape: many,
    changes: false,
    run({ ServiceCode: service, NextToken: nextToken, MaxResults: size = 100 }: Listing, context) {
      checkService(service);
      if (size < 1 || size > 100)
        throw new ApiError("IllegalArgumentException", `Value '${size}' at 'maxResults' is invalid`);
      const page = paginate(ebsQuotas, {
        action: `quotas/${whose}`,
        fingerprint: service,
        maxResults: size,
        nextToken,
        keyOf: ({ code }) => code,
        short: context.world.settings.shortPages,
        invalidToken: "InvalidPaginationTokenException",
      });
      return {
        Quotas: page.things.map((quota) => described(quota, whose, context)),
        ...(page.nextToken === undefined ? {} : { NextToken: page.nextToken }),
      };
    },
  });
}

function checkService(service: string | undefined): void {
  if (service !== "ebs") throw new ApiError("NoSuchResourceException", `There is no service ${service}`);
}

const arnOf = (service: string | undefined, code: string | undefined, { world: { settings } }: Context) =>
  `arn:${settings.partition}:servicequotas:${settings.region}:${settings.account}:${service}/${code}`;

function described(quota: Quota, whose: Whose, context: Context): Record<string, unknown> {
  return {
    ServiceCode: "ebs",
    ServiceName: "Amazon Elastic Block Store (Amazon EBS)",
    QuotaArn: arnOf("ebs", quota.code, context),
    QuotaCode: quota.code,
    QuotaName: quota.name,
    Value: whose === "default" ? quota.value : quotaIn(context.world, quota.code),
    Unit: "None",
    Adjustable: quota.adjustable,
    GlobalQuota: false,
  };
}
