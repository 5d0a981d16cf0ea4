// The actions upon containers, and upon the whole that the deployment profile describes.
import type { Action } from '../../engine/action.ts';
import { containersAuditAction } from './audit.ts';
import { composeDownAction, pruneAction, rebuildAction } from './compose.ts';
import { containmentActions } from './contain.ts';
import { disconnectAction } from './disconnect.ts';
import { healthCheckAction } from './health-check.ts';
import type { ContainerParts } from './parts.ts';
import { restartAction } from './restart.ts';
import { saveLogsAction } from './save-logs.ts';
import { startStagedAction } from './staged.ts';

export type { ContainerParts } from './parts.ts';

export function containerActions(parts: ContainerParts): Action[] {
  return [
    saveLogsAction(parts),
    containersAuditAction(parts),
    ...containmentActions(parts),
    disconnectAction(parts),
    restartAction(parts),
    startStagedAction(parts),
    composeDownAction(parts),
    pruneAction(parts),
    rebuildAction(parts),
    healthCheckAction(parts),
  ] as Action[];
}
