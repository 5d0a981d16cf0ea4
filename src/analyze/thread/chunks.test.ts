// The functions of a piece of code, by language, and which of them holds a line.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chunksOf, enclosing } from './chunks.ts';

const cases: [string, string, [string, number, number][]][] = [
  [
    'Python',
    'def a(x):\n    return x\n\ndef b():\n    pass',
    [
      ['a', 1, 2],
      ['b', 4, 5],
    ],
  ],
  [
    'JavaScript',
    'const a = async (x) => {\n  return x;\n};\nfunction b() {\n  c();\n}',
    [
      ['a', 1, 3],
      ['b', 4, 6],
    ],
  ],
  ['Go', 'func (s *Store) Find(id string) error {\n\treturn nil\n}', [['Find', 1, 3]]],
  ['C#', 'public IActionResult Find(string name)\n{\n    return View();\n}', [['Find', 1, 4]]],
  ['Java', 'public byte[] digest(String s) throws Exception {\n    return null;\n}', [['digest', 1, 3]]],
  [
    'Ruby',
    'def show\n  render\nend\n\ndef edit\n  x\nend',
    [
      ['show', 1, 3],
      ['edit', 5, 7],
    ],
  ],
  [
    'a router of Express',
    "const app = express();\napp.post('/login', async (req, res) => {\n  f();\n});\napp.get('/', (req, res) => {\n  g();\n});",
    [
      ['post /login', 2, 4],
      ['get /', 5, 7],
    ],
  ],
  ['Sinatra', "get '/books' do\n  f\nend", [['get /books', 1, 3]]],
  [
    'a compose file',
    'services:\n  db:\n    image: a:1\n    environment:\n      A: b\n  web:\n    image: b:1\nvolumes:\n  data:\n',
    [
      ['service db', 2, 5],
      ['service web', 6, 7],
    ],
  ],
  ['PHP', 'public function search(Request $r)\n{\n    return 1;\n}', [['search', 1, 4]]],
];

for (const [language, text, expected] of cases)
  test(`chunksOf() finds the functions of ${language}`, () => {
    const chunks = chunksOf(text);
    assert.deepEqual(
      chunks.map(({ name, firstLine, lastLine }) => [name, firstLine, lastLine]),
      expected,
    );
    const [name, firstLine] = expected[0] as [string, number, number];
    assert.equal(enclosing(chunks, firstLine + 1)?.name, name);
  });

test('enclosing() prefers the method to its class, and knows lines outside of both', () => {
  const chunks = chunksOf('class A:\n    def m(self):\n        x()\n\ny()');
  assert.deepEqual([enclosing(chunks, 3)?.name, enclosing(chunks, 5)], ['m', null]);
});
