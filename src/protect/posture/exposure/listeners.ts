// Ports of this machine that others can reach: what answers there, and whether the firewall holds strangers off.

import type { Socket } from '../../../platform/host/sockets.ts';
import { sensitivePorts } from '../../../platform/inspection/containers/ports.ts';
import { isEveryAddress, isLoopbackAddress } from './addresses.ts';
import { askModel, type ModelAnswer } from './ask-model.ts';
import { decide, type Firewall, namesPort } from './firewall.ts';
import type { HostHit } from './host-findings.ts';

/** Where models are usually served; asked on loopback too, for what they let browsers do. */
export const modelPorts: readonly number[] = [11434, 8000, 8001, 8080, 1234, 5000, 5001, 7860, 3000, 4000, 1337, 8888];
/** Not HTTP: a question would only disturb. */
const silentPorts = new Set([
  21, 22, 23, 25, 53, 110, 143, 389, 445, 465, 587, 636, 993, 995, 3306, 5432, 6379, 11211, 27017,
]);
const publicPorts: Readonly<Record<number, string>> = { 22: 'SSH', 80: 'HTTP', 443: 'HTTPS' };
/** RFC 5737 and two private networks that are no zone: strangers, as far as the model is concerned. */
export const strangers = ['203.0.113.7', '192.168.77.7', '10.1.2.3'] as const;
const atOnce = 8;

export interface ListenerParts {
  sockets: readonly Socket[];
  firewall: Firewall | undefined;
  timeoutMs: number;
  /** Rempart's own ports are judged by its configuration. */
  own: ReadonlySet<number>;
}

export async function judgeListeners({ sockets, firewall, timeoutMs, own }: ListenerParts): Promise<HostHit[]> {
  const listening = once(sockets.filter(({ state }) => state === 'listen').map(({ local }) => local));
  const asked = listening.filter(
    ({ address, port }) =>
      !silentPorts.has(port) && !own.has(port) && (!isLoopbackAddress(address) || modelPorts.includes(port)),
  );
  const answers = new Map<string, ModelAnswer>();
  for (let at = 0; at < asked.length; at += atOnce) {
    const some = asked.slice(at, at + atOnce);
    await Promise.all(
      some.map(async (end) => answers.set(keyOf(end), await askModel(reachable(end.address), end.port, timeoutMs))),
    );
  }
  return listening.flatMap((end) => judge(end, answers.get(keyOf(end)), firewall));
}

interface End {
  address: string;
  port: number;
}

function judge({ address, port }: End, answer: ModelAnswer | undefined, firewall: Firewall | undefined): HostHit[] {
  const setting = `${address.includes(':') ? `[${address}]` : address}:${port}`;
  const hit = (rule: string, facts: Record<string, string | number> = {}): HostHit => ({
    rule: `host/${rule}`,
    setting,
    facts: { address, port, ...facts },
  });
  const model = answer?.kind === 'model' ? answer : undefined;
  const origins = model?.anyOrigin === true ? [hit('wildcard-origins', { what: model.what, where: setting })] : [];
  if (isLoopbackAddress(address)) return origins;
  const held = firewall !== undefined && strangers.every((source) => decide(firewall, port, source) === 'drop');
  if (model?.open === true)
    return [
      hit(held ? 'llm-held' : 'llm-exposed', { what: model.what }),
      ...origins,
      ...(held || firewall === undefined
        ? []
        : [hit(namesPort(firewall, port) ? 'firewall-open' : 'firewall-missing', { what: firewall.kind })]),
    ];
  const common = publicPorts[port];
  if (common !== undefined || held || model !== undefined)
    return [hit('listener-public', { what: common ?? model?.what ?? `TCP ${port}` }), ...origins];
  const admin = sensitivePorts[port];
  return [admin === undefined ? hit('listener-exposed') : hit('admin-exposed', { what: admin })];
}

function reachable(address: string): string {
  if (!isEveryAddress(address)) return address.replace(/^::ffff:(?=\d+\.)/, '');
  return address === '::' ? '::1' : '127.0.0.1';
}

function keyOf({ address, port }: End): string {
  return `${address} ${port}`;
}

function once(ends: readonly End[]): End[] {
  return [...new Map(ends.map((end) => [keyOf(end), end])).values()];
}
