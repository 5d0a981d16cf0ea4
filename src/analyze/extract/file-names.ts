// Which file a piece of code belongs to, as people and assistants say it: in the label, in its first line, just before.

const name = String.raw`(?:[\w@.-]+/)*[\w@-][\w@.-]*\.[A-Za-z]\w{0,9}|(?:[\w.-]+/)*(?:Dockerfile|Containerfile|Makefile|Gemfile|Jenkinsfile|Procfile)(?:\.[\w-]+)?|(?:[\w.-]+/)*\.env(?:\.\w+)?`;
const inLabel = new RegExp(
  String.raw`(?:title|filename|file|name)=["']?(${name})|^\w+[:\s]+(${name})(?:\s|$)|^(${name})$`,
);
const inFirstLine = new RegExp(
  String.raw`^(?:#|//|--|;|/\*+|<!--|%|REM)\s*(?:file(?:name)?|fichier|path)?\s*:?\s*(${name})\s*(?:\*/|-->)?\s*(?:[(—–-].*)?$`,
  'i',
);
const justBefore = new RegExp(
  String.raw`(?:\*\*|\x60|^#{1,6}\s+(?:\d+[.)]\s*)?[\x60*]*|["«]\s?)(${name})(?:\*\*|\x60|["»:]|\s*$)[^\n]{0,60}$`,
);

export function fileNameOf(label: string, code: string, before: string): string | null {
  const labelled = inLabel.exec(label);
  const first = code.slice(0, 200).split('\n', 1)[0]?.trim() ?? '';
  const said = before.trimEnd().split('\n').at(-1)?.slice(-200) ?? '';
  const found =
    labelled?.[1] ?? labelled?.[2] ?? labelled?.[3] ?? inFirstLine.exec(first)?.[1] ?? justBefore.exec(said)?.[1];
  return found === undefined || /^\d+(?:\.\d+)*$/.test(found) ? null : found;
}

/** `app.test.py` → `py`, `Dockerfile.prod` → `dockerfile`; null for a name without an ending. */
export function endingOf(file: string): string | null {
  const base = file.split(/[/\\]/).at(-1)?.toLowerCase() ?? '';
  if (/^(?:dockerfile|containerfile)\b|\.dockerfile$/.test(base)) return 'dockerfile';
  return /\.([a-z0-9+#]+)$/.exec(base)?.[1] ?? null;
}
