import type { IncomingHttpHeaders } from "node:http";
import { gunzipSync } from "node:zlib";
import { readSignature, type Signature, serviceOf } from "./access.ts";
import { ApiError } from "./api-error.ts";
import { decodeCbor } from "./cbor.ts";
import type { RequestInput } from "./operations.ts";
import { own } from "./own.ts";
import type { ServiceName } from "./service-name.ts";
import { linkActions } from "./sns/service.ts";
import { cborWire, ebsWire, ec2Wire, jsonWire, kmsWire, queryWire, type Wire } from "./wire.ts";

/** A request as it came over HTTP. */
export interface HttpRequest {
  method: string;
  path: string;
  query: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** The services that are called with signed requests. */
type ApiService = Exclude<ServiceName, "imds">;

/** A request to one of the APIs, recognised but not yet decoded. */
export interface ApiRequest {
  service: ApiService;
  /** Undefined for a link of SNS, which anybody may follow. */
  signature: Signature | undefined;
  action: string;
  wire: Wire;
  /** The parameters as they came, for the record. */
  raw: Record<string, string>;
  /** The parameters in the form of the protocol. @throws ApiError when the body cannot be read. */
  input(): RequestInput;
}

/** "1 MB per POST." */
const maximumBody = 1_048_576;

const wires: Readonly<Record<ApiService, Wire>> = {
  ec2: ec2Wire,
  kms: kmsWire,
  ssm: kmsWire,
  servicequotas: kmsWire,
  ebs: ebsWire,
  sts: queryWire("https://sts.amazonaws.com/doc/2011-06-15/"),
  cloudwatch: queryWire("http://monitoring.amazonaws.com/doc/2010-08-01/"),
  sns: queryWire("http://sns.amazonaws.com/doc/2010-03-31/"),
};

/** Tells which API is meant, from the credential scope; undefined when the request is not signed for any of them. */
export function recognise(request: HttpRequest): ApiRequest | undefined {
  const signature = readSignature(request.headers.authorization);
  if (signature === undefined) return followedLink(request);
  const service = serviceOf(signature);
  if (service === undefined || service === "imds") return undefined;
  const data = dataRequest(request, signature, service);
  if (data !== undefined) return data;
  const form = new URLSearchParams(request.method === "GET" ? request.query : request.body.toString());
  const action = form.get("Action") ?? "";
  return {
    service,
    signature,
    action,
    wire: wires[service],
    raw: Object.fromEntries(form),
    input: () => ({ form }),
  };
}

function followedLink({ method, query, headers }: HttpRequest): ApiRequest | undefined {
  const form = new URLSearchParams(query);
  const action = form.get("Action") ?? "";
  if (method !== "GET" || headers.authorization !== undefined || !linkActions.includes(action))
    return undefined;
  const raw = Object.fromEntries(form);
  return { service: "sns", signature: undefined, action, wire: wires.sns, raw, input: () => ({ form }) };
}

const json = (body: Buffer): unknown => JSON.parse(body.toString() || "{}");
const cbor = (body: Buffer): unknown => (body.length > 0 ? decodeCbor(body) : {});

/** A request in JSON or CBOR, when it is one of those that a service understands. */
function dataRequest(
  request: HttpRequest,
  signature: Signature,
  service: ApiService,
): ApiRequest | undefined {
  const target = String(request.headers["x-amz-target"] ?? "");
  const [, ofKms] = /^TrentService\.(\w+)$/.exec(target) ?? [];
  if (service === "kms" && ofKms !== undefined)
    return bodyRequest(request, service, signature, ofKms, kmsWire, json);
  const [, ofQuotas] = /^ServiceQuotasV20190624\.(\w+)$/.exec(target) ?? [];
  if (service === "servicequotas" && ofQuotas !== undefined)
    return bodyRequest(request, service, signature, ofQuotas, kmsWire, json);
  if (service === "ebs") return pathRequest(request, signature);
  const [, ofSsm] = /^AmazonSSM\.(\w+)$/.exec(target) ?? [];
  if (service === "ssm" && ofSsm !== undefined)
    return bodyRequest(request, service, signature, ofSsm, kmsWire, json);
  if (service !== "cloudwatch") return undefined;
  const [, byTarget] = /^GraniteServiceVersion20100801\.(\w+)$/.exec(target) ?? [];
  if (byTarget !== undefined) return bodyRequest(request, service, signature, byTarget, jsonWire, json);
  const [, byPath] = /^\/service\/GraniteServiceVersion20100801\/operation\/(\w+)$/.exec(request.path) ?? [];
  return byPath === undefined ? undefined : bodyRequest(request, service, signature, byPath, cborWire, cbor);
}

/** A request of the EBS direct APIs: what it asks for is in its path and query. */
function pathRequest({ method, path, query }: HttpRequest, signature: Signature): ApiRequest {
  const [, snapshot = "", what = ""] = /^\/snapshots\/([^/]+)\/(blocks|changedblocks)$/.exec(path) ?? [];
  const known = method === "GET" ? { blocks: "ListSnapshotBlocks", changedblocks: "ListChangedBlocks" } : {};
  const action = own(known, what) ?? `${method} ${path}`;
  const given = Object.fromEntries(new URLSearchParams(query));
  const number = (text: string | undefined) => (text === undefined ? undefined : Number(text));
  const data = {
    SnapshotId: snapshot,
    FirstSnapshotId: given.firstSnapshotId,
    NextToken: given.pageToken,
    MaxResults: number(given.maxResults),
    StartingBlockIndex: number(given.startingBlockIndex),
  };
  return { service: "ebs", signature, action, wire: ebsWire, raw: given, input: () => ({ data }) };
}

function bodyRequest(
  request: HttpRequest,
  service: ApiService,
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
  return { service, signature, action, wire, raw: {}, input };
}
