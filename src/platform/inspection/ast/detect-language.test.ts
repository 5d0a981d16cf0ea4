import assert from 'node:assert/strict';
import { test } from 'node:test';
import { detectLanguage } from './detect-language.ts';
import { parseCode } from './grammars.ts';
import { languageOfLabel } from './languages.ts';

const cases: [string, string | null][] = [
  ['def total(items):\n    return sum(i.price for i in items)\n', 'python'],
  ['const app = require("express")();\napp.get("/", (req, res) => res.send("ok"));', 'javascript'],
  ['interface User { name: string }\nexport const hello = (u: User): string => u.name;', 'typescript'],
  ['public String name(HttpServletRequest r) {\n  return r.getParameter("name");\n}', 'java'],
  ['func main() {\n\tfmt.Println("hello")\n}', 'go'],
  ['<?php\n$name = $_GET["name"];\necho $name;', 'php'],
  ['def show\n  @user = User.find(params[:id])\nend', 'ruby'],
  ['#include <stdio.h>\nint main(void) { char b[8]; gets(b); return 0; }', 'c'],
  [
    'using System;\npublic class A { public string Name { get; set; } public void F() { Console.WriteLine($"{Name}"); } }',
    'csharp',
  ],
  ['npm install express\nnpm run dev', 'bash'],
  ['SELECT id, name FROM users WHERE id = 3;', 'sql'],
  ['services:\n  web:\n    image: nginx:1.27\n', 'yaml'],
  ['<!doctype html>\n<html><body><p>Hi</p></body></html>', 'html'],
  ['FROM node:24\nWORKDIR /app\nCMD ["node", "a.js"]', 'dockerfile'],
  ['Hello, you should import only what you need, and for that matter use a password manager.', null],
  ['{"name": "demo", "version": "1.0.0"}', null],
  ['', null],
];
for (const [text, expected] of cases) {
  test(`detectLanguage() reads ${JSON.stringify(text.slice(0, 40))} as ${expected}`, () => {
    assert.equal(detectLanguage(text)?.language ?? null, expected);
  });
}

test('languageOfLabel() knows the labels that people write on fences', () => {
  assert.equal(languageOfLabel('py'), 'python');
  assert.equal(languageOfLabel('JS {1,3}'), 'javascript');
  assert.equal(languageOfLabel('c++'), 'c');
  assert.equal(languageOfLabel('.rb'), 'ruby');
  assert.equal(languageOfLabel('mermaid'), null);
});

test('parseCode() tells how much of a text the grammar did not understand', () => {
  assert.equal(parseCode('python', 'x = 1\n')?.errorShare, 0);
  const broken = parseCode('go', 'func f() {\n\tx := (1 +\n}\n)) ((\n');
  assert.ok(broken !== null && broken.errorShare > 0 && broken.firstErrorLine !== null);
});

test('detectLanguage() tells C# from Java, and knows none for a language without rules', () => {
  const csharp =
    'public async Task<IActionResult> Edit(int id)\n{\n    var item = await _db.Items.FindAsync(id);\n    return View(item);\n}\n';
  const java = 'public Item edit(int id) throws IOException {\n    Item item = items.find(id);\n    return item;\n}\n';
  const rust = 'fn main() {\n    let mut sum = 0;\n    for i in 0..10 { sum += i; }\n    println!("{}", sum);\n}\n';
  assert.equal(detectLanguage(csharp)?.language, 'csharp');
  assert.equal(detectLanguage(java)?.language, 'java');
  assert.equal(detectLanguage(rust), null);
});
