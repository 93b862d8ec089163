/**
 * Bar charts as SVG, for a page on light or dark ground: they bring their own ground, which follows the reader's theme.
 *
 * @module
 */

/** One row: a contender. */
export interface ChartRow {
  /** Its name. */
  label: string;
  /** Whether it is the one that the chart is about. */
  isOwn: boolean;
}

/** One column of bars, with a scale of its own. */
export interface ChartPanel {
  /** What is shown. */
  title: string;
  /** What the title leaves open, in small print; may be empty. */
  subtitle: string;
  /** One figure per row; null where there is none. */
  values: readonly (number | null)[];
  /** A figure as text. */
  format: (value: number) => string;
}

/** A chart. */
export interface Chart {
  /** The headline. */
  title: string;
  /** Where and how it was measured. */
  footnote: string;
  /** The rows. */
  rows: readonly ChartRow[];
  /** The columns. */
  panels: readonly ChartPanel[];
}

const labelWidth = 150;
const panelWidth = 210;
const panelGap = 26;
const rowHeight = 24;
const barHeight = 14;
const topHeight = 92;
const valueWidth = 70;
const margin = 16;

const style = `
  text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2933; }
  .title { font-size: 17px; font-weight: 600; }
  .panel { font-weight: 600; }
  .small, .small text { font-size: 11.5px; fill: #5d6b79; }
  .own { font-weight: 600; }
  .bar { fill: #9aa7b5; }
  .bar-own { fill: #0b8f6f; }
  .axis { stroke: #9aa7b5; stroke-width: 1; opacity: 0.6; }
  .ground { fill: #ffffff; stroke: #d5dbe1; }
  .break { stroke: #ffffff; stroke-width: 3; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e4e9ee; }
    .small, .small text { fill: #9aa7b5; }
    .bar { fill: #66717e; }
    .bar-own { fill: #2fc49b; }
    .ground { fill: #151a20; stroke: #2d343c; }
    .break { stroke: #151a20; }
  }`;

/**
 * Draws a chart.
 *
 * @param chart What to draw.
 * @returns The SVG file's text.
 */
export function drawChart(chart: Chart): string {
  const width = margin * 2 + labelWidth + chart.panels.length * (panelWidth + panelGap) - panelGap;
  const bottom = topHeight + chart.rows.length * rowHeight;
  const height = bottom + 40;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>${escapeText(chart.title)}</title>`,
    `<style>${style}\n</style>`,
    `<rect class="ground" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>`,
    `<text class="title" x="${margin}" y="28">${escapeText(chart.title)}</text>`,
  ];
  for (const [row, { label, isOwn }] of chart.rows.entries()) {
    const y = topHeight + row * rowHeight + barHeight - 2;
    const kind = isOwn ? ' class="own"' : "";
    parts.push(`<text${kind} x="${margin + labelWidth - 10}" y="${y}" text-anchor="end">${escapeText(label)}</text>`);
  }
  for (const [column, panel] of chart.panels.entries()) {
    const x = margin + labelWidth + column * (panelWidth + panelGap);
    parts.push(...drawPanel(panel, chart.rows, x, bottom));
  }
  parts.push(`<text class="small" x="${margin}" y="${height - 12}">${escapeText(chart.footnote)}</text>`, "</svg>", "");
  return parts.join("\n");
}

function drawPanel(panel: ChartPanel, rows: readonly ChartRow[], x: number, bottom: number): string[] {
  const limit = limitOf(panel.values);
  const parts = [
    `<text class="panel" x="${x}" y="58">${escapeText(panel.title)}</text>`,
    `<text class="small" x="${x}" y="75">${escapeText(panel.subtitle)}</text>`,
    `<line class="axis" x1="${x}" y1="${topHeight - 6}" x2="${x}" y2="${bottom - 2}"/>`,
  ];
  for (const [row, value] of panel.values.entries()) {
    if (value === null) continue;
    const y = topHeight + row * rowHeight;
    const isOwn = rows[row]?.isOwn === true;
    const length = Math.max(1.5, Math.min(value / limit, 1) * (panelWidth - valueWidth));
    const kind = isOwn ? "bar-own" : "bar";
    parts.push(`<rect class="${kind}" x="${x}" y="${y}" width="${length.toFixed(1)}" height="${barHeight}" rx="2"/>`);
    if (value > limit) {
      const at = x + length - 14;
      parts.push(`<line class="break" x1="${at}" y1="${y + barHeight + 2}" x2="${at + 6}" y2="${y - 2}"/>`);
    }
    const text = escapeText(panel.format(value));
    const weight = isOwn ? "own" : "value";
    parts.push(`<text class="${weight}" x="${(x + length + 6).toFixed(1)}" y="${y + barHeight - 2}">${text}</text>`);
  }
  return parts;
}

/** Where the scale ends: bars that are far longer than the others are cut, and drawn broken. */
function limitOf(values: readonly (number | null)[]): number {
  const sorted = values.filter((value) => value !== null && value > 0).sort((left, right) =>
    Number(left) - Number(right)
  );
  const longest = sorted[sorted.length - 1] ?? 1;
  const usual = (sorted[Math.floor(sorted.length / 2)] ?? 1) * 3;
  return longest > usual * 1.1 ? usual : longest;
}

function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
