import { ApiError } from "../api-error.ts";
import { ec2Rates } from "../buckets.ts";
import { defaultKey } from "../kms/key.ts";
import { operation } from "./operation.ts";

// The account's settings of the Region ("Encryption by default" in the EBS guide): while it is on, every new volume is
// encrypted, whatever the request says; snapshots of volumes that are not encrypted stay so.

const rate = (name: string) => () => ({ bucket: name, rate: ec2Rates.mutating });

function switching(name: string, on: boolean) {
  return operation({
    name,
    changes: true,
    parameters: { DryRun: "boolean" },
    rate: rate(name),
    prepare: (_, { world }) => ({
      commit() {
        world.settings.ebsEncryption = { ...world.settings.ebsEncryption, byDefault: on };
        return { ebsEncryptionByDefault: on };
      },
    }),
  });
}

export const enableEbsEncryptionByDefault = switching("EnableEbsEncryptionByDefault", true);
export const disableEbsEncryptionByDefault = switching("DisableEbsEncryptionByDefault", false);

export const getEbsEncryptionByDefault = operation({
  name: "GetEbsEncryptionByDefault",
  changes: false,
  parameters: { DryRun: "boolean" },
  rate: rate("GetEbsEncryptionByDefault"),
  prepare: (_, { world }) => ({
    commit: () => ({ ebsEncryptionByDefault: world.settings.ebsEncryption.byDefault }),
  }),
});

export const getEbsDefaultKmsKeyId = operation({
  name: "GetEbsDefaultKmsKeyId",
  changes: false,
  parameters: { DryRun: "boolean" },
  rate: rate("GetEbsDefaultKmsKeyId"),
  prepare: (_, { world }) => ({ commit: () => ({ kmsKeyId: defaultKey(world) }) }),
});

export const modifyEbsDefaultKmsKeyId = operation({
  name: "ModifyEbsDefaultKmsKeyId",
  changes: true,
  parameters: { KmsKeyId: "string", DryRun: "boolean" },
  rate: rate("ModifyEbsDefaultKmsKeyId"),
  prepare({ KmsKeyId: key }, { world }) {
    if (key === undefined)
      throw new ApiError("MissingParameter", "The request must contain the parameter KmsKeyId");
    return {
      commit() {
        world.settings.ebsEncryption = { ...world.settings.ebsEncryption, key };
        return { kmsKeyId: defaultKey(world) };
      },
    };
  },
});
