// Draws a timeline as an SVG: one lane per kind of answer, so that place and shape say what colour says.
import { escapeHtml } from './escape.ts';
import { type Lane, lanes, type Point, type Timeline } from './timeline.ts';

const width = 860;
const left = 190;
const right = 20;
const top = 44;
const laneHeight = 24;
const bottom = 44;

export function timelineSvg(timeline: Timeline): string {
  const height = top + lanes.length * laneHeight + bottom;
  const floor = height - bottom;
  const x = (seconds: number) => fixed(left + (seconds / timeline.lasts) * (width - left - right));
  const titleId = `${timeline.id}-title`;
  const descriptionId = `${timeline.id}-desc`;
  return [
    `<svg viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${escapeHtml(titleId)} ${escapeHtml(descriptionId)}">`,
    `<title id="${escapeHtml(titleId)}">${escapeHtml(timeline.title)}</title>`,
    `<desc id="${escapeHtml(descriptionId)}">${escapeHtml(timeline.description)}</desc>`,
    ...faultBand(timeline, x, floor),
    ...lanes.map((lane, row) => laneLine(lane, row, timeline)),
    ...axis(timeline, x, floor, height),
    ...timeline.marks.map((mark) => markLine(mark, x, floor)),
    ...timeline.points.map((point) => pointShape(point, x)),
    '</svg>',
  ].join('\n');
}

type Scale = (seconds: number) => number;

function faultBand({ fault, faultName }: Timeline, x: Scale, floor: number): string[] {
  if (fault === null) return [];
  const from = x(fault.from);
  const to = Math.max(x(fault.to), from + 2);
  return [
    `<rect class="fault" x="${from}" y="${top}" width="${fixed(to - from)}" height="${floor - top}"/>`,
    `<text class="fault-name" x="${fixed((from + to) / 2)}" y="${top - 6}" text-anchor="middle">${escapeHtml(faultName)}</text>`,
  ];
}

function laneLine(lane: Lane, row: number, { laneNames }: Timeline): string {
  const y = laneMiddle(row);
  return [
    `<line class="lane" x1="${left}" y1="${y}" x2="${width - right}" y2="${y}"/>`,
    shape(lane, 14, y, ''),
    `<text x="28" y="${y + 4}">${escapeHtml(laneNames[lane])}</text>`,
  ].join('');
}

function axis({ lasts, axis: label }: Timeline, x: Scale, floor: number, height: number): string[] {
  const step = tickStep(lasts);
  const ticks = Array.from({ length: Math.floor(lasts / step) + 1 }, (_, index) => fixed(index * step));
  return [
    `<line class="axis" x1="${left}" y1="${floor}" x2="${width - right}" y2="${floor}"/>`,
    ...ticks.map(
      (tick) =>
        `<line class="axis" x1="${x(tick)}" y1="${floor}" x2="${x(tick)}" y2="${floor + 5}"/><text x="${x(tick)}" y="${floor + 18}" text-anchor="middle">${tick}</text>`,
    ),
    `<text x="${width - right}" y="${height - 8}" text-anchor="end">${escapeHtml(label)}</text>`,
  ];
}

function markLine(mark: Timeline['marks'][number], x: Scale, floor: number): string {
  const at = x(mark.at);
  // Near the right edge the name stands to the left of its line, and detection's always does: the two may be close together.
  const anchor = mark.kind === 'detected' || at > width - 120 ? 'end' : 'start';
  return `<line class="${mark.kind}" x1="${at}" y1="${top - 38}" x2="${at}" y2="${floor}"/><text class="mark" x="${anchor === 'end' ? at - 5 : at + 5}" y="${top - 28}" text-anchor="${anchor}">${escapeHtml(mark.name)}</text>`;
}

function pointShape({ lane, from, to, label }: Point, x: Scale): string {
  const y = laneMiddle(lanes.indexOf(lane));
  const wait = to > from ? `<line class="wait ${lane}" x1="${x(from)}" y1="${y}" x2="${x(to)}" y2="${y}"/>` : '';
  return wait + shape(lane, x(to), y, `<title>${escapeHtml(label)}</title>`);
}

function shape(lane: Lane, x: number, y: number, inside: string): string {
  switch (lane) {
    case 'served':
      return `<circle class="${lane}" cx="${x}" cy="${y}" r="5">${inside}</circle>`;
    case 'limited':
      return polygon(
        lane,
        [
          [x, y - 6],
          [x + 6, y],
          [x, y + 6],
          [x - 6, y],
        ],
        inside,
      );
    case 'posed':
      return polygon(
        lane,
        [
          [x - 6, y - 5],
          [x + 6, y - 5],
          [x, y + 6],
        ],
        inside,
      );
    case 'error':
      return polygon(
        lane,
        [
          [x - 5, y - 5],
          [x + 5, y - 5],
          [x + 5, y + 5],
          [x - 5, y + 5],
        ],
        inside,
      );
    case 'silence':
      return `<path class="${lane}" d="M${fixed(x - 5)} ${y - 5}L${fixed(x + 5)} ${y + 5}M${fixed(x - 5)} ${y + 5}L${fixed(x + 5)} ${y - 5}">${inside}</path>`;
    case 'alert':
      return polygon(
        lane,
        [
          [x, y - 6],
          [x + 6, y + 5],
          [x - 6, y + 5],
        ],
        inside,
      );
  }
}

function polygon(lane: Lane, corners: readonly (readonly [number, number])[], inside: string): string {
  return `<polygon class="${lane}" points="${corners.map(([cx, cy]) => `${fixed(cx)},${fixed(cy)}`).join(' ')}">${inside}</polygon>`;
}

function laneMiddle(row: number): number {
  return top + row * laneHeight + laneHeight / 2;
}

/** Round steps, at most about ten of them. */
function tickStep(lasts: number): number {
  const rough = lasts / 10;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((factor) => factor * magnitude).find((step) => step >= rough) ?? rough;
}

function fixed(value: number): number {
  return Math.round(value * 100) / 100;
}
