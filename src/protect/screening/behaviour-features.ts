// What is looked at in a request: numbers, of which a sample is kept, and kinds, which are counted.

/** In this order samples are drawn. */
export const numberNames = ['rate', 'length', 'entropy', 'turns', 'refusals', 'failed-auth', 'similarity'] as const;
export const kindNames = ['hour', 'model', 'language'] as const;
export const featureNames = [...numberNames, ...kindNames] as const;
export type FeatureName = (typeof featureNames)[number];
