// A line or two of code is known by what gives it away, and a line of talk stays talk.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { detectLanguage } from './detect-language.ts';

const lines: [string, string | null][] = [
  ['data = pickle.loads(request.data)', 'python'],
  ['names = [u.name for u in users if u.active]', 'python'],
  ['app.use(cors());', 'javascript'],
  [`db.query(\`SELECT * FROM t WHERE id=\${id}\`, done);`, 'javascript'],
  ['const user: User = JSON.parse(body) as User;', 'typescript'],
  ['Cipher c = Cipher.getInstance("DES");', 'java'],
  ['$rows = mysqli_query($link, "SELECT * FROM t WHERE id = $id");', 'php'],
  ['YAML.load(File.read(path))', 'ruby'],
  ['gets(line);', 'c'],
  ['Process.Start("cmd.exe", "/c " + input);', 'csharp'],
  ['export DB_PASSWORD=hunter2', 'bash'],
  ['ports:\n  - "0.0.0.0:5432:5432"', 'yaml'],
  ['Error: connection refused at 10.0.0.1', null],
  ['Note: this is not what I asked for, sorry.', null],
  ['Step 1: open the settings and choose a theme.', null],
  ['Use git pull && git push to publish, please.', null],
  ['Je voudrais un texte plus court && plus clair.', null],
];
for (const [text, language] of lines) {
  test(`detectLanguage() takes ${JSON.stringify(text)} for ${language ?? 'no code'}`, () =>
    assert.equal(detectLanguage(text)?.language ?? null, language));
}

test('detectLanguage() knows a long text by what it knew long texts by', () => {
  const poem = Array.from({ length: 6 }, (_, i) => `Line ${i} of a poem, and nothing else in it.`).join('\n');
  assert.equal(detectLanguage(`${poem}\nError: connection refused at 10.0.0.1`), detectLanguage(poem));
});
