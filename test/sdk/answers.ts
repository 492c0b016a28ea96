import fc from "fast-check";

const word = fc.oneof(
  fc.constantFrom(
    "snap-0123456789abcdef0",
    "completed",
    "",
    " ",
    "true",
    "99%",
    "a &amp; b",
    "&#x41;",
    "ünï",
  ),
  fc.string({ maxLength: 6 }).map((s) => s.replaceAll(/[<&]/g, "")),
);
const leaf = (tag: string, value: fc.Arbitrary<string>) =>
  fc.oneof(
    { weight: 6, arbitrary: value.map((inner) => `<${tag}>${inner}</${tag}>`) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        "",
        `<${tag}/>`,
        `<${tag}>\n  </${tag}>`,
        `<${tag} a="b"/>`,
        `<${tag}><x/></${tag}>`,
      ),
    },
  );
const time = fc
  .date({ min: new Date(0), max: new Date("2099-01-01"), noInvalidDate: true })
  .map((at) => at.toISOString());
const some = (...members: fc.Arbitrary<string>[]) =>
  fc
    .tuple(...members)
    .chain((parts) => fc.shuffledSubarray([...parts]))
    .map((parts) => parts.join("\n   "));
const items = (tag: string, item: fc.Arbitrary<string>) =>
  fc
    .array(item, { maxLength: 4 })
    .map((all) => `<${tag}>\n${all.map((one) => `  <item>${one}</item>\n`).join("")}</${tag}>`);
const tags = items("tagSet", some(leaf("key", word), leaf("value", word)));
const number = fc.oneof(fc.integer().map(String), fc.constantFrom("1e3", "NaN", "0x10"));
const truth = fc.constantFrom("true", "false", "True", "1");
const snapshot = some(
  leaf("snapshotId", word),
  leaf("volumeId", word),
  leaf("status", word),
  leaf("startTime", time),
  leaf("volumeSize", number),
  leaf("encrypted", truth),
  leaf("description", word),
  tags,
);
const volume = some(
  leaf("volumeId", word),
  leaf("size", number),
  leaf("createTime", time),
  leaf("multiAttachEnabled", truth),
  items(
    "attachmentSet",
    some(leaf("device", word), leaf("attachTime", time), leaf("deleteOnTermination", truth)),
  ),
  tags,
);
const answer = (operation: string, body: fc.Arbitrary<string>) =>
  fc
    .tuple(body, leaf("nextToken", word))
    .map(
      (parts) =>
        `<?xml version="1.0" encoding="UTF-8"?>\n<${operation}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">\n${parts.join("\n")}\n</${operation}Response>`,
    );

export const snapshots = answer("DescribeSnapshots", items("snapshotSet", snapshot));
export const volumes = answer("DescribeVolumes", items("volumeSet", volume));
