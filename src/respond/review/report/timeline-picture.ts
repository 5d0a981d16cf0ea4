// Draws the course of an incident: a line of time, moments above it with their names, the lines of the timeline as dots.
import { escapeHtml } from '../../../platform/reporting/visible.ts';
import type { Block } from './blocks.ts';

const width = 860;
const left = 20;
const right = 20;
const rowHeight = 18;
const top = 14;

export function timelinePicture({ title, description, marks }: Extract<Block, { kind: 'picture' }>): string {
  const moments = marks.filter(({ weight }) => weight === 'moment');
  const axisY = top + moments.length * rowHeight + 12;
  const height = axisY + 34;
  const times = marks.map(({ at }) => at);
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const x = (at: number) => round(left + (last === first ? 0 : (at - first) / (last - first)) * (width - left - right));
  const label = (at: number) => new Date(at).toISOString().slice(11, 19);
  return [
    `<svg viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="course-title course-desc">`,
    `<title id="course-title">${escapeHtml(title)}</title>`,
    `<desc id="course-desc">${escapeHtml(description)}</desc>`,
    `<line class="axis" x1="${left}" y1="${axisY}" x2="${width - right}" y2="${axisY}"/>`,
    ...moments.map(({ at, name }, row) => {
      const y = top + row * rowHeight;
      // Each has a row of its own, so that names that are close in time do not lie on each other.
      const isFar = x(at) > width / 2;
      const text = `${label(at)} ${name}`;
      return (
        `<line class="stem" x1="${x(at)}" y1="${y + 4}" x2="${x(at)}" y2="${axisY}"/>` +
        `<circle class="moment" cx="${x(at)}" cy="${axisY}" r="4.5"/>` +
        `<text x="${isFar ? x(at) - 6 : x(at) + 6}" y="${y + 8}" text-anchor="${isFar ? 'end' : 'start'}">${escapeHtml(text)}</text>`
      );
    }),
    ...marks
      .filter(({ weight }) => weight === 'line')
      .map(
        ({ at, name }) =>
          `<circle class="line" cx="${x(at)}" cy="${axisY}" r="2.5"><title>${escapeHtml(`${label(at)} ${name}`)}</title></circle>`,
      ),
    `<text x="${left}" y="${axisY + 20}">${label(first)}</text>`,
    `<text x="${width - right}" y="${axisY + 20}" text-anchor="end">${label(last)}</text>`,
    '</svg>',
  ].join('\n');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
