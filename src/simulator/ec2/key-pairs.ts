import { createHash } from "node:crypto";
import { ApiError } from "../api-error.ts";
import { ec2Rates } from "../buckets.ts";
import { applyFilters, type Fields, filterShape } from "../filters.ts";
import { newId } from "../ids.ts";
import { own } from "../own.ts";
import { tagSet } from "../tags.ts";
import type { World } from "../world.ts";
import { tagSpecificationShape } from "./begin-snapshots.ts";
import { hiddenFor } from "./begin-volume.ts";
import { byIds } from "./describing.ts";
import type { KeyPair } from "./network.ts";
import { operation } from "./operation.ts";
import { seen } from "./reach.ts";
import { tagsByKind } from "./tag-specifications.ts";

/** Keeps a public key that somebody else has made. */
export const importKeyPair = operation({
  name: "ImportKeyPair",
  changes: true,
  parameters: {
    KeyName: "string",
    PublicKeyMaterial: "string",
    TagSpecification: tagSpecificationShape,
    DryRun: "boolean",
  },
  rate: () => ({ bucket: "ImportKeyPair", rate: ec2Rates.mutating }),
  prepare(input, context) {
    const { world, now, elapsed } = context;
    const { KeyName: name, PublicKeyMaterial: material } = input;
    if (name === undefined)
      throw new ApiError("MissingParameter", "The request must contain the parameter KeyName");
    if (Object.values(world.keyPairs).some((one) => one.name === name))
      throw new ApiError("InvalidKeyPair.Duplicate", `The keypair already exists`);
    const publicKey = Buffer.from(material ?? "", "base64")
      .toString()
      .trim();
    const [kind = "", blob = ""] = publicKey.split(/\s+/);
    const type = kind === "ssh-ed25519" ? "ed25519" : kind === "ssh-rsa" ? "rsa" : undefined;
    if (type === undefined || !Buffer.from(blob, "base64").includes(kind))
      throw new ApiError("InvalidKey.Format", "Key is not in valid OpenSSH public key format");
    const { "key-pair": tags } = tagsByKind(input.TagSpecification, ["key-pair"]);
    return {
      needs: input.TagSpecification.length > 0 ? ["ec2:CreateTags"] : [],
      commit() {
        const id = newId("key", world.settings.seed, ++world.sequence);
        const visibleFrom = elapsed + hiddenFor(context);
        const pair: KeyPair = { id, name, type, publicKey, tags, visibleFrom, createTime: now };
        world.keyPairs[id] = pair;
        return {
          keyName: name,
          keyPairId: id,
          keyFingerprint: createHash("sha256").update(Buffer.from(blob, "base64")).digest("base64"),
          tagSet: tagSet(tags),
        };
      },
    };
  },
});

/** The key pairs, in one page. */
export const describeKeyPairs = operation({
  name: "DescribeKeyPairs",
  changes: false,
  parameters: {
    KeyName: ["string"],
    KeyPairId: ["string"],
    IncludePublicKey: "boolean",
    Filter: filterShape,
    DryRun: "boolean",
  },
  rate: () => ({ bucket: "DescribeKeyPairs", rate: ec2Rates.describe }),
  prepare(input, { world, elapsed }) {
    const named = byIds("key", input.KeyPairId, seen(world.keyPairs, elapsed), ({ id }) => id);
    for (const name of input.KeyName)
      if (!named.some((one) => one.name === name))
        throw new ApiError("InvalidKeyPair.NotFound", `The key pair '${name}' does not exist`);
    const wanted = named.filter(({ name }) => input.KeyName.length === 0 || input.KeyName.includes(name));
    const found = applyFilters(wanted, input.Filter, fields);
    return {
      commit: () => ({
        keySet: found.map((one) => ({
          keyPairId: one.id,
          keyName: one.name,
          keyType: one.type,
          createTime: new Date(one.createTime),
          tagSet: tagSet(one.tags),
          ...(input.IncludePublicKey === true ? { publicKey: one.publicKey } : {}),
        })),
      }),
    };
  },
});

const fields: Fields<KeyPair> = {
  "key-name": ({ name }) => [name],
  "key-pair-id": ({ id }) => [id],
};

/** Deletes a key pair. One that is not there is no error for a name ("returns true"), and one for an id. */
export const deleteKeyPair = operation({
  name: "DeleteKeyPair",
  changes: true,
  parameters: { KeyName: "string", KeyPairId: "string", DryRun: "boolean" },
  rate: () => ({ bucket: "DeleteKeyPair", rate: ec2Rates.mutating }),
  prepare(input, { world }) {
    const pair = pairOf(world, input);
    if (pair === undefined && input.KeyPairId !== undefined)
      throw new ApiError("InvalidKeyPair.NotFound", `The key pair '${input.KeyPairId}' does not exist`);
    return {
      commit() {
        if (pair !== undefined) delete world.keyPairs[pair.id];
        return { return: true, ...(pair === undefined ? {} : { keyPairId: pair.id }) };
      },
    };
  },
});

function pairOf(
  world: World,
  { KeyName: name, KeyPairId: id }: { KeyName: string | undefined; KeyPairId: string | undefined },
): KeyPair | undefined {
  if (id !== undefined) return own(world.keyPairs, id);
  if (name === undefined)
    throw new ApiError("MissingParameter", "The request must contain the parameter KeyName or KeyPairId");
  return Object.values(world.keyPairs).find((one) => one.name === name);
}
