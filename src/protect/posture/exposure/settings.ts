// How this machine and Rempart itself are set: Ollama's variables, the host bridge, secret files, addresses without TLS, weak keys.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../../config.ts';
import { isEveryAddress, isLoopbackAddress } from './addresses.ts';
import type { HostHit } from './host-findings.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** OLLAMA_HOST and OLLAMA_ORIGINS, where they are set: here, in systemd's units, in a running Ollama. */
export function judgeOllamaSettings(env: Env, unitFolder = '/etc/systemd/system', proc = '/proc'): HostHit[] {
  const sources: { where: string; set: Env }[] = [
    { where: 'environment', set: env },
    ...unitFiles(unitFolder).map((file) => ({ where: file, set: unitEnvironment(readText(file)) })),
    ...ollamaProcesses(proc),
  ];
  return sources.flatMap(({ where, set }) => {
    const host = set['OLLAMA_HOST'];
    const origins = set['OLLAMA_ORIGINS'];
    const name = host === undefined ? undefined : hostOf(host);
    return [
      ...(host !== undefined && name !== undefined && (isEveryAddress(name) || name === '')
        ? [{ rule: 'host/model-bound-everywhere', setting: 'OLLAMA_HOST', facts: { value: host, where } }]
        : []),
      ...(origins !== undefined && /(^|,|\/)\*(:\*)?(,|$)/.test(origins)
        ? [
            {
              rule: 'host/wildcard-origins',
              setting: 'OLLAMA_ORIGINS',
              facts: { what: 'Ollama', where: `OLLAMA_ORIGINS, ${where}` },
            },
          ]
        : []),
    ];
  });
}

/** `0.0.0.0`, `0.0.0.0:11434`, `http://[::]:11434`, `:11434` (every address). */
function hostOf(text: string): string {
  const rest = text
    .trim()
    .replace(/^[a-z]+:\/\//i, '')
    .replace(/\/.*$/, '');
  return /^\[([^\]]*)\]/.exec(rest)?.[1] ?? (rest.split(':').length > 2 ? rest : (rest.split(':')[0] ?? ''));
}

function unitFiles(folder: string): string[] {
  return namesIn(folder)
    .filter((name) => /^ollama.*\.service(\.d)?$/.test(name))
    .flatMap((name) =>
      name.endsWith('.d') ? namesIn(join(folder, name)).map((one) => join(folder, name, one)) : [join(folder, name)],
    );
}

/** systemd.exec(5): Environment="A=b" C=d, several lines. */
function unitEnvironment(text: string): Env {
  const set: Record<string, string> = {};
  for (const [, line = ''] of text.matchAll(/^\s*Environment=(.*)$/gm))
    for (const [, , name = '', value = ''] of line.matchAll(/(["']?)([A-Z_]+)=([^"'\s]*)\1/g)) set[name] = value;
  return set;
}

function ollamaProcesses(proc: string): { where: string; set: Env }[] {
  return namesIn(proc)
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      if (readText(join(proc, pid, 'comm')).trim() !== 'ollama') return [];
      const pairs = readText(join(proc, pid, 'environ'))
        .split('\0')
        .map((one) => one.split('='));
      return [
        {
          where: `process ${pid}`,
          set: Object.fromEntries(pairs.map(([name = '', ...value]) => [name, value.join('=')])),
        },
      ];
    });
}

export function judgeHostBridge(hostsFile = '/etc/hosts'): HostHit[] {
  const known = /^\s*[\da-f.:]+\s+(?:.*\s)?(?:host|gateway)\.docker\.internal\b/im.test(readText(hostsFile));
  return known ? [{ rule: 'host/host-bridge', setting: 'host.docker.internal', facts: { where: hostsFile } }] : [];
}

/** Keys and what opens them: in the data directory, beside it, and Ollama's own identity. */
export function judgeSecretFiles(data: string, folder: string, env: Env): HostHit[] {
  if (process.platform === 'win32') return [];
  const secret = /(\.key|\.key\.pem|\.pem|keys\.json|password\S*|\.env|\.env\..*|id_(ed25519|rsa|ecdsa))$/;
  const beside = namesIn(folder).filter((name) => /^\.env(\..*)?$/.test(name) && !/example|sample|template/.test(name));
  const files = [
    ...namesIn(data)
      .filter((name) => secret.test(name))
      .map((name) => join(data, name)),
    ...beside.map((name) => join(folder, name)),
    ...(env['HOME'] === undefined ? [] : [join(env['HOME'], '.ollama', 'id_ed25519')]),
  ];
  return files
    .filter((file) => ((statSync(file, { throwIfNoEntry: false })?.mode ?? 0) & 0o004) !== 0)
    .map((file) => ({ rule: 'host/secret-readable', setting: file, file }));
}

/** Rempart's own configuration. */
export function judgeConfiguration(config: Config): HostHit[] {
  const hits: HostHit[] = [];
  for (const part of ['gateway', 'console'] as const) {
    const { host } = config[part];
    if (!isLocal(host)) hits.push({ rule: 'host/no-tls', setting: `${part}.host` });
  }
  config.providers.forEach(({ url }, at) => {
    if (isPlainElsewhere(url)) hits.push({ rule: 'host/no-tls', setting: `providers.${at}.url` });
    if (/\b(host|gateway)\.docker\.internal\b/.test(url))
      hits.push({ rule: 'host/host-bridge', setting: `providers.${at}.url`, facts: { where: `providers.${at}.url` } });
  });
  const { webhook } = config.alerts;
  if (webhook !== undefined && isPlainElsewhere(webhook)) hits.push({ rule: 'host/no-tls', setting: 'alerts.webhook' });
  const { url } = config.store;
  if (url !== undefined && isOpenDatabase(url)) hits.push({ rule: 'host/no-tls', setting: 'store.url' });
  config.access.keys.forEach(({ key }, at) => {
    if (isWeak(key)) hits.push({ rule: 'host/default-key', setting: `access.keys.${at}.key` });
  });
  return hits;
}

function isLocal(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || isLoopbackAddress(host.replace(/^\[(.*)\]$/, '$1'));
}

function isPlainElsewhere(url: string): boolean {
  const read = URL.parse(url);
  return read?.protocol === 'http:' && !isLocal(read.hostname);
}

function isOpenDatabase(url: string): boolean {
  const read = URL.parse(url);
  if (read === null || read.hostname === '' || isLocal(read.hostname)) return false;
  return !/^(require|verify-ca|verify-full)$/.test(read.searchParams.get('sslmode') ?? '');
}

const wellKnown =
  /^(sk-)?(test|admin|password|secret|changeme|change-me|default|demo|dev|example|123\d*|abc\w{0,3}|key|token|rempart|master)([-_]?(key|token|secret|\d+))?$/i;

function isWeak(key: string): boolean {
  return key.length < 16 || wellKnown.test(key) || new Set(key).size < 6;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
