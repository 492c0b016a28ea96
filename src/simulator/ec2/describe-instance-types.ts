import { ApiError } from "../api-error.ts";
import { ec2Rates } from "../buckets.ts";
import { applyFilters, filterShape } from "../filters.ts";
import { architectureOf } from "../make-things.ts";
import { operation } from "./operation.ts";

/** Types of the first generations, which run paravirtual images only (EC2 user guide, "Linux AMI virtualization types"). */
const paravirtualOnly = /^(t1|m1|m2|c1)\./;

/** Types with instance stores: a d behind the generation, the storage families, and those of before there was EBS alone. */
const withStores = /^(?:[a-z]+\d+[a-z]*d[a-z]*|(?:c|m)1|m2|[cmr]3|[dhi]\d+[a-z]*|im4gn|is4gen|f1|x1e?|g5)\./;

/** What the named types can do; any well-formed name is a type but those of family `x9`. All of them are not listed. */
export const describeInstanceTypes = operation({
  name: "DescribeInstanceTypes",
  changes: false,
  parameters: {
    InstanceType: ["string"],
    Filter: filterShape,
    MaxResults: "integer",
    NextToken: "string",
    DryRun: "boolean",
  },
  rate: () => ({ bucket: "DescribeInstanceTypes", rate: ec2Rates.describe }),
  prepare(input) {
    if (input.InstanceType.length === 0)
      throw new ApiError("InvalidParameterValue", "Only named instance types are simulated.");
    const bad = input.InstanceType.filter(
      (type) => !/^[a-z]+\d+[a-z0-9-]*\.[a-z0-9-]+$/.test(type) || type.startsWith("x9."),
    );
    if (bad.length > 0) {
      const message = `The following supplied instance types do not exist: [${bad.join(", ")}]`;
      throw new ApiError("InvalidInstanceType", message);
    }
    const all = input.InstanceType.map((name) => ({ name, tags: {} }));
    const found = applyFilters(all, input.Filter, {
      "instance-type": ({ name }) => [name],
      "instance-storage-supported": ({ name }) => [String(withStores.test(name))],
    });
    return {
      commit: () => ({
        instanceTypeSet: found.map(({ name }) => ({
          instanceType: name,
          currentGeneration: !paravirtualOnly.test(name),
          supportedVirtualizationTypes: [paravirtualOnly.test(name) ? "paravirtual" : "hvm"],
          processorInfo: {
            supportedArchitectures: paravirtualOnly.test(name) ? ["i386", "x86_64"] : [architectureOf(name)],
          },
        })),
      }),
    };
  },
});
