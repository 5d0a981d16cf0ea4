// Which of what a watch has found is moved to quarantine without asking: what was altered, never what is only unknown or gone.
import type { ModelFindingKind } from '../../../platform/documents/models.ts';
import type { Finding } from './finding.ts';
import { type QuarantineFacts, quarantineModel } from './quarantine.ts';
import type { Verification } from './verify-store.ts';

const altered: ReadonlySet<ModelFindingKind> = new Set([
  'blob-altered',
  'layer-changed',
  'layer-added',
  'layer-removed',
  'manifest-changed',
  'manifest-unreadable',
  'symlink-outside',
  'model-alias',
]);

export type QuarantineEnd =
  | { kind: 'quarantined'; model: string; folder: string }
  | { kind: 'quarantine-failed'; model: string; cause: string };

/** One end for each model; what fails keeps nobody else waiting. */
export async function quarantineNew(
  verification: Verification,
  fresh: readonly Finding[],
  facts: QuarantineFacts,
): Promise<QuarantineEnd[]> {
  const names = new Set(fresh.filter(({ what }) => altered.has(what)).map(({ model }) => model ?? ''));
  const ends: QuarantineEnd[] = [];
  for (const model of names) {
    // A path that is no model's, with a star for what it stands for, needs a person.
    if (model === '' || model.includes('*')) continue;
    try {
      const { folder } = await quarantineModel(verification, model, facts);
      ends.push({ kind: 'quarantined', model, folder });
    } catch (error) {
      const { code = 'unknown' } = error as { code?: string };
      ends.push({ kind: 'quarantine-failed', model, cause: code });
    }
  }
  return ends;
}
