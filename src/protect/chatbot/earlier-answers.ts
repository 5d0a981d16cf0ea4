// Answers given lately, per subject: shown again, and said to be earlier ones, while the model is away.

export interface EarlierAnswers {
  remember(subject: string, question: string, answer: string, at: number): void;
  find(subject: string, question: string): { answer: string; at: number } | undefined;
  /** Returns how many there were. */
  forget(subject: string): number;
}

const maxAnswers = 2_000;
/** "Yes" or "go on" mean something else in each conversation. */
const minQuestionLength = 12;

/** The same question is the same words; case and spacing do not count. */
export function createEarlierAnswers(): EarlierAnswers {
  const answers = new Map<string, { answer: string; at: number }>();
  const keyOf = (subject: string, question: string) =>
    JSON.stringify([subject, question.normalize('NFKC').toLowerCase().replaceAll(/\s+/g, ' ').trim()]);
  return {
    remember(subject, question, answer, at) {
      if (question.trim().length < minQuestionLength) return;
      const key = keyOf(subject, question);
      answers.delete(key);
      answers.set(key, { answer, at });
      const [oldest] = answers.keys();
      if (answers.size > maxAnswers && oldest !== undefined) answers.delete(oldest);
    },
    find: (subject, question) => answers.get(keyOf(subject, question)),
    forget(subject) {
      const own = [...answers.keys()].filter((key) => (JSON.parse(key) as string[])[0] === subject);
      for (const key of own) answers.delete(key);
      return own.length;
    },
  };
}
