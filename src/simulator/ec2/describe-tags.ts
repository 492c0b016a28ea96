import { applyFilters, type Fields, filterShape } from "../filters.ts";
import { visibleSnapshots } from "../visibility.ts";
import { describeRate, pageOf, pageSize } from "./describing.ts";
import { operation } from "./operation.ts";
import { resourceType, type Tagged } from "./tagged-resources.ts";

interface TagLine {
  id: string;
  type: string;
  key: string;
  value: string;
  tags: Record<string, string>;
}

/** The tags of all that is simulated, one line for each. */
export const describeTags = operation({
  name: "DescribeTags",
  changes: false,
  parameters: { Filter: filterShape, MaxResults: "integer", NextToken: "string", DryRun: "boolean" },
  rate: describeRate("DescribeTags"),
  prepare(input, context) {
    const { world, elapsed } = context;
    const maxResults = pageSize(
      input,
      { name: "resourceId", values: [] },
      { minimum: 5, maximum: 1_000, clamps: false },
    );
    const own = visibleSnapshots(world, elapsed).filter(
      (snapshot) => snapshot.ownerId === world.settings.account,
    );
    const things: Tagged[] = [world.instances, world.volumes, world.images].flatMap((each) =>
      Object.values<Tagged>(each),
    );
    const lines = [...things, ...own].flatMap(({ id, tags }) =>
      Object.entries(tags).map(
        ([key, value]): TagLine => ({
          id,
          type: resourceType(id) ?? "",
          key,
          value,
          tags: { [key]: value },
        }),
      ),
    );
    const found = applyFilters(lines, input.Filter, fields);
    return {
      commit() {
        const keys = { keyOf: (line: TagLine) => `${line.id} ${line.key}`, age: () => 0 };
        const page = pageOf("DescribeTags", found, input, maxResults, context, keys);
        const tagSet = page.things.map(({ id, type, key, value }) => ({
          resourceId: id,
          resourceType: type,
          key,
          value,
        }));
        return { tagSet, nextToken: page.nextToken };
      },
    };
  },
});

const fields: Fields<TagLine> = {
  key: (line) => [line.key],
  "resource-id": (line) => [line.id],
  "resource-type": (line) => [line.type],
  value: (line) => [line.value],
};
