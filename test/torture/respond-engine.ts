// The engine of respond, killed at every boundary of a playbook with every kind of step, on both stores.
import { testOnBothStores } from '../../src/respond/engine/both-stores.ts';

testOnBothStores(1);
