import type { IncomingHttpHeaders } from "node:http";
import { gunzipSync } from "node:zlib";
import { readSignature, type Signature, serviceOf } from "./access.ts";
import { ApiError } from "./api-error.ts";
import { decodeCbor } from "./cbor.ts";
import type { CloudWatchInput } from "./cloudwatch/service.ts";
import type { ServiceName } from "./service-name.ts";
import { cborWire, ec2Wire, jsonWire, queryWire, type Wire } from "./wire.ts";

/** A request as it came over HTTP. */
export interface HttpRequest {
  method: string;
  path: string;
  query: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** A request to one of the APIs, recognised but not yet decoded. */
export interface ApiRequest {
  service: Exclude<ServiceName, "imds">;
  signature: Signature;
  action: string;
  wire: Wire;
  /** The parameters as they came, for the record. */
  raw: Record<string, string>;
  /** The parameters in the form of the protocol. @throws ApiError when the body cannot be read. */
  input(): CloudWatchInput;
}

/** "1 MB per POST." */
const maximumBody = 1_048_576;

const stsWire = queryWire("https://sts.amazonaws.com/doc/2011-06-15/");
const cloudwatchWire = queryWire("http://monitoring.amazonaws.com/doc/2010-08-01/");

/** Tells which API is meant, from the credential scope; undefined when the request is not signed for any of them. */
export function recognise(request: HttpRequest): ApiRequest | undefined {
  const signature = readSignature(request.headers.authorization);
  const service = serviceOf(signature);
  if (signature === undefined || service === undefined || service === "imds") return undefined;
  if (service === "cloudwatch") {
    const target = /^GraniteServiceVersion20100801\.(\w+)$/.exec(
      String(request.headers["x-amz-target"] ?? ""),
    );
    const path = /^\/service\/GraniteServiceVersion20100801\/operation\/(\w+)$/.exec(request.path);
    if (target?.[1])
      return dataRequest(request, signature, target[1], jsonWire, (body) =>
        JSON.parse(body.toString() || "{}"),
      );
    if (path?.[1])
      return dataRequest(request, signature, path[1], cborWire, (body) =>
        body.length > 0 ? decodeCbor(body) : {},
      );
  }
  const form = new URLSearchParams(request.method === "GET" ? request.query : request.body.toString());
  const wire = service === "ec2" ? ec2Wire : service === "sts" ? stsWire : cloudwatchWire;
  const action = form.get("Action") ?? "";
  return { service, signature, action, wire, raw: Object.fromEntries(form), input: () => ({ form }) };
}

function dataRequest(
  request: HttpRequest,
  signature: Signature,
  action: string,
  wire: Wire,
  decode: (body: Buffer) => unknown,
): ApiRequest {
  const input = () => {
    if (request.body.length > maximumBody) {
      throw new ApiError("RequestEntityTooLarge", "Request size exceeded the limit of 1048576 bytes", 413);
    }
    try {
      const zipped = request.headers["content-encoding"] === "gzip";
      return { data: decode(zipped ? gunzipSync(request.body) : request.body) };
    } catch (error) {
      throw new ApiError("MalformedInput", `The body cannot be read: ${(error as Error).message}`);
    }
  };
  return { service: "cloudwatch", signature, action, wire, raw: {}, input };
}
