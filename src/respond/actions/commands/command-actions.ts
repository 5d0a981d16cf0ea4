// The commands that a CACAO playbook may carry, each as an action.
import type { Action } from '../../engine/action.ts';
import { bashAction } from './bash.ts';
import type { CommandParts } from './command-parts.ts';
import { httpAction } from './http-api.ts';
import { manualAction } from './manual.ts';
import { sshAction } from './ssh.ts';

export type { CommandParts } from './command-parts.ts';

export function commandActions(parts: CommandParts): Action[] {
  return [manualAction(parts), bashAction(parts), httpAction(parts), sshAction(parts)] as Action[];
}
