// Where answers may be sent: https, and never into this machine or its networks unless the configuration names the host.
import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { RempartError } from '../../platform/base/errors.ts';
import type { TextKey } from '../../platform/i18n/say.ts';
import { createLeadsTo } from '../gateway/waf/reach.ts';
import type { PrivatePlaces } from '../gateway/waf/waf-rules.ts';

/** Throws ERR_DEFERRED_WEBHOOK. */
export type CheckAddress = (url: string) => void;

export interface AddressSettings {
  /** Without webhooks none is taken. */
  isOn: boolean;
  /** Hosts that may be named although they are private. */
  allowedHosts: readonly string[];
}

const longest = 2_048;

export function createCheckAddress(places: PrivatePlaces, { isOn, allowedHosts }: AddressSettings): CheckAddress {
  const leadsTo = createLeadsTo(places, allowedHosts);
  const allowed = new Set(allowedHosts.map((host) => host.toLowerCase()));
  const refuse = (key: TextKey): never => {
    throw new RempartError('ERR_DEFERRED_WEBHOOK', { what: { key } });
  };
  return (text) => {
    if (!isOn) return refuse('deferred.webhook.off');
    const url = text.length > longest ? null : URL.parse(text);
    if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) return refuse('deferred.webhook.url');
    if (url.username !== '' || url.password !== '' || url.hash !== '') return refuse('deferred.webhook.url');
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
    if (url.protocol === 'http:' && !(isLoopback(host) && allowed.has(host))) return refuse('deferred.webhook.https');
    if ((['private', 'metadata', 'local'] as const).some((reach) => leadsTo(url.href, reach)))
      return refuse('deferred.webhook.private');
  };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** Looked up when it connects: a name that led to the world when it was given may lead elsewhere by then. */
export function createGuardedLookup(places: PrivatePlaces, allowedHosts: readonly string[]): LookupFunction {
  const leadsTo = createLeadsTo(places, []);
  const isPrivate = (address: string) => {
    const url = `https://${address.includes(':') ? `[${address}]` : address}/`;
    return leadsTo(url, 'private') || leadsTo(url, 'metadata');
  };
  const allowed = new Set(allowedHosts.map((host) => host.toLowerCase()));
  return (host, options, done) => {
    lookup(host, { ...options, all: true }, (error, found) => {
      const all = (found ?? []) as LookupAddress[];
      const open = allowed.has(host.toLowerCase()) ? all : all.filter(({ address }) => !isPrivate(address));
      const [first] = open;
      if (error !== null || first === undefined) {
        done(error ?? Object.assign(new Error('a private address'), { code: 'ERR_DEFERRED_WEBHOOK' }), '', 0);
        return;
      }
      if (options.all) (done as unknown as (error: null, all: LookupAddress[]) => void)(null, open);
      else done(null, first.address, first.family);
    });
  };
}

export const refuseWebhooks: CheckAddress = () => {
  throw new RempartError('ERR_DEFERRED_WEBHOOK', { what: { key: 'deferred.webhook.off' } });
};
