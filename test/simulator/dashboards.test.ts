import {
  DeleteDashboardsCommand,
  GetDashboardCommand,
  ListDashboardsCommand,
  PutDashboardCommand,
} from "@aws-sdk/client-cloudwatch";
import { describe, expect, test } from "vitest";
import { refusal, type Simulation, simulate } from "./simulate.ts";

const metric = {
  type: "metric",
  x: 0,
  y: 0,
  width: 12,
  height: 6,
  properties: { metrics: [["Backup", "Errors"]], region: "eu-central-1" },
};

const put = ({ cloudwatch }: Simulation, body: unknown, DashboardName = "backup") =>
  cloudwatch.send(
    new PutDashboardCommand({
      DashboardName,
      DashboardBody: typeof body === "string" ? body : JSON.stringify(body),
    }),
  );

test("dashboards are put, got, listed, replaced and deleted", async () => {
  const simulation = await simulate();
  const { cloudwatch, control } = simulation;
  const body = JSON.stringify({ widgets: [metric] });
  expect((await put(simulation, body)).DashboardValidationMessages).toEqual([]);
  const arn = "arn:aws:cloudwatch::111122223333:dashboard/backup";
  expect(await cloudwatch.send(new GetDashboardCommand({ DashboardName: "backup" }))).toMatchObject({
    DashboardArn: arn,
    DashboardBody: body,
    DashboardName: "backup",
  });
  await put(simulation, { widgets: [] }, "other");
  await control.clock({ advance: "1h" });
  await put(simulation, { widgets: [metric, metric] });
  const list = async (DashboardNamePrefix?: string) =>
    (
      await cloudwatch.send(
        new ListDashboardsCommand(DashboardNamePrefix === undefined ? {} : { DashboardNamePrefix }),
      )
    ).DashboardEntries;
  expect(await list("back")).toEqual([
    {
      DashboardName: "backup",
      DashboardArn: arn,
      LastModified: new Date("2026-03-01T03:00:00Z"),
      Size: JSON.stringify({ widgets: [metric, metric] }).length,
    },
  ]);
  const remove = (...DashboardNames: string[]) =>
    cloudwatch.send(new DeleteDashboardsCommand({ DashboardNames }));
  // DashboardNotFoundError has the code ResourceNotFound, by which the SDK names it.
  expect(await refusal(remove("other", "none"))).toMatchObject({
    code: "ResourceNotFound",
    status: 404,
  });
  expect(await list()).toHaveLength(2);
  await remove("other", "backup");
  expect(await list()).toEqual([]);
  const gone = cloudwatch.send(new GetDashboardCommand({ DashboardName: "backup" }));
  expect(await refusal(gone)).toMatchObject({ message: "Dashboard backup does not exist" });
});

describe("a body is refused, with the place of each fault:", () => {
  test.each<[string, unknown, string[]]>([
    ["no JSON", "{", ["/"]],
    ["no widgets", {}, ["/"]],
    [
      "501 widgets",
      { widgets: Array(501).fill({ type: "text", properties: { markdown: "" } }) },
      ["/widgets"],
    ],
    ["no type", { widgets: [{ properties: {} }] }, ["/widgets/0"]],
    ["an unknown type", { widgets: [metric, { type: "pie", properties: {} }] }, ["/widgets/1/type"]],
    ["no properties", { widgets: [{ type: "text" }] }, ["/widgets/0"]],
    ["no metrics", { widgets: [{ ...metric, properties: { region: "x" } }] }, ["/widgets/0/properties"]],
    ["no Region", { widgets: [{ ...metric, properties: { metrics: [] } }] }, ["/widgets/0/properties"]],
    ["no text", { widgets: [{ type: "text", properties: {} }] }, ["/widgets/0/properties"]],
    ["25 columns", { widgets: [{ ...metric, width: 25, x: -1 }] }, ["/widgets/0/x", "/widgets/0/width"]],
    [
      "501 metrics",
      { widgets: [{ ...metric, properties: { region: "x", metrics: Array(501).fill(["a", "b"]) } }] },
      ["/widgets/0/properties/metrics"],
    ],
  ])("%s", async (_, body, paths) => {
    const simulation = await simulate();
    const error = await put(simulation, body).then(
      () => expect.fail("it was taken"),
      (wrong: { name: string; dashboardValidationMessages?: { DataPath?: string }[] }) => wrong,
    );
    expect(error.name).toBe("DashboardInvalidInputError");
    expect(error.dashboardValidationMessages?.map(({ DataPath }) => DataPath)).toEqual(paths);
  });

  test("a name with a space", async () => {
    const simulation = await simulate();
    expect(await refusal(put(simulation, { widgets: [] }, "a b"))).toMatchObject({
      code: "DashboardInvalidInputError",
    });
  });
});

test("what will be passed over is told, and taken", async () => {
  const simulation = await simulate();
  const body = { widgets: [{ ...metric, colour: "red" }], title: "x" };
  const { DashboardValidationMessages } = await put(simulation, body);
  expect(DashboardValidationMessages?.map(({ DataPath }) => DataPath)).toEqual([
    "/title",
    "/widgets/0/colour",
  ]);
});
