// Which parameters of a function a web framework fills from the request, by what stands on them or over the function.
import type { Reading, Span } from './reading.ts';
import { textOf } from './value.ts';

/** What Spring, JAX-RS, Nest and ASP.NET write on such a parameter. */
const marked =
  /@(?:Request(?:Param|Body|Header|Part)|Path(?:Variable|Param)|(?:Query|Form|Header|Cookie|Matrix|Bean)Param|CookieValue|ModelAttribute|Query|Param|Body|Headers?|Cookies)\b|\[\s{0,4}From(?:Query|Body|Route|Form|Header)\b/;
/** A Java or C# method with one of these answers requests; each of its parameters comes from there. */
const action =
  /\[\s{0,4}Http(?:Get|Post|Put|Delete|Patch)\b|\b(?:IActionResult|IHttpActionResult|ActionResult|ContentResult|ViewResult|FileResult|JsonResult)\b/;
const minimalRoute = /(?:^|\.)Map(?:Get|Post|Put|Delete|Patch|Methods)$/;
const decorated = /^@\w{1,40}(?:\.\w{1,40}){0,3}\.(?:get|post|put|delete|patch|route|api_route|websocket)\(/;
/** Types and pipes that let no text through. */
const fixedType =
  /(?:^|[\s:<[,(])(?:int|long|short|byte|float|double|decimal|bool|boolean|number|Integer|Long|Short|Float|Double|Boolean|BigDecimal|UUID|Guid|DateTime|DateOnly|LocalDate|LocalDateTime|Instant|date|datetime|Parse(?:Int|Float|Bool|UUID|Enum|Date)Pipe)(?=$|[\s?>|=,)\]]|\[\])/;
/** What a framework hands over beside the request's data. */
const handedOver =
  /\b(?:Depends|Security|BackgroundTasks|Session|AsyncSession|HttpRequest|HttpResponse|HttpServletRe\w+|CancellationToken|ILogger|DbContext|Principal|Model|\w{1,40}Service|\w{1,40}Repository|\w{1,40}Context)\b|\[\s{0,4}FromServices\b/;
const languages = new Set(['python', 'script', 'java', 'csharp']);

export function isFromRequest(reading: Reading, open: number, parameter: Span, name: string): boolean {
  const { family } = reading;
  if (!languages.has(family.name)) return false;
  if (family.name === 'python' || family.name === 'csharp') {
    const over = family.name === 'python' ? decoratorsOver(reading, open) : '';
    if (over === '' && !isAction(reading, open) && !isMarked(reading, parameter)) return false;
    if (over !== '' && new RegExp(`<\\s*(?:int|float|uuid)\\s*:\\s*${name}\\s*>`).test(over)) return false;
    const written = textOf(reading, parameter);
    return !fixedType.test(written) && !handedOver.test(written);
  }
  return isMarked(reading, parameter) && !fixedType.test(textOf(reading, parameter));
}

function isMarked(reading: Reading, [from, to]: Span): boolean {
  const { tokens, family } = reading;
  if (family.name === 'python') return false;
  const sign = family.name === 'csharp' ? '[' : '@';
  let at = from;
  while (at < to && tokens[at]!.text !== sign) at++;
  return at < to && marked.test(textOf(reading, [at, to]).slice(0, 400));
}

/** C#: attributes and return type stand before the name; a route of a minimal API is given a lambda. */
function isAction({ tokens, text, family }: Reading, open: number): boolean {
  if (family.name !== 'csharp') return false;
  if (tokens[open - 1]?.text === ',' && tokens[open - 2]?.kind === 'string' && tokens[open - 3]?.text === '(')
    return minimalRoute.test(tokens[open - 4]?.text ?? '');
  if (tokens[open - 1]?.text === 'async' && tokens[open - 2]?.text === ',')
    return minimalRoute.test(tokens[open - 5]?.text ?? '');
  let from = open;
  while (from > 0 && open - from < 60 && !/^[;{}]$/.test(tokens[from - 1]!.text)) from--;
  return action.test(text.slice(tokens[from]!.start, tokens[open]!.start).slice(-1000));
}

/** Python: the lines of decorators right over a `def`, or nothing where none of them names a route. */
function decoratorsOver({ text, tokens }: Reading, open: number): string {
  let end = text.lastIndexOf('\n', tokens[open]!.start);
  let over = '';
  for (let lines = 0; end > 0 && lines < 6; lines++) {
    const start = text.lastIndexOf('\n', end - 1) + 1;
    const line = text.slice(start, end).trim();
    if (!line.startsWith('@')) break;
    over += `${line}\n`;
    end = start - 1;
  }
  return over.split('\n').some((line) => decorated.test(line)) ? over : '';
}
