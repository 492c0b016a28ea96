import { ApiError } from "../api-error.ts";
import { ec2Rates } from "../buckets.ts";
import { reachImage } from "./image-use.ts";
import { operation } from "./operation.ts";

/** Who may launch an image, which is told nowhere else. */
export const describeImageAttribute = operation({
  name: "DescribeImageAttribute",
  changes: false,
  parameters: { ImageId: "string", Attribute: "string", DryRun: "boolean" },
  rate: () => ({ bucket: "DescribeImageAttribute", rate: ec2Rates.describe }),
  prepare(input, context) {
    const image = reachImage(context, input.ImageId);
    if (input.Attribute !== "launchPermission")
      throw new ApiError("UnsupportedOperation", "Only the attribute launchPermission is simulated.");
    return {
      commit: () => ({
        imageId: image.id,
        launchPermission: image.sharedWith.map((userId) => ({ userId })),
      }),
    };
  },
});
