import { after } from 'node:test';
import type { GatewaySettings, ProviderSettings, RouteSettings } from '../src/protect/gateway/settings.ts';
import {
  type Answer,
  answering,
  type Behaviour,
  json,
  type Rig,
  type RigOptions,
  roomyTimeouts,
  startRig,
  startUpstream,
  type Upstream,
} from './gateway-rig.ts';

export const cleanUps: (() => Promise<void>)[] = [];
after(async () => {
  for (const close of cleanUps) await close();
});

type Providers = Readonly<Record<string, { does?: Behaviour; models?: Behaviour } & Partial<ProviderSettings>>>;

interface Setting {
  rig: Rig;
  up: Record<string, Upstream>;
  /** Who was asked since, in order of the providers' names. */
  counts: () => Record<string, number>;
}

export async function setUp(
  given: Providers,
  routes: readonly RouteSettings[],
  options: RigOptions = {},
  settings: Partial<GatewaySettings> = {},
): Promise<Setting> {
  const up: Record<string, Upstream> = {};
  const providers: ProviderSettings[] = [];
  for (const [name, { does = answering(`by ${name}`), models, ...more }] of Object.entries(given)) {
    up[name] = await startUpstream(does, models);
    cleanUps.push(up[name].close);
    providers.push({ name, dialect: 'openai', url: up[name].url, key: `key-of-${name}`, ...more });
  }
  const rig = await startRig(providers, { ...options, settings: { timeouts: roomyTimeouts, ...settings, routes } });
  cleanUps.push(rig.close);
  const counts = () => Object.fromEntries(Object.entries(up).map(([name, { bodies }]) => [name, bodies.length]));
  return { rig, up, counts };
}

export const failing =
  (status = 503, headers = {}): Behaviour =>
  (_req, res) =>
    json(res, status, {}, headers);
export const codeOf = ({ text }: Answer) => (JSON.parse(text) as { error: { code: string } }).error.code;
export const saidBy = ({ text }: Answer) => (/"content":"by (\w+)"/.exec(text) ?? [])[1];
export const modelTo = ({ bodies }: Upstream) => (JSON.parse(bodies.at(-1)!) as { model: string }).model;
export const targets = (...names: string[]) => names.map((provider) => ({ provider }));
