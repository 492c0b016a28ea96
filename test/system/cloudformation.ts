import { readFileSync } from "node:fs";
import path from "node:path";
import { parseDocument, type Tags } from "yaml";
import type { Policy } from "./policies.ts";

const folder = path.join(import.meta.dirname, "../../policies/cloudformation");

type Value = unknown;
type Mapping = Readonly<Record<string, Value>>;

export interface Resource {
  readonly Type: string;
  readonly Condition?: string;
  readonly Properties: Mapping;
}

export interface RolePolicy {
  readonly PolicyName: string;
  readonly PolicyDocument: Policy;
}

export interface Template {
  readonly text: string;
  readonly Parameters: Readonly<
    Record<string, { readonly Type: string; readonly Default?: string | number }>
  >;
  readonly Conditions: Readonly<Record<string, Value>>;
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Outputs: Readonly<Record<string, { readonly Value: Value }>>;
}

/** The short forms of CloudFormation's functions, as the long ones. */
const functions = ["Ref", "Condition", "Sub", "GetAtt", "If", "Equals", "Not", "Or"];
const tags: Tags = functions.flatMap((name) => {
  const long = (value: Value): Mapping => {
    if (name === "Ref" || name === "Condition") return { [name]: value };
    if (name === "GetAtt" && typeof value === "string") return { "Fn::GetAtt": value.split(".") };
    return { [`Fn::${name}`]: value };
  };
  const tag = `!${name}`;
  return [
    { tag, resolve: (text: string) => long(text) },
    {
      tag,
      collection: "seq" as const,
      resolve: (list: Value) => long((list as { toJSON(): Value }).toJSON()),
    },
  ];
});

/** A template of ours with its functions in their long form. Twice the same key is a fault. */
export function templateNamed(name: string): Template {
  const text = readFileSync(path.join(folder, `${name}.yaml`), "utf8");
  const document = parseDocument(text, { customTags: tags, uniqueKeys: true });
  if (document.errors.length > 0 || document.warnings.length > 0)
    throw new Error([...document.errors, ...document.warnings].join("\n"));
  return { ...(document.toJS() as Template), text };
}

const pseudo: Readonly<Record<string, string>> = {
  "AWS::Partition": "aws",
  "AWS::AccountId": "111122223333",
  "AWS::Region": "eu-central-1",
  "AWS::URLSuffix": "amazonaws.com",
};
const nothing = Symbol("AWS::NoValue");

/**
 * What a stack of the template has, with these parameters: what its conditions leave out is gone, and references are
 * resolved; those to other resources as `<Name>` and `<Name.Attribute>`.
 */
export class Stack {
  readonly #template: Template;
  readonly #parameters: Readonly<Record<string, string | number>>;

  constructor(template: Template, parameters: Readonly<Record<string, string | number>> = {}) {
    this.#template = template;
    const unset = Object.entries(template.Parameters).map(([name, { Default }]) => [name, Default] as const);
    const all = { ...Object.fromEntries(unset), ...parameters };
    for (const [name, value] of Object.entries(all))
      if (value === undefined || template.Parameters[name] === undefined)
        throw new Error(`the parameter ${name} is not given, or not known`);
    this.#parameters = all as Record<string, string | number>;
  }

  resources(): Readonly<Record<string, Resource>> {
    const there = Object.entries(this.#template.Resources).filter(
      ([, { Condition }]) => Condition === undefined || this.#holds(Condition),
    );
    return Object.fromEntries(there.map(([name, one]) => [name, this.#resolve(one) as Resource]));
  }

  property<T>(name: string, property: string): T {
    const found = this.resources()[name]?.Properties[property];
    if (found === undefined) throw new Error(`the stack has no ${property} of ${name}`);
    return found as T;
  }

  /** The policies of a role that it makes. */
  policies(role: string): readonly RolePolicy[] {
    return this.property(role, "Policies");
  }

  #holds(condition: string): boolean {
    return this.#resolve(this.#template.Conditions[condition]) === true;
  }

  #reference(name: string): Value {
    if (name === "AWS::NoValue") return nothing;
    const value = pseudo[name] ?? this.#parameters[name];
    if (value !== undefined) return value;
    const [resource = ""] = name.split(".");
    const { Condition } = this.#template.Resources[resource] ?? thrown(`nothing is called ${name}`);
    if (Condition !== undefined && !this.#holds(Condition)) throw new Error(`${name} is not in this stack`);
    return `<${name}>`;
  }

  #resolve(value: Value): Value {
    if (Array.isArray(value)) return value.map((one) => this.#resolve(one)).filter((one) => one !== nothing);
    if (typeof value !== "object" || value === null) return value;
    const [[name, given] = ["", undefined], ...more] = Object.entries(value);
    const isCondition = name === "Condition" && typeof given === "string";
    if (more.length === 0 && (isCondition || name === "Ref" || name.startsWith("Fn::")))
      return this.#call(name, given);
    const entries = Object.entries(value).map(([key, one]) => [key, this.#resolve(one)] as const);
    return Object.fromEntries(entries.filter(([, one]) => one !== nothing));
  }

  #call(name: string, given: Value): Value {
    const list = given as readonly Value[];
    switch (name) {
      case "Ref":
        return this.#reference(given as string);
      case "Fn::GetAtt":
        return this.#reference(list.join("."));
      case "Fn::Sub":
        return (given as string).replace(/\$\{([^}!]+)\}/g, (_, one: string) => String(this.#reference(one)));
      case "Fn::If":
        return this.#resolve(this.#holds(list[0] as string) ? list[1] : list[2]);
      case "Fn::Equals":
        return this.#resolve(list[0]) === this.#resolve(list[1]);
      case "Condition":
        return this.#holds(given as string);
      case "Fn::Or":
        return list.some((one) => this.#resolve(one) === true);
      case "Fn::Not":
        return this.#resolve(list[0]) !== true;
      default:
        throw new Error(`${name} is not known here`);
    }
  }
}

function thrown(message: string): never {
  throw new Error(message);
}
