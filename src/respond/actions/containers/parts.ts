// What the actions upon containers are given.
import type { ContainerEngine } from '../../../platform/containers/container-engine.ts';
import type { Deployment } from '../../../platform/documents/deployment.ts';
import type { ActionContext } from '../../engine/action.ts';
import type { Evidence } from '../evidence.ts';
import type { ComposeTool } from './compose-tool.ts';
import type { HealthParts } from './health.ts';

export interface ContainerParts {
  /** None: only containers by their own name. */
  deployment: Deployment | undefined;
  /** Throws ERR_ENGINE_NONE. Asked each time, since an engine may be started later. */
  engine: () => ContainerEngine;
  /** Services and containers that are never touched. */
  protected: readonly string[];
  evidence: Evidence;
  health: HealthParts;
  /** Throws ERR_COMPOSE_NONE. */
  compose: () => Promise<ComposeTool>;
  /** How long a container may take to come to the state that was asked for. */
  settleMs?: number;
  /** This machine's name; in a container the beginning of its id. */
  hostname?: string;
}

export const defaultSettleMs = 15_000;

export const engineOf = (parts: ContainerParts, { signal }: Pick<ActionContext, 'signal'>): ContainerEngine =>
  parts.engine().within(signal);
