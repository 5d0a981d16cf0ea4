// Parameters that a framework fills from a request are in the hands of outsiders; numbers and what it hands over beside are not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Language } from '../ast/languages.ts';
import { readCode } from './read-code.ts';

function sent(language: Language, text: string): string[] {
  return readCode(language, text).scopes.flatMap((scope) => [...scope.sent]);
}

const cases: [Language, string, string[]][] = [
  ['java', 'public String f(@RequestParam("u") String url, @PathVariable Long id, Model model) { g(); }', ['url']],
  ['java', 'public Response f(@QueryParam("q") String q, String other) { g(); }', ['q']],
  ['java', 'public String f(String url) { g(); }', []],
  ['typescript', "get(@Query('file') file: string, @Param('id', ParseIntPipe) id: number) { g(); }", ['file']],
  ['typescript', 'constructor(private readonly repo: Repo, @Inject(X) x: X) { g(); }', []],
  ['csharp', '[HttpGet("{name}")]\npublic IActionResult Get(string name, int page, ILogger log) { g(); }', ['name']],
  ['csharp', 'app.MapGet("/x", (string q, AppDbContext db) => { g(); });', ['q']],
  ['csharp', 'public string Get([FromBody] Order order) { g(); }', ['order']],
  ['csharp', 'private string Get(string name) { g(); }', []],
  ['python', '@app.get("/f/{name}")\nasync def f(name: str, n: int, db: Session = Depends(db)):\n    g()\n', ['name']],
  ['python', "@app.route('/u/<int:uid>/<slug>')\ndef f(uid, slug):\n    g()\n", ['slug']],
  ['python', '@cache\ndef f(name):\n    g()\n', []],
];

for (const [language, text, names] of cases)
  test(`isFromRequest() finds ${names.join(', ') || 'nothing'} in ${text.split('\n').at(language === 'python' ? 1 : -1)}`, () => {
    assert.deepEqual(sent(language, text), names);
  });

test('readCode() knows parameters behind decorators and modifiers by their names', () => {
  const { scopes } = readCode('typescript', "get(@Query('a') name: string, private readonly b: B) { g(); }");
  assert.deepEqual(scopes[1]?.params, ['name', 'b']);
});
