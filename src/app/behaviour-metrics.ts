// Whether behaviour is judged yet, for Prometheus: a baseline that is cold only learns.
import { Gauge, type Registry } from 'prom-client';
import type { Behaviour } from '../protect/screening/behaviour.ts';

/** Each thread that serves the gateway has a baseline of its own; those of several are added up. */
export function registerBehaviour(registry: Registry, behaviour: Pick<Behaviour, 'state'>): void {
  const registers = [registry];
  new Gauge({
    name: 'rempart_behaviour_baselines',
    help: 'Baselines of behaviour that are cold, so that nobody is judged by them, and that are warm',
    labelNames: ['state'],
    registers,
    collect() {
      const { cold } = behaviour.state();
      this.set({ state: 'cold' }, cold ? 1 : 0);
      this.set({ state: 'warm' }, cold ? 0 : 1);
    },
  });
  new Gauge({
    name: 'rempart_behaviour_learned_requests',
    help: 'Requests that baselines of behaviour have learned from',
    registers,
    collect() {
      this.set(behaviour.state().learned);
    },
  });
}
