/** Which proxy a request goes through, and the way through it. */
import * as http from "node:http";
import * as https from "node:https";
import { BlockList, isIP } from "node:net";
import type { Duplex } from "node:stream";
import * as tls from "node:tls";
import { AppError } from "../errors.ts";

/** Environment variables. */
export type ProxyEnv = Readonly<Record<string, string | undefined>>;

/**
 * The proxy that `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` name for an address, or null; lower case goes before upper case, as in
 * curl. `NO_PROXY` takes hosts (their subdomains are meant, too), `host:port`, addresses, ranges (`10.0.0.0/8`) and `*`.
 * Throws `config` where the variable is no address.
 */
export function proxyFor(url: URL, env: ProxyEnv): URL | null {
  const read = (name: string) => env[name] || env[name.toUpperCase()] || "";
  const name = url.protocol === "https:" ? "https_proxy" : "http_proxy";
  const value = read(name);
  if (
    value === "" ||
    read("no_proxy")
      .split(/[\s,]+/)
      .some((entry) => exempts(entry, url))
  )
    return null;
  const address = /^[a-z][a-z\d+.-]*:\/\//i.test(value) ? value : `http://${value}`;
  const proxy = URL.canParse(address) ? new URL(address) : null;
  if (proxy !== null && /^https?:$/.test(proxy.protocol) && proxy.hostname !== "") return proxy;
  // Without the value: it may hold a password.
  throw new AppError("config", "not the address of an HTTP proxy", {
    where: name.toUpperCase(),
    fix: "write it as http://host:port",
  });
}

function exempts(entry: string, url: URL): boolean {
  if (entry === "*") return true;
  const host = bare(url.hostname);
  const [, range, bits] = /^([\da-f.:]+)\/(\d{1,3})$/i.exec(entry) ?? [];
  if (range !== undefined) return inRange(host, range, Number(bits));
  const [, named = "", port] = /^\*?\.?(.*?)(?::(\d+))?$/.exec(isIP(entry) === 6 ? `[${entry}]` : entry) ?? [];
  if (named === "" || (port !== undefined && port !== portOf(url))) return false;
  const suffix = bare(named).toLowerCase();
  return host === suffix || (isIP(host) === 0 && host.endsWith(`.${suffix}`));
}

function inRange(host: string, range: string, bits: number): boolean {
  const family = isIP(range) === 6 ? "ipv6" : "ipv4";
  if (isIP(host) !== isIP(range) || isIP(host) === 0 || bits > (family === "ipv6" ? 128 : 32)) return false;
  const list = new BlockList();
  list.addSubnet(range, bits, family);
  return list.check(host, family);
}

/** How a request to `url` through a proxy begins: whom to connect to, what to ask for. Only for `http:` addresses. */
export function throughProxy(url: URL, proxy: URL): { host: string; port: string; path: string; headers: Headers } {
  const headers = { host: url.host, ...proxyAuthorization(proxy) };
  return { host: bare(proxy.hostname), port: portOf(proxy), path: url.href, headers };
}

type Headers = Readonly<Record<string, string>>;

/** Connections to an HTTPS server through a proxy's CONNECT (RFC 9110, 9.3.6): the proxy sees a host's name, and no request. */
export class TunnelAgent extends https.Agent {
  readonly #proxy: URL;
  readonly #silenceMs: number;

  constructor(options: https.AgentOptions & { proxy: URL; silenceMs: number }) {
    const { proxy, silenceMs, ...rest } = options;
    super(rest);
    this.#proxy = proxy;
    this.#silenceMs = silenceMs;
  }

  override createConnection(
    options: https.RequestOptions & tls.ConnectionOptions,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    const { hostname, protocol } = this.#proxy;
    const host = String(options.host);
    const path = `${isIP(host) === 6 ? `[${host}]` : host}:${options.port}`;
    const failed = callback as ((error: Error) => void) | undefined;
    const connect = (protocol === "https:" ? https : http).request({
      host: bare(hostname),
      port: portOf(this.#proxy),
      method: "CONNECT",
      path,
      headers: { host: path, ...proxyAuthorization(this.#proxy) },
      agent: false,
      timeout: this.#silenceMs,
    });
    connect.on("timeout", () => connect.destroy(new Error(`the proxy is silent for ${this.#silenceMs / 1000} s`)));
    connect.on("error", (cause) => failed?.(cause));
    connect.on("connect", ({ statusCode }, socket) => {
      if (statusCode === 200) {
        socket.setTimeout(0);
        callback?.(null, tls.connect({ ...options, socket }));
        return;
      }
      socket.destroy();
      failed?.(
        new AppError("unreachable", `the proxy ${this.#proxy.host} answers ${statusCode}`, proxyFix(statusCode)),
      );
    });
    connect.end();
  }
}

function proxyFix(status: number | undefined) {
  return status === 407
    ? { fix: "give a user and password in the proxy's address: http://user:password@host:port" }
    : {};
}

function proxyAuthorization({ username, password }: URL): Headers {
  if (username === "") return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { "proxy-authorization": `Basic ${Buffer.from(pair).toString("base64")}` };
}

function portOf({ port, protocol }: URL): string {
  return port || (protocol === "https:" ? "443" : "80");
}

/** A URL writes `[::1]`, everything else `::1`. */
function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, "");
}
