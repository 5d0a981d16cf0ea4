// Which HTTP proxy the environment names for an address: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, as other programs read them.

export type Environment = Readonly<Record<string, string | undefined>>;

/** The proxy's address; undefined where the environment names none for this address, or one that is not http or https. */
export function environmentProxy(address: string, env: Environment): string | undefined {
  const url = URL.parse(address);
  if (url === null || isExempt(url, either(env, 'no_proxy'))) return undefined;
  const scheme = url.protocol === 'https:' ? 'https_proxy' : 'http_proxy';
  const named = either(env, scheme) || either(env, 'all_proxy');
  const proxy = URL.parse(named.includes('://') || named === '' ? named : `http://${named}`);
  return proxy !== null && /^https?:$/.test(proxy.protocol) ? proxy.href : undefined;
}

/** This machine, by name or address. */
export function isLoopback(address: string): boolean {
  const host = URL.parse(address)?.hostname ?? '';
  return host === 'localhost' || host.endsWith('.localhost') || host === '[::1]' || /^127(\.\d+){3}$/.test(host);
}

/** Small letters win where both are there, as they do elsewhere. */
function either(env: Environment, name: string): string {
  return env[name] || env[name.toUpperCase()] || '';
}

function isExempt({ hostname, port, protocol }: URL, list: string): boolean {
  const ownPort = port || (protocol === 'https:' ? '443' : '80');
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') return true;
      const [, name = '', wantedPort] = /^\*?\.?(.+?)(?::(\d+))?$/.exec(entry) ?? [];
      if (wantedPort !== undefined && wantedPort !== ownPort) return false;
      return hostname === name || hostname.endsWith(`.${name}`);
    });
}
