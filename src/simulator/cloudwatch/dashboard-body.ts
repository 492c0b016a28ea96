/** A complaint about a part of a dashboard's body. */
export interface BodyMessage {
  DataPath: string;
  Message: string;
}

const most = { widgets: 500, metrics: 500, allMetrics: 2_500 };

/** What each type of widget must have in its properties. */
const properties: Readonly<Record<string, (given: Record<string, unknown>) => string[]>> = {
  metric: (given) => [
    ...(given.metrics === undefined && given.annotations === undefined
      ? ["Should have required property 'metrics' or 'annotations'"]
      : []),
    ...(given.region === undefined ? ["Should have required property 'region'"] : []),
  ],
  text: (given) => (typeof given.markdown === "string" ? [] : ["Should have required property 'markdown'"]),
  alarm: (given) => (Array.isArray(given.alarms) ? [] : ["Should have required property 'alarms'"]),
  log: (given) => (given.query === undefined ? ["Should have required property 'query'"] : []),
  explorer: () => [],
  custom: () => [],
};

const widgetFields = ["type", "x", "y", "width", "height", "properties"];
const bodyFields = ["widgets", "start", "end", "periodOverride", "variables"];
// From, to: "The number of grid units" of a grid that is 24 units wide.
const bounds: Readonly<Record<string, [number, number]>> = {
  x: [0, 23],
  y: [0, 100_000],
  width: [1, 24],
  height: [1, 1_000],
};

/** What PutDashboard says of a body: errors keep it out, warnings only tell what will be passed over. */
export function checkDashboardBody(body: string): { errors: BodyMessage[]; warnings: BodyMessage[] } {
  const errors: BodyMessage[] = [];
  const warnings: BodyMessage[] = [];
  const dashboard = objectIn(body);
  const wrong = (DataPath: string, Message: string) => errors.push({ DataPath, Message });
  if (dashboard === undefined) {
    wrong("/", "The field DashboardBody must be a valid JSON object");
    return { errors, warnings };
  }
  warnings.push(...unknown(dashboard, bodyFields, ""));
  const { widgets } = dashboard;
  if (!Array.isArray(widgets)) {
    wrong("/", "Should have required property 'widgets'");
    return { errors, warnings };
  }
  if (widgets.length > most.widgets) wrong("/widgets", `Should not have more than ${most.widgets} items`);
  let metrics = 0;
  for (const [index, widget] of (widgets as unknown[]).entries()) {
    const path = `/widgets/${index}`;
    if (!isObject(widget)) {
      wrong(path, "Should be object");
      continue;
    }
    errors.push(...widgetErrors(widget, path));
    warnings.push(...unknown(widget, widgetFields, path));
    const shown = isObject(widget.properties) ? widget.properties.metrics : undefined;
    const count = Array.isArray(shown) ? shown.length : 0;
    metrics += count;
    if (count > most.metrics)
      wrong(`${path}/properties/metrics`, `Should not have more than ${most.metrics} items`);
  }
  if (metrics > most.allMetrics) wrong("/widgets", `Should not have more than ${most.allMetrics} metrics`);
  return { errors, warnings };
}

function widgetErrors(widget: Record<string, unknown>, path: string): BodyMessage[] {
  const errors: BodyMessage[] = [];
  const required = typeof widget.type === "string" ? properties[widget.type] : undefined;
  if (widget.type === undefined)
    errors.push({ DataPath: path, Message: "Should have required property 'type'" });
  else if (required === undefined)
    errors.push({ DataPath: `${path}/type`, Message: "Should be equal to one of the allowed values" });
  if (!isObject(widget.properties))
    errors.push({ DataPath: path, Message: "Should have required property 'properties'" });
  else
    for (const Message of required?.(widget.properties) ?? [])
      errors.push({ DataPath: `${path}/properties`, Message });
  for (const [field, [low, high]] of Object.entries(bounds)) {
    const value = widget[field];
    if (value === undefined) continue;
    if (typeof value !== "number" || !Number.isInteger(value) || value < low || value > high)
      errors.push({ DataPath: `${path}/${field}`, Message: `Should be an integer from ${low} to ${high}` });
  }
  return errors;
}

function unknown(given: Record<string, unknown>, known: readonly string[], path: string): BodyMessage[] {
  return Object.keys(given)
    .filter((key) => !known.includes(key))
    .map((key) => ({ DataPath: `${path}/${key}`, Message: "Should NOT have additional properties" }));
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function objectIn(body: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
