// Loaded before the agent: the name in STANDS_FOR has the address in STANDS_AT, for this process alone.
const dns = require("node:dns");

const { lookup } = dns;
const { STANDS_FOR, STANDS_AT } = process.env;
dns.lookup = (name, ...rest) => lookup(name === STANDS_FOR ? STANDS_AT : name, ...rest);
