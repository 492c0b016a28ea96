import type { HttpRequest } from "./api-request.ts";
import type { Control } from "./control.ts";
import { ControlError } from "./control-error.ts";
import { parseDuration } from "./duration.ts";
import type { Fault } from "./faults.ts";
import type { GuestReport } from "./guest.ts";
import { own } from "./own.ts";
import { ScenarioError } from "./scenario-check.ts";
import type { Answer } from "./wire.ts";

type Route = (control: Control, query: URLSearchParams, body: unknown) => unknown;

/** `?place=111122223333/eu-west-1`: another place than the scenario's own. */
const placeIn = (query: URLSearchParams): string | undefined => query.get("place") ?? undefined;

/** The control surface over HTTP: method and path to what it does. */
const routes: Readonly<Record<string, Route>> = {
  "GET /_simulator/calls": (control, query) => {
    const since = Number(query.get("since") ?? 0);
    const wait = query.get("wait");
    return wait === null ? control.calls(since) : control.waitForCalls(since, parseDuration(wait) ?? 0);
  },
  "GET /_simulator/state": (control, query) => control.state(placeIn(query)),
  "GET /_simulator/clock": (control) => control.clock({}),
  "POST /_simulator/clock": (control, _, body) => control.clock(body as { advance?: string; set?: string }),
  "GET /_simulator/faults": (control) => control.pendingFaults(),
  "POST /_simulator/faults": (control, query, body) => {
    control.faults(body as Fault[], query.get("replace") === "true");
    return control.pendingFaults();
  },
  "DELETE /_simulator/faults": (control) => {
    control.clearFaults();
    return [];
  },
  "POST /_simulator/settings": async (control, query, body) => {
    await control.settings(body, placeIn(query));
    return {};
  },
  "POST /_simulator/volumes": async (control, query, body) => ({
    ids: await control.volumes(body, placeIn(query)),
  }),
  "POST /_simulator/instances": async (control, query, body) => ({
    ids: await control.instances(body, placeIn(query)),
  }),
  "POST /_simulator/snapshots": async (control, query, body) => ({
    ids: await control.snapshots(body, placeIn(query)),
  }),
  "POST /_simulator/images": async (control, query, body) => ({
    ids: await control.images(body, placeIn(query)),
  }),
  "POST /_simulator/keys": async (control, query, body) => ({
    ids: await control.keys(body, placeIn(query)),
  }),
  "POST /_simulator/guest": (control, _, body) => control.guest(body as GuestReport),
  "GET /_simulator/deliveries": (control, query) =>
    control.deliveries(Number(query.get("since") ?? 0), placeIn(query)),
  "POST /_simulator/subscriptions": async (control, query, body) => ({
    ids: await control.confirm((body as { confirm?: string } | undefined)?.confirm ?? "", placeIn(query)),
  }),
  "POST /_simulator/reset": (control, _, body) => {
    control.reset(body as Parameters<Control["reset"]>[0]);
    return {};
  },
};

/** Answers a request to the control surface: JSON, 400 with `error` for what makes no sense, 404 for what does not exist. */
export async function answerControl(control: Control, request: HttpRequest): Promise<Answer> {
  const route = own(routes, `${request.method} ${request.path}`);
  if (route === undefined)
    return json(404, {
      error: `no such thing: ${request.method} ${request.path}`,
      known: Object.keys(routes),
    });
  try {
    const body = request.body.length === 0 ? undefined : JSON.parse(request.body.toString());
    return json(200, await route(control, new URLSearchParams(request.query), body));
  } catch (error) {
    if (error instanceof ControlError || error instanceof ScenarioError || error instanceof SyntaxError) {
      return json(400, { error: error.message });
    }
    throw error;
  }
}

function json(status: number, body: unknown): Answer {
  return {
    status,
    headers: { "content-type": "application/json" },
    body: Buffer.from(JSON.stringify(body, null, 2)),
  };
}
