/** A state machine as Step Functions has it, as far as ours use its language (JSONPath). */
export interface Machine {
  readonly StartAt: string;
  readonly States: Readonly<Record<string, State>>;
}

type Json = unknown;

interface Retry {
  readonly ErrorEquals: readonly string[];
  readonly MaxAttempts: number;
}

interface Rule {
  readonly Variable?: string;
  readonly StringEquals?: string;
  readonly NumericLessThan?: number;
  readonly BooleanEquals?: boolean;
  readonly And?: readonly Rule[];
  readonly Next?: string;
}

interface State {
  readonly Type: "Task" | "Map" | "Choice" | "Pass" | "Fail" | "Succeed";
  readonly Next?: string;
  readonly End?: boolean;
  readonly Parameters?: Json;
  readonly Result?: Json;
  readonly ResultSelector?: Json;
  readonly ResultPath?: string;
  readonly Retry?: readonly Retry[];
  readonly Catch?: readonly { readonly ResultPath: string; readonly Next: string }[];
  readonly Choices?: readonly Rule[];
  readonly Default?: string;
  readonly ItemsPath?: string;
  readonly ItemSelector?: Json;
  readonly MaxConcurrency?: number;
  readonly ItemProcessor?: Machine;
  readonly Error?: string;
}

/** What an execution needs of the world: a function that is invoked by its parameters. Retries wait for nothing. */
export type Task = (parameters: { readonly Payload: Json }) => Promise<Json>;

/** Executes it. Rejects as the execution would fail. */
export async function execute({ StartAt, States }: Machine, input: Json, task: Task): Promise<Json> {
  let name: string | undefined = StartAt;
  let data = input;
  while (name !== undefined) {
    const state: State = States[name] ?? thrown(`there is no state ${name}`);
    if (state.Type === "Fail") throw new Error(state.Error);
    if (state.Type === "Succeed") return data;
    if (state.Type === "Choice") {
      name = state.Choices?.find((rule) => holds(rule, data))?.Next ?? state.Default;
      if (name === undefined) throw new Error("States.NoChoiceMatched");
      continue;
    }
    let caught: string | undefined;
    try {
      const given = state.Parameters === undefined ? data : filled(state.Parameters, data);
      const result = await resultOf(state, given, data, task);
      const chosen = state.ResultSelector === undefined ? result : filled(state.ResultSelector, result);
      data = put(data, state.ResultPath ?? "$", chosen);
    } catch (error) {
      const [handler] = state.Catch ?? [];
      if (handler === undefined) throw error;
      data = put(data, handler.ResultPath, { Cause: String(error) });
      caught = handler.Next;
    }
    name = caught ?? (state.End ? undefined : (state.Next ?? thrown(`${name} leads nowhere`)));
  }
  return data;
}

async function resultOf(state: State, given: Json, data: Json, task: Task): Promise<Json> {
  if (state.Type === "Pass") return state.Result ?? given;
  if (state.Type === "Task") return retried(state, () => task(given as { Payload: Json }));
  const { ItemProcessor, ItemsPath = "$", ItemSelector, MaxConcurrency = 0 } = state;
  if (ItemProcessor === undefined) throw new Error("a Map without a processor");
  const items = at(data, ItemsPath) as readonly Json[];
  const results: Json[] = [];
  const waiting = items.map((item, index) => ({ item, index }));
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const input = ItemSelector === undefined ? next.item : filled(ItemSelector, data, next.item);
      results[next.index] = await execute(ItemProcessor, input, task);
    }
  };
  await Promise.all(Array.from({ length: MaxConcurrency || items.length }, worker));
  return results;
}

async function retried({ Retry = [] }: State, ask: () => Promise<Json>): Promise<Json> {
  const most = Math.max(0, ...Retry.map(({ MaxAttempts }) => MaxAttempts));
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await ask();
    } catch (error) {
      if (attempt >= most) throw error;
    }
  }
}

function holds(rule: Rule, data: Json): boolean {
  if (rule.And !== undefined) return rule.And.every((one) => holds(one, data));
  const value = at(data, rule.Variable ?? "$");
  if (rule.StringEquals !== undefined) return value === rule.StringEquals;
  if (rule.NumericLessThan !== undefined) return (value as number) < rule.NumericLessThan;
  if (rule.BooleanEquals !== undefined) return value === rule.BooleanEquals;
  throw new Error(`a rule that is not known here: ${JSON.stringify(rule)}`);
}

/** `$.a.b`. What is not there is an error, as it is in Step Functions. */
function at(data: Json, path: string): Json {
  const steps = path.split(".").slice(1);
  return steps.reduce((here, step) => {
    if (typeof here !== "object" || here === null || !Object.hasOwn(here, step))
      throw new Error(`States.Runtime: ${path} is not in ${JSON.stringify(data)}`);
    return (here as Record<string, Json>)[step];
  }, data);
}

function put(data: Json, path: string, value: Json): Json {
  const [, step, ...more] = path.split(".");
  if (step === undefined) return value;
  const here = (typeof data === "object" && data !== null ? data : {}) as Record<string, Json>;
  return { ...here, [step]: put(here[step], ["$", ...more].join("."), value) };
}

/** A template of parameters: keys that end in `.$` have paths and functions. */
function filled(template: Json, data: Json, item?: Json): Json {
  if (Array.isArray(template)) return template.map((one) => filled(one, data, item));
  if (typeof template !== "object" || template === null) return template;
  return Object.fromEntries(
    Object.entries(template).map(([key, value]) =>
      key.endsWith(".$")
        ? [key.slice(0, -2), told(value as string, data, item)]
        : [key, filled(value, data, item)],
    ),
  );
}

function told(text: string, data: Json, item: Json): Json {
  if (text === "$$.Map.Item.Value") return item;
  if (text.startsWith("$")) return at(data, text);
  const [, name, first = "", second = ""] = /^States\.(\w+)\((\S+), (\S+)\)$/.exec(text) ?? [];
  if (name === "MathAdd") return (at(data, first) as number) + Number(second);
  if (name === "ArrayContains")
    return (at(data, first) as readonly Json[]).includes(second.replaceAll("'", ""));
  throw new Error(`${text} is not known here`);
}

function thrown(message: string): never {
  throw new Error(message);
}
