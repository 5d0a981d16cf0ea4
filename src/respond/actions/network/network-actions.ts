// network.isolate: this machine cut off by its firewall, but for SSH; shown only, unless the configuration allows it.
import { z } from 'zod';
import { RempartError } from '../../../platform/base/errors.ts';
import type { Deployment } from '../../../platform/documents/deployment.ts';
import type { Action, ActionContext } from '../../engine/action.ts';
import type { Evidence, KeptFile } from '../evidence.ts';
import { type FirewallTool, findFirewall } from './firewall-tool.ts';
import { type Isolation, iptablesIsolation, nftIsolation, zonesOf } from './isolation-rules.ts';

export interface NetworkParts {
  deployment: Deployment | undefined;
  /** false: the rules are written down and shown, never loaded. */
  firewall: boolean;
  sshPorts: readonly number[];
  keep: Isolation['keep'];
  evidence: Evidence;
  /** For the firewall's programs. */
  path: string;
  /** Before each of them, e.g. `ip netns exec NAME`. */
  through?: readonly string[];
}

export function networkActions(parts: NetworkParts): Action[] {
  return [isolateAction(parts)] as Action[];
}

const args = z.strictObject({});
const targets = ['host', 'public', 'dmz', 'private', 'management'] as const;

function isolateAction(parts: NetworkParts): Action<z.output<typeof args>> {
  const isolation: Isolation = { zones: zonesOf(parts.deployment), sshPorts: parts.sshPorts, keep: parts.keep };
  const tool = ({ signal }: Pick<ActionContext, 'signal'>) => findFirewall({ ...parts, signal });
  return {
    name: 'network.isolate',
    class: 'contain',
    args,
    async plan(_args, context) {
      if (!parts.firewall)
        return { effects: [{ target: 'host', change: 'show-rules' }], reversible: true, before: { load: false } };
      const found = await tool(context);
      const wasLoaded = await found.isLoaded();
      const effects = (parts.deployment === undefined ? ['host'] : targets).map((target) => ({
        target,
        change: 'isolate',
        from: wasLoaded ? 'isolated' : 'open',
        to: 'isolated',
      }));
      return { effects, reversible: true, before: { load: true, wasLoaded, with: found.kind } };
    },
    async probe(_args, context, before) {
      if (before['load'] !== true) return { state: 'not-done' };
      try {
        if (!(await (await tool(context)).isLoaded())) return { state: 'not-done' };
      } catch (error) {
        if (error instanceof RempartError) return { state: 'unknown' };
        throw error;
      }
      // Rules of another step's isolation may be older than the profile: they are loaded anew.
      if (before['wasLoaded'] === true && parts.evidence.finished(context) === undefined) return { state: 'not-done' };
      const evidence = parts.evidence.finished(context) ?? { rules: 'loaded' };
      return { state: 'done', done: { evidence, ...outOf(context, 'applied') } };
    },
    async act(_args, context, before) {
      const load = before['load'] === true && parts.firewall;
      const found = load ? await tool(context) : undefined;
      const files = keepRules(parts.evidence, context, isolation, found);
      if (found !== undefined) await found.load(isolation);
      const evidence = { rules: found === undefined ? 'shown' : 'loaded', with: found?.kind ?? 'none', files };
      parts.evidence.finish(context, evidence);
      return { evidence, ...outOf(context, found === undefined ? 'shown' : 'applied') };
    },
    async undo(_args, context, before) {
      if (before['load'] === true && before['wasLoaded'] !== true) await (await tool(context)).remove();
    },
  };
}

function keepRules(
  evidence: Evidence,
  context: ActionContext,
  isolation: Isolation,
  tool: FirewallTool | undefined,
): KeptFile[] {
  const rules = tool?.rules(isolation) ?? {
    nft: nftIsolation(isolation),
    iptables: iptablesIsolation(isolation, 4),
    ip6tables: iptablesIsolation(isolation, 6),
  };
  return Object.entries(rules).map(([name, text]) => evidence.keep(context, name, 'rules', text));
}

function outOf({ outArgs: [first] }: ActionContext, value: 'applied' | 'shown') {
  return first === undefined ? {} : { out: { [first]: value } };
}
