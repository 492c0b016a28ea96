import { describe, expect, it } from "vitest";
import { jsonSchema } from "../../src/config/json-schema.ts";

interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly examples?: readonly unknown[];
  readonly pattern?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | false;
  readonly propertyNames?: Schema;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly [key: string]: unknown;
}

const schema = jsonSchema() as Schema;

function at(...path: string[]): Schema {
  return path.reduce((here, step) => {
    const own = here.anyOf?.find(({ properties }) => properties !== undefined) ?? here;
    const next = step === "*" ? own.additionalProperties : step === "[]" ? own.items : own.properties?.[step];
    if (!next) throw new Error(`no ${path.join(".")} in the schema`);
    return next;
  }, schema);
}

describe("the JSON Schema for editors", () => {
  it("says what it is and needs nothing but the version", () => {
    expect(schema).toMatchObject({
      $schema: "https://json-schema.org/draft/2020-12/schema",
      title: "ec2-backup configuration, version 1",
      type: "object",
      required: ["version"],
      additionalProperties: false,
    });
  });

  it("describes every field, and gives an example of every one that is no section", () => {
    const visit = (node: Schema, path: string): string[] => {
      const children = [
        ...Object.entries(node.properties ?? {}),
        ...(node.additionalProperties ? [["*", node.additionalProperties] as const] : []),
        ...(node.items ? [["[]", node.items] as const] : []),
        // Of several forms, a section is looked into; the others are short for it.
        ...(node.anyOf ?? [])
          .filter((form) => form.properties ?? form.items?.properties)
          .map((form) => ["|", form] as const),
      ];
      const lacks = [
        ...(node.description === undefined ? [`${path} has no description`] : []),
        ...(children.length === 0 && node.examples === undefined ? [`${path} has no example`] : []),
      ];
      return [...lacks, ...children.flatMap(([key, child]) => visit(child, `${path}.${key}`))];
    };
    expect(visit(schema, "file")).toEqual([]);
  });

  it("has durations as text of a shape, with the default", () => {
    const { type, pattern, default: usual } = at("jobs", "*", "shrinkDelay");
    expect([type, usual]).toEqual(["string", "7d"]);
    const shape = new RegExp(pattern ?? "");
    for (const text of ["7d", "1h30m", "500ms", "0s"]) expect(shape.test(text), text).toBe(true);
    for (const text of ["", "7", "d", "1.5h", "-1d", "1m1h", "7 d"])
      expect(shape.test(text), text).toBe(false);
  });

  it("has examples that are of their own shape", () => {
    const visit = (node: Schema): void => {
      const { pattern, examples = [] } = node;
      for (const example of pattern === undefined ? [] : examples)
        expect(example).toMatch(new RegExp(pattern!));
      for (const child of Object.values(node.properties ?? {})) visit(child);
      if (node.additionalProperties) visit(node.additionalProperties);
      if (node.items) visit(node.items);
    };
    visit(schema);
  });

  it("knows the limits that the file is judged by", () => {
    expect(at("jobs", "*", "retention", "daily")).toMatchObject({
      type: "integer",
      minimum: 1,
      maximum: 100_000,
    });
    expect(at("jobs").propertyNames?.pattern).toBe("^[a-z0-9][a-z0-9-]{0,62}$");
    expect(at("jobs").minProperties).toBe(1);
    expect(at("log", "level").enum).toEqual(["error", "warn", "info", "debug"]);
    expect(at("jobs", "*", "volumes", "exclude", "[]")).toMatchObject({ minProperties: 1, maxProperties: 1 });
    expect(at("tags", "add", "*").maxLength).toBe(256);
  });
});
