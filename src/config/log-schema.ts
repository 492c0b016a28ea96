import * as z from "zod/mini";
import { syslogProtocols } from "../core/log-sinks.ts";
import { type Facility, facilities } from "../core/syslog-priority.ts";
import { defaultSyslog, logFormats, logLevels } from "./defaults.ts";
import { duration, oneOf, section, size, text, whole, yesOrNo } from "./fields.ts";

const maybe = z.exactOptional;

const file = section(
  {
    path: text(/^(?:\/|[A-Za-z]:[\\/])[^\0]{0,4095}$/, "an absolute path", {
      description: "The file, made for its owner alone; older ones are path.1, path.2 and so on.",
      examples: ["/var/log/ec2-backup.log"],
    }),
    maxSize: maybe(
      size({
        description: "The size at which a new file is begun.",
        examples: ["10MiB"],
        default: "10MiB",
      }),
    ),
    maxFiles: maybe(
      whole(1, 1_000, {
        description: "How many files there are, with the one that is written to.",
        examples: [5],
        default: 5,
      }),
    ),
  },
  { description: "A file beside the console, put aside when it is full." },
);

const names = Object.keys(facilities) as [Facility, ...Facility[]];

const syslog = section(
  {
    protocol: maybe(
      oneOf(syslogProtocols, {
        description: "How syslog is spoken to: by the socket of this host, or over the network (RFC 5424).",
        examples: ["tcp4"],
        default: defaultSyslog.protocol,
      }),
    ),
    host: maybe(
      text(/^[A-Za-z0-9:][A-Za-z0-9.:_-]{0,252}$/, "a host name or an address", {
        description: "The server. By default this host.",
        examples: ["10.0.0.5"],
      }),
    ),
    port: maybe(whole(1, 65_535, { description: "Its port.", examples: [514], default: defaultSyslog.port })),
    socket: maybe(
      text(/^\/[^\0]{0,106}$/, "the absolute path of a socket", {
        description: "The socket of the protocol local.",
        examples: ["/dev/log"],
        default: defaultSyslog.socket,
      }),
    ),
    facility: maybe(
      oneOf(names, { description: "The facility.", examples: ["local0"], default: defaultSyslog.facility }),
    ),
    appName: maybe(
      text(/^[A-Za-z0-9][A-Za-z0-9._-]{0,47}$/, "a name of up to 48 letters, digits, dots, - and _", {
        description: "The name that messages carry.",
        examples: ["ec2-backup"],
        default: defaultSyslog.appName,
      }),
    ),
    queue: maybe(
      whole(10, 100_000, {
        description: "How many lines wait while the server is not there; beyond them the oldest is dropped.",
        examples: [1_000],
        default: defaultSyslog.queue,
      }),
    ),
  },
  { description: "Syslog beside the console." },
).check(
  z.superRefine((given, context) => {
    const { protocol = defaultSyslog.protocol, host } = given;
    const fault = (key: string, message: string, found: string) =>
      context.addIssue({ code: "custom", path: [key], message, params: { found } });
    const foreign = protocol === "local" ? (["host", "port"] as const) : (["socket"] as const);
    for (const key of foreign) {
      if (given[key] === undefined) continue;
      const [expected, found] =
        protocol === "local" ? ["udp4, udp6, tcp4 or tcp6", "local"] : ["local", protocol];
      fault(key, `the protocol ${expected} with ${key}`, `the protocol ${found}`);
    }
    if (host?.includes(":") === true && protocol.endsWith("4"))
      fault("host", `an address of version 4 with ${protocol}`, "one of version 6");
    if (host !== undefined && /^[\d.]+$/.test(host) && protocol.endsWith("6"))
      fault("host", `an address of version 6 with ${protocol}`, "one of version 4");
  }),
);

/** The log: the console always, and what is configured beside it. */
export const log = section(
  {
    level: maybe(
      oneOf(logLevels, { description: "The least level logged.", examples: ["info"], default: "info" }),
    ),
    format: maybe(
      oneOf(logFormats, {
        description: "The shape of log lines; auto = journal under systemd, else text.",
        examples: ["auto"],
        default: "auto",
      }),
    ),
    file: maybe(file),
    syslog: maybe(syslog),
    eventLog: maybe(
      yesOrNo({
        description: "Whether lines go to the Application log of Windows as well.",
        examples: [true],
        default: false,
      }),
    ),
    flushWithin: maybe(
      duration("0s", "30s", {
        description: "How long lines that are not delivered yet may delay the end of a command.",
        examples: ["1s"],
        default: "1s",
      }),
    ),
  },
  { description: "The log." },
);
