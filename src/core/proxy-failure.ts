/** The code of an error by which a request never left this host, since a proxy did not pass it on. */
export const proxyFailed = "EPROXY";

/** What to do about it. */
const proxyRemedy =
  "check HTTPS_PROXY, HTTP_PROXY and NO_PROXY in the agent's own environment, and what the proxy allows";

/** Node's codes for a certificate that nobody whom this host trusts has signed. */
const untrusted =
  /^(UNABLE_TO_(GET_ISSUER_CERT|GET_ISSUER_CERT_LOCALLY|VERIFY_LEAF_SIGNATURE)|SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT)$/;

/** The remedy for what went wrong on the way to whoever was to answer, if its code tells one. */
export function remedyOnTheWay(code: string | undefined): string | undefined {
  if (code === proxyFailed) return proxyRemedy;
  if (!untrusted.test(code ?? "")) return undefined;
  return "name the file of the authority that signed the certificate, as of a proxy that looks inside, in NODE_EXTRA_CA_CERTS";
}
