// Every shipped playbook, killed at every boundary of its run: with all actions on and with none, on both stores.
import { onBothStores } from '../../src/respond/engine/both-stores.ts';
import { testCrashes } from '../respond-playbooks-rig.ts';

onBothStores((name, locate) => {
  testCrashes(name, locate, { stride: 1, enabled: ['*'] });
  testCrashes(name, locate, { stride: 1, enabled: [] });
});
