// Whose machine the target stands on: breaking things on another one needs the consent of whoever owns it.
import { RempartError } from '../../platform/base/errors.ts';
import type { Profile } from './profile.ts';

/** Throws ERR_TARGET_NOT_LOCAL when the target answers anywhere but on this machine. A real upstream is only called, as the target itself calls it. */
export function refuseStrangers(profile: Profile): void {
  const urls = [
    profile.ask.request.url,
    profile.history?.request.url,
    profile.health?.url,
    profile.settings?.get.url,
    profile.login?.request.url,
    profile.incidents?.request.url,
    profile.start?.ready?.url,
  ];
  for (const url of urls) {
    if (url === undefined) continue;
    const host = hostOf(url);
    if (!isLoopback(host)) throw new RempartError('ERR_TARGET_NOT_LOCAL', { host });
  }
}

/** Placeholders stand in ports, so the address is no URL yet; what comes before an @ is a name and not a host. */
function hostOf(url: string): string {
  const authority = /^[a-z]+:\/\/([^/?#]*)/i.exec(url)?.[1] ?? '';
  return /^(\[[^\]]*\]|[^:]+)/.exec(authority.slice(authority.lastIndexOf('@') + 1))?.[1] ?? '';
}

function isLoopback(host: string): boolean {
  return host.toLowerCase() === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** Whether an address leads to this machine. */
export function isLocalUrl(url: string): boolean {
  return isLoopback(hostOf(url));
}
