// Every rule's own examples, what must not be taken for a secret, and time in proportion to length.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertGrowth } from '../base/test-time.ts';
import { drawExample } from './draw-example.ts';
import { mask } from './mask.ts';
import { loadSecretRules } from './secret-rules.ts';
import { findSecrets } from './secrets.ts';

const rules = loadSecretRules();
const all = [...rules.tokens, ...rules.named];

for (const { id, examples, clean } of all) {
  test(`findSecrets() finds what rule ${id} is for, and no more`, () => {
    for (const [index, example] of examples.entries()) {
      for (let seed = 0; seed < 5; seed++) {
        const text = drawExample(example, seed * 100 + index);
        const hits = findSecrets(text).filter(({ placeholder }) => !placeholder);
        assert.ok(hits.length > 0, `nothing in ${text}`);
      }
    }
    for (const text of clean) {
      const hits = findSecrets(text).filter(({ placeholder, confidence }) => !placeholder && confidence !== 'doubtful');
      assert.deepEqual(hits, [], text);
    }
  });
}

test('findSecrets() says where a secret stands, and which', () => {
  const key = drawExample('ghp_{A:36}', 1);
  const text = `first ${key} last`;
  assert.deepEqual(findSecrets(text), [
    {
      rule: 'github-personal-token',
      provider: 'GitHub',
      start: 6,
      end: 46,
      confidence: 'certain',
      placeholder: false,
    },
  ]);
  assert.equal(mask(text, findSecrets(text)), 'first [masked] last');
});

test('findSecrets() covers the whole of a password that ends like a sentence', () => {
  const cases = [
    ['DB_PASSWORD=Tr0ub4dor&3x9!', 'DB_PASSWORD=[masked]'],
    ['password: "Tr0ub4dor&3x9?!"', 'password: "[masked]"'],
    ['My password is Tr0ub4dor&3x9!', 'My password is [masked]!'],
  ] as const;
  for (const [text, masked] of cases) assert.equal(mask(text, findSecrets(text)), masked);
});

test('findSecrets() takes no placeholder, reference, hash or ordinary word for a secret', () => {
  const innocent = [
    'api_key = "YOUR_API_KEY"',
    'API_KEY=<your-api-key>',
    'password = os.environ["DB_PASSWORD"]',
    'const token = process.env.TOKEN;',
    `secret: \${{ secrets.DEPLOY_KEY }}`,
    'password: changeme123',
    'apiKey: "sk-..."',
    'OPENAI_API_KEY=sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',
    'aws_access_key_id = AKIAIOSFODNN7EXAMPLE',
    `stripe.api_key = "sk_test_${'4eC39HqLyjWDarjtT1zdp7dc'}"`,
    'commit 356a192b7913b04c54574d18c28d46e6395428ab',
    'request_id_token = 550e8400-e29b-41d4-a716-446655440000',
    'The secret of good bread is patience: flour, water and time.',
    'Le mot de passe doit contenir au moins douze caractères.',
    'tokenizer: "gpt2-medium-2024-tokens"',
    'token = generate_token(user_id=42)',
    'password: string;',
    'password = generate_password(length=16)',
    'user.update(params.require(:user).permit(:password, :password_confirmation))',
    "crypto.subtle.importKey('raw', bytesOf(passphrase), 'PBKDF2', false, ['deriveKey'])",
    'await bcrypt.compare(password, user?.password_hash ?? DUMMY_HASH)',
    'pg_dump --no-password --dbname="$BASE" --file="$tmp"',
    'user.set_password(generate_password(length=16))',
    'SecretKeyFactory.getInstance("PBKDF2WithHmacSHA256")',
    'String SECRET_ALGORITHM_USED = "PBKDF2WithHmacSHA512";',
    'secret_algo = "PBKDF2WithHmacSHA512"',
    'const secret = await getSecretValue("prod/db");',
    'The public_key = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE"',
    'ghp_your_personal_access_token_goes_here',
    'Authorization: Bearer <token>',
    `token: "\${GITHUB_TOKEN}"`,
    'curl -u user:password https://acme.io',
    'curl --user admin:my_secret https://acme.io',
    'https://user:password@example.com/',
    'postgres://user:<password>@localhost/db',
  ];
  for (const text of innocent) {
    const hits = findSecrets(text).filter(({ placeholder, confidence }) => !placeholder && confidence !== 'doubtful');
    assert.deepEqual(hits, [], text);
  }
});

test('findSecrets() finds passwords and keys of nobody in particular by the names they are given', () => {
  const given = [
    'password = "Tr0ub4dor&3"',
    "DB_PASSWORD='s3cr3t-Pa55!x'",
    'mot de passe : Kx8!vTq29z',
    'mdp: Zt7#kLm2qP',
    '"client_secret": "q8Zt5Lw0pRk3Vn7Yc2Xd"',
    'api_key: 9fK2mQ7xZ4tR8wL1vB6n',
    '--token 8fK2mQ7xZ4tR8wL1vB6nA3',
    'db.connect("localhost", user="root", password="h7!Gq2Lp9")',
  ];
  for (const text of given) {
    const hits = findSecrets(text).filter(({ placeholder, confidence }) => !placeholder && confidence !== 'doubtful');
    assert.equal(hits.length, 1, text);
  }
});

test('findSecrets() looks once into base64 and URL encoding', () => {
  const key = drawExample('ghp_{A:36}', 3);
  const encoded = Buffer.from(`token ${key} end`).toString('base64');
  assert.equal(findSecrets(`data: ${encoded}`)[0]?.rule, 'github-personal-token');
  assert.equal(findSecrets(`https://host/?q=%22${key}%22`)[0]?.rule, 'github-personal-token');
  assert.deepEqual(findSecrets(`data: ${encoded}`, { decode: false }), []);
});

test('findSecrets() takes time in proportion to the length of the worst texts', () => {
  const pieces = [
    'password:'.repeat(1),
    'token = "',
    'https://a:',
    '-----BEGIN PRIVATE KEY-----\nAAAA',
    'eyJ',
    'sk-',
    '%20',
    'kind: Secret data: ',
    'a',
    'secret key is the ',
    'PuTTY-User-Key-File-2: ',
    'AKIA',
    '1:AA',
    'jdbc:',
  ];
  for (const piece of pieces) {
    const work = (length: number) => {
      const text = piece.repeat(Math.ceil(length / piece.length)).slice(0, length);
      return () => findSecrets(text);
    };
    assertGrowth({ what: JSON.stringify(piece), work, lengths: [4_000, 64_000], mostMs: 1_500 });
  }
});
