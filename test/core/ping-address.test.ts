import { expect, test } from "vitest";
import { isPingUrl, namesJob, pingAddress } from "../../src/core/ping-address.ts";

const who = { job: "night ly", server: "i-1", run: "0192-4e1b" };

test.each([
  ["https://hc-ping.com/uuid", "success", "https://hc-ping.com/uuid?rid=0192-4e1b"],
  ["https://hc-ping.com/uuid", "start", "https://hc-ping.com/uuid/start?rid=0192-4e1b"],
  ["https://hc-ping.com/uuid/", "fail", "https://hc-ping.com/uuid/fail?rid=0192-4e1b"],
  [
    "https://hc-ping.com/key/{server}-{job}?create=1",
    "fail",
    "https://hc-ping.com/key/i-1-night%20ly/fail?create=1&rid=0192-4e1b",
  ],
  ["http://u:p@[::1]:8000/x?rid=old", "success", "http://u:p@[::1]:8000/x?rid=0192-4e1b"],
  ["https://example.org", "start", "https://example.org/start?rid=0192-4e1b"],
] as const)("%s becomes, for %s, %s", (url, signal, address) => {
  expect(pingAddress(url, signal, who)?.href).toBe(address);
});

test("a name cannot leave its place in the address", () => {
  const hostile = { job: "../../admin?x=1#", run: "r" };
  expect(pingAddress("https://h/{job}/{server}", "fail", hostile)?.href).toBe(
    "https://h/..%2F..%2Fadmin%3Fx%3D1%23/unknown/fail?rid=r",
  );
});

test.each(["", "hc-ping.com/uuid", "ftp://h/x", "https://", "https:///x", "http://h:99999/", "https://h /x"])(
  "%j is no address",
  (text) => {
    expect(isPingUrl(text)).toBe(false);
    expect(pingAddress(text, "start", who)).toBeUndefined();
  },
);

test("an address is also one while its places are not filled, and is known to tell jobs apart", () => {
  expect(isPingUrl("https://hc-ping.com/key/{server}-{job}")).toBe(true);
  expect(namesJob("https://hc-ping.com/key/{job}")).toBe(true);
  expect(namesJob("https://hc-ping.com/key/{server}")).toBe(false);
});
