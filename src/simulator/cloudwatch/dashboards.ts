import { ApiError } from "../api-error.ts";
import type { Context } from "../context.ts";
import { type Operation, operation } from "../operations.ts";
import { own } from "../own.ts";
import { paginate } from "../pagination.ts";
import { readTags, tagShape } from "../tags.ts";
import type { Dashboard } from "./alarm.ts";
import { type BodyMessage, checkDashboardBody } from "./dashboard-body.ts";

const ofName = ({ DashboardName: name = "*" }: { DashboardName?: string | undefined }, context: Context) =>
  arnOf(context, { name });

/** The actions on dashboards, which are those of an account and not of a Region. */
export const dashboardOperations: Readonly<Record<string, Operation>> = {
  PutDashboard: operation({
    shape: { DashboardName: "string", DashboardBody: "string", Tags: tagShape },
    changes: true,
    resource: ofName,
    run({ DashboardName, DashboardBody: body = "", Tags }, { world, now }) {
      const name = checkName(DashboardName);
      const { errors, warnings } = checkDashboardBody(body);
      if (errors.length > 0) throw wrongBody(errors);
      // "If you are using this operation to update an existing dashboard, any tags you specify in this parameter are ignored."
      const tags = own(world.dashboards, name)?.tags ?? readTags(Tags);
      world.dashboards[name] = { name, body, modifiedAt: now, tags };
      return { DashboardValidationMessages: warnings };
    },
  }),
  GetDashboard: operation({
    shape: { DashboardName: "string" },
    changes: false,
    resource: ofName,
    run({ DashboardName }, context) {
      const found = own(context.world.dashboards, checkName(DashboardName));
      if (found === undefined) throw notFound(DashboardName ?? "");
      return {
        DashboardArn: arnOf(context, found),
        DashboardBody: found.body,
        DashboardName: found.name,
      };
    },
  }),
  ListDashboards: operation({
    shape: { DashboardNamePrefix: "string", NextToken: "string" },
    changes: false,
    run({ DashboardNamePrefix: prefix = "", NextToken: nextToken }, context) {
      const found = Object.values(context.world.dashboards).filter(({ name }) => name.startsWith(prefix));
      const page = paginate(found, {
        action: "ListDashboards",
        fingerprint: prefix,
        maxResults: 1_000,
        nextToken,
        keyOf: ({ name }) => name,
        short: context.world.settings.shortPages,
        invalidToken: "InvalidNextToken",
      });
      const entries = page.things.map((each) => ({
        DashboardName: each.name,
        DashboardArn: arnOf(context, each),
        LastModified: new Date(each.modifiedAt),
        Size: Buffer.byteLength(each.body),
      }));
      return {
        DashboardEntries: entries,
        ...(page.nextToken === undefined ? {} : { NextToken: page.nextToken }),
      };
    },
  }),
  DeleteDashboards: operation({
    shape: { DashboardNames: ["string"] },
    changes: true,
    resources: ({ DashboardNames: names }, context) => names.map((name) => arnOf(context, { name })),
    run({ DashboardNames: names }, { world }) {
      if (names.length === 0)
        throw new ApiError("MissingParameter", "The parameter DashboardNames is required.");
      // "If there is an error during this call, no dashboards are deleted."
      for (const name of names) if (own(world.dashboards, name) === undefined) throw notFound(name);
      for (const name of names) delete world.dashboards[name];
      return {};
    },
  }),
};

function checkName(name: string | undefined): string {
  if (name === undefined || name === "")
    throw new ApiError("MissingParameter", "The parameter DashboardName is required.");
  if (!/^[A-Za-z0-9_-]{1,255}$/.test(name))
    throw wrongBody([{ DataPath: "/", Message: `The dashboard name ${name} is not valid` }], name);
  return name;
}

function wrongBody(errors: BodyMessage[], name = ""): ApiError {
  const message =
    name === ""
      ? "The Dashboard body is invalid"
      : `The value ${name} for parameter DashboardName is invalid.`;
  const told = `${message}, there are ${errors.length} validation errors: ${JSON.stringify(errors)}`;
  return new ApiError("InvalidParameterInput", told, 400, {
    shape: "DashboardInvalidInputError",
    members: { dashboardValidationMessages: errors },
  });
}

function notFound(name: string): ApiError {
  return new ApiError("ResourceNotFound", `Dashboard ${name} does not exist`, 404, {
    shape: "DashboardNotFoundError",
  });
}

function arnOf({ world }: Context, { name }: Pick<Dashboard, "name">): string {
  const { partition, account } = world.settings;
  return `arn:${partition}:cloudwatch::${account}:dashboard/${name}`;
}
