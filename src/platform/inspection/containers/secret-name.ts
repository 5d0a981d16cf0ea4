// Whether the name of a variable says that its value is a secret.

const endings =
  /(?:^|_)(?:PASS(?:WORD|WD|PHRASE|CODE)?|PWD|SECRETS?|TOKEN|CREDENTIALS?|(?:API|APP|ACCESS|SECRET|PRIVATE|SIGNING|ENCRYPTION|MASTER|SESSION|SERVICE|LICENSE|AUTH|JWT|HMAC|SSH|ADMIN|ROOT|ACCOUNT|SHARED|WEBHOOK|DEPLOY|SALT|CRYPT|AES|RSA|ED25519|BEARER|STORAGE|CLIENT)_?KEY(?:_BASE|_BASE64)?|SECRET_ACCESS|SECRET_KEY_BASE|KEY_BASE|BASIC_AUTH|HTPASSWD|COOKIE|SALT|PEPPER|PIN|KEYPASS|STOREPASS)$/;
const joined = /(?:password|passwd|passphrase|secret|apikey|authtoken|accesstoken|privatekey|dbpass|rootpass)$/i;
const provider =
  /^(?:OPENAI|MISTRAL|ANTHROPIC|GEMINI|GOOGLE|GROQ|COHERE|HF|HUGGINGFACE|STRIPE|SENDGRID|TWILIO|DEEPSEEK|OPENROUTER|LANGFUSE|PINECONE|WEAVIATE|QDRANT)_(?:[A-Z0-9]+_)*(?:KEY|TOKEN)$/;
/** Said about a secret, not the secret: its file, name, lifetime, length, or that it is public. */
const about =
  /(?:_FILE|_PATH|_DIR|_URL|_URI|_ENDPOINT|_NAME|_ID|_TTL|_EXPIR(?:Y|ES|ATION)(?:_\w+)?|_LIFETIME|_MAX_AGE|_LENGTH|_MIN|_MAX|_LIMIT|_COUNT|_SIZE|_ENABLED|_REQUIRED|_POLICY|_ALGORITHM|_ALG|_TYPE|_HEADER|_FIELD|_PREFIX|_ISSUER|_AUDIENCE|_HASH_ROUNDS|_ROUNDS|_INTERVAL|_DAYS|_HOURS|_MINUTES|_SECONDS|_MS)$/;
const open =
  /(?:^|_)(?:PUBLIC|PRIMARY|FOREIGN|SORT|PARTITION|CACHE|ROUTING|IDEMPOTENCY)_?KEY$|^(?:NEXT_PUBLIC|VITE|REACT_APP)_.*PUBLISHABLE|^(?:OLD)?PWD$|^MAX_TOKEN$|ALLOW_EMPTY|RANDOM_ROOT/;

export function isSecretName(name: string): boolean {
  const upper = name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[.\- ]+/g, '_')
    .toUpperCase();
  if (about.test(upper) || open.test(upper)) return false;
  return endings.test(upper) || joined.test(name) || provider.test(upper);
}

/** A user and password inside an address: `scheme://user:password@host`, the password itself no variable. */
export function hasUrlPassword(text: string): boolean {
  const [, password] = /[a-z][a-z0-9+.-]*:\/\/[^\s/:@]*:([^\s/@]+)@/i.exec(text) ?? [];
  return password !== undefined && !/^(?:\$|<|\{\{)/.test(password);
}
