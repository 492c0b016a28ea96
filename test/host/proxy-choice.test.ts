import { describe, expect, test } from "vitest";
import { goesDirect, proxyFor } from "../../src/host/proxy-choice.ts";

const to = (host: string, port = 443, secure = true) => ({ host, port, secure });
const ec2 = to("ec2.eu-central-1.amazonaws.com");

describe("NO_PROXY", () => {
  test.each([
    ["*", "a.example", true],
    ["example.com", "example.com", true],
    ["example.com", "a.EXAMPLE.com.", true],
    ["example.com", "badexample.com", false],
    [".example.com", "a.example.com", true],
    [".example.com", "example.com", true],
    ["*.example.com", "a.example.com", true],
    ["Example.COM.", "a.example.com", true],
    ["a.example b.example", "b.example", true],
    [" a.example ,, b.example ", "b.example", true],
    ["example.com:443", "example.com", true],
    ["example.com:8443", "example.com", false],
    ["10.0.0.0/8", "10.1.2.3", true],
    ["10.0.0.0/8", "11.1.2.3", false],
    ["10.0.0.0/33", "10.1.2.3", false],
    ["10.0.0.0/", "10.1.2.3", false],
    ["10.0.0.0/0", "fd00::1", false],
    ["10.0.0.1", "10.0.0.1", true],
    ["10.0.0.1", "10.0.0.10", false],
    ["0.0.1", "10.0.0.1", false],
    ["fd00::/8", "fd00::1", true],
    ["fd00:0:0::1", "fd00::1", true],
    ["[fd00::1]", "fd00::1", true],
    ["[fd00::1]:443", "[fd00::1]", true],
    ["[fd00::1]:80", "fd00::1", false],
    ["", "a.example", false],
  ])("%j takes in %s: %s", (NO_PROXY, host, direct) => {
    expect(goesDirect({ NO_PROXY }, to(host))).toBe(direct);
  });

  test("never sends the metadata through a proxy", () => {
    const env = { HTTP_PROXY: "http://proxy:3128", HTTPS_PROXY: "http://proxy:3128", NO_PROXY: "other" };
    for (const host of ["169.254.169.254", "fd00:ec2::254", "[FD00:EC2::254]"]) {
      expect(proxyFor(env, to(host, 80, false))).toBeUndefined();
      expect(proxyFor(env, to(host))).toBeUndefined();
    }
  });

  test("nor those of another address that the SDK is given, and nothing else there", () => {
    const env = { HTTP_PROXY: "http://proxy:1", AWS_EC2_METADATA_SERVICE_ENDPOINT: "http://10.0.0.1:8080/" };
    expect(proxyFor(env, to("10.0.0.1", 8080, false))).toBeUndefined();
    expect(proxyFor(env, to("10.0.0.1", 80, false))?.host).toBe("proxy");
  });

  test("is read in small letters first", () => {
    expect(goesDirect({ no_proxy: "a.example", NO_PROXY: "b.example" }, to("b.example"))).toBe(false);
    expect(goesDirect({ no_proxy: "", NO_PROXY: "b.example" }, to("b.example"))).toBe(true);
  });
});

describe("the proxy", () => {
  test.each([
    ["http://proxy:3128", "http://proxy:3128"],
    ["proxy:3128", "http://proxy:3128"],
    ["http://proxy", "http://proxy:80"],
    ["https://proxy", "https://proxy:443"],
    ["http://[fd00::1]:3128/", "http://[fd00::1]:3128"],
    ["http://me:hush@proxy:3128", "http://proxy:3128"],
  ])("%s is shown as %s", (HTTPS_PROXY, shown) => {
    expect(proxyFor({ HTTPS_PROXY }, ec2)?.shown).toBe(shown);
  });

  test("for TLS is none of HTTP_PROXY's, and the other way round", () => {
    expect(proxyFor({ HTTP_PROXY: "http://proxy:1" }, ec2)).toBeUndefined();
    expect(proxyFor({ HTTPS_PROXY: "http://proxy:1" }, to("a.example", 80, false))).toBeUndefined();
    expect(proxyFor({ https_proxy: "http://small:1", HTTPS_PROXY: "http://big:1" }, ec2)?.host).toBe("small");
  });

  test.each([
    ["http://me:p%40ss@proxy", "me:p@ss"],
    ["http://me@proxy", "me:"],
    ["http://m%e:y%ou@proxy", "m%e:y%ou"],
  ])("%s is given the login %s", (HTTPS_PROXY, login) => {
    const { authorization } = proxyFor({ HTTPS_PROXY }, ec2) ?? {};
    expect(authorization).toBe(`Basic ${Buffer.from(login).toString("base64")}`);
  });

  test.each(["socks5://me:hush@proxy:1", "http://me:hush@", "http://me:hush@ :1"])(
    "%s is refused",
    (value) => {
      const refused = () => proxyFor({ HTTPS_PROXY: value }, ec2);
      expect(refused).toThrow("cannot use the proxy of HTTPS_PROXY");
      expect(refused).not.toThrow("hush");
    },
  );
});
