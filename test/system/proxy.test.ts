import { describe, expect, test } from "vitest";
import { connectProxy, type ProxyWish } from "../fakes/connect-proxy.ts";
import { has, need } from "../host/places.ts";
import { hosts, proxyStage } from "./proxy-stage.ts";

const [ec2, monitoring] = hosts;

describe("a run behind a proxy, with the host's own authority", () => {
  test("reaches AWS by tunnels alone and the metadata never by them, and asks STS nothing", async (context) => {
    need(context, has("openssl"), "openssl");
    const login = "back up:p@ss/word%";
    const stage = await proxyStage({ login });
    const { port } = stage.proxy;
    const secret = encodeURIComponent("p@ss/word%");
    const HTTPS_PROXY = `http://back%20up:${secret}@127.0.0.1:${port}`;
    // Also where Node itself is told to go by proxies, the metadata are not asked for there.
    const HTTP_PROXY = "http://127.0.0.1:9";
    const more = { HTTPS_PROXY, HTTP_PROXY, NODE_USE_ENV_PROXY: "1", NO_PROXY: "" };
    const { code, stdout, stderr } = await stage.ask(["run", "--json", "--log-level", "debug"], more);
    expect(code, stdout + stderr).toBe(0);
    expect(stage.proxy.hosts()).toEqual([ec2, monitoring]);
    // Discovery opens two side by side; all that follows, the capture first of all, finds them open.
    expect(stage.proxy.asked.filter(({ target }) => target === `${ec2}:443`).length).toBeLessThanOrEqual(2);
    expect(stage.bench.apiCalls().filter(({ service }) => service === "ec2").length).toBeGreaterThan(3);
    const called = new Set(stage.bench.simulator.control.calls().map(({ service }) => service));
    expect([...called].sort()).toEqual(["cloudwatch", "ec2", "imds"]);
    // Asked by the client of EC2, whose own way leads through the proxy.
    const paths = stage.bench.simulator.control.calls().map(({ action }) => action);
    expect(paths.filter((action) => action.includes("user-data"))).toHaveLength(1);
    expect(stdout + stderr).not.toMatch(/p@ss|p%40ss|YmFjayB1/);
  });

  test("goes past it where NO_PROXY says", async (context) => {
    need(context, has("openssl"), "openssl");
    const stage = await proxyStage();
    const { port } = new URL(stage.bench.simulator.url);
    const more = { AWS_ENDPOINT_URL_MONITORING: "", AWS_ENDPOINT_URL_EC2: `http://localhost:${port}` };
    const through = { ...more, HTTP_PROXY: stage.proxy.url };
    expect((await stage.ask(["list"], through)).code).toBe(0);
    expect(stage.proxy.asked.length).toBeGreaterThan(0);
    const before = stage.proxy.asked.length;
    expect((await stage.ask(["list"], { ...through, NO_PROXY: "localhost" })).code).toBe(0);
    expect(stage.proxy.asked.length).toBe(before);
  });

  test.each(["NODE_EXTRA_CA_CERTS", "AWS_CA_BUNDLE"])("trusts its own authority by %s only", async (name) => {
    const stage = await proxyStage();
    const none = { NODE_EXTRA_CA_CERTS: "", AWS_CA_BUNDLE: "" };
    expect((await stage.ask(["list"], { ...none, [name]: stage.ca })).code).toBe(0);
    const { code, stderr } = await stage.ask(["list"], none);
    expect(code).toBe(69);
    expect(stderr).toContain("NODE_EXTRA_CA_CERTS");
  });

  test("names a bundle of certificates that it cannot use", async () => {
    const stage = await proxyStage();
    const { code, stderr } = await stage.ask(["list"], { AWS_CA_BUNDLE: "/nowhere.pem" });
    expect(code).toBe(78);
    expect(stderr).toContain("cannot read the certificates of AWS_CA_BUNDLE: /nowhere.pem: ENOENT");
  });
});

describe("a proxy that does not do its work is named, without its login,", () => {
  const wishes: readonly (readonly [ProxyWish, string])[] = [
    [{ login: "other:one" }, "does not take the login that it is given (407)"],
    [{ answer: "silence" }, "does not answer within 0.4 s"],
    [{ answer: 403 }, `does not connect to ${ec2}:443 (403)`],
    [{ answer: 503 }, `does not connect to ${ec2}:443 (503)`],
  ];
  test.each(process.env["SOAK"] ? wishes : wishes.slice(0, 3))("when it answers %j", async (wish, words) => {
    const stage = await proxyStage(wish);
    await stage.bench.configure({ request: "500ms" });
    const HTTPS_PROXY = `http://user:hush-hush@127.0.0.1:${stage.proxy.port}`;
    const { code, stdout, stderr, ms } = await stage.ask(["list", "--json"], { HTTPS_PROXY });
    expect(code, stdout + stderr).toBe(69);
    expect(stdout + stderr).toContain(`the proxy http://127.0.0.1:${stage.proxy.port} ${words}`);
    expect(stdout + stderr).toContain("check HTTPS_PROXY");
    expect(stdout + stderr).not.toContain("hush-hush");
    expect(ms).toBeLessThan(20_000);
  });

  test("when nobody listens there, or when it is none", async () => {
    const stage = await proxyStage();
    const nobody = await stage.ask(["list"], { HTTPS_PROXY: "http://u:hush-hush@127.0.0.1:9" });
    expect(nobody.code).toBe(69);
    expect(nobody.stderr).toContain("the proxy http://127.0.0.1:9 does not answer (ECONNREFUSED)");
    const none = await stage.ask(["list"], { HTTPS_PROXY: "socks5://u:hush-hush@proxy:1080" });
    expect(none.code).toBe(78);
    expect(none.stderr).toContain("cannot use the proxy of HTTPS_PROXY");
    expect(nobody.stderr + none.stderr).not.toContain("hush-hush");
  });
});

test("what is not encrypted is handed to the proxy of HTTP_PROXY, login and all", async () => {
  const stage = await proxyStage();
  const plain = await connectProxy();
  const HTTP_PROXY = plain.url.replace("//", "//me:you@");
  const AWS_ENDPOINT_URL = stage.bench.simulator.url.replace("127.0.0.1", "localhost");
  const more = { HTTP_PROXY, AWS_ENDPOINT_URL };
  expect((await stage.ask(["list"], more)).code).toBe(0);
  expect(plain.asked[0]?.target).toMatch(/^http:\/\/localhost:\d+\//);
  expect(plain.asked[0]?.authorization).toBe(`Basic ${Buffer.from("me:you").toString("base64")}`);
});
