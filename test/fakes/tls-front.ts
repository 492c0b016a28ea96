import { execFile } from "node:child_process";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import http from "node:http";
import https from "node:https";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { listening } from "./listening.ts";

/** An authority of our own, and what it has signed. */
export interface Authority {
  /** The file of its certificate. */
  readonly ca: string;
  readonly key: Buffer;
  readonly cert: Buffer;
}

/** Makes an authority with openssl, and a certificate of it for the hosts. Who asked removes its folder. */
export async function authorityFor(hosts: readonly string[]): Promise<Authority> {
  const folder = await mkdtemp(path.join(tmpdir(), "ec2-backup-ca-"));
  const at = (name: string) => path.join(folder, name);
  const openssl = (...words: string[]) => promisify(execFile)("openssl", words);
  const fresh = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  await openssl(
    "req",
    "-x509",
    ...fresh,
    "-subj",
    "/CN=own-ca",
    "-keyout",
    at("ca.key"),
    "-out",
    at("ca.crt"),
  );
  const names = hosts.map((host) => (/^[\d.]+$/.test(host) ? `IP:${host}` : `DNS:${host}`)).join(",");
  await writeFile(at("names"), `subjectAltName=${names}\n`);
  const [, , , , nodes] = fresh;
  await openssl(
    "req",
    ...fresh.slice(0, 4),
    nodes ?? "",
    "-subj",
    "/CN=aws",
    "-keyout",
    at("key"),
    "-out",
    at("csr"),
  );
  await openssl(
    ...["x509", "-req", "-in", at("csr"), "-CA", at("ca.crt"), "-CAkey", at("ca.key"), "-CAcreateserial"],
    ...["-days", "2", "-extfile", at("names"), "-out", at("crt")],
  );
  const [key, cert] = await Promise.all([readFile(at("key")), readFile(at("crt"))]);
  return { ca: at("ca.crt"), key, cert };
}

/** Ends TLS and hands requests on to a server on loopback. @returns its port */
export function tlsFront({ key, cert }: Omit<Authority, "ca">, to: string): Promise<number> {
  const { port } = new URL(to);
  const server = https.createServer({ key, cert }, (request, response) => {
    const { method, headers, url } = request;
    const onward = http.request({ host: "127.0.0.1", port, path: url, method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    request.pipe(onward);
  });
  return listening(server);
}
