// What respond counts; labels are types of the taxonomy and states of a run only.
import { Counter, type Registry } from 'prom-client';

export interface RespondMetrics {
  opened(type: string): void;
  ran(state: string): void;
}

export function createRespondMetrics(registry: Registry | undefined): RespondMetrics {
  if (registry === undefined) return { opened() {}, ran() {} };
  const registers = [registry];
  const incidents = new Counter({
    name: 'rempart_incidents_total',
    help: 'Incidents opened, by type',
    labelNames: ['type'] as const,
    registers,
  });
  const runs = new Counter({
    name: 'rempart_playbook_runs_total',
    help: 'Runs of playbooks that ended on this node, by how',
    labelNames: ['state'] as const,
    registers,
  });
  return { opened: (type) => incidents.inc({ type }), ran: (state) => runs.inc({ state }) };
}
