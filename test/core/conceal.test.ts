import { describe, expect, test } from "vitest";
import { concealer, secretsOf } from "../../src/core/conceal.ts";

describe("what must not be seen", () => {
  test.each([
    ["mongodb://backup:pa55@db:27017/?x=1", "mongodb://***@db:27017/?x=1"],
    ["http://user@proxy:3128 and https://a:b@c/d", "http://***@proxy:3128 and https://***@c/d"],
    ["postgres://u:p@ss@h/db", "postgres://***@h/db"],
    ["https://example.org/a@b and mail to x@y", "https://example.org/a@b and mail to x@y"],
    ["http://[::1]:80/", "http://[::1]:80/"],
  ])("of %s is the login in an address", (text, shown) => {
    expect(concealer([])(text)).toBe(shown);
  });

  test("are the given secrets, wherever and however often they stand", () => {
    expect(concealer(["hunter22", "$&.*("])("hunter22, xhunter22x and $&.*(")).toBe("***, x***x and ***");
  });

  test("are hidden whole where one is the beginning of another", () => {
    expect(concealer(["hunter22", "hunter22-and-more"])("hunter22-and-more, hunter22")).toBe("***, ***");
  });

  test("are variables whose names say so, and not where a secret only lies, nor short words", () => {
    const env = {
      AWS_SECRET_ACCESS_KEY: "secret-key",
      AWS_SESSION_TOKEN: "session-token",
      MYSQL_PWD: "mysql-password",
      PGPASSWORD: "pg-password",
      REDISCLI_AUTH: "redis-password",
      VENDOR_API_KEY: "vendor-key",
      AWS_WEB_IDENTITY_TOKEN_FILE: "/var/run/token",
      SSH_AUTH_SOCK: "/tmp/ssh-agent",
      PWD: "/root/there",
      OLDPWD: "/root/before",
      DB_PASSWORD: "short",
      PATH: "/usr/bin",
      TOKEN: undefined,
    };
    expect(secretsOf(env)).toEqual([
      "secret-key",
      "session-token",
      "mysql-password",
      "pg-password",
      "redis-password",
      "vendor-key",
    ]);
  });
});
