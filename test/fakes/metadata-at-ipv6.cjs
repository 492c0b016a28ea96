// Loaded before the agent: what it sends to the IPv6 address of the metadata service, which no machine of the tests
// has, reaches METADATA_PORT at the IPv6 address of loopback.
const { Agent } = require("node:http");

const connect = Agent.prototype.createConnection;
Agent.prototype.createConnection = function (options, ...rest) {
  const there = options.host === "fd00:ec2::254" && Number(options.port) === 80;
  const to = there ? { ...options, host: "::1", port: Number(process.env.METADATA_PORT) } : options;
  return connect.call(this, to, ...rest);
};
