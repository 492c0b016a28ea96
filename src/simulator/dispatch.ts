import { authenticate, readSignature, refusal } from "./access.ts";
import { ApiError, commonError } from "./api-error.ts";
import { type ApiRequest, type HttpRequest, recognise } from "./api-request.ts";
import type { Call } from "./call-log.ts";
import { cloudwatch } from "./cloudwatch/service.ts";
import { ebs } from "./ebs/service.ts";
import { readEc2Request } from "./ec2/service.ts";
import type { Fault } from "./faults.ts";
import { askedOf, type Permission } from "./identity-policies.ts";
import { requestId } from "./ids.ts";
import { kms } from "./kms/service.ts";
import { type DecodedRequest, readRequest } from "./operations.ts";
import { placeOfArn } from "./places.ts";
import type { Runtime } from "./runtime.ts";
import { servicequotas } from "./servicequotas/service.ts";
import { sns } from "./sns/service.ts";
import { ssm } from "./ssm/service.ts";
import { accountIn } from "./sts/role.ts";
import { sts } from "./sts/service.ts";
import { type Answer, queryWire } from "./wire.ts";
import type { World } from "./world.ts";

/** How a request ends: answered, answered by half, cut off, or never. */
export type Ending = { kind: "answer" | "truncated"; answer: Answer } | { kind: "reset" } | { kind: "hang" };

/** Carries out a request to one of the APIs, with the faults that hit it. */
export async function dispatch(runtime: Runtime, http: HttpRequest): Promise<Ending> {
  const api = recognise(http);
  if (api === undefined) return unsigned(runtime, http);
  const who = runtime.places.credential(api.signature?.accessKey ?? "");
  const call = runtime.calls.begin({
    time: new Date(runtime.clock.now()).toISOString(),
    service: api.service,
    action: api.action,
    account: who === undefined ? null : accountIn(who.arn),
    region: api.signature?.region ?? null,
    principal: who?.arn ?? null,
    parameters: api.raw,
    userAgent: String(http.headers["user-agent"] ?? ""),
  });
  const decoded = decode(api);
  if (!(decoded instanceof ApiError)) call.parameters = decoded.parameters;
  const dryRun = (call.parameters as { DryRun?: unknown }).DryRun === true;
  const { account, region } = call;
  const faults = runtime.faults.strike({ service: api.service, action: api.action, account, region, dryRun });
  call.faults = faults.map((fault) => fault.kind);
  const early = await before(runtime, api, call, faults);
  if (early !== undefined) return early;
  const done = await execute(runtime, api, http, decoded, faults, call);
  return after(runtime, call, done, faults);
}

/** What was done: the answer, and the code under which it is recorded. */
interface Done {
  answer: Answer;
  code: string;
}

const tables = { cloudwatch, sns, kms, ssm, sts, ebs, servicequotas };

function decode(api: ApiRequest): DecodedRequest | ApiError {
  try {
    const input = api.input();
    if (api.service === "ec2" && "form" in input) return readEc2Request(api.action, input.form);
    if (api.service === "ec2") throw new Error("EC2 is called by forms only");
    return readRequest(tables[api.service], api.action, input);
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
}

/** The place of the topic whose link somebody follows. */
function linked({ places }: Runtime, { raw }: ApiRequest): World {
  return placeOfArn(places, raw.TopicArn ?? raw.SubscriptionArn ?? "") ?? places.home;
}

/** Who follows a link. */
const anybody = { arn: "anonymous", userId: "anonymous", session: null };

async function before(
  runtime: Runtime,
  api: ApiRequest,
  call: Call,
  faults: readonly Fault[],
): Promise<Ending | undefined> {
  for (const fault of faults) {
    if (fault.kind === "delay") await runtime.sleep(fault.ms ?? 1_000);
    if (fault.kind === "reset-before") return cut(runtime, call, "reset", fault.kind);
    if (fault.kind === "hang") return cut(runtime, call, "hang", fault.kind);
    const error = injectedError(api, call, fault);
    if (error !== undefined) return after(runtime, call, refused(runtime, api, call, error), []);
  }
  return undefined;
}

function injectedError(api: ApiRequest, call: Call, fault: Fault): ApiError | undefined {
  switch (fault.kind) {
    case "throttle":
      return commonError(api.service, "throttled");
    case "500":
      return commonError(api.service, "internal");
    case "503":
      return commonError(api.service, "unavailable");
    case "expired":
      return commonError(api.service, "expired");
    case "denied":
      return commonError(
        api.service,
        "denied",
        refusal(api.service, call.principal ?? "anonymous", `${api.service}:${api.action}`, "*"),
      );
    case "error":
      return new ApiError(
        fault.code ?? "InternalError",
        fault.message ?? "An injected error.",
        fault.status ?? 400,
      );
    default:
      return undefined;
  }
}

async function execute(
  runtime: Runtime,
  api: ApiRequest,
  http: HttpRequest,
  decoded: DecodedRequest | ApiError,
  faults: readonly Fault[],
  call: Call,
): Promise<Done> {
  try {
    await runtime.settle();
    const { places, clock, bytes, url } = runtime;
    const now = clock.now();
    const { world, principal } =
      api.signature === undefined
        ? { world: linked(runtime, api), principal: anybody }
        : authenticate(places, api.service, api.signature, http.headers, now);
    if (decoded instanceof ApiError) throw decoded;
    const elapsed = clock.elapsed();
    const asked = (permissions: readonly Permission[]) => {
      call.permissions = [...(call.permissions ?? []), ...askedOf(world, principal, permissions)];
    };
    const context = { world, places, now, elapsed, principal, bytes, faults, url, asked };
    const result = decoded.changes
      ? await changing(runtime, world, decoded, () => decoded.execute(context))
      : await decoded.execute(context);
    void runtime.deliver();
    const answer = api.wire.success(api.action, result, requestId(places.home.settings.seed, call.number));
    return { answer, code: "OK" };
  } catch (error) {
    if (error instanceof ApiError) return refused(runtime, api, call, error);
    throw error;
  }
}

/** Others may look at the world while bytes are copied. */
async function changing(
  runtime: Runtime,
  world: World,
  { untimed = false }: DecodedRequest,
  change: () => unknown,
): Promise<unknown> {
  runtime.changed(world, untimed);
  try {
    const result = await change();
    runtime.save();
    return result;
  } finally {
    runtime.changed(world, untimed);
  }
}

function refused(runtime: Runtime, api: ApiRequest, call: Call, error: ApiError): Done {
  const id = requestId(runtime.places.home.settings.seed, call.number);
  return { answer: api.wire.failure(error, id), code: error.code };
}

function after(runtime: Runtime, call: Call, { answer, code }: Done, faults: readonly Fault[]): Ending {
  for (const { kind } of faults) {
    if (kind === "reset-after") return cut(runtime, call, "reset", kind);
    if (kind === "hang-after") return cut(runtime, call, "hang", kind);
  }
  runtime.calls.end(call, answer.status, code);
  const kinds = faults.map((fault) => fault.kind);
  if (kinds.includes("truncated")) return { kind: "truncated", answer };
  if (!kinds.includes("malformed")) return { kind: "answer", answer };
  return { kind: "answer", answer: { ...answer, status: 200, body: garbled(answer.body) } };
}

function cut(runtime: Runtime, call: Call, kind: "reset" | "hang", code: string): Ending {
  runtime.calls.end(call, null, code);
  return { kind };
}

// Neither XML, nor JSON, nor CBOR: a beginning that is right and an end that is not.
function garbled(body: Buffer): Buffer {
  return Buffer.concat([body.subarray(0, Math.floor(body.length / 2)), Buffer.from("<<&{\u00ff")]);
}

function unsigned(runtime: Runtime, http: HttpRequest): Ending {
  const form = new URLSearchParams(http.body.toString());
  const call = runtime.calls.begin({
    time: new Date(runtime.clock.now()).toISOString(),
    service: "unknown",
    action: form.get("Action") ?? `${http.method} ${http.path}`,
    account: null,
    region: null,
    principal: null,
    parameters: Object.fromEntries(form),
    userAgent: String(http.headers["user-agent"] ?? ""),
  });
  const error = unsignedError(http.headers.authorization);
  runtime.calls.end(call, error.status, error.code);
  // No service, hence no protocol of its own: the general form of the query services.
  const id = requestId(runtime.places.home.settings.seed, call.number);
  return { kind: "answer", answer: queryWire("https://aws.amazon.com/").failure(error, id) };
}

function unsignedError(header: string | undefined): ApiError {
  const signature = readSignature(header);
  if (header !== undefined && header !== "" && signature === undefined) {
    return new ApiError("IncompleteSignature", "The request signature does not conform to AWS standards.");
  }
  const message =
    signature === undefined
      ? "The request is not signed."
      : `The service ${signature.service} is not simulated.`;
  return new ApiError("MissingAuthenticationToken", message, 403);
}
