// In which order services are stopped and started: the model is the last to start and the first to stop.
import type { Deployment, DeploymentService } from '../../platform/documents/deployment.ts';

const stages: Readonly<Record<DeploymentService['role'], number>> = {
  monitoring: 0,
  data: 1,
  core: 1,
  gateway: 1,
  frontend: 1,
  model: 2,
};

/** Names: monitoring, then what is at the core, then models; within each as the profile orders them. */
export function startOrder({ services }: Pick<Deployment, 'services'>): string[] {
  return services.toSorted((a, b) => stages[a.role] - stages[b.role] || a.order - b.order).map(({ name }) => name);
}
