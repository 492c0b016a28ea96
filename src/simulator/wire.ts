import type { ApiError } from "./api-error.ts";
import { encodeCbor } from "./cbor.ts";
import { ec2Version } from "./ec2/service.ts";
import { escapeXml, toXml, type XmlValue } from "./xml.ts";

/** A whole HTTP answer. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
}

/** How a protocol writes results and errors. Results are plain data; their dates become what the protocol makes of times. */
export interface Wire {
  success(action: string, result: unknown, requestId: string): Answer;
  failure(error: ApiError, requestId: string): Answer;
}

const xml = (status: number, requestId: string, body: string): Answer => ({
  status,
  headers: { "content-type": "text/xml;charset=UTF-8", "x-amzn-requestid": requestId },
  body: Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n${body}`),
});

/** EC2's query protocol. */
export const ec2Wire: Wire = {
  success(action, result, requestId) {
    const inside = toXml({ requestId, ...(result as Record<string, XmlValue>) }, "item");
    return xml(
      200,
      requestId,
      `<${action}Response xmlns="http://ec2.amazonaws.com/doc/${ec2Version}/">${inside}</${action}Response>`,
    );
  },
  failure(error, requestId) {
    const inside = `<Code>${escapeXml(error.code)}</Code><Message>${escapeXml(error.message)}</Message>`;
    return xml(
      error.status,
      requestId,
      `<Response><Errors><Error>${inside}</Error></Errors><RequestID>${requestId}</RequestID></Response>`,
    );
  },
};

/** The query protocol of the other services. */
export function queryWire(namespace: string): Wire {
  return {
    success(action, result, requestId) {
      const inside =
        result === undefined
          ? ""
          : `<${action}Result>${toXml(result as XmlValue, "member")}</${action}Result>`;
      const metadata = `<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata>`;
      return xml(
        200,
        requestId,
        `<${action}Response xmlns="${namespace}">${inside}${metadata}</${action}Response>`,
      );
    },
    failure(error, requestId) {
      const type = error.status >= 500 ? "Receiver" : "Sender";
      const inside = `<Type>${type}</Type><Code>${escapeXml(error.code)}</Code><Message>${escapeXml(error.message)}</Message>`;
      return xml(
        error.status,
        requestId,
        `<ErrorResponse xmlns="${namespace}"><Error>${inside}</Error><RequestId>${requestId}</RequestId></ErrorResponse>`,
      );
    },
  };
}

// Shape names of CloudWatch's modelled errors; the query code goes into a header of its own ("awsQueryCompatible").
const modelled: Readonly<Record<string, string>> = {
  InvalidParameterValue: "InvalidParameterValueException",
  InvalidParameterCombination: "InvalidParameterCombinationException",
  MissingParameter: "MissingRequiredParameterException",
  InvalidNextToken: "InvalidNextToken",
  InternalServiceError: "InternalServiceFault",
  ResourceNotFound: "ResourceNotFound",
  ResourceNotFoundException: "ResourceNotFoundException",
  LimitExceeded: "LimitExceededFault",
  InvalidFormat: "InvalidFormatFault",
  ValidationError: "ValidationException",
};
const general: Readonly<Record<string, string>> = {
  AccessDenied: "AccessDeniedException",
  Throttling: "ThrottlingException",
  ExpiredToken: "ExpiredTokenException",
  InvalidClientTokenId: "UnrecognizedClientException",
  SignatureDoesNotMatch: "InvalidSignatureException",
  InvalidAction: "UnknownOperationException",
  MalformedInput: "SerializationException",
};

function typedFailure(error: ApiError): {
  body: Record<string, unknown>;
  headers: Record<string, string>;
} {
  const shape = error.model?.shape ?? modelled[error.code];
  const name =
    shape === undefined
      ? (general[error.code] ?? error.code)
      : `com.amazonaws.cloudwatch.v2010_08_01#${shape}`;
  const fault = error.status >= 500 ? "Receiver" : "Sender";
  const headers: Record<string, string> =
    shape === undefined ? {} : { "x-amzn-query-error": `${error.code};${fault}` };
  return { body: { __type: name, message: error.message, ...error.model?.members }, headers };
}

// Dates have a toJSON, which JSON.stringify calls before its replacer sees them.
function withSeconds(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withSeconds);
  if (value instanceof Date || typeof value !== "object" || value === null)
    return value instanceof Date ? value.getTime() / 1_000 : value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withSeconds(each)]));
}

/** AWS JSON 1.0, which the AWS SDK for JavaScript speaks to CloudWatch. */
export const jsonWire: Wire = {
  success: (_action, result, requestId) => json(200, {}, withSeconds(result ?? {}), requestId),
  failure(error, requestId) {
    const { body, headers } = typedFailure(error);
    return json(error.status, headers, body, requestId);
  },
};

function json(status: number, headers: Record<string, string>, body: unknown, requestId: string): Answer {
  const own = { "content-type": "application/x-amz-json-1.0", "x-amzn-requestid": requestId };
  return { status, headers: { ...own, ...headers }, body: Buffer.from(JSON.stringify(body)) };
}

/** AWS JSON 1.1, which KMS and Systems Manager speak: the code is the name of the error. */
export const kmsWire: Wire = {
  success: (_action, result, requestId) => asJson11(json(200, {}, withSeconds(result ?? {}), requestId)),
  failure: (error, requestId) =>
    asJson11(
      json(
        error.status,
        {},
        { __type: general[error.code] ?? error.code, message: error.message },
        requestId,
      ),
    ),
};

function asJson11(answer: Answer): Answer {
  return { ...answer, headers: { ...answer.headers, "content-type": "application/x-amz-json-1.1" } };
}

/** smithy RPC v2 CBOR, which newer AWS CLIs speak to CloudWatch. */
export const cborWire: Wire = {
  success: (_action, result, requestId) => cbor(200, {}, result ?? {}, requestId),
  failure(error, requestId) {
    const { body, headers } = typedFailure(error);
    return cbor(error.status, headers, body, requestId);
  },
};

function cbor(status: number, headers: Record<string, string>, body: unknown, requestId: string): Answer {
  const own = {
    "content-type": "application/cbor",
    "smithy-protocol": "rpc-v2-cbor",
    "x-amzn-requestid": requestId,
  };
  return { status, headers: { ...own, ...headers }, body: encodeCbor(body) };
}

/** REST with JSON, as the EBS direct APIs speak it: the name of an error is in a header. */
export const ebsWire: Wire = {
  success: (_action, result, requestId) => rest(200, {}, withSeconds(result ?? {}), requestId),
  failure(error, requestId) {
    const reason = reasons[error.code];
    const body = { Message: error.message, ...(reason && { Reason: reason }), ...error.model?.members };
    return rest(error.status, { "x-amzn-errortype": error.code }, body, requestId);
  },
};

const reasons: Readonly<Record<string, string>> = {
  RequestThrottledException: "ACCOUNT_THROTTLED",
  AccessDeniedException: "UNAUTHORIZED_ACCOUNT",
};

function rest(status: number, headers: Record<string, string>, body: unknown, requestId: string): Answer {
  const own = { "content-type": "application/json", "x-amzn-requestid": requestId };
  return { status, headers: { ...own, ...headers }, body: Buffer.from(JSON.stringify(body)) };
}
