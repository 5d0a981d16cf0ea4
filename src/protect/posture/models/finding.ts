// What is wrong with a model, a layer or the list: facts, from which the sentence is made where it is read.

import type { Phrase } from '../../../platform/base/errors.ts';
import type { LayerKind, ModelFindingDocument, ModelFindingKind } from '../../../platform/documents/models.ts';
import type { Say } from '../../../platform/i18n/say.ts';

export interface Finding {
  what: ModelFindingKind;
  model: string | null;
  layer?: LayerKind;
  path?: string;
  expected?: string;
  found?: string;
  detail?: string;
  /** Where it differs from what its kind has. */
  severity?: ModelFindingDocument['severity'];
}

const severities: Readonly<Record<ModelFindingKind, ModelFindingDocument['severity']>> = {
  'list-missing': 'high',
  'list-unreadable': 'critical',
  'list-signature': 'critical',
  'list-key': 'critical',
  'list-older': 'critical',
  'blob-altered': 'critical',
  'blob-missing': 'high',
  'blob-unreadable': 'high',
  'layer-changed': 'critical',
  'layer-added': 'critical',
  'layer-removed': 'high',
  'manifest-changed': 'high',
  'manifest-unreadable': 'high',
  'symlink-outside': 'critical',
  'model-unknown': 'medium',
  'model-alias': 'high',
  'model-missing': 'medium',
  'model-remote': 'high',
  'not-a-model': 'low',
  'source-not-allowed': 'high',
  'api-differs': 'critical',
  'publisher-differs': 'critical',
  'loaded-differs': 'critical',
  'version-vulnerable': 'high',
};

export function severityOf({ what, severity }: Finding): ModelFindingDocument['severity'] {
  return severity ?? severities[what];
}

export function findingDocument(finding: Finding, say: Say): ModelFindingDocument {
  const { what, model, layer = null, path = null, expected = null, found = null, detail = null } = finding;
  const severity = severityOf(finding);
  return { what, severity, model, layer, path, expected, found, detail, message: sentenceOf(finding, say) };
}

/** One sentence that names the model, the layer and what is wrong. */
export function sentenceOf({ what, model, layer, path, expected, found, detail }: Finding, say: Say): string {
  return say(`models.finding.${what}`, {
    model: model ?? '',
    layer: layer === undefined ? '' : say(`models.layer.${layer}`),
    path: path ?? '',
    expected: short(expected),
    found: short(found),
    detail: detail ?? '',
  });
}

/** The sentence as a fact of an error. A layer is named by its kind's own word, which stays as it is in every language. */
export function phraseOf({ what, model, layer, path, expected, found, detail }: Finding): Phrase {
  const facts = { model: model ?? '', layer: layer ?? '', path: path ?? '', detail: detail ?? '' };
  return { key: `models.finding.${what}`, facts: { ...facts, expected: short(expected), found: short(found) } };
}

/** The same finding seen again has the same key. */
export function findingKey(finding: Finding): string {
  const { what, model, layer, path, found, detail } = finding;
  return JSON.stringify([what, model, layer ?? '', path ?? '', found ?? '', detail ?? '']);
}

/** Enough of a digest to tell it from the others; whole in the document. */
function short(digest: string | undefined): string {
  if (digest === undefined) return '';
  return /^(sha256:)?[0-9a-f]{64}$/.test(digest) ? digest.replace('sha256:', '').slice(0, 12) : digest;
}
