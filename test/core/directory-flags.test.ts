import { describe, expect, test } from "vitest";
import { instanceFlags, splitWords, sshFlags } from "../../src/core/directory-flags.ts";

const aws = (text: string, type?: string) =>
  instanceFlags({
    EC2_BACKUP_FLAGS_AWS: text,
    ...(type === undefined ? {} : { AWS_BACKUP_INSTANCE_TYPE: type }),
  });
const ssh = (text: string) => sshFlags({ EC2_BACKUP_FLAGS_SSH: text }, "/home/me");

describe("the flags of the instance", () => {
  test("are those of the assignment", () => {
    expect(instanceFlags({})).toEqual({});
    expect(aws("--instance-type t1.micro")).toEqual({ type: "t1.micro" });
    expect(aws(" --instance-type=m5.large --subnet-id 'subnet-0a1' --image-id ami-0b2")).toEqual({
      type: "m5.large",
      subnet: "subnet-0a1",
      image: "ami-0b2",
    });
    expect(aws("", "m1.large")).toEqual({ type: "m1.large" });
    expect(aws("--instance-type m1.large", "m1.large")).toEqual({ type: "m1.large" });
  });

  test.each<[string, string | undefined, RegExp]>([
    ["--instance-type", undefined, /has no value/],
    ["--instance-type --image-id", undefined, /has no value/],
    ["--instance-type huge", undefined, /expected something like t3\.small/],
    ["--instance-type t3.small --instance-type t3.large", undefined, /twice/],
    ["--instance-type t3.small", "t3.large", /AWS_BACKUP_INSTANCE_TYPE.*say one of them/],
    ["", "small", /AWS_BACKUP_INSTANCE_TYPE: small is refused: expected an instance type/],
    ["--key-name mine", undefined, /key pair of its own; name your key in EC2_BACKUP_FLAGS_SSH/],
    ["--security-groups default", undefined, /open to your address only/],
    ["--count 5", undefined, /one instance/],
    ["--kms-key-id alias/mine", undefined, /as the account says; for another key make it yourself.*by -v/],
    ["--frobnicate", undefined, /--frobnicate is refused: it is not known here/],
    ["t3.small", undefined, /t3\.small is refused: it is not known here/],
    ["--image-id 'ami-0b2", undefined, /a quote has no end/],
  ])("%s and %s are refused with the reason", (text, type, reason) => {
    expect(() => aws(text, type)).toThrow(reason);
  });
});

describe("the flags of ssh", () => {
  test("are read as ssh reads them", () => {
    expect(ssh("")).toEqual({ identities: [], words: [] });
    expect(ssh("-i ~/.ssh/key")).toEqual({ identities: ["/home/me/.ssh/key"], words: [] });
    expect(ssh('-i/k -l root -p 2222 -C -4 -J "jump host" -o Compression=yes')).toEqual({
      identities: ["/k"],
      user: "root",
      port: 2222,
      words: ["-C", "-4", "-J", "jump host", "-o", "Compression=yes"],
    });
    expect(ssh("-o 'IdentityFile ~/k' -o User=admin -o Port=23")).toEqual({
      identities: ["/home/me/k"],
      user: "admin",
      port: 23,
      words: [],
    });
  });

  test.each<[string, RegExp]>([
    ["-o StrictHostKeyChecking=no", /learned from its console/],
    ["-o UserKnownHostsFile=/dev/null", /learned from its console/],
    ["-oUpdateHostKeys=yes", /learned from its console/],
    ["-o ControlMaster=auto", /go on by itself/],
    ["-o LocalCommand=x", /program of its own/],
    ["-o nonsense", /NAME=VALUE/],
    ["-t", /not known here/],
    ["-f", /not known here/],
    ["host", /not known here/],
    ["-l -oProxyCommand=x", /name of a user/],
    ["-p 99999", /expected a port/],
    ["-i", /no value/],
  ])("%s is refused with the reason", (text, reason) => {
    expect(() => ssh(text)).toThrow(reason);
  });
});

test("words are split as by a shell", () => {
  expect(splitWords(`a  'b c' "d \\"e\\"" f\\ g h"i"'j'`, "X")).toEqual(["a", "b c", 'd "e"', "f g", "hij"]);
  expect(splitWords("", "X")).toEqual([]);
});
