// CycloneDX 1.6: what is really in the packages, as the bundler tells it, not what was installed to build them.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { type Platform, runtimePackage } from "./runtime.ts";
import { root, type Source } from "./source.ts";

interface Locked {
  readonly version: string;
  readonly integrity?: string;
}

export function sbom(source: Source, platforms: readonly Platform[]): string {
  const components = [...bundled(), ...platforms.map(runtimeOf)];
  const own = {
    type: "application",
    "bom-ref": `pkg:npm/${source.name}@${source.version}`,
    name: source.name,
    version: source.version,
    description: source.summary,
    licenses: [{ license: { id: source.licence } }],
    purl: `pkg:npm/${source.name}@${source.version}`,
  };
  const body = {
    metadata: {
      timestamp: new Date(source.epoch * 1000).toISOString().replace(".000Z", "Z"),
      component: own,
    },
    components,
    dependencies: [{ ref: own["bom-ref"], dependsOn: components.map((one) => one["bom-ref"]) }],
  };
  // The same contents have the same number.
  const digest = createHash("sha256").update(JSON.stringify(body)).digest("hex");
  const uuid = `${digest.slice(0, 8)}-${digest.slice(8, 12)}-5${digest.slice(13, 16)}-8${digest.slice(17, 20)}-${digest.slice(20, 32)}`;
  const head = { bomFormat: "CycloneDX", specVersion: "1.6", serialNumber: `urn:uuid:${uuid}`, version: 1 };
  return `${JSON.stringify({ ...head, ...body }, null, 2)}\n`;
}

function bundled() {
  const read = (file: string) => JSON.parse(readFileSync(path.join(root, file), "utf8"));
  const { outputs } = read("dist/meta.json") as {
    outputs: Record<string, { inputs: Record<string, unknown> }>;
  };
  const { packages } = read("package-lock.json") as { packages: Record<string, Locked> };
  const inputs = Object.entries(outputs)
    .filter(([file]) => file.startsWith("dist/agent/"))
    .flatMap(([, output]) => Object.keys(output.inputs));
  const folders = new Set(
    inputs.flatMap(
      (name) => /(node_modules\/(?:.*node_modules\/)?(?:@[^/]+\/)?[^/]+)\//.exec(name)?.[1] ?? [],
    ),
  );
  return [...folders].sort().map((folder) => {
    const { name, version, license } = read(`${folder}/package.json`);
    const locked = packages[folder];
    if (locked === undefined || locked.version !== version)
      throw new Error(`${folder} is ${version}, and the lock file says ${locked?.version}: npm ci`);
    return npmComponent(name, version, String(license), locked.integrity, "library");
  });
}

function runtimeOf(platform: Platform) {
  const { name, version, integrity } = runtimePackage(platform);
  return {
    ...npmComponent(name, version, "MIT", integrity, "platform"),
    description: `Node.js ${version} for ${platform}, in archives, .deb and .rpm`,
  };
}

function npmComponent(
  name: string,
  version: string,
  licence: string,
  integrity: string | undefined,
  type: "library" | "platform",
) {
  const [, group, bare = name] = /^(@[^/]+)\/(.+)$/.exec(name) ?? [];
  const purl = `pkg:npm/${name.replace("@", "%40")}@${version}`;
  const content = Buffer.from((integrity ?? "").replace("sha512-", ""), "base64").toString("hex");
  return {
    type,
    "bom-ref": purl,
    ...(group === undefined ? {} : { group }),
    name: bare,
    version,
    licenses: / /.test(licence) ? [{ expression: licence }] : [{ license: { id: licence } }],
    ...(content.length === 128 ? { hashes: [{ alg: "SHA-512", content }] } : {}),
    purl,
  };
}
