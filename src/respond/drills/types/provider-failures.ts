// Drills: the model provider refuses the key, fails, is cut off, or has no quota left; the gateway must do what the playbook says of each.
import { askGateway, statusOf } from '../ask-gateway.ts';
import type { Drill, DrillAtWork, Look, Sandbox } from '../drill.ts';
import { contactsTold } from '../looks.ts';
import { modeIs } from '../modes-of.ts';

const subject = () => 'drill';

async function served(sandbox: Sandbox, name: string): Promise<Look> {
  const status = await statusOf(sandbox, sandbox.keys.first);
  return { name, ok: status === 200, facts: { status } };
}

/** A few requests, as users go on sending them. */
/** Longer than a breaker stays open. */
const restMs = 15_000;

async function ask(sandbox: Sandbox, times = 3): Promise<void> {
  for (let count = 0; count < times; count++)
    await askGateway(sandbox, sandbox.keys.second, `Question ${count}`).catch(() => undefined);
}

const well = async ({ provider }: Sandbox) => {
  await provider.plug();
  provider.set({ kind: 'well' });
};

/** What all of them share: served before, and served again once the cause is gone. */
function atWork(sandbox: Sandbox, own: Pick<DrillAtWork, 'cause' | 'contained'> & Partial<DrillAtWork>): DrillAtWork {
  return {
    before: async () => [await served(sandbox, 'served-before')],
    async byHand(step) {
      // Whoever works by hand here ends the trouble first.
      await well(sandbox);
      return step === 'Does the provider answer again?' ? { __back__: 'true' } : undefined;
    },
    restored: async () => [await served(sandbox, 'served-again')],
    undone: async () => [await served(sandbox, 'served-after-undo')],
    ...own,
  };
}

export const providerKeyCompromised: Drill = {
  type: 'provider-key-compromised',
  wantsContainers: false,
  cause: 'drill.cause.provider-key-compromised',
  subject,
  begin: (sandbox) => {
    const { provider, providerKeys } = sandbox;
    return atWork(sandbox, {
      async cause() {
        provider.set({ kind: 'refuses-keys', keys: [providerKeys.first] });
        await ask(sandbox, 1);
      },
      async contained({ id }) {
        const before = provider.callsWith(providerKeys.first);
        await ask(sandbox);
        const more = provider.callsWith(providerKeys.first) - before;
        return [{ name: 'key-not-used', ok: more === 0, facts: { calls: more } }, contactsTold(sandbox, id)];
      },
    });
  },
};

export const providerUnavailable: Drill = {
  type: 'provider-unavailable',
  wantsContainers: false,
  cause: 'drill.cause.provider-unavailable',
  subject,
  begin: (sandbox) => {
    const { provider, providerKeys } = sandbox;
    return atWork(sandbox, {
      async cause() {
        provider.set({ kind: 'broken' });
        await ask(sandbox);
      },
      async contained({ id }) {
        const [first, spare] = [provider.callsWith(providerKeys.first), provider.callsWith(providerKeys.spare)];
        const begun = performance.now();
        await ask(sandbox);
        const ms = Math.round((performance.now() - begun) / 3);
        // A provider that just failed is left alone for a while, whatever the key.
        for (
          const end = begun + restMs;
          provider.callsWith(providerKeys.spare) === spare && performance.now() < end;
        ) {
          await new Promise((resolve) => setTimeout(resolve, 250));
          await ask(sandbox, 1);
        }
        const more = provider.callsWith(providerKeys.first) - first;
        return [
          { name: 'key-not-used', ok: more === 0, facts: { calls: more } },
          { name: 'spare-used', ok: provider.callsWith(providerKeys.spare) > spare },
          { name: 'nobody-kept-waiting', ok: ms < 3_000, facts: { ms } },
          contactsTold(sandbox, id),
        ];
      },
      async undone() {
        const before = provider.callsWith(providerKeys.first);
        const look = await served(sandbox, 'served-after-undo');
        return [look, { name: 'first-key-used', ok: provider.callsWith(providerKeys.first) > before }];
      },
    });
  },
};

export const networkCut: Drill = {
  type: 'network-cut',
  wantsContainers: false,
  cause: 'drill.cause.network-cut',
  subject,
  begin: (sandbox) =>
    atWork(sandbox, {
      async cause() {
        await sandbox.provider.unplug();
        await ask(sandbox);
      },
      contained: async ({ id }) => [modeIs(sandbox, 'safe', true), contactsTold(sandbox, id)],
      undone: async () => [modeIs(sandbox, 'safe', false), await served(sandbox, 'served-after-undo')],
    }),
};

export const quotaExhausted: Drill = {
  type: 'quota-exhausted',
  wantsContainers: false,
  cause: 'drill.cause.quota-exhausted',
  subject,
  begin: (sandbox) => {
    const { provider, providerKeys } = sandbox;
    return atWork(sandbox, {
      async cause() {
        provider.set({ kind: 'out-of-quota', keys: [providerKeys.first] });
        await ask(sandbox);
      },
      async contained({ id }) {
        const before = provider.callsWith(providerKeys.first);
        await ask(sandbox);
        const more = provider.callsWith(providerKeys.first) - before;
        return [{ name: 'key-not-used', ok: more === 0, facts: { calls: more } }, contactsTold(sandbox, id)];
      },
    });
  },
};
