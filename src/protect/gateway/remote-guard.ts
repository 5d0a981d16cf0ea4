// Whether a provider may be an Ollama, whatever dialect it is spoken to in: then names that it would send on to its maker's servers are not for it.
import { isIP } from 'node:net';
import type { ProviderSettings } from './settings.ts';

export interface RemoteGuard {
  /** Names that stand for models of a cloud are refused. */
  refusesNames: boolean;
  /** Its list is looked at for models of other names that it would send on. */
  looks: boolean;
  /** It said of itself that it is an Ollama. */
  isOllama(): void;
}

export type RemoteSettings = Pick<ProviderSettings, 'dialect' | 'url' | 'remoteModels'>;

export function createRemoteGuard(settings: RemoteSettings): RemoteGuard {
  const { dialect, url, remoteModels = 'auto' } = settings;
  const isKnown = dialect === 'ollama' || remoteModels === 'refuse' || (remoteModels === 'auto' && isOllamasPort(url));
  const guard: RemoteGuard = {
    refusesNames: refusesCloudNames(settings),
    looks: isKnown,
    isOllama() {
      if (remoteModels === 'allow') return;
      guard.refusesNames = true;
      guard.looks = true;
    },
  };
  return guard;
}

/** By default at every provider that is not plainly a service of the internet: nobody runs an Ollama for strangers there. */
export function refusesCloudNames({ dialect, url, remoteModels = 'auto' }: RemoteSettings): boolean {
  if (dialect === 'ollama' || remoteModels === 'refuse') return true;
  return remoteModels === 'auto' && (isOllamasPort(url) || isNearby(url));
}

function isOllamasPort(url: string): boolean {
  return URL.parse(url)?.port === '11434';
}

/** This machine, a private network, or a name that only such a network knows. */
function isNearby(url: string): boolean {
  const host = (URL.parse(url)?.hostname ?? '').replace(/^\[|\]$/g, '').toLowerCase();
  if (isIP(host) === 4)
    return /^(?:10|127|169\.254|192\.168|172\.(?:1[6-9]|2\d|3[01])|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\./.test(
      host,
    );
  if (isIP(host) === 6) return host === '::1' || /^(?:f[cd]|fe[89ab]|::ffff:)/.test(host);
  return !host.includes('.') || /\.(?:localhost|local|internal|intranet|lan|home|corp|private|home\.arpa)$/.test(host);
}
