// What of the providers' breakers and keys is to be seen at /metrics, read when somebody asks.
import { Gauge, type Registry } from 'prom-client';
import type { GatewayState } from '../protect/gateway/gateway.ts';

const states = ['closed', 'half-open', 'open', 'refused'] as const;

export function registerProviders(registry: Registry, state: () => Pick<GatewayState, 'providers'>): void {
  new Gauge({
    name: 'rempart_provider_keys',
    help: 'Keys of each provider by the state of their breaker, or refused; one without keys counts as one',
    labelNames: ['provider', 'state'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { name, keys } of state().providers)
        for (const one of states)
          this.set(
            { provider: name, state: one },
            keys.filter(({ breaker, refused }) => (refused ? 'refused' : breaker) === one).length,
          );
    },
  });
}
